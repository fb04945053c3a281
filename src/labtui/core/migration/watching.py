"""Looking at both sides for a set time: probes run, use is sampled, limits are held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from labtui.domain.errors import BudgetExceeded, Invalid, LabError
from labtui.domain.migration.budget import Budget
from labtui.domain.migration.comparison import Measured, Meter, Use
from labtui.domain.migration.probes import Counts, Side, demand
from labtui.domain.migration.tally import by_side
from labtui.ports import Clock
from labtui.ports.migration import Probing, SideUse

ENOUGH = 20  # answers before a percentile means anything
Wait = Callable[[float], bool]  # for so many seconds; true when the work shall end (`threading.Event.wait`)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may not happen while a soak lasts. `restarts`: of the pods' containers, since it began. `p95_seconds`, `memory` (bytes,
    of all pods): None for no limit."""

    budget: Budget
    restarts: int = 0
    p95_seconds: float | None = None
    memory: int | None = None
    sides: tuple[Side, ...] = (Side.INGRESS,)  # whose requests the budget is about

    def __post_init__(self) -> None:
        if self.restarts < 0 or (self.memory is not None and self.memory <= 0):
            raise Invalid("a limit below nothing")


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known at a moment: for the screen."""

    counts: tuple[Counts, ...]
    docker: Measured
    kubernetes: Measured
    left: timedelta


@dataclass(frozen=True, slots=True)
class Watched:
    """What came together. `stopped`: it was ended before its time. `restarts`: of the pods, since it began, None: not known."""

    counts: tuple[Counts, ...]
    docker: Measured
    kubernetes: Measured
    restarts: int | None
    stopped: bool = False
    remarks: tuple[str, ...] = ()


class Watcher:
    """Watches `probing` and `use` for a time. `observe` is told every time; it must return at once."""

    def __init__(
        self,
        clock: Clock,
        wait: Wait,
        use: SideUse | None = None,
        observe: Callable[[Observation], None] = lambda _: None,
        every: float = 0.5,
    ) -> None:
        self._clock, self._wait, self._use = clock, wait, use
        self._observe, self._every = observe, every
        self._remarks: dict[str, None] = {}

    def watch(
        self, probing: Probing, seconds: float, limits: Limits | None, tell: Callable[[Observation], None]
    ) -> Watched:
        """Watch for so long. The probing stays as it is. Raises `BudgetExceeded` as soon as a limit is passed."""
        end = self._clock.now() + timedelta(seconds=seconds)
        docker, kubernetes, restarts = Meter(), Meter(), _Restarts()
        stopped = False
        while True:
            self._sample(docker, kubernetes, restarts)
            counts = probing.counts()
            left = end - self._clock.now()
            seen = Observation(counts, docker.measured(), kubernetes.measured(), max(left, timedelta(0)))
            self._observe(seen)
            tell(seen)
            if limits is not None:
                hold(limits, counts, seen.kubernetes, restarts.since)
            if left <= timedelta(0) or stopped:
                return Watched(
                    counts, seen.docker, seen.kubernetes, restarts.since, left > timedelta(0), tuple(self._remarks)
                )
            stopped = self._wait(min(self._every, left.total_seconds()))

    def _sample(self, docker: Meter, kubernetes: Meter, restarts: _Restarts) -> None:
        if self._use is None:
            return
        for name, read, meter in (
            ("Docker", self._use.docker, docker),
            ("Kubernetes", self._use.kubernetes, kubernetes),
        ):
            try:
                use = read()
            except LabError as error:
                # answers are what counts: what is used is only shown where it can be had
                self._remarks[f"what {name} uses could not always be measured: {error.cause}"] = None
                continue
            meter.add(use)
            if meter is kubernetes:
                restarts.add(use)


Watching = Callable[[], AbstractContextManager[Watcher]]  # opens what measures both sides, for as long as it is needed


def hold(limits: Limits, counts: Sequence[Counts], kubernetes: Measured, restarts: int | None) -> None:
    """Raise `BudgetExceeded` when a limit is passed."""
    demand(counts, limits.budget, limits.sides)
    if restarts is not None and restarts > limits.restarts:
        often = "once" if restarts == 1 else f"{restarts} times"
        raise BudgetExceeded(f"the pods' containers were restarted {often}", f"{limits.restarts} restarts are allowed")
    memory = kubernetes.memory_peak
    if limits.memory is not None and memory is not None and memory > limits.memory:
        mib = 1024 * 1024
        raise BudgetExceeded(f"the pods use {memory // mib} MiB", f"{limits.memory // mib} MiB are allowed")
    for side in by_side(counts):
        slow = limits.p95_seconds is not None and side.p95 is not None and side.p95 > limits.p95_seconds
        if slow and side.side in limits.sides and side.answered >= ENOUGH and side.p95 and limits.p95_seconds:
            took = f"5 of 100 answers take longer than {side.p95 * 1000:.0f} ms"
            raise BudgetExceeded(took, f"{limits.p95_seconds * 1000:.0f} ms are allowed")


class _Restarts:
    """Counts upwards only: the sum falls when a pod is replaced, and that undoes no restart."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._since = 0

    def add(self, use: Use) -> None:
        if use.restarts is None:
            return
        if self._last is not None:
            self._since += max(0, use.restarts - self._last)
        self._last = use.restarts

    @property
    def since(self) -> int | None:
        return None if self._last is None else self._since
