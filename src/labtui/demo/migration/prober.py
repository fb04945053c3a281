"""Requests to the simulated estate: each is sent at its own time, and answered by whoever the slices lead to then."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

from labtui.demo.migration.routing import Backend, Routing, answer_of, seconds_of
from labtui.demo.world import World
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.migration.edge import Certificate
from labtui.domain.migration.probes import Answer, Counts, Kind, Load, Target
from labtui.domain.migration.tally import Tally

DOWNLOAD_SECONDS = 3.0  # how long a large body takes
_CERTIFICATE_DAYS = 71


class SimulatedProber:
    """`ports.migration.Prober`. What it sends is the same in every run: its chances come from a seed."""

    def __init__(self, world: World, routing: Routing, seed: int = 7) -> None:
        self._world, self._routing, self._seed = world, routing, seed
        self._running: list[SimulatedProbing] = []

    def ask(self, target: Target, timeout: float = 5.0) -> Answer:
        """See `ports.migration.Prober`."""
        backend = self._routing.way(target)
        if self._routing.lost(backend):
            raise Unreachable("The connection was cut off", "the server closed it before it answered")
        return answer_of(backend, target.path, seconds_of(backend, 0.3))

    def certificate(self, target: Target, timeout: float = 5.0) -> Certificate:
        """See `ports.migration.Prober`: cert-manager has made one for every name of an Ingress."""
        backend = self._routing.way(target)
        if not backend.edge:
            raise Unreachable("It does not speak TLS", f"{target.address}:{target.port}: wrong version number")
        names = () if backend.status == 404 else (target.host,)
        expires = self._world.began + timedelta(days=_CERTIFICATE_DAYS)
        return Certificate(names, "R11, Let's Encrypt", expires, "de" * 32, verified=True)

    def start(self, loads: Sequence[Load]) -> SimulatedProbing:
        """See `ports.migration.Prober`."""
        made = SimulatedProbing(self._world, self._routing, loads, self._seed)
        with self._world.lock:
            self._running = [p for p in self._running if p.runs]
            self._running.append(made)
        made.begin()
        return made

    def connected(self, site: str, containers: frozenset[str]) -> int:
        """How many of its long connections are to these containers."""
        with self._world.lock:
            held = [b for probing in self._running if probing.runs for b in probing.held()]
        return sum(b.site == site and b.name in containers for b in held)


class SimulatedProbing:
    """`ports.migration.Probing`."""

    def __init__(self, world: World, routing: Routing, loads: Sequence[Load], seed: int) -> None:
        self._world = world
        self.runs = True
        self._began = self._now()
        self._runs = [_Run(routing, load, self._began, seed + n) for n, load in enumerate(loads)]

    def begin(self) -> None:
        """Send the first requests."""
        for run in self._runs:
            self._next(run, 0)

    def counts(self) -> tuple[Counts, ...]:
        """See `ports.migration.Probing`."""
        with self._world.lock:
            now = self._now()
            return tuple(run.tally.counts(now) for run in self._runs)

    def stop(self) -> tuple[Counts, ...]:
        """See `ports.migration.Probing`. Nothing is under way: an answer comes as soon as it is asked for."""
        with self._world.lock:
            if self.runs:
                self.runs = False
                for run in self._runs:
                    run.end(self._now())
        return self.counts()

    def held(self) -> list[Backend]:
        """Whom its long connections are to."""
        return [run.held for run in self._runs if run.held is not None]

    def _now(self) -> float:
        return self._world.clock.now().timestamp()

    def _next(self, run: _Run, number: int) -> None:
        due = self._began + number / run.load.rate

        def work() -> None:
            if self.runs:
                run.send(due)
                self._next(run, number + 1)

        # rates are those of the clock, however fast the estate lives
        self._world.after(max(0.0, due - self._now()) * self._world.speed, work)


class _Run:
    """One load. Called with the world's lock held."""

    def __init__(self, routing: Routing, load: Load, begin: float, seed: int) -> None:
        self._routing, self.load = routing, load
        self._random = random.Random(seed)
        self.tally = Tally(load, begin, seed)
        self.held: Backend | None = None
        self._since = begin
        self._opened = False

    def send(self, at: float) -> None:
        """The request that is due at `at`."""
        if self.load.target.kind is Kind.DOWNLOAD and self.held is not None:
            self._read_on(at)
            return
        self.tally.begin()
        try:
            backend = self._backend()
        except LabError as error:
            self.tally.bad(at, error.cause)
            self.held = None
            return
        if self.load.target.kind is Kind.DOWNLOAD:
            self.held, self._since = backend, at
            return
        self.tally.good(at, at + seconds_of(backend, self._random.random()))

    def end(self, at: float) -> None:
        """No more is sent; a download that is under way is given up."""
        if self.load.target.kind is Kind.DOWNLOAD and self.held is not None:
            self.tally.withdraw()
        self.held = None
        self.tally.end(at)

    def _backend(self) -> Backend:
        if self.load.target.kind is Kind.WEBSOCKET and self.held is not None:
            if not self._routing.alive(self.held):
                raise Unreachable("The connection was cut off", "the server closed it without a word")
            return self.held
        backend = self._routing.way(self.load.target)
        if self._routing.lost(backend):
            raise Unreachable("The connection was cut off", "the server closed it before it answered")
        if not self.load.target.good(backend.status):
            raise Unreachable("It was answered with an error", f"status {backend.status}")
        if self.load.target.kind is Kind.WEBSOCKET:
            self.held = backend
            self.tally.reopened += self._opened
            self._opened = True
        return backend

    def _read_on(self, at: float) -> None:
        backend = self.held
        if backend is None:
            return
        if not self._routing.alive(backend):
            self.tally.bad(at, "the body ended before its time")
            self.held = None
        elif at - self._since >= DOWNLOAD_SECONDS:
            self.tally.good(self._since, at)
            self.held = None
