"""Kill labtui at every boundary of a migration's journal, and at random moments; then go on, or go back.

    python -m tests.live.migrations.kills [--boundaries all|N] [--random 100] [--seed N] [--out docs/reports/migration-kills.md]

One migration is killed many times in a row: at an entry, gone on with, killed at the next. Who goes on is at random this machine
or another one that knows only what the cluster has. In the end the stack has to be fully on Kubernetes or fully on Docker, as
docker, kubectl, git and Vault say; no request of a light load may have failed; git's history may only have grown. Ends with 1
when something is not so.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labtui.domain.migration.journal import Entry, State, state_of
from tests.live.migrations.crowd import Crowd
from tests.live.migrations.image import served_image
from tests.live.migrations.pages import end_in_order, head, table
from tests.live.migrations.stack import MigratedStack
from tests.live.migrations.standing import DOCKER, KUBERNETES, World
from tests.support.whole_migration_program import name_of

PROGRAM = "tests.support.whole_migration_program"
WHEN = ("before", "between", "after")
BACK = 0.12  # of the kills on the way forward are followed by an undo instead
Say = Callable[[str], None]
Boundary = tuple[str, str]  # entry, when


@dataclass
class Kills:
    """What happened. `reached` are the boundaries at which it was killed, `missed` those that did not come any more."""

    seed: int
    wanted: list[Boundary] = field(default_factory=list)
    reached: Counter[Boundary] = field(default_factory=Counter)
    random: int = 0
    ended: Counter[str] = field(default_factory=Counter)  # how a killed migration was ended: words → times
    machines: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    requests: tuple[int, int] = (0, 0)
    gap: float = 0.0
    seconds: float = 0.0

    @property
    def missed(self) -> list[Boundary]:
        """Boundaries at which it was never killed."""
        return [boundary for boundary in self.wanted if not self.reached[boundary]]


class Killer:
    """One stack that is migrated and brought back, and killed on the way."""

    def __init__(self, stack: MigratedStack, found: Kills, say: Say) -> None:
        self.stack, self.found, self.say = stack, found, say
        self.world = World(stack)
        self.random = random.Random(found.seed)
        self.heads = [self._head()]

    # What the journal says, as the cluster has it

    def entries(self) -> tuple[Entry, ...]:
        """The journal of the latest migration."""
        return self.stack.journal()

    def under_way(self) -> bool:
        """Is there something to go on with, or to undo?"""
        return state_of(self.entries()) is State.RUNNING

    # Running

    def run(self, words: Sequence[str], at: Boundary | None = None, after: float = 0.0) -> int:
        """Run a labtui on some machine; kill it at a boundary, or after some seconds. Answers its exit status."""
        self.stack.machine = self.random.choice(("one", "two"))
        self.found.machines[self.stack.machine] += 1
        more = {"LABTUI_KILL_AT": f"{at[0]}:{at[1]}"} if at else {}
        process = self.stack.start(*words, "--yes", "--json", program=PROGRAM, **more)
        try:
            out, err = process.communicate(timeout=after or 240)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        self._remember()
        if process.returncode not in (0, -9):
            message = json.loads(out).get("message", "") if out.strip() else err[-600:]
            self.found.problems.append(f"{' '.join(words[:2])} ended with {process.returncode}: {message}")
        return int(process.returncode)

    def forward(self) -> tuple[str, ...]:
        """The command that goes on with a migration, or begins one: either works."""
        identity = self.stack.migration()
        if self.under_way() and self.random.random() < 0.5:
            return ("migration", "resume", identity)
        return ("migrate", self.stack.place)

    def back(self) -> tuple[str, ...]:
        """The command that brings it back, or goes on with that."""
        verb = "undo" if self.random.random() < 0.5 else "resume"
        goals = [e.data["goal"]["aim"] for e in self.entries() if "goal" in e.data]
        return ("migration", verb if goals and goals[-1] == "undo" else "undo", self.stack.migration())

    def end(self, words: Sequence[str], standing: str) -> bool:
        """Run it to its end; answers whether the stack is there then."""
        self.run(words)
        try:
            self.world.demand(standing)
        except AssertionError as error:
            self.found.problems.append(f"after {' '.join(words[:2])}: {error}")
            return False
        self.found.ended[f"{standing}, by {words[0] if words[0] == 'migrate' else words[1]}"] += 1
        return True

    # Every boundary

    def boundaries(self, names: Sequence[str], odd: int, way: Callable[[], tuple[str, ...]]) -> Iterator[Boundary]:
        """Those that a way has, in their order. An entry that is on disk when the process dies never comes again if it ends
        its action, so of `between` and `after` each pass takes one."""
        for number, name in enumerate(names):
            last = name.startswith(("done", "undone", "note reached"))
            skipped = WHEN[1 + (number + odd) % 2] if last else ""
            yield from ((name, when) for when in WHEN if when != skipped)

    def pass_over(self, names: Sequence[str], odd: int, standing: str, take: set[Boundary] | None = None) -> bool:
        """Go one way, killed at each of its boundaries. On the way forward some are followed by the whole way back."""
        way = self.forward if standing == KUBERNETES else self.back
        for at in self.boundaries(names, odd, way):
            if (take is not None and at not in take) or self.found.reached[at]:
                continue
            status = self.run(way(), at)
            if status == -9:
                self.found.reached[at] += 1
            elif status == 0:
                break  # it has ended: what would come was there already
            elif self.world.standing() != standing:  # it is told as a problem; one that is not in the way is passed by
                return False
            if standing == KUBERNETES and self.under_way() and self.random.random() < BACK:
                self.say(f"back after {at[0]}:{at[1]}")
                if not self.end(self.back(), DOCKER):
                    return False
        if state_of(self.entries()) is (State.KUBERNETES if standing == KUBERNETES else State.DOCKER):
            self.world.demand(standing)
            self.found.ended[f"{standing}, at its last boundary"] += 1
            return True
        return self.end(way(), standing)

    # Random moments

    def at_random(self, count: int, longest: tuple[float, float]) -> None:
        """Kill it at random moments; it then goes on the same way or, for one in four, back. `longest`: seconds of each way."""
        aim = KUBERNETES
        for number in range(count):
            words = self.forward() if aim == KUBERNETES else self.back()
            status = self.run(words, after=self.random.uniform(0.2, longest[0 if aim == KUBERNETES else 1]))
            if status not in (0, -9):
                return
            self.found.random += status == -9
            if aim == KUBERNETES and self.under_way() and self.random.random() < 0.25:
                aim = DOCKER
            elif self.random.random() < 0.3 and not self.end(self.forward() if aim == KUBERNETES else self.back(), aim):
                return
            if not self.under_way():
                aim = KUBERNETES if self.world.standing() == DOCKER else DOCKER
            self.say(f"{number + 1} of {count} moments, now {aim}")

    # Laws

    def _head(self) -> str:
        command = ["git", "--git-dir", str(self.stack.bare), "rev-parse", "main"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    def _remember(self) -> None:
        """git's history only grows."""
        head = self._head()
        command = ["git", "--git-dir", str(self.stack.bare), "merge-base", "--is-ancestor", self.heads[-1], head]
        if subprocess.run(command, timeout=30, check=False).returncode:
            self.found.problems.append(f"git was rewritten: {self.heads[-1]} is not in {head}")
        self.heads.append(head)

    def audit(self) -> None:
        """At the end: no journal is damaged, on either machine."""
        for machine in ("one", "two"):
            self.stack.machine = machine
            status, document, said = self.stack.labtui("migration", "list")
            wrong = [r["problem"] for r in document.get("migrations", ()) if r["problem"]]
            if status or document["damaged"] or wrong:
                self.found.problems.append(f"migration list: {status} {document.get('damaged')} {wrong} {said[-300:]}")


