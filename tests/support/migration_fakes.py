"""A world that actions change, kept in one file, and the parts around an engine: enough to kill a run anywhere and go on.

The world counts how often each effect was applied and taken back, and notes every time two writers had the data at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.fencing import Fence
from labtui.core.migration.journal import Journal
from labtui.domain.errors import LabError, Refused, Unreachable
from labtui.domain.migration.journal import About, Entry, Mark
from labtui.domain.migration.steps import StepName
from labtui.ports.migration import LeaseHolder, MirrorCopy

PLACE = ("wroclaw", "emby")


class World:
    """The outside world, in a file that survives the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self._save({"effects": {}, "counts": {}, "docker": True, "pod": False, "violations": [], "order": []})

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def _save(self, state: Mapping[str, Any]) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        os.replace(fresh, self.path)

    def effect(self, name: str) -> str:
        """Which generation of an effect is there; empty when none is."""
        return str(self.state["effects"].get(name, ""))

    def apply(self, name: str, value: str, writer: str = "") -> None:
        """An effect takes hold: once only, until it is taken away again."""
        state = self.state
        if name in state["effects"]:
            state["violations"].append(f"{name} applied twice")
        state["effects"][name] = value
        state["counts"][name] = state["counts"].get(name, 0) + 1
        state["order"].append(f"+{name}")
        self._writers(state, writer, True)

    def remove(self, name: str, writer: str = "") -> None:
        """An effect is taken away, if it is there."""
        state = self.state
        if state["effects"].pop(name, None) is not None:
            state["order"].append(f"-{name}")
            self._writers(state, writer, False)

    def change(self, name: str, value: str) -> None:
        """Somebody else changes it."""
        state = self.state
        state["effects"][name] = value
        self._save(state)

    def _writers(self, state: dict[str, Any], writer: str, applied: bool) -> None:
        if writer == "stop docker":
            state["docker"] = not applied
        if writer == "start pod":
            state["pod"] = applied
        if state["docker"] and state["pod"]:
            state["violations"].append("two writers")
        self._save(state)


@dataclass
class Fake:
    """An action with one effect. `half` is called while it does and undoes: at the `start`, `before` the effect changes and
    `after`. With a `fence` the world is changed behind it."""

    world: World
    step: StepName
    name: str
    writer: str = ""
    lasting: str = ""
    half: Callable[[str], None] = lambda where: None
    fail: LabError | None = None
    fail_undo: LabError | None = None
    invisible: bool = False  # what it did does not show
    fence: Fence | None = None
    firm: str = ""  # why what somebody else has changed cannot be built upon
    dos: int = 0
    undos: int = 0

    @property
    def title(self) -> str:
        return f"make {self.name}"

    @property
    def effect(self) -> str:
        return f"{self.step}/{self.name}"

    def look(self, earlier: Data) -> Look:
        there = self.world.effect(self.effect)
        if not there or self.invisible:
            return Look(Seen.NOT_DONE, "it is not there")
        if there != "ours":
            look = Look(Seen.CHANGED, f"it is {there}", accept=f"{there} stays below", firm=self.firm)
            return replace(look.answered(earlier, Seen.NOT_DONE), data={"below": there})
        return Look(Seen.DONE, "", {"made": self.effect})

    def do(self, earlier: Data, report: Report) -> Data:
        self.dos += 1
        self.half("start")
        report(f"making {self.name}")
        self.half("before")
        if self.fail is not None:
            raise self.fail
        self._demand()
        below = str(earlier.get("below", ""))
        if below:
            self.world.change(self.effect, "ours")
        else:
            self.world.apply(self.effect, "ours", self.writer)
        self.half("after")
        return {"made": self.effect, **({"below": below} if below else {})}

    def undo(self, data: Data, report: Report) -> None:
        self.undos += 1
        self.half("start")
        report(f"taking {self.name} back")
        self.half("before")
        if self.fail_undo is not None:
            raise self.fail_undo
        self._demand()
        if self.world.effect(self.effect) == "ours":
            self.world.remove(self.effect, self.writer)
            if data.get("below"):
                self.world.change(self.effect, str(data["below"]))
        self.half("after")

    def _demand(self) -> None:
        if self.fence is not None:
            self.fence.demand()


