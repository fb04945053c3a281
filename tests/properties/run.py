"""The long run: `python -m tests.properties.run --stacks 2000 --seed N`. Prints what it found, and with --report writes it down.

Needs docker compose and helm in PATH and, unless --no-server is given, kubectl and a cluster (KUBECONFIG) that has the CRDs of
External Secrets. It makes a namespace of its own there, and nothing in it: the server is only asked.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from labtui.adapters.compose.program import find_program
from tests.properties.keys import DOCUMENTED, YOUNG
from tests.properties.pipeline import Pipeline, accepted
from tests.properties.stacks import make
from tests.unit.adapters.compose.support import real_environ

BATCH = 25


@dataclass
class Total:
    """What a run came to."""

    stacks: int = 0
    services: int = 0
    secrets: int = 0
    movable: int = 0
    objects: Counter[str] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def add(self, other: Total) -> None:
        """Take in the stacks of another part."""
        for name in ("stacks", "services", "secrets", "movable"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.objects.update(other.objects)
        self.keys.update(other.keys)
        self.verdicts.update(other.verdicts)
        self.problems += other.problems


def part(first: int, count: int, namespace: str, ask: bool) -> Total:
    """Some stacks, all the way."""
    total, objects = Total(), []
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder), namespace)
        for seed in range(first, first + count):
            made = make(seed)
            seen = pipeline.run(made)
            total.stacks += 1
            total.services += len(made.services) + len(made.included)
            total.secrets += len(made.secrets)
            total.movable += seen.movable
            total.keys.update(made.keys())
            total.verdicts.update(seen.verdicts)
            total.objects.update(str(found["kind"]) for found in seen.objects)
            total.problems += [f"seed {seed}: {problem}" for problem in seen.problems]
            objects += seen.objects
    if ask and objects and (words := accepted(objects, namespace)):
        total.problems.append(f"seeds {first} to {first + count - 1}: {words}")
    return total


@contextmanager
def namespace(ask: bool) -> Iterator[str]:
    """One of this run, or none where no server is asked."""
    name = f"lt-{uuid.uuid4().hex[:8]}"
    if not ask:
        yield name
        return
    subprocess.run(["kubectl", "create", "namespace", name], check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run(["kubectl", "delete", "namespace", name, "--wait=false"], check=True, capture_output=True)


def report(total: Total, seed: int, ask: bool, seconds: float) -> str:
    """The page for docs/reports."""
    known = sorted(DOCUMENTED - YOUNG)
    never = [key for key in known if not total.keys[key]]
    server = f"{sum(total.objects.values())} objects, all asked of a real API server" if ask else "no server was asked"
    versions = (
        f"{_said([*find_program(real_environ()), 'version', '--short'])}, helm {_said(['helm', 'version', '--short'])}"
    )
    lines = [
        "# Generated stacks, planned and asked of a real API server", "",
        f"`python -m tests.properties.run --stacks {total.stacks} --seed {seed}{'' if ask else ' --no-server'}` "
        f"(docker compose {versions}; seeds {seed} to {seed + total.stacks - 1}; {seconds:.0f} s)", "",
        "Each stack is files of every documented key, long and short, with anchors, merges, `extends`, `include`, overrides, profiles "
        "and env files. It is merged by docker compose, converted, then converted again without what is refused and with its "
        "questions answered at random, and rendered with `workload` off and on, before and after the cut-over.", "",
        "| what | count |", "|---|---|",
        f"| stacks, services | {total.stacks}, {total.services} |",
        f"| verdicts: converted, choice, refused | {', '.join(str(total.verdicts[v]) for v in ('converted', 'choice', 'refused'))} |",
        f"| stacks that can move once what is refused is taken out | {total.movable} |",
        f"| secrets planted, each looked for in findings, JSON, text, values, objects, logs and reprs | {total.secrets} |",
        f"| rendered | {server} |",
        f"| of them | {', '.join(f'{kind} {count}' for kind, count in total.objects.most_common())} |",
        f"| documented keys used | {len(known) - len(never)} of {len(known)} |",
        f"| rejections, crashes, secrets shown, keys without exactly one verdict | {len(total.problems)} |", "",
        f"Not used: {', '.join(never) or 'none'}. Younger than this docker compose, tested as findings alone: "
        f"{', '.join(sorted(YOUNG))}.", "",
        *(f"- {problem}" for problem in total.problems[:50]),
        "## How often each key was used", "", "| key | times |", "|---|---|",
        *(f"| `{key}` | {total.keys[key]} |" for key in [*known, "x-"]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().partition("+")[0]


def main() -> int:
    """Exit status 1 when a law is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None, help="the first one; any, and printed, without it")
    parser.add_argument("--no-server", action="store_true")
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    ask, began, total = not given.no_server, time.monotonic(), Total()
    print(f"{given.stacks} stacks from seed {seed}", flush=True)
    with namespace(ask) as name, ProcessPoolExecutor(2) as pool:
        firsts = range(seed, seed + given.stacks, BATCH)
        counts = [min(BATCH, seed + given.stacks - first) for first in firsts]
        for done in pool.map(part, firsts, counts, [name] * len(counts), [ask] * len(counts)):
            total.add(done)
            print(f"{total.stacks} stacks, {len(total.problems)} problems", flush=True)
            for problem in done.problems:
                print(problem[:1500], flush=True)
    page = report(total, seed, ask, time.monotonic() - began)
    if given.report:
        given.report.parent.mkdir(parents=True, exist_ok=True)
        given.report.write_text(page, encoding="utf-8")
    print(page.partition("## How often")[0])
    return 1 if total.problems else 0


if __name__ == "__main__":
    sys.exit(main())
