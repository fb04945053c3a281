"""What the engine runs: small actions, each of which can tell from the world whether it is done, and take itself back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from labtui.domain.migration.steps import StepName

Report = Callable[[str], None]  # a line in words for people
Data = Mapping[str, Any]  # what an action leaves in the journal: plain JSON, never a secret value


class Seen(StrEnum):
    """What the world says of an action."""

    DONE = "done"
    NOT_DONE = "not done"
    CHANGED = "changed"  # neither: somebody else has changed the same things; a person decides. What a run of ours has
    # left half done is NOT_DONE, never CHANGED: else neither going on nor going back would be possible


@dataclass(frozen=True, slots=True)
class Look:
    """An action's look at the world. `data`: what `done` would have left in the journal, as far as the world tells it."""

    seen: Seen
    words: str = ""
    data: Data = field(default_factory=dict)


class Action(Protocol):
    """One action of a step. All of its methods raise only `LabError`; a lost answer is `OutcomeUnknown`."""

    @property
    def step(self) -> StepName:
        """The step that it belongs to."""

    @property
    def name(self) -> str:
        """Unique within the step and stable between runs: the journal's key."""

    @property
    def title(self) -> str:
        """What it does, in words."""

    @property
    def lasting(self) -> str:
        """Empty, or why it cannot be undone: said before it is confirmed."""

    def look(self, earlier: Data) -> Look:
        """Ask the world. `earlier` is the data of its last entry in the journal, empty if there is none."""

    def do(self, earlier: Data, report: Report) -> Data:
        """Do it and wait until the world shows it. Must be right when it was half done before. Answers the journal's data.

        Call `report` right before each change: where another labtui has taken over meanwhile, it ends the action there (it
        raises; do not catch that). Raises MustUndo when the aim was missed and all of it is to be taken back at once.
        """

    def undo(self, data: Data, report: Report) -> None:
        """Take it back, wait until the world shows that. Must be right when half undone, or never done at all."""
