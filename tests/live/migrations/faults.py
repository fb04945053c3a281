"""What a migration does when something else fails: servers that are away at each step, disks, tokens, images, pods, a slow cluster.

    python -m tests.live.migrations.faults [--only NAME,…] [--seconds 30] [--whole | --parallel 3] [--out FILE]

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
import traceback
from concurrent.futures import ThreadPoolExecutor
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


def _try(name: str, image: str, seconds: float, whole: bool) -> Found:
    """One of them, with a stack of its own; what breaks it is a problem like any other."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            found = MISHAPS[name](Case(name, image, Path(folder), seconds, whole))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others go on, and it is in the report
            traceback.print_exc()
            found = Found(name, problems=[f"it broke off: {type(error).__name__}: {error}"])
    found.seconds = time.monotonic() - begun
    lines = [f"{name}: {found.faults} faults, {found.failed} runs ended by them, {found.ended}, {found.seconds:.0f} s"]
    lines += [f"    said: {words}" for words in found.said]
    lines += [f"  PROBLEM {problem}" for problem in found.problems]
    print("\n".join(lines), flush=True)
    return found


def main() -> int:
    """Run it; 1 when something is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="")
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--whole", action="store_true")
    options.add_argument("--parallel", type=int, default=1)
    options.add_argument("--out", type=Path, default=Path("docs/reports/migration-faults.md"))
    given = options.parse_args()
    end_in_order()
    names = given.only.split(",") if given.only else list(MISHAPS)
    if given.whole and given.parallel > 1:
        options.error("--whole stops servers that the others need: leave --parallel out")
    with served_image() as image, ThreadPoolExecutor(given.parallel) as pool:
        results = list(pool.map(lambda name: _try(name, image, given.seconds, given.whole), names))
    only = f" --only {given.only}" if given.only else ""
    command = (
        f"python -m tests.live.migrations.faults{only} --seconds {given.seconds:g}{' --whole' if given.whole else ''}"
    )
    given.out.write_text(page(results, command))
    return 1 if any(found.problems for found in results) else 0


if __name__ == "__main__":
    sys.exit(main())
