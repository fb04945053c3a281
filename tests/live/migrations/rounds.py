"""Migrate and undo, again and again, under full load: on each site, and once with a route that is adopted.

    python -m tests.live.migrations.rounds [--rounds 3] [--places wroclaw,kyiv,adopted] [--out docs/reports/migration-rounds.md]

Nothing may fail or break, and the longest gap between two answers is held to 100 ms. The load itself has a gap when nothing is
migrated: that of the same run is told beside it. Ends with 1 when something is not so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.live.migrations.crowd import GAP_MS, REQUESTS, Crowd
from tests.live.migrations.image import served_image
from tests.live.migrations.pages import end_in_order, head, table
from tests.live.migrations.stack import DRAIN, MigratedStack
from tests.live.migrations.standing import DOCKER, KUBERNETES, World

BASELINE = 10.0  # seconds of load without a migration
PLACES = {"wroclaw": ("wroclaw", "own"), "kyiv": ("kyiv", "own"), "adopted": ("wroclaw", "old")}


@dataclass
class Rounds:
    """What came out on one place. `seconds` by phase; `problems` in words, empty when all is well."""

    place: str
    load: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    journal: list[tuple[float, str]] = field(default_factory=list)  # moments, and what was written then
    crowd: Crowd | None = None

    def during(self, phase: str) -> str:
        """What was being done at the longest gap of a phase, by the journal."""
        kinds = self.load["phases"].get(phase, {})
        gaps = [gap for kind in REQUESTS if kind in kinds for gap in kinds[kind]["gaps"]]
        if not gaps:
            return ""
        moment = self.load["epoch"] + max(gaps, key=lambda gap: gap[1])[0]
        before = [words for at, words in self.journal if at <= moment]
        return before[-1] if before else "the beginning"


def run(place: str, image: str, folder: Path, rounds: int, say: Callable[[str], None], limit: float = GAP_MS) -> Rounds:
    """All rounds on one place. `limit`: of the longest gap, in milliseconds."""
    site, route = PLACES[place]
    found = Rounds(place)
    with MigratedStack(folder, image, site=site, route=route) as stack:
        stack.deploy()
        world = World(stack)
        world.demand(DOCKER)
        with Crowd(stack.host, folder) as crowd:
            found.crowd = crowd
            crowd.phase("baseline")
            time.sleep(BASELINE)
            for number in range(1, rounds + 1):
                for verb, standing in (("migrate", KUBERNETES), ("undo", DOCKER)):
                    if not _one(found, stack, world, f"{verb} {number}", standing, say):
                        break
                else:
                    continue
                break
            crowd.phase("the end")
        found.problems += _judged(found, crowd, limit)
    return found


def _one(
    found: Rounds, stack: MigratedStack, world: World, phase: str, standing: str, say: Callable[[str], None]
) -> bool:
    """One way, there or back. Answers whether the next can be tried."""
    assert found.crowd is not None
    found.crowd.phase(phase)
    begun = time.monotonic()
    words = ("migrate", stack.place) if standing == KUBERNETES else ("migration", "undo", stack.migration())
    status, document, said = stack.labtui(*words, "--yes")
    found.seconds[phase] = time.monotonic() - begun
    if status:
        found.problems.append(f"{phase} ended with {status}: {document.get('message', said[-1500:])}")
    try:
        world.demand(standing)
    except AssertionError as error:
        found.problems.append(f"{phase}: {error}")
    found.journal += [
        (datetime.fromisoformat(e["at"]).timestamp(), f"{e['mark']} {e['step']}/{e['action']}")
        for e in _journal(stack)
        if e.get("step") and e["number"] > 1
    ]
    found.journal.sort()
    if holder := world.holder():
        found.problems.append(f"{phase}: {holder} still holds the lease")
    if standing == KUBERNETES and (early := _too_early(stack)):
        found.problems.append(f"{phase}: {early}")
    say(f"{found.place}: {phase}: {found.seconds[phase]:.1f} s, ended with {status}, {world.standing()}")
    return not found.problems


def _journal(stack: MigratedStack) -> list[dict[str, Any]]:
    file = stack.state / "migrations" / f"{stack.migration()}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _too_early(stack: MigratedStack) -> str:
    """Were the containers stopped before their connections had ended, and before the limit?"""
    entries = _journal(stack)
    if not any(e.get("action") == "drain" and e["mark"] == "done" for e in entries):
        return "it did not wait for the connections to end"
    times = {
        (e.get("step"), e.get("action"), e["mark"]): datetime.fromisoformat(e["at"]) for e in entries if e.get("step")
    }
    drained = times["retire", "drain", "done"] - times["retire", "drain", "begun"]
    data = next(e["data"] for e in entries if (e.get("action"), e["mark"]) == ("drain", "done"))
    if data["left"] and drained.total_seconds() < DRAIN:
        return f"{data['left']} connections were left after {drained.total_seconds():.1f} s, and the limit is {DRAIN} s"
    return ""


def _judged(found: Rounds, crowd: Crowd, limit: float) -> list[str]:
    found.load = crowd.stop()
    wrong = []
    for phase in found.load["phases"]:
        wrong += crowd.lost(phase)
        if phase in found.seconds and (gap := crowd.gap(phase)) > limit:
            less = crowd.gap(phase, "longest_gap_less_own_stalls_ms")
            wrong.append(
                f"{phase}: the longest gap was {gap:.0f} ms ({less:.0f} ms without the generator's own stalls)"
            )
    return wrong


def page(results: list[Rounds], rounds: int) -> str:
    """The report."""
    lines = head("Whole migrations under load", f"python -m tests.live.migrations.rounds --rounds {rounds}")
    lines += [
        "A stack of three components (web, api, cache) with two secrets, behind an Ingress. All along: 50 requests a second on "
        "connections of their own, 20 clients on kept connections (40 requests a second), 5 WebSockets (4 of them closed by the "
        "client after 6 to 14 s, one kept open for as long as it can be), 3 downloads of 4 to 12 s, started again when they end. "
        "`migrate` ends with the containers stopped and kept, `undo` with everything as it was; where the stack is was asked of "
        "docker, kubectl, git and Vault after each. The baseline is the same load for "
        f"{BASELINE:.0f} s before anything is done: what this machine shows by itself.", "",
    ]  # fmt: skip
    for found in results:
        crowd = found.crowd
        assert crowd is not None
        rows = []
        for phase in ("baseline", *found.seconds):
            counts = [crowd.count(phase, kind) for kind in ("fresh", "kept", "socket", "download")]
            rows.append(
                (
                    phase,
                    f"{found.seconds[phase]:.1f}" if phase in found.seconds else f"{BASELINE:.1f}",
                    *(f"{sent}, {failed}" for sent, failed in counts),
                    f"{crowd.gap(phase):.0f}",
                    f"{crowd.gap(phase, 'longest_gap_less_own_stalls_ms'):.0f}",
                    found.during(phase) if phase in found.seconds else "",
                )
            )
        total = [
            sum(crowd.count(p, kind)[n] for p in found.load["phases"] for kind in ("fresh", "kept")) for n in (0, 1)
        ]
        lines += [f"## {_TITLES[found.place]}", ""]
        lines += table(
            ("phase", "seconds", "fresh: sent, failed", "kept: sent, failed", "sockets: opened, broken",
             "downloads: begun, broken", "longest gap (ms)", "without the generator's stalls", "that was after"),
            rows,
        )  # fmt: skip
        lines += ["", f"{total[0] - total[1]} of {total[0]} requests were answered.", ""]
        lines += [f"- {problem}" for problem in found.problems] or ["Nothing failed, nothing was broken."]
        lines.append("")
    return "\n".join(lines)


_TITLES = {
    "wroclaw": "Docker in Wrocław",
    "kyiv": "Docker in Kyiv, behind ssh",
    "adopted": "A route of an older external-services application, adopted (self-heal and prune on)",
}


def main() -> int:
    """Run it; 1 when something was lost."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--places", default="wroclaw,kyiv,adopted")
    options.add_argument("--out", type=Path, default=Path("docs/reports/migration-rounds.md"))
    given = options.parse_args()
    end_in_order()
    results = []
    with served_image() as image:
        for place in given.places.split(","):
            rounds = given.rounds if place != "adopted" else 1
            with tempfile.TemporaryDirectory() as folder:
                results.append(run(place, image, Path(folder), rounds, lambda words: print(words, flush=True)))
                for problem in results[-1].problems:
                    print(f"  {place}: {problem}", flush=True)
    given.out.write_text(page(results, given.rounds))
    return 1 if any(found.problems for found in results) else 0


if __name__ == "__main__":
    sys.exit(main())
