"""From the feeds' threads to the screen's: wakes the app, at most ten times a second, and stops everything at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from labtui.core.feeds import FeedRunner, start_all, stop_all
from labtui.core.inventory import Delta
from labtui.core.lab import Lab
from labtui.core.mailbox import Mailbox
from labtui.domain.ref import SourceId
from labtui.domain.states import FeedState

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between two drains; more often nobody can read, and a slow terminal cannot follow
LEAVE = 0.6  # seconds that quitting waits for connections to close; their threads are daemons


class Wake:
    """Limits how often `fire` is called: the first time at once, then `TICK` apart. `ask` may be called from any thread.

    `post` must hand a call over to the owner's thread; `later` runs a function there after some seconds.
    """

    def __init__(self, post: Callable[[], None], later: Callable[[float, Callable[[], None]], object]) -> None:
        self._post = post
        self._later = later
        self._last = 0.0
        self._timed = False

    def ask(self) -> None:
        """From any thread: something waits to be looked at."""
        self._post()

    def due(self, fire: Callable[[], None]) -> None:
        """In the owner's thread, for each `ask`: call `fire` now or when the time has come."""
        if self._timed:
            return
        wait = self._last + TICK - time.monotonic()
        if wait <= 0:
            self._last = time.monotonic()
            fire()
            return
        self._timed = True
        self._later(wait, lambda: self._fire_late(fire))

    def _fire_late(self, fire: Callable[[], None]) -> None:
        self._timed = False
        self._last = time.monotonic()
        fire()


class LiveLab:
    """The running side of a `Lab`: its feeds, and the mailbox that they fill. Owned by the UI thread."""

    def __init__(self, lab: Lab, wake: Callable[[], None]) -> None:
        self.lab = lab
        self._mailbox = Mailbox(wake)
        self._runners: tuple[FeedRunner, ...] = ()

    def start(self) -> None:
        """Begin to follow every source."""
        self._runners = start_all(self.lab.feeds, self._mailbox.put, self.lab.clock)

    def drain(self) -> Delta:
        """Take in what has arrived since the last time."""
        return self.lab.inventory.apply(self._mailbox.drain())

    def retry(self, source: SourceId) -> None:
        """Connect to this source now; to a live one anew."""
        status = self.lab.inventory.status(source)
        live = status is not None and status.state is FeedState.LIVE
        for runner in self._runners:
            if runner.feed.source == source:
                (runner.reconnect if live else runner.retry)()

    def stop(self) -> None:
        """Close every connection and wait `LEAVE` seconds at most."""
        runners, self._runners = self._runners, ()
        left = stop_all(runners, LEAVE)
        if left:
            log.info("still closing when labtui left: %s", ", ".join(str(r.feed.source) for r in left))
        closing = threading.Thread(target=self.lab.close, name="close lab", daemon=True)
        closing.start()
        closing.join(0.2)
