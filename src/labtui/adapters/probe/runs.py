"""The ways of sending a load: each request on its own, one by one on a kept connection, a held WebSocket, downloads."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable

from labtui.adapters.probe.failures import Failed, in_words
from labtui.adapters.probe.link import Deadline, Link
from labtui.adapters.probe.web import Page
from labtui.adapters.probe.websocket import WebSocket
from labtui.domain.errors import LabError
from labtui.domain.migration.probes import Answer, Counts, Kind, Load, Target
from labtui.domain.migration.tally import Tally

UNDER_WAY = 200  # requests of one load that wait for their answers
STILL = 0.5  # so late nobody was asked at all: this program was stopped, suspended or starved
STEPS = 20  # a second, in which a throttled download reads
Ask = Callable[[Target, float], Answer]
NETWORK_ERRORS = (OSError, http.client.HTTPException, ValueError, Failed, LabError)


def run_of(load: Load, ask: Ask, number: int) -> Run:
    """What sends this load."""
    if load.target.kind is Kind.DOWNLOAD:
        return Downloads(load, number)
    if load.target.kind is Kind.WEBSOCKET:
        return HeldSocket(load, number)
    # through the API server each request stands alone: its connections are not those of the pod
    if load.keep and load.target.kind is Kind.HTTP and load.target.through is None:
        return OneByOne(load, number)
    return EachItsOwn(load, number, ask)


class Run:
    """One load. Its thread calls `work`; what is counted is counted under the lock."""

    def __init__(self, load: Load, number: int) -> None:
        self.load = load
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._tally = Tally(load, time.monotonic(), seed=number)
        self._ticks = Ticks(load.rate, self._stop, self._stood_still)
        self._thread = threading.Thread(target=self.work, name=f"probe-{number}-{load.target.side}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def work(self) -> None:
        """Send requests until `_stop` is set."""
        raise NotImplementedError

    def counts(self) -> Counts:
        """What is counted so far."""
        with self._lock:
            return self._tally.counts(time.monotonic())

    def end(self) -> None:
        """Send no more."""
        if not self._stop.is_set():
            self._stop.set()
            with self._lock:
                self._tally.end(time.monotonic())

    def join(self) -> None:
        """Wait until the last request is counted."""
        # an address takes at most one time limit to connect to, but a name may have several
        self._thread.join(2 * self.load.timeout + 1)

    def _stood_still(self, seconds: float) -> None:
        with self._lock:
            self._tally.stood_still(seconds)

    def _begun(self) -> float:
        with self._lock:
            self._tally.begin()
        return time.monotonic()

    def _good(self, started: float) -> None:
        ended = time.monotonic()
        with self._lock:
            self._tally.good(started, ended)

    def _bad(self, error: Exception) -> None:
        why = error.cause if isinstance(error, LabError) else in_words(error, self.load.timeout)
        with self._lock:
            self._tally.bad(time.monotonic(), why)

    def _deadline(self) -> Deadline:
        return Deadline(self.load.timeout)

    def _check(self, answer: Answer) -> None:
        if not self.load.target.good(answer.status):
            raise Failed(f"status {answer.status}")


class Ticks:
    """The moments at which requests are due."""

    def __init__(self, rate: float, stop: threading.Event, stood_still: Callable[[float], None]) -> None:
        self._step, self._stop, self._stood_still = 1 / rate, stop, stood_still
        self._next = time.monotonic()

    def wait(self) -> bool:
        """Wait for the next one; False when it is over. What this program slept through is not made up for."""
        if self._stop.wait(max(0.0, self._next - time.monotonic())):
            return False
        late = time.monotonic() - self._next
        if late > STILL:
            self._stood_still(late)
            self._next += late
        self._next += self._step
        return True

    def leave_out_missed(self) -> None:
        """After a slow request where one waits for the other: go on at the next moment that is still to come."""
        self._next = max(self._next, time.monotonic())


class EachItsOwn(Run):
    """Each request on a connection of its own, at its moment, whether or not the earlier ones came back."""

    def __init__(self, load: Load, number: int, ask: Ask) -> None:
        super().__init__(load, number)
        self._ask = ask
        self._under_way: set[threading.Thread] = set()

    def work(self) -> None:
        """See `Run`."""
        while self._ticks.wait():
            self._under_way = {t for t in self._under_way if t.is_alive()}
            started = self._begun()
            if len(self._under_way) >= UNDER_WAY:
                self._bad(Failed(f"not sent: {UNDER_WAY} earlier requests still wait"))
                continue
            thread = threading.Thread(target=self._one, args=(started,), daemon=True)
            self._under_way.add(thread)
            thread.start()

    def _one(self, started: float) -> None:
        target = self.load.target
        try:
            if target.kind is Kind.TCP:
                Link(target, self._deadline()).close()
            else:
                self._check(self._ask(target, self.load.timeout))
        except NETWORK_ERRORS as error:
            self._bad(error)
        else:
            self._good(started)

    def join(self) -> None:
        """See `Run`."""
        super().join()
        end = time.monotonic() + 2 * self.load.timeout + 1
        for thread in tuple(self._under_way):
            thread.join(max(0.0, end - time.monotonic()))


class OneByOne(Run):
    """One kept connection; a new one when the server has closed it between two requests, which is its right (RFC 9112, 9.3)."""

    def work(self) -> None:
        """See `Run`."""
        page: Page | None = None
        opened = False
        while self._ticks.wait():
            if page is not None and (not page.usable or page.link.dropped()):
                page.close()
                page = None
            started = self._begun()
            deadline = self._deadline()
            try:
                if page is None:
                    with self._lock:
                        self._tally.reopened += opened
                    opened = True
                    page = Page(self.load.target, deadline, keep=True)
                self._check(page.get(self.load.target.path, deadline))
            except NETWORK_ERRORS as error:
                self._bad(error)
            else:
                self._good(started)
            self._ticks.leave_out_missed()
        if page is not None:
            page.close()


class HeldSocket(Run):
    """One WebSocket that is held, pinged at the rate. When it breaks, that is a failure, and a new one is opened."""

    def work(self) -> None:
        """See `Run`."""
        held: WebSocket | None = None
        opened = False
        while self._ticks.wait():
            started = self._begun()
            deadline = self._deadline()
            try:
                if held is None:
                    with self._lock:
                        self._tally.reopened += opened
                    opened = True
                    held = WebSocket(self.load.target, deadline)
                held.ping(deadline)
            except NETWORK_ERRORS as error:
                self._bad(error)
                if held is not None:
                    held.close()
                    held = None
            else:
                self._good(started)
            self._ticks.leave_out_missed()
        if held is not None:
            held.close()


class Downloads(Run):
    """One large body after the other; one that is under way when the probing ends is given up, not counted."""

    def work(self) -> None:
        """See `Run`."""
        while self._ticks.wait():
            started = self._begun()
            deadline = self._deadline()
            page: Page | None = None
            try:
                page = Page(self.load.target, deadline, keep=False)
                self._check(page.get(self.load.target.path, deadline, self._progress()))
            except _GivenUpError:
                with self._lock:
                    self._tally.withdraw()
            except NETWORK_ERRORS as error:
                self._bad(error)
            else:
                self._good(started)
            finally:
                if page is not None:
                    page.close()
            self._ticks.leave_out_missed()

    def _progress(self) -> Callable[[int], None]:
        begun, read = time.monotonic(), 0

        def progress(size: int) -> None:
            nonlocal read
            read += size
            due = begun + read / self.load.throttle if self.load.throttle else 0.0
            if self._stop.wait(max(0.0, due - time.monotonic())):
                raise _GivenUpError

        return progress


class _GivenUpError(Exception):
    """The probing ends while a download is under way."""