def run(image: str, folder: Path, boundaries: str, moments: int, seed: int, say: Say, site: str = "wroclaw") -> Kills:
    """The whole: boundaries in two passes, then random moments."""
    found, begun = Kills(seed), time.monotonic()
    with MigratedStack(folder, image, site=site) as stack:
        stack.checks |= {"drain": 1, "soak": {"seconds": 1}}
        stack.deploy()
        killer = Killer(stack, found, say)
        killer.world.demand(DOCKER)
        with Crowd(stack.host, folder, light=True) as crowd:
            crowd.phase("all")
            _all(killer, boundaries, moments)
        killer.audit()
        found.problems += crowd.lost("all")
        found.requests, found.gap = crowd.count("all", "fresh"), crowd.gap("all")
    found.seconds = time.monotonic() - begun
    return found


def _all(killer: Killer, boundaries: str, moments: int) -> None:
    found, say = killer.found, killer.say
    took = []
    names = []
    for standing in (KUBERNETES, DOCKER):  # once without a kill: what boundaries there are, and how long it takes
        begun, before = time.monotonic(), len(killer.entries())
        if not killer.end(killer.forward() if standing == KUBERNETES else killer.back(), standing):
            return
        took.append(time.monotonic() - begun)
        there = killer.entries()[before if standing == DOCKER else 0 :]
        names.append(list(dict.fromkeys(name_of(e.mark, e.step, e.action, e.data) for e in there)))
    say(f"{len(names[0])} entries forward in {took[0]:.0f} s, {len(names[1])} back in {took[1]:.0f} s")
    there_are = list(dict.fromkeys((name, when) for way in names for name in way for when in WHEN))
    take = None
    if boundaries != "all":
        take = set(killer.random.sample(there_are, min(int(boundaries), len(there_are))))
    found.wanted = [b for b in there_are if take is None or b in take]
    for odd in (0, 1):
        for way, standing in zip(names, (KUBERNETES, DOCKER), strict=True):
            if not killer.pass_over(way, odd, standing, take):
                return
            say(f"pass {odd + 1}, {standing}: {sum(found.reached.values())} kills")
    killer.at_random(moments, (took[0], took[1]))
    if killer.under_way():
        killer.end(killer.back(), DOCKER)


