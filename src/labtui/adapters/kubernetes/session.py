"""One connection to a cluster, from `follow` to its end: a thread for each watched kind, one for signs of life, one for use."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from labtui.adapters.kubernetes import metrics
from labtui.adapters.kubernetes.kinds import KINDS
from labtui.adapters.kubernetes.watching import Watch
from labtui.adapters.kubernetes.wire import Expired, Wire
from labtui.adapters.kubernetes.world import World
from labtui.domain.changes import Change
from labtui.domain.errors import Denied, LabError, NotFound, Refused, Unreachable
from labtui.domain.ref import SourceId
from labtui.ports import Clock, Emit

# A watch is silent by nature: a small question now and then tells a quiet server from a frozen one.
HEARTBEAT = 9.0
HEARTBEAT_TIMEOUT = 4.0
MEASURE = 30.0
# Lists at the same time: more connections cost more TLS handshakes than they save.
LISTS = 3
# How soon `stop` is seen when nobody calls `close`.
STOP_POLL = 0.25


class Session:
    """Runs once. `close` may be called from any thread, also before `run`."""

    def __init__(self, source: SourceId, wire: Wire, clock: Clock) -> None:
        self._source, self._wire, self._clock = source, wire, clock
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        """End `run`, which then raises Unreachable unless its `stop` is set."""
        self.fail(Unreachable("The cluster feed was closed", "closed"))

    def fail(self, error: BaseException) -> None:
        """End `run` with this error, if it is the first."""
        if not self._over.is_set():
            self._error = self._error or error
            self._over.set()
        self._wire.close()

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """See `ports.Feed.follow`."""
        world = World(self._source, partial(self._pass_on, emit), self._clock, self.fail)
        try:
            self._wire.open()
            turn = threading.BoundedSemaphore(LISTS)
            for kind in KINDS:
                watch = Watch(kind, self._source, self._wire, world, self._over.wait, turn, world.all_listed)
                self._start(kind.plural, watch.run)
            self._start("heartbeat", partial(self._heartbeat, world))
            self._start("metrics", partial(self._measure, world))
            while not stop.is_set() and not self._over.wait(STOP_POLL):
                pass
        finally:
            self._over.set()
            self._wire.close()
            for thread in self._threads:
                thread.join()
        if not stop.is_set() and self._error is not None:
            raise self._error

    def _pass_on(self, emit: Emit, change: Change) -> None:
        if not self._over.is_set():
            emit(change)

    def _start(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(work,), name=f"{self._source} {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed to `run`, which raises it
            self.fail(error)

    def _heartbeat(self, world: World) -> None:
        while not self._over.wait(HEARTBEAT):
            asked = time.monotonic()
            try:
                self._wire.get("/version", timeout=HEARTBEAT_TIMEOUT)
            except (Denied, NotFound, Refused):
                pass  # an answer is a sign of life
            except Unreachable:
                # slow, but another connection has just heard from it
                if self._wire.heard < asked:
                    raise
            world.tick()

    def _measure(self, world: World) -> None:
        failures = 0
        while not self._over.is_set():
            try:
                found = metrics.read(self._wire, self._source)
            except (LabError, Expired):
                # metrics are an extra: without them the columns are empty; whether the server is there, others tell
                failures += 1
                if failures == 2:
                    world.measured({})
            else:
                failures = 0
                world.measured(metrics.settle(world.used(), found))
            self._over.wait(MEASURE)
