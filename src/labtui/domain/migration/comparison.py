"""Both sides over a set time: what they use, how fast they answer, and the operator's own checks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from labtui.domain.migration.probes import SideCounts
from labtui.domain.migration.tally import Series
from labtui.domain.resources.docker import DockerService
from labtui.domain.resources.kubernetes import Pod


@dataclass(frozen=True, slots=True)
class Use:
    """Measured use of one side now: cores (1.0 is one core), bytes, restarts of its containers; None is not measured."""

    cpu: float | None = None
    memory: int | None = None
    restarts: int | None = None


def use_of_services(services: Iterable[DockerService]) -> Use:
    """What the containers of a stack use. None only where none of them is measured."""
    containers = [c for s in services for c in s.containers]
    cpu = [c.cpu for c in containers if c.cpu is not None]
    memory = [c.memory for c in containers if c.memory is not None]
    restarts = sum(c.restarts for c in containers) if containers else None
    return Use(math.fsum(cpu) if cpu else None, sum(memory) if memory else None, restarts)


def use_of_pods(pods: Iterable[Pod]) -> Use:
    """What the pods of a stack use. None only where none of them is measured."""
    pods = tuple(pods)
    measured = [p.usage for p in pods if p.usage is not None]
    if not pods:
        return Use()
    restarts = sum(p.restarts for p in pods)
    if not measured:
        return Use(restarts=restarts)
    return Use(math.fsum(u.cpu for u in measured), sum(u.memory for u in measured), restarts)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How a check of the operator's own ended. `last_line` is the last thing it said, made harmless."""

    name: str
    passed: bool
    last_line: str = ""
    status: int | None = None  # exit status; None when it was ended or did not start
    seconds: float = 0.0

    @property
    def sentence(self) -> str:
        """For the log and the report."""
        said = f": {self.last_line}" if self.last_line else ""
        if self.passed:
            return f"{self.name} passed{said}"
        how = f" with exit status {self.status}" if self.status is not None else ""
        return f"{self.name} failed{how}{said}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One side over the time of a comparison: means and peaks, and bounded series for sparklines, oldest first."""

    cpu_mean: float | None = None
    cpu_peak: float | None = None
    memory_mean: int | None = None
    memory_peak: int | None = None
    restarts: int | None = None
    cpu: tuple[float, ...] = ()
    memory: tuple[float, ...] = ()


class Meter:
    """Collects what one side uses, in bounded memory."""

    def __init__(self) -> None:
        self._cpu, self._memory = _Figure(), _Figure()
        self._restarts: int | None = None

    def add(self, use: Use) -> None:
        """Take a sample; what is not measured in it is left out, not counted as 0."""
        if use.cpu is not None:
            self._cpu.add(use.cpu)
        if use.memory is not None:
            self._memory.add(use.memory)
        if use.restarts is not None:
            self._restarts = use.restarts

    def measured(self) -> Measured:
        """What came together so far."""
        memory_mean, memory_peak = self._memory.mean, self._memory.peak
        return Measured(
            cpu_mean=self._cpu.mean,
            cpu_peak=self._cpu.peak,
            memory_mean=None if memory_mean is None else round(memory_mean),
            memory_peak=None if memory_peak is None else round(memory_peak),
            restarts=self._restarts,
            cpu=tuple(round(v, 4) for v in self._cpu.series.values()),
            memory=tuple(float(round(v)) for v in self._memory.series.values()),
        )


class _Figure:
    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0
        self.peak: float | None = None
        self.series = Series()

    def add(self, value: float) -> None:
        self._sum += value
        self._count += 1
        self.peak = value if self.peak is None else max(self.peak, value)
        self.series.add(value)

    @property
    def mean(self) -> float | None:
        return self._sum / self._count if self._count else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two sides next to each other, and the sentences that say what stands out."""

    docker: SideCounts | None
    kubernetes: SideCounts | None
    docker_use: Measured
    kubernetes_use: Measured

    def sentences(self) -> tuple[str, ...]:
        """What stands out: a side that is clearly slower or larger. Empty when they are alike or not measured."""
        found = []
        if self.docker and self.kubernetes:
            found.append(_slower(self.docker.p95, self.kubernetes.p95))
        found.append(_larger(self.docker_use.memory_mean, self.kubernetes_use.memory_mean))
        return tuple(s for s in found if s)


def _slower(docker: float | None, kubernetes: float | None) -> str:
    # below 5 ms the network and the scheduler decide, not the application
    if docker is None or kubernetes is None or abs(docker - kubernetes) < 0.005:
        return ""
    if kubernetes > 1.5 * docker:
        return f"Kubernetes answers slower: 95 of 100 within {kubernetes * 1000:.0f} ms, Docker {docker * 1000:.0f} ms"
    if docker > 1.5 * kubernetes:
        return f"Kubernetes answers faster: 95 of 100 within {kubernetes * 1000:.0f} ms, Docker {docker * 1000:.0f} ms"
    return ""


def _larger(docker: int | None, kubernetes: int | None) -> str:
    mib = 1024 * 1024
    if docker is None or kubernetes is None or abs(docker - kubernetes) < 16 * mib or kubernetes <= 1.5 * docker:
        return ""
    return f"the pods use {kubernetes // mib} MiB, the containers {docker // mib} MiB"
