"""Measures the CPU and memory of running containers in threads of its own, so that events never wait for it.

An engine answers a question for one sample only at its next tick, up to a second later (seen with 20.10, moby's stats collector):
a few containers are asked at once. Over ssh every question under way takes a session of the one connection.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from labtui.adapters.docker.engine import FAILURES, Engine
from labtui.adapters.docker.usage import Meter, Usage

POLL_SECONDS = 15.0
SECOND_SAMPLE_SECONDS = 1.0
ASKED_AT_ONCE = 3
# half of the time at most is spent asking: hundreds of containers are asked less often
SECONDS_A_CONTAINER = 2 / ASKED_AT_ONCE


class Sampler:
    """Polls the containers it was told to watch; hands over what it measured, or the first error that ended it."""

    def __init__(
        self, engine: Engine, measured: Callable[[dict[str, Usage]], None], failed: Callable[[BaseException], None]
    ) -> None:
        self._engine = engine
        self._measured = measured
        self._failed = failed
        self._meter = Meter()
        self._changed = threading.Condition()
        self._due: dict[str, float] = {}  # when to ask next; never (infinity) while it is being asked
        self._begun: set[str] = set()
        self._ended = False
        self._threads = [
            threading.Thread(target=self._run, name=f"docker stats {n}", daemon=True) for n in range(ASKED_AT_ONCE)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def watch(self, running: Collection[str]) -> None:
        """Measure these from now on and no others; new ones at once."""
        with self._changed:
            for ident in self._due.keys() - running:
                del self._due[ident]
                self._begun.discard(ident)
                self._meter.forget(ident)
            new = running - self._due.keys()
            self._due |= dict.fromkeys(new, 0.0)
            if new:
                self._changed.notify_all()

    def end(self) -> None:
        """Stop; a request that is under way must be cut off by the caller."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Wait for the threads."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds)

    def _run(self) -> None:
        try:
            while (ident := self._next()) is not None:
                stats = self._engine.stats(ident)
                usage = self._note(ident, stats or {})
                if usage != Usage():
                    self._measured({ident: usage})
        except FAILURES as error:
            if not self._ended:
                self._failed(error)

    def _next(self) -> str | None:
        """Wait until a container is due; None at the end."""
        with self._changed:
            while not self._ended:
                now = time.monotonic()
                ident = min(self._due, key=self._due.__getitem__, default=None)
                when = now + POLL_SECONDS if ident is None else self._due[ident]
                if ident is not None and when <= now:
                    self._due[ident] = math.inf
                    return ident
                self._changed.wait(min(when - now, POLL_SECONDS))
            return None

    def _note(self, ident: str, stats: Mapping[str, Any]) -> Usage:
        """Take a sample (empty: the container is gone) and plan the next: soon after the first, so that a figure shows early."""
        with self._changed:
            if ident not in self._due:
                return Usage()
            first = ident not in self._begun
            self._begun.add(ident)
            pause = max(POLL_SECONDS, SECONDS_A_CONTAINER * len(self._due))
            self._due[ident] = time.monotonic() + (SECOND_SAMPLE_SECONDS if first else pause)
            # a thread that waits for a later one must look again
            self._changed.notify()
            return self._meter.add(ident, stats)
