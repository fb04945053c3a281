"""One migration as this labtui knows it: its journal, and what a run of its own tells meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from labtui.core.migration.overview import told
from labtui.core.migration.service import Record
from labtui.core.migration.watching import Observation
from labtui.domain.migration.journal import About, Entry, Mark, State, touched
from labtui.domain.migration.probes import Side
from labtui.domain.migration.progress import Event, MigrationProgress
from labtui.domain.migration.steps import StepName
from labtui.domain.migration.tally import Series, by_side
from labtui.domain.plan import Outcome, Plan
from labtui.domain.resources.migration import Migration
from labtui.domain.text import duration

LINES_KEPT = 2_000
_MARKS = {
    Event.BEGUN: Mark.BEGUN,
    Event.DONE: Mark.DONE,
    Event.ADOPTED: Mark.DONE,
    Event.FAILED: Mark.FAILED,
    Event.UNDOING: Mark.UNDOING,
    Event.UNDONE: Mark.UNDONE,
}


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the log."""

    at: datetime
    event: Event
    text: str
    step: StepName | None = None


_EVENTS = {
    Mark.BEGUN: Event.BEGUN,
    Mark.DONE: Event.DONE,
    Mark.FAILED: Event.FAILED,
    Mark.UNDOING: Event.UNDOING,
    Mark.UNDONE: Event.UNDONE,
    Mark.NOTE: Event.LINE,
}


@dataclass
class Track:
    """Touched on the screen's thread only, but for `heard` and `seen`, which a run calls in its own."""

    site: str
    stack: str
    id: str = ""  # a new migration gets it when it begins
    wake: Callable[[], None] = lambda: None
    entries: tuple[Entry, ...] = ()
    log: list[Said] = field(default_factory=list)
    steps: frozenset[StepName] = frozenset()  # those that this migration has something to do in; empty: not known
    observation: Observation | None = None
    latencies: dict[Side, Series] = field(default_factory=dict)  # 95 of 100 answers, over time
    running: str = ""  # the verb of the run that is under way here
    pausing: bool = False
    looking: StepName | None = None  # the step whose state in the world is being asked for
    outcome: Outcome | None = None  # of the last run here
    holder: str = ""
    problem: str = ""
    read_at: datetime | None = None  # when its journal was read
    version: int = 0  # higher whenever something is different
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _heard: list[MigrationProgress] = field(default_factory=list)
    _seen: Observation | None = None
    _thread: int = 0

    @property
    def about(self) -> About:
        """Which migration it is."""
        return About(self.id, self.site, self.stack)

    def migration(self) -> Migration:
        """For a pane."""
        users = [c for c in by_side(self.observation.counts) if c.side is Side.INGRESS] if self.observation else []
        made = told(
            self.about,
            self.entries,
            running=bool(self.running),
            holder="" if self.running else self.holder,
            problem=self.problem,
            counts=users[0] if users and users[0].sent else None,
        )
        if self.running and self.observation is not None and made.step == StepName.SOAK:
            return replace(made, state=f"soak {duration(self.observation.left)}")
        return made

    # From the run's thread

    def heard(self, progress: MigrationProgress) -> None:
        """Something happened."""
        with self._lock:
            self._thread = threading.get_ident()
            self._heard.append(progress)
        self.wake()

    def seen(self, observation: Observation) -> None:
        """Both sides were looked at; only the last look counts."""
        with self._lock:
            self._seen = observation
        self.wake()

    @property
    def thread(self) -> int:
        """The thread that runs it, 0 when none does."""
        return self._thread if self.running else 0

    # On the screen's thread

    def take(self) -> bool:
        """Take in what has come since the last time. Is there anything new?"""
        with self._lock:
            heard, self._heard = self._heard, []
            seen, self._seen = self._seen, None
        for progress in heard:
            self._take_progress(progress)
        if seen is not None:
            self.observation = seen
            for side in by_side(seen.counts):
                if side.p95 is not None:
                    self.latencies.setdefault(side.side, Series()).add(side.p95)
        if heard or seen is not None:
            self.version += 1
        return bool(heard) or seen is not None

    def _take_progress(self, progress: MigrationProgress) -> None:
        self.id = self.id or progress.migration
        self.looking = progress.step if progress.event is Event.LOOKING else None
        if progress.event is Event.LOOKING:
            return
        self._say(Said(progress.at, progress.event, progress.text, progress.step))
        mark = _MARKS.get(progress.event)
        if mark is None or progress.step is None:
            return
        number = self.entries[-1].number + 1 if self.entries else 1
        if mark is Mark.FAILED and not self._begun(progress.step, progress.action):
            mark = Mark.NOTE  # only a look failed: nothing was begun
        entry = Entry(
            number, progress.at, self.id, mark, progress.step, progress.action, text=progress.text, data=self._data()
        )
        self.entries = (*self.entries, entry)

    def _data(self) -> dict[str, object]:
        """The first entry says whose journal it is."""
        return {} if self.entries else self.about.as_data()

    def _begun(self, step: StepName, action: str) -> bool:
        mine = [e for e in self.entries if (e.step, e.action) == (step, action) and e.mark is not Mark.NOTE]
        return bool(mine) and mine[-1].mark in (Mark.BEGUN, Mark.UNDOING)

    def _say(self, line: Said) -> None:
        self.log.append(line)
        del self.log[:-LINES_KEPT]

    def read(self, record: Record, holder: str, at: datetime) -> None:
        """The journal was read anew. While a run of ours is under way that is older than what it tells."""
        if self.running:
            return
        fresh = not self.log
        self.id, self.entries, self.problem, self.holder = record.about.id, record.entries, record.problem, holder
        self.read_at = at
        self.steps |= {key.step for key in touched(record.entries)} if self.steps else frozenset()
        if fresh or self._behind(record.entries):
            self.log = list(_told(record.entries))[-LINES_KEPT:]
        self.version += 1

    def _behind(self, entries: Sequence[Entry]) -> bool:
        """Has somebody else written the journal since the last line of the log?"""
        return bool(entries) and bool(self.log) and entries[-1].at > self.log[-1].at

    def begin(self, verb: str, plan: Plan) -> None:
        """A run of ours begins."""
        self.running, self.pausing, self.outcome, self.holder = verb, False, None, ""
        self.steps = self.steps | _steps_of(plan) | {e.step for e in self.entries if e.step is not None}
        self.version += 1

    def end(self, outcome: Outcome) -> None:
        """The run has ended."""
        self.take()
        self.running, self.pausing, self.looking, self.outcome = "", False, None, outcome
        self.version += 1


def _steps_of(plan: Plan) -> frozenset[StepName]:
    """The steps that a plan names: `step/action, step/action`."""
    found = set()
    for each in dict(plan.facts).get("actions", "").split(", "):
        step = each.partition("/")[0]
        if step in set(StepName):
            found.add(StepName(step))
    return frozenset(found)


def _told(entries: Iterable[Entry]) -> Iterable[Said]:
    for entry in entries:
        reached = entry.data.get("reached") if entry.mark is Mark.NOTE else None
        if reached is not None:
            if reached in (State.KUBERNETES.value, State.DOCKER.value):
                yield Said(entry.at, Event.REACHED, f"Everything is {reached}")
        elif entry.text:
            yield Said(entry.at, _EVENTS[entry.mark], entry.text, entry.step)
