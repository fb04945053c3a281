"""Who keeps the inventory fresh: one thread a source, which reconnects for ever and always knows its state in words."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterable

from labtui.domain.changes import Change, Live, StatusChanged
from labtui.domain.errors import Denied, LabError, SignedOut
from labtui.domain.states import FeedState, FeedStatus
from labtui.ports import Clock, Feed

log = logging.getLogger(__name__)

FIRST_RETRY = 0.25
# "Live again within 10 s after the server returns": the longest wait and one connection time-out stay below it.
LONGEST_RETRY = 4.0


class FeedRunner:
    """Runs one feed in a daemon thread of its own and puts its changes and its state into `put`.

    It never gives up: after each failure it waits (doubling, with jitter, `LONGEST_RETRY` at most) and connects again.
    """

    def __init__(self, feed: Feed, put: Callable[[Change], None], clock: Clock) -> None:
        self.feed = feed
        self._put = put
        self._clock = clock
        self._stop = threading.Event()
        self._retry_now = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._status = FeedStatus(FeedState.CONNECTING, clock.now())
        self._was_live = False
        self._failures = 0

    def start(self) -> None:
        """Begin to follow the source."""
        self._publish(self._status)
        name = f"feed {self.feed.source}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; does not wait for it."""
        self._stop.set()
        self._retry_now.set()
        # close() may wait for a process to end: never in the caller's way
        threading.Thread(target=self.feed.close, name=f"close {self.feed.source}", daemon=True).start()

    def join(self, seconds: float) -> bool:
        """Wait for the thread; False when it is still there."""
        if self._thread is not None:
            self._thread.join(seconds)
            return not self._thread.is_alive()
        return True

    def retry(self) -> None:
        """Do not wait any longer for the next attempt (the user asked, or has signed in)."""
        self._retry_now.set()

    def reconnect(self) -> None:
        """Drop the connection, if there is one, and connect anew."""
        self._retry_now.set()
        threading.Thread(target=self.feed.close, name=f"reconnect {self.feed.source}", daemon=True).start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.feed.follow(self._emit, self._stop)
            except LabError as error:
                self._lost(error)
            except Exception as error:  # a defect of one adapter must not silently end its feed
                log.exception("the feed of %s failed", self.feed.source)
                hint = "This is a defect of labtui; the log file has the details"
                self._lost(LabError("Internal error", f"{type(error).__name__} in the adapter", hint))
            self._failures += 1
            wait = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures - 1, 8)) * random.uniform(0.5, 1)
            self._retry_now.wait(wait)
            if not self._stop.is_set():
                self._retry_now.clear()

    def _emit(self, change: Change) -> None:
        if self._stop.is_set():
            return
        if not isinstance(change, Live):
            self._put(change)
            return
        with self._lock:
            live = self._status.state is FeedState.LIVE
            since = self._status.since if live else self._clock.now()
            self._was_live, self._failures = True, 0
            self._publish(FeedStatus(FeedState.LIVE, since, notes=change.notes))

    def _lost(self, error: LabError) -> None:
        with self._lock:
            match error:
                case Denied():
                    state = FeedState.DENIED
                case SignedOut():
                    state = FeedState.SIGNED_OUT
                case _:
                    state = FeedState.STALE if self._was_live else FeedState.DOWN
            # a source that fails first one way, then another, has been away since the first
            since = (
                self._clock.now()
                if self._status.state in (FeedState.LIVE, FeedState.CONNECTING)
                else self._status.since
            )
            self._publish(FeedStatus(state, since, detail=error.cause, hint=error.hint))

    def _publish(self, status: FeedStatus) -> None:
        self._status = status
        self._put(StatusChanged(self.feed.source, status))


def start_all(feeds: Iterable[Feed], put: Callable[[Change], None], clock: Clock) -> tuple[FeedRunner, ...]:
    """Start a runner for every feed."""
    runners = tuple(FeedRunner(feed, put, clock) for feed in feeds)
    for runner in runners:
        runner.start()
    return runners


def stop_all(runners: Iterable[FeedRunner], seconds: float) -> tuple[FeedRunner, ...]:
    """Stop all at once, wait for `seconds` together; those that did not end in time are returned (their threads are daemons)."""
    runners = tuple(runners)
    for runner in runners:
        runner.stop()
    share = seconds / max(1, len(runners))
    return tuple(r for r in runners if not r.join(share))
