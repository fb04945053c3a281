"""Step `soak`: users are on the new side; it is watched for a set time before anything of the old one is stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.probing import PROBED
from labtui.core.migration.watching import Limits, Observation, Watching, hold
from labtui.domain.errors import Invalid, LabError, Refused
from labtui.domain.migration.comparison import Measured
from labtui.domain.migration.probes import Counts, Load, SideCounts, demand_fitting
from labtui.domain.migration.steps import StepName
from labtui.domain.migration.tally import by_side
from labtui.domain.records import from_plain, to_plain
from labtui.domain.text import duration
from labtui.ports.migration import Prober, Probing

SAY_EVERY = timedelta(minutes=1)
AGAIN = "an earlier watch was cut off, and nobody saw what came after it"


@dataclass(frozen=True, slots=True)
class SoakPlan:
    """What is watched, how long (seconds), and what may not happen. `subject` names what is soaking: the release's revision."""

    loads: tuple[Load, ...]
    seconds: float
    limits: Limits
    subject: str

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise Invalid(f"a soak of {self.seconds:g} s", hint="More than 0")
        demand_fitting(self.loads, self.limits.budget, self.limits.sides)


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came out; the journal keeps it, and the report takes it from there (`soaked_of`)."""

    subject: str
    seconds: float
    counts: tuple[SideCounts, ...] = ()
    docker: Measured = field(default_factory=Measured)
    kubernetes: Measured = field(default_factory=Measured)
    restarts: int | None = None
    remarks: tuple[str, ...] = ()


def soaked_of(data: Data) -> Soaked | None:
    """What the journal says of a soak, None when it says nothing. Raises Invalid for a damaged record."""
    return from_plain(Soaked, data["soaked"]) if "soaked" in data else None


class Soak:
    """See `core.migration.action.Action`. It changes nothing; cut off midway it begins anew, for its whole time, and says so.

    `running` answers requests that the engine is sending already, which are then watched and left running; else the plan's own
    loads are sent.
    """

    step = StepName.SOAK
    name = "watch"
    lasting = ""

    def __init__(
        self,
        subject: str,
        seconds: float,
        find: Callable[[], SoakPlan],
        prober: Prober,
        watching: Watching,
        running: Callable[[], Probing | None] = lambda: None,
    ) -> None:
        """`find` makes the plan when it is needed; it must be about this subject and this time."""
        self._subject, self._seconds, self._find = subject, seconds, find
        self._prober, self._watching, self._running = prober, watching, running

    @property
    def title(self) -> str:
        """See `Action`."""
        return f"watch answers, restarts, latency and memory for {duration(timedelta(seconds=self._seconds))}"

    def look(self, earlier: Data) -> Look:
        """Done when the journal says that just this was watched for long enough."""
        found = soaked_of(earlier)
        if found is None or found.subject != self._subject or found.seconds < self._seconds:
            begun = earlier.get("watching") == self._subject
            words = "an earlier watch was cut off" if begun else "not watched yet"
            return Look(Seen.NOT_DONE, words, {"watching": self._subject, "anew": begun})
        return Look(Seen.DONE, _words(found), earlier)

    def do(self, earlier: Data, report: Report) -> Data:
        """Watch. Raises BudgetExceeded as soon as a limit is passed, Refused when it was stopped before its time."""
        plan, probing = self._find(), self._running()
        anew = (AGAIN,) if earlier.get("anew") else ()
        for words in anew:
            report(f"{words}; it begins anew, for {duration(timedelta(seconds=plan.seconds))}")
        own = probing is None
        if probing is None:
            probing = self._prober.start(plan.loads)
        counts: Sequence[Counts] = ()
        try:
            try:
                with self._watching() as watcher:
                    watched = watcher.watch(probing, plan.seconds, plan.limits, _Teller(report))
            finally:
                counts = probing.stop() if own else probing.counts()
            if watched.stopped:
                hint = "Resume the migration: the watch begins anew"
                raise Refused("The watch was stopped before its time", "the traffic is on Kubernetes", hint)
            # what was still under way when the time was over counts as well
            hold(plan.limits, counts, watched.kubernetes, watched.restarts)
        except LabError as error:
            error.left = {**error.left, PROBED: to_plain(by_side(counts))}
            raise
        found = Soaked(
            subject=self._subject,
            seconds=plan.seconds,
            counts=by_side(counts),
            docker=watched.docker,
            kubernetes=watched.kubernetes,
            restarts=watched.restarts,
            remarks=(*anew, *watched.remarks),
        )
        report(_words(found))
        return {"soaked": to_plain(found)}

    def undo(self, data: Data, report: Report) -> None:
        """Nothing was changed."""


class _Teller:
    """A line now and then, so that the log says what goes on without filling up."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._next: timedelta | None = None

    def __call__(self, seen: Observation) -> None:
        if self._next is not None and seen.left > self._next:
            return
        self._next = seen.left - SAY_EVERY
        sent, failed = sum(c.sent for c in seen.counts), sum(c.failed for c in seen.counts)
        self._report(f"{duration(seen.left)} left, {failed:,} of {sent:,} requests failed")


def _words(found: Soaked) -> str:
    sent, failed = sum(s.sent for s in found.counts), sum(s.failed for s in found.counts)
    gap = max((s.longest_gap for s in found.counts), default=0.0)
    restarts = "" if found.restarts is None else f", {found.restarts} restarts"
    span = duration(timedelta(seconds=found.seconds))
    return f"watched for {span}: {failed:,} of {sent:,} requests failed, longest gap {gap * 1000:.0f} ms{restarts}"
