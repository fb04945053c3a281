"""What a running migration tells its watchers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from labtui.domain.migration.steps import StepName


class Event(StrEnum):
    """What happened."""

    LOOKING = "looking"  # the world is asked about an action
    BEGUN = "begun"
    LINE = "line"  # something that an action says while it works
    DONE = "done"
    ADOPTED = "adopted"  # the world has it already
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    WAITING = "waiting"  # the cluster does not answer, or another holder may still be alive
    PAUSED = "paused"
    REACHED = "reached"  # the run got where it was meant to go


@dataclass(frozen=True, slots=True)
class MigrationProgress:
    """One thing that happened, in words that make sense read aloud. `position` of `total` counts the actions."""

    at: datetime
    migration: str
    event: Event
    text: str
    step: StepName | None = None
    action: str = ""
    position: int = 0
    total: int = 0