def page(found: Kills, command: str) -> str:
    """The report."""
    lines = head("Killed at every boundary of the journal, and at random moments", command)
    reached = [b for b in found.wanted if found.reached[b]]
    entries = list(dict.fromkeys(name for name, _ in found.wanted))
    lines += [
        "`kill -9` before an entry is written, between its writing on disk and in the cluster, and after both. Then the migration "
        "is gone on with (`migrate` or `migration resume`), or brought back (`migration undo`), by the same machine or by another "
        "one that has only the copy in the cluster.", "",
    ]  # fmt: skip
    rows = [
        ("entries of a whole migration and its undo", str(len(entries))),
        ("boundaries, and killed at", f"{len(found.wanted)}, {len(reached)}"),
        ("kills at boundaries", str(sum(found.reached.values()))),
        ("kills at random moments", str(found.random)),
        ("runs by this machine and by another one", f"{found.machines['one']}, {found.machines['two']}"),
        *((f"ended {words}", str(times)) for words, times in sorted(found.ended.items())),
        ("ended neither on Docker nor on Kubernetes", str(sum("is not fully" in p for p in found.problems))),
        ("requests of users all along: sent, failed", f"{found.requests[0]}, {found.requests[1]}"),
        ("longest gap at 5 requests a second", f"{found.gap:.0f} ms"),
        ("problems", str(len(found.problems))),
    ]
    lines += table(("what", "count"), rows)
    lines += ["", f"Seed {found.seed}, {found.seconds:.0f} s.", ""]
    lines += [f"- {problem}" for problem in found.problems]
    lines += [f"- never killed at: {name}:{when}" for name, when in found.missed]
    lines += ["", "## The boundaries", ""]
    lines += table(("entry", *WHEN), [(name, *(str(found.reached[name, when]) for when in WHEN)) for name in entries])
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run it; 1 when something is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--boundaries", default="all")
    options.add_argument("--random", type=int, default=100)
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    options.add_argument("--site", default="wroclaw")
    options.add_argument("--out", type=Path, default=Path("docs/reports/migration-kills.md"))
    given = options.parse_args()
    end_in_order()
    begun = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - begun:6.0f} s  {words}", flush=True)

    say(f"seed {given.seed}")
    with served_image() as image, tempfile.TemporaryDirectory() as folder:
        found = run(image, Path(folder), given.boundaries, given.random, given.seed, say, given.site)
    command = f"python -m tests.live.migrations.kills --boundaries {given.boundaries} --random {given.random} --seed {given.seed}"
    given.out.write_text(page(found, command))
    for problem in found.problems:
        print(f"  {problem}", flush=True)
    return 1 if found.problems or found.missed else 0


if __name__ == "__main__":
    sys.exit(main())
