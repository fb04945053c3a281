"""Questions of a migration: somebody else has changed what an action is about, and a person says whether to go on from there.

Both are notes in the journal. An answer is for one change alone: when it is another one the next time, it is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labtui.domain.migration.journal import Entry, Key, Mark

_ASKED, _ACCEPTED = "asked", "accepted"


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody else changed, in `words`. `change` tells it from other changes. `accept` says what going on from there
    means; `firm`, if it is not empty, why that is not possible."""

    key: Key
    words: str
    change: str
    accept: str = ""
    firm: str = ""

    @property
    def may_be_accepted(self) -> bool:
        """Can a person choose to go on from there?"""
        return not self.firm

    def as_asked(self) -> dict[str, Any]:
        """The form in the journal: data of the note that asks."""
        return {_ASKED: {"words": self.words, "change": self.change, "accept": self.accept, "firm": self.firm}}

    def as_accepted(self) -> dict[str, Any]:
        """The form in the journal: data of the note that answers."""
        return {_ACCEPTED: {"words": self.words, "change": self.change}}

    def named(self, name: str) -> bool:
        """Is it about this action? By its name alone, or with its step: `cut over/both`, `cut-over/both`."""
        step = self.key.step.value
        return name in (self.key.action, f"{step}/{self.key.action}", f"{step.replace(' ', '-')}/{self.key.action}")


def open_question(entries: Iterable[Entry]) -> Question | None:
    """What the last run asked and nobody has answered; None when it was answered, or things have moved on since."""
    found: Question | None = None
    for entry in entries:
        if entry.mark is not Mark.NOTE or "reached" in entry.data or _ACCEPTED in entry.data:
            found = None
        asked = entry.data.get(_ASKED) if entry.mark is Mark.NOTE else None
        if isinstance(asked, Mapping) and entry.step is not None:
            given = {name: str(asked.get(name, "")) for name in ("words", "change", "accept", "firm")}
            found = Question(Key(entry.step, entry.action), **given)
    return found


def accepted_changes(entries: Iterable[Entry]) -> dict[Key, str]:
    """For each action the change that a person has accepted last."""
    found: dict[Key, str] = {}
    for entry in entries:
        given = entry.data.get(_ACCEPTED) if entry.mark is Mark.NOTE else None
        if isinstance(given, Mapping) and entry.step is not None:
            found[Key(entry.step, entry.action)] = str(given.get("change", ""))
    return found


def asks(entry: Entry) -> bool:
    """Is it a note that asks or answers?"""
    return entry.mark is Mark.NOTE and (_ASKED in entry.data or _ACCEPTED in entry.data)