def script(world: World, half: Callable[[str], None] = lambda where: None) -> list[Fake]:
    """Actions of a stateful stack: Docker's writer is stopped before the pod that writes is started."""
    parts = [
        (StepName.PREFLIGHT, "checks", ""),
        (StepName.BACKUP, "archive", ""),
        (StepName.SECRETS, "vault", ""),
        (StepName.WORKLOAD, "commit", ""),
        (StepName.QUIESCE, "stop", "stop docker"),
        (StepName.QUIESCE, "start", "start pod"),
        (StepName.CUT_OVER, "both", ""),
        (StepName.CUT_OVER, "kubernetes", ""),
        (StepName.SOAK, "watch", ""),
        (StepName.RETIRE, "mark", ""),
    ]
    return [Fake(world, step, name, writer, half=half) for step, name, writer in parts]


class TestClock:
    """A clock that moves a second each time it is asked."""

    __test__ = False

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


class FakeMirror:
    """`ports.migration.JournalMirror` with the server's compare-and-swap.

    `down`: so many requests are not answered; `lost`: so many writes happen, and their answers do not come.
    """

    def __init__(self) -> None:
        self.copies: dict[tuple[str, str], MirrorCopy] = {}
        self.down = 0
        self.lost = 0
        self.writes = 0
        self.before_write: Callable[[], None] = lambda: None
        self._version = 0

    def read(self, site: str, stack: str) -> MirrorCopy | None:
        self._answer()
        return self.copies.get((site, stack))

    def write(self, copy: MirrorCopy) -> MirrorCopy:
        self.before_write()
        self._answer()
        there = self.copies.get((copy.site, copy.stack))
        if (there.version if there else "") != copy.version:
            raise Refused("Somebody else wrote the journal's copy in the cluster")
        self._version += 1
        self.writes += 1
        made = replace(copy, version=str(self._version))
        self.copies[copy.site, copy.stack] = made
        if self.lost:
            self.lost -= 1
            raise Unreachable("The cluster does not answer", "no answer for 5 s")
        return made

    def all(self) -> tuple[MirrorCopy, ...]:
        self._answer()
        return tuple(self.copies.values())

    def _answer(self) -> None:
        if self.down:
            self.down -= 1
            raise Unreachable("The cluster does not answer", "connection refused")


@dataclass
class FakeLease:
    """A lease of `FakeLeases`. A process that was killed gives nothing back."""

    leases: FakeLeases
    fence: int
    by: str
    dead: bool = False

    def check(self) -> None:
        self.leases.on_check()
        if self.leases.current is not self:
            now = self.leases.current
            raise Refused("This labtui no longer holds the migration", f"{now.by if now else 'nobody'} holds it")

    def glance(self) -> None:
        """The holder relies on its last renewal."""

    def release(self) -> None:
        if not self.dead and self.leases.current is self:
            self.leases.current = None


@dataclass
class FakeLeases:
    """`ports.migration.Leases`: a holder is alive until `expire`."""

    by: str = "ada@desk"
    current: FakeLease | None = None
    fence: int = 0
    on_check: Callable[[], None] = lambda: None
    made: list[FakeLease] = field(default_factory=list)

    def acquire(self, site: str, stack: str, above: int, report: Callable[[str], None]) -> FakeLease:
        if self.current is not None:
            raise Refused("Another labtui works on this stack", f"{self.current.by} holds it since 12:00")
        self.fence = max(self.fence, above) + 1
        self.current = FakeLease(self, self.fence, self.by)
        self.made.append(self.current)
        return self.current

    def holder(self, site: str, stack: str) -> LeaseHolder | None:
        return LeaseHolder(self.current.by, None, self.current.fence) if self.current else None

    def expire(self) -> None:
        """The holder was killed, and its lease ran out."""
        if self.current is not None:
            self.current.dead = True
        self.current = None


class Killed(BaseException):
    """`kill -9`, for a test that goes on in the same process."""


class Killing:
    """A journal that dies at its n-th entry (counted from 1): `before` it is written, or `after`."""

    def __init__(self, journal: Journal, at: int, when: str, die: Callable[[], None]) -> None:
        self._journal, self._at, self._when, self._die = journal, at, when, die
        self.count = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._journal.entries

    def append(self, mark: Mark, step: StepName | None, action: str, text: str, data: Mapping[str, Any]) -> Entry:
        self.count += 1
        if self.count == self._at and self._when == "before":
            self._die()
        made = self._journal.append(mark, step, action, text, data)
        if self.count == self._at and self._when == "after":
            self._die()
        return made

    def settle(self) -> None:
        self._journal.settle()


def always(actions: Sequence[Fake]) -> Callable[[About, Sequence[Entry], Fence], Sequence[Fake]]:
    """A factory that answers these."""
    return lambda about, entries, fence: actions
