"""The journal of a migration: one entry before and one after each action. What it says is a claim; the world decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

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


class Key(NamedTuple):
    """What the journal knows an action by."""

    step: StepName
    action: str


class Aim(StrEnum):
    """Which way a run goes. It stays in the journal until it is reached, so that a resume goes the same way."""

    FORWARD = "forward"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a run is for. Forward: up to and with `step`, None for all. Undo: what comes after `step`, None for everything."""

    aim: Aim
    step: StepName | None = None

    def as_data(self) -> dict[str, Any]:
        """The form in the journal: the data of a note."""
        return {"goal": {"aim": self.aim.value, "step": self.step.value if self.step else None}}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Goal | None:
        """What a note says a run is for; None when it says nothing of it. Raises ValueError, KeyError for what is no goal."""
        given = data.get("goal")
        if not isinstance(given, Mapping):
            return None
        step = given.get("step")
        return cls(Aim(given["aim"]), StepName(step) if step else None)


@dataclass(frozen=True, slots=True)
class About:
    """Which migration this is. `answers` to the questions of its plan (`SERVICE.KEY=ANSWER`), for one that begins now."""

    id: str
    site: str
    stack: str
    answers: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """The form in the journal: data of its first entry."""
        return {"about": {"site": self.site, "stack": self.stack}}


def about_of(entries: Iterable[Entry]) -> About | None:
    """Which migration a journal is of, by its first entry; None when that does not say it."""
    for entry in entries:
        given = entry.data.get("about")
        if isinstance(given, Mapping):
            return About(entry.migration, str(given.get("site")), str(given.get("stack")))
        return None
    return None


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


def last_entries(entries: Iterable[Entry]) -> dict[Key, Entry]:
    """The last entry of each action."""
    found: dict[Key, Entry] = {}
    for entry in entries:
        if entry.step is not None and entry.mark is not Mark.NOTE:
            found[Key(entry.step, entry.action)] = entry
    return found


def touched(entries: Iterable[Entry]) -> frozenset[Key]:
    """The actions that may have left something in the world: all that were ever begun and are not known to be undone."""
    return frozenset(key for key, entry in last_entries(entries).items() if entry.mark is not Mark.UNDONE)


def open_goal(entries: Iterable[Entry]) -> Goal | None:
    """What the last run was for, if it did not get there."""
    found: Goal | None = None
    for entry in entries:
        goal = Goal.of_data(entry.data) if entry.mark is Mark.NOTE else None
        if goal is not None:
            found = goal
        elif entry.mark is Mark.NOTE and "reached" in entry.data:
            found = None
    return found


def state_of(entries: Iterable[Entry]) -> State:
    """Where the migration stands, by its journal."""
    known = tuple(entries)
    if not touched(known):
        return State.DOCKER
    for entry in reversed(known):
        if entry.step is not None and entry.mark is not Mark.NOTE:
            return State.RUNNING
        if entry.data.get("reached") == State.KUBERNETES.value:
            return State.KUBERNETES
    return State.RUNNING
