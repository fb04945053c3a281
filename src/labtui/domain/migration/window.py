"""The time in which nobody answers a stack whose data has one writer: as its journal tells it, and as it is told before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from labtui.domain.migration.journal import Entry, Key, Mark
from labtui.domain.migration.steps import StepName

STOP = Key(StepName.QUIESCE, "stop")  # Docker's writers are stopped
OVER = Key(StepName.CUT_OVER, "kubernetes")  # done when the pods answer through the Ingress


@dataclass(frozen=True, slots=True)
class Window:
    """One interruption. `to` is the side that answered after it; `ended` None: nobody answers yet, as far as is known."""

    began: datetime
    to: str
    ended: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """How long it was, None while it lasts. Never below 0: two machines may have written it, whose clocks differ."""
        return max(0.0, (self.ended - self.began).total_seconds()) if self.ended else None

    @property
    def sentence(self) -> str:
        """In words."""
        if self.seconds is None:
            return f"since {self.began:%H:%M:%S} UTC"
        return f"for {self.seconds:.1f} s from {self.began:%H:%M:%S} UTC, then by {self.to}"


def windows_of(entries: Iterable[Entry]) -> tuple[Window, ...]:
    """All interruptions of a migration, there and back, oldest first.

    It begins when the writers are about to be stopped, or the traffic is about to be taken from the pods; it ends when the
    pods answer, or Docker does again.
    """
    found: list[Window] = []
    began: datetime | None = None
    stopped = False  # the writers are, or may be
    for entry in entries:
        key = Key(entry.step, entry.action) if entry.step is not None else None
        if key == STOP and entry.mark in (Mark.BEGUN, Mark.DONE):
            stopped = True
        if began is None and stopped:
            forward = key == STOP and entry.mark is Mark.BEGUN
            back = key in (STOP, OVER) and entry.mark is Mark.UNDOING
            began = entry.at if forward or back else None
        elif began is not None and key == OVER and entry.mark is Mark.DONE:
            found.append(Window(began, "Kubernetes", entry.at))
            began = None
        elif began is not None and key == STOP and entry.mark is Mark.UNDONE:
            found.append(Window(began, "Docker", entry.at))
            began = None
        if key == STOP and entry.mark is Mark.UNDONE:
            stopped = False
    if began is not None:
        found.append(Window(began, ""))
    return tuple(found)
