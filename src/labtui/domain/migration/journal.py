"""The journal of a migration: one entry before and one after each action. What it says is a claim; the world decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from labtui.domain.migration.steps import ORDER, StepName


class Mark(StrEnum):
    """What an entry says of its action."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    NOTE = "note"  # a line for people: step and action may be empty


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `data` is what a later run needs (commit revisions, Vault versions, file names): never a secret value."""

    number: int  # 1, 2, 3 … without a gap
    at: datetime
    migration: str
    mark: Mark
    step: StepName | None = None
    action: str = ""  # unique within its step
    by: str = ""
    fence: int = 0  # the Lease's generation under which it was written
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class State(StrEnum):
    """Where a migration stands."""

    RUNNING = "running"  # some actions are done, the next can be taken up
    KUBERNETES = "on Kubernetes"  # everything is done
    DOCKER = "on Docker"  # nothing is done, or everything is undone


def done_actions(entries: Iterable[Entry]) -> dict[tuple[StepName, str], Entry]:
    """The actions that are done and not undone, in the order in which they were done, each with its entry."""
    found: dict[tuple[StepName, str], Entry] = {}
    for entry in entries:
        if entry.step is None:
            continue
        at = (entry.step, entry.action)
        if entry.mark is Mark.DONE:
            found.pop(at, None)
            found[at] = entry
        elif entry.mark is Mark.UNDONE:
            found.pop(at, None)
    return found


def open_actions(entries: Iterable[Entry]) -> dict[tuple[StepName, str], Entry]:
    """The actions that were begun (or begun to be undone) and of which no end is known: the world has to be asked."""
    found: dict[tuple[StepName, str], Entry] = {}
    for entry in entries:
        if entry.step is None:
            continue
        at = (entry.step, entry.action)
        if entry.mark in (Mark.BEGUN, Mark.UNDOING):
            found[at] = entry
        elif entry.mark in (Mark.DONE, Mark.UNDONE, Mark.FAILED):
            found.pop(at, None)
    return found


def step_of(entries: Iterable[Entry]) -> StepName | None:
    """The last step that has something done and not undone."""
    steps = {step for step, _ in done_actions(entries)}
    return max(steps, key=ORDER.index) if steps else None
