"""What a migration does when something else fails: servers that are away at each step, disks, tokens, images, pods, a slow cluster.

    python -m tests.live.migrations.faults [--only NAME,…] [--seconds 30] [--whole] [--out docs/reports/migration-faults.md]

After each fault the operator types what labtui told them to, and the stack has to be fully on Kubernetes, or fully on Docker after
an undo, as docker, kubectl, git and Vault say. No request of a light load may fail, but for faults that are about just that, which
keep to the budget. With --whole the servers are stopped and frozen themselves, which everybody notices; else labtui alone is cut off.
Ends with 1 when something is not so.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.live.migrations.image import served_image
from tests.live.migrations.mishaps import MISHAPS, Case, Found
from tests.live.migrations.pages import end_in_order, head, table


def page(results: list[Found], command: str) -> str:
    """The report."""
    lines = head("Faults during a migration", command)
    rows = [
        (
            found.name,
            str(found.faults),
            str(found.failed),
            found.ended,
            f"{found.requests[0]}, {found.requests[1]}",
            f"{found.seconds:.0f}",
            "; ".join(found.problems) or "none",
        )
        for found in results
    ]
    lines += table(
        ("fault", "times", "runs that ended by it", "in the end", "requests: sent, failed", "seconds", "problems"), rows
    )
    lines += ["", "## What labtui said", ""]
    for found in results:
        lines += [f"### {found.name}", "", *(f"- {words}" for words in found.said or ["nothing: it waited"]), ""]
    return "\n".join(lines)


def main() -> int:
    """Run it; 1 when something is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="")
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--whole", action="store_true")
    options.add_argument("--out", type=Path, default=Path("docs/reports/migration-faults.md"))
    given = options.parse_args()
    end_in_order()
    names = given.only.split(",") if given.only else list(MISHAPS)
    results = []
    with served_image() as image:
        for name in names:
            begun = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                found = MISHAPS[name](Case(name, image, Path(folder), given.seconds, given.whole))
            found.seconds = time.monotonic() - begun
            results.append(found)
            print(
                f"{name}: {found.faults} faults, {found.failed} runs ended by them, {found.ended}, {found.seconds:.0f} s",
                flush=True,
            )
            for words in found.said:
                print(f"    said: {words}", flush=True)
            for problem in found.problems:
                print(f"  PROBLEM {problem}", flush=True)
    only = f" --only {given.only}" if given.only else ""
    command = (
        f"python -m tests.live.migrations.faults{only} --seconds {given.seconds:g}{' --whole' if given.whole else ''}"
    )
    given.out.write_text(page(results, command))
    return 1 if any(found.problems for found in results) else 0


if __name__ == "__main__":
    sys.exit(main())
