"""What the engine runs: small actions, each of which can tell from the world whether it is done, and take itself back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from labtui.domain.migration.steps import StepName

Report = Callable[[str], None]  # a line in words for people
Data = Mapping[str, Any]  # what an action leaves in the journal: plain JSON, never a secret value
ACCEPTED = "accepted"  # in the `earlier` data: the change of somebody else that a person has accepted (`Look.identity`)

LEFT = "left"  # in the data of a failed action: what its failure left (`LabError.left`)


class Seen(StrEnum):
    """What the world says of an action."""

    DONE = "done"
    NOT_DONE = "not done"
    CHANGED = "changed"  # neither: somebody else has changed the same things; a person decides. What a run of ours has
    # left half done is NOT_DONE, never CHANGED: else neither going on nor going back would be possible


@dataclass(frozen=True, slots=True)
class Look:
    """An action's look at the world. `data`: what `done` would have left in the journal, as far as the world tells it.

    Of what somebody else has changed: `change` tells this change from others where the words do not; `accept` says what it
    means to go on from there, `firm` why that cannot be done.
    """

    seen: Seen
    words: str = ""
    data: Data = field(default_factory=dict)
    change: str = ""
    accept: str = ""
    firm: str = ""

    @property
    def identity(self) -> str:
        """What a person accepts when they accept this change."""
        return self.change or self.words

    def accepted(self, earlier: Data) -> bool:
        """Has a person accepted just this change?"""
        return self.seen is Seen.CHANGED and not self.firm and earlier.get(ACCEPTED) == self.identity

    def answered(self, earlier: Data, then: Seen) -> Look:
        """`then` in the place of CHANGED, once a person has accepted just this change."""
        return replace(self, seen=then) if self.accepted(earlier) else self


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
        """Ask the world; changes nothing. `earlier` is the data of its last entry in the journal, empty if there is none.

        With ACCEPTED in it a person has accepted one change: of just that one answer what is to be done now, DONE (it stays
        as it is) or NOT_DONE (`do` goes on top of it).
        """

    def do(self, earlier: Data, report: Report) -> Data:
        """Do it and wait until the world shows it. Must be right when it was half done before. Answers the journal's data.

        Change things through the fenced ports alone (`core.migration.fencing`): where another labtui has taken over they end
        the action there (they raise; do not catch that). Raises MustUndo when the aim was missed and all of it is to be
        taken back at once.
        """

    def undo(self, data: Data, report: Report) -> None:
        """Take it back, wait until the world shows that. Must be right when half undone, or never done at all."""
