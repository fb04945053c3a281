"""The time of the simulated estate: the real one, or one that stands still until it is told to go on."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Driven(Protocol):
    """Something that has work to do at certain times."""

    def next_due(self) -> datetime | None:
        """When the next work is due."""

    def run_due(self) -> None:
        """Do all work that is due now."""


class DemoClock:
    """Real time, or with `frozen_at` a time that moves only by `advance`."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self.frozen = frozen_at is not None
        self._lock = threading.Lock()
        self._now = frozen_at if frozen_at is None or frozen_at.tzinfo else frozen_at.replace(tzinfo=UTC)
        self._driven: list[Driven] = []

    def now(self) -> datetime:
        """The current time of the simulated estate."""
        with self._lock:
            return self._now if self._now is not None else datetime.now(UTC)

    def drive(self, driven: Driven) -> None:
        """Let `advance` do the work of `driven`."""
        self._driven.append(driven)

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass in a frozen clock: all that is due until then happens, each at its own time, in this thread.

        Raises ValueError when the clock is not frozen.
        """
        if not self.frozen:
            raise ValueError("only a frozen clock can be advanced")
        end = self.now() + timedelta(seconds=seconds)
        while True:
            moments = [due for due in (d.next_due() for d in self._driven) if due is not None and due <= end]
            if not moments:
                break
            self._set(max(min(moments), self.now()))
            for driven in self._driven:
                driven.run_due()
        self._set(end)

    def wait(self, seconds: float) -> None:
        """Let `seconds` pass: by sleeping, or in a frozen clock by advancing it. For those who look again and again."""
        if self.frozen:
            self.advance(seconds)
        else:
            time.sleep(seconds)

    def monotonic(self) -> float:
        """Seconds that only grow, of this clock's time."""
        return self.now().timestamp() if self.frozen else time.monotonic()

    def _set(self, moment: datetime) -> None:
        with self._lock:
            self._now = moment
