"""Looks at the world, and the question where somebody else has changed what an action is about."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, NoReturn

from labtui.core.migration.action import ACCEPTED, Look, Seen
from labtui.core.migration.failing import Stop, guarded
from labtui.core.migration.notes import Notes
from labtui.domain.errors import Refused
from labtui.domain.migration.journal import Key, Mark
from labtui.domain.migration.questions import Question, accepted_changes, open_question
from labtui.domain.migration.steps import UNDOABLE

PUT_BACK = "Put it back as it was"


class Asking:
    """Looks for the engine. What a person has not accepted ends the run, with the command that accepts it."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def earlier(self, position: int) -> Mapping[str, Any]:
        """What an action is given as its `earlier` data: what the journal has of it, and what a person has accepted."""
        last = self._notes.last(position)
        return self._with(position, last.data if last is not None else {})

    def _with(self, position: int, data: Mapping[str, Any]) -> Mapping[str, Any]:
        bare = {name: value for name, value in data.items() if name != ACCEPTED}
        change = accepted_changes(self._notes.entries).get(self._notes.keys[position])
        return {**bare, ACCEPTED: change} if change is not None else bare

    def look(self, position: int, data: Mapping[str, Any]) -> Look:
        """Ask the world about an action that is to be done, or was just now. What somebody else has changed is asked about."""
        action = self._notes.actions[position]
        look = guarded(lambda: action.look(self._with(position, data)))
        if look.seen is Seen.CHANGED:
            self.ask(position, look, _changed(action.title))
        return look

    def look_back(self, position: int, data: Mapping[str, Any]) -> Look:
        """Ask the world about an action that is to be taken back: what a person has accepted is in nobody's way."""
        action = self._notes.actions[position]
        given = self._with(position, data)
        look = guarded(lambda: action.look(given))
        if action.step in UNDOABLE and look.seen is Seen.CHANGED and given.get(ACCEPTED) != look.identity:
            # what cannot be built upon can still be taken back: the action leaves alone what is not its own
            asked = Look(
                look.seen, look.words, change=look.identity, accept="what is not labtui's own is left as it is"
            )
            self.ask(position, asked, _changed(action.title))
        return look

    def look_as_left(self, position: int, data: Mapping[str, Any]) -> tuple[Look, bool]:
        """Ask the world about an action that was done, and whether things may go on from what it says."""
        action = self._notes.actions[position]
        given = self._with(position, data)
        bare = {name: value for name, value in given.items() if name != ACCEPTED}
        look = guarded(lambda: action.look(bare))
        accepted = not look.firm and given.get(ACCEPTED) == look.identity
        return look, look.seen is Seen.DONE or accepted

    def ask(self, position: int, look: Look, title: str, more: str = "") -> NoReturn:
        """Note the question, and end the run with it."""
        key, notes = self._notes.keys[position], self._notes
        question = Question(key, look.words, look.identity, look.accept or "it stays as it is now", look.firm)
        notes.record(Mark.NOTE, *key, f"{title}: {look.words}", question.as_asked())
        detail = ". ".join(part.rstrip(".") for part in (look.words, more) if part)
        if question.firm:
            raise Stop(Refused(title, f"{detail.rstrip('.')}. It is not gone on from there: {question.firm}", PUT_BACK))
        command = f"labtui migration resume {notes.about.id} --accept {shlex.quote(self._name(key))}"
        raise Stop(Refused(title, detail, PUT_BACK), f"Or go on from what is there now ({question.accept}): {command}")

    def accept(self, name: str) -> None:
        """Note that a person accepts what was asked about the action `name`. Stops the run when that is not what was asked."""
        question = open_question(self._notes.entries)
        if question is None or not question.named(name):
            words = f"what is asked is about “{self._name(question.key)}”" if question else "no question is open"
            raise Stop(Refused(f"Nothing was asked about “{name}”", words))
        if question.firm:
            raise Stop(Refused(f"“{name}” cannot be gone on from as it is", question.firm, PUT_BACK))
        text = f"Accepted, to go on from there: {question.words}"
        self._notes.record(Mark.NOTE, *question.key, text, question.as_accepted())

    def _name(self, key: Key) -> str:
        """What a person calls the action: its name, with its step where another one has the same."""
        same = [other for other in self._notes.keys if other.action == key.action]
        return key.action if len(same) == 1 else f"{key.step.value.replace(' ', '-')}/{key.action}"


def _changed(title: str) -> str:
    return f"Somebody else has changed what “{title}” is about"
