"""Stand-ins for what the later steps of a migration ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from labtui.domain.errors import LabError, Unreachable
from labtui.domain.migration.comparison import CheckResult, Use
from labtui.domain.migration.edge import Certificate
from labtui.domain.migration.probes import Answer, Body, Counts, Load, Side, Target
from tests.unit.core.fakes import Clock


def answer(text: str = "hello", status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """An HTTP answer."""
    body = Body()
    body.add(text.encode())
    return body.answer(status, headers, 0.01)


class FakeProbing:
    """Requests whose counts a test decides: `at(seconds since the start)`."""

    def __init__(self, loads: Sequence[Load], clock: Clock, at: Callable[[Counts, float], Counts]) -> None:
        self._loads, self._clock, self._at = loads, clock, at
        self._began = clock.now()
        self.stopped = False

    def counts(self) -> tuple[Counts, ...]:
        seconds = (self._clock.now() - self._began).total_seconds()
        sent = round(seconds * 5)
        usual = (Counts(load, seconds, sent, sent, longest_gap=0.2, p50=0.002, p95=0.004) for load in self._loads)
        return tuple(self._at(counts, seconds) for counts in usual)

    def stop(self) -> tuple[Counts, ...]:
        self.stopped = True
        return self.counts()


@dataclass
class FakeProber:
    """Answers by side and path; what is not there is an application's 404."""

    clock: Clock
    answers: dict[tuple[Side, str], Answer | LabError] = field(default_factory=dict)
    certificates: dict[str, Certificate] = field(default_factory=dict)
    at: Callable[[Counts, float], Counts] = lambda counts, _: counts
    started: list[FakeProbing] = field(default_factory=list)
    asked: list[Target] = field(default_factory=list)

    def ask(self, target: Target, timeout: float = 5.0) -> Answer:
        self.asked.append(target)
        found = self.answers.get((target.side, target.path), answer("not found", 404))
        if isinstance(found, LabError):
            raise found
        return found

    def certificate(self, target: Target, timeout: float = 5.0) -> Certificate:
        if target.name not in self.certificates:
            raise Unreachable("It does not speak TLS", "connection refused")
        return self.certificates[target.name]

    def start(self, loads: Sequence[Load]) -> FakeProbing:
        self.started.append(FakeProbing(loads, self.clock, self.at))
        return self.started[-1]


@dataclass
class FakeUse:
    """What both sides use; each call may be scripted."""

    kubernetes_now: Callable[[], Use] = lambda: Use(0.03, 300, 0)
    docker_now: Callable[[], Use] = lambda: Use(0.04, 310)

    def docker(self) -> Use:
        return self.docker_now()

    def kubernetes(self) -> Use:
        return self.kubernetes_now()


@dataclass
class FakeChecks:
    """Runs nothing, and says what it was asked to run."""

    passes: bool = True
    ran: list[tuple[tuple[str, ...], Mapping[str, str], float]] = field(default_factory=list)

    def run(self, argv: Sequence[str], environ: Mapping[str, str], seconds: float) -> CheckResult:
        self.ran.append((tuple(argv), environ, seconds))
        return CheckResult(argv[0], self.passes, "so it is", 0 if self.passes else 1, 0.1)


def failing(after: float, why: str = "status 502") -> Callable[[Counts, float], Counts]:
    """From so many seconds on, one request through the Ingress has failed."""
    from labtui.domain.migration.probes import Failure

    def at(counts: Counts, seconds: float) -> Counts:
        if counts.load.target.side is not Side.INGRESS or seconds < after:
            return counts
        return replace(counts, failed=1, failures=(Failure(after, why),))

    return at
