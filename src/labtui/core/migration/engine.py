"""Runs the actions of one migration, forward or back, so that a crash at any point loses nothing.

Around each action: is the lease still ours → what does the world say → note what begins (on disk and in the cluster) → is the
lease still ours → do it → look again → note that it is done. What the world has already is adopted; what somebody else has
changed stops the run and is left to a person. `resume` is the same loop: it goes where the last run was going.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from labtui.core.migration.action import Action, Look, Seen
from labtui.core.migration.failing import Stop, goal_words, guarded, like
from labtui.core.migration.journal import Journal
from labtui.core.migration.telling import Teller
from labtui.core.operations.watching import Pace
from labtui.domain.errors import Invalid, LabError, MustUndo, Refused, Unreachable
from labtui.domain.migration.journal import (
    About,
    Aim,
    Entry,
    Goal,
    Key,
    Mark,
    State,
    last_entries,
    open_goal,
    state_of,
    touched,
)
from labtui.domain.migration.progress import Event
from labtui.domain.migration.standing import standing
from labtui.domain.migration.steps import ORDER, STEPS, StepName
from labtui.ports.migration import HeldLease

log = logging.getLogger(__name__)

PATIENCE = Pace(every=1.0, limit=90.0)  # how long an API server that does not answer is waited for
_PUT_BACK = "Put it back as it was"
_UNDOABLE = frozenset(info.name for info in STEPS if info.undo)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended that did not fail. `paused`: it was asked to stop before it got where it was going."""

    state: State
    paused: bool
    words: str


class Engine:
    """One run of one migration. All methods raise only LabError, whose hint is the one command to type next."""

    def __init__(
        self,
        about: About,
        actions: Sequence[Action],
        journal: Journal,
        lease: HeldLease,
        teller: Teller,
        patience: Pace = PATIENCE,
    ) -> None:
        """`actions` in the order of their steps. Raises Invalid for a list that is not, or that has a name twice."""
        self._about = about
        self._actions = tuple(actions)
        self._keys = tuple(Key(action.step, action.name) for action in self._actions)
        self._journal, self._lease, self._tell, self._patience = journal, lease, teller, patience
        self._pause = threading.Event()
        if len(set(self._keys)) != len(self._keys):
            raise Invalid("Two actions of the migration have one name", ", ".join(key.action for key in self._keys))
        if [ORDER.index(key.step) for key in self._keys] != sorted(ORDER.index(key.step) for key in self._keys):
            raise Invalid("The actions of the migration are not in the order of its steps")

    def pause(self) -> None:
        """From any thread: stop before the next action. What is being done is finished first."""
        self._pause.set()

    def run(self, until: StepName | None = None) -> Ended:
        """Do everything up to and with the step `until`, or all of it. Raises Refused while an undo is not finished."""
        if (goal := open_goal(self._journal.entries)) is not None and goal.aim is Aim.UNDO:
            raise self._stopped(Refused("This migration is being undone", goal_words(goal)))
        return self._pursue(Goal(Aim.FORWARD, until))

    def resume(self) -> Ended:
        """Go where the last run was going; if it got there, forward to the end. What has ended stays as it is."""
        goal = open_goal(self._journal.entries)
        if goal is None and (state := state_of(self._journal.entries)) is not State.RUNNING:
            return Ended(state, False, standing(self._journal.entries))
        return self._pursue(goal or Goal(Aim.FORWARD))

    def undo(self, to: StepName | None = None) -> Ended:
        """Take back what was done after the step `to`, the last first; without `to` everything."""
        return self._pursue(Goal(Aim.UNDO, to))

    # The way

    def _pursue(self, goal: Goal) -> Ended:
        try:
            self._demand_known()
            self._fence()
            # the first thing that a new holder writes makes every write of a former one fail
            about = {} if self._journal.entries else self._about.as_data()
            self._record(Mark.NOTE, None, "", goal_words(goal), {**about, **goal.as_data()})
            return self._forward(goal) if goal.aim is Aim.FORWARD else self._backward(goal)
        except Stop as stop:
            raise self._stopped(stop.error) from stop.error

    def _forward(self, goal: Goal) -> Ended:
        before: StepName | None = None
        for position, action in enumerate(self._actions):
            if goal.step is not None and ORDER.index(action.step) > ORDER.index(goal.step):
                break
            last = self._last(position)
            if last is not None and last.mark is Mark.DONE:
                continue
            if self._pause.is_set():
                return self._paused(action)
            if action.step is not before:
                self._demand_as_left(fresh=before is None)
            before = action.step
            try:
                self._advance(position, action, last)
            except MustUndo as error:
                self._failed(action, error)
                self._take_back(action, error)
            except LabError as error:
                self._failed(action, error)
                raise self._stopped(error) from error
        return self._reached(goal)

    def _backward(self, goal: Goal, *, stoppable: bool = True) -> Ended:
        wanted = [
            (position, action)
            for position, action in reversed(list(enumerate(self._actions)))
            if self._keys[position] in touched(self._journal.entries)
            and (goal.step is None or ORDER.index(action.step) > ORDER.index(goal.step))
        ]
        for position, action in wanted:
            self._demand_undoable(position, action)
        for position, action in wanted:
            if stoppable and self._pause.is_set():
                return self._paused(action)
            try:
                self._retreat(position, action)
            except LabError as error:
                self._failed(action, error)
                raise self._stopped(error) from error
        return self._reached(goal)

    def _take_back(self, action: Action, error: MustUndo) -> NoReturn:
        """A step that missed its aim is undone at once; a cut-over with all that was stopped for it."""
        first = StepName.QUIESCE if action.step in (StepName.CUT_OVER, StepName.SOAK) else action.step
        index = ORDER.index(first)
        goal = Goal(Aim.UNDO, ORDER[index - 1] if index else None)
        self._record(Mark.NOTE, None, "", f"{error.title}: what was done is taken back by itself", goal.as_data())
        try:
            self._backward(goal, stoppable=False)
        except LabError as failure:
            words = f"{failure.detail}. This happened while labtui took back what had missed its aim: {error.title}"
            raise like(failure, words, failure.hint) from failure
        detail = f"{error.detail.rstrip('.')}. " if error.detail else ""
        words = f"{detail}It was taken back by itself. {standing(self._journal.entries)}"
        raise like(error, words, f"When the cause is gone: {self._command}") from error

    # One action

    def _advance(self, position: int, action: Action, last: Entry | None) -> None:
        earlier = last.data if last is not None else {}
        self._fence()
        self._tell(Event.LOOKING, action.title, action, position)
        look = self._look(action, earlier)
        if look.seen is Seen.DONE:
            words = f"{action.title}: it is so already" + (f" ({look.words})" if look.words else "")
            self._record(Mark.DONE, action.step, action.name, words, {**earlier, **look.data})
            self._tell(Event.ADOPTED, words, action, position)
            return
        # what the look found must outlive a crash: afterwards the world may no longer tell what was there before
        before = {**earlier, **look.data}
        self._record(Mark.BEGUN, action.step, action.name, action.title, before)
        self._tell(Event.BEGUN, action.title, action, position)
        self._fence()
        data = guarded(lambda: action.do(before, self._reporter(action, position)))
        after = self._look(action, data)
        if after.seen is not Seen.DONE:
            raise LabError(f"{action.title}: it was done, and it does not show", after.words)
        self._record(Mark.DONE, action.step, action.name, after.words or action.title, data)
        self._tell(Event.DONE, after.words or action.title, action, position)

    def _retreat(self, position: int, action: Action) -> None:
        last = self._last(position)
        earlier: Mapping[str, Any] = last.data if last is not None else {}
        self._fence()
        self._tell(Event.LOOKING, f"Undo: {action.title}", action, position)
        look = self._look(action, earlier)
        # after a crash the world may know what the journal does not: a commit, a version
        data = {**look.data, **earlier}
        self._record(Mark.UNDOING, action.step, action.name, f"Undo: {action.title}", data)
        self._tell(Event.UNDOING, f"Undo: {action.title}", action, position)
        self._fence()
        guarded(lambda: action.undo(data, self._reporter(action, position)))
        self._record(Mark.UNDONE, action.step, action.name, f"Undone: {action.title}", {})
        self._tell(Event.UNDONE, f"Undone: {action.title}", action, position)

    def _look(self, action: Action, earlier: Mapping[str, Any]) -> Look:
        """Ask the world about an action; what somebody else has changed ends the run."""
        look = guarded(lambda: action.look(earlier))
        if look.seen is Seen.CHANGED:
            words = f"Somebody else has changed what “{action.title}” is about"
            self._record(Mark.NOTE, action.step, action.name, f"{words}: {look.words}", {})
            raise Stop(Refused(words, look.words, _PUT_BACK))
        return look

    def _reporter(self, action: Action, position: int) -> Callable[[str], None]:
        def report(line: str) -> None:
            self._tell(Event.LINE, line, action, position)
            try:
                self._lease.glance()  # a process that slept through a takeover learns of it here, too
            except Refused as error:
                raise Stop(error) from error
            except LabError as error:
                log.warning("the lease could not be looked at: %s", error)

        return report

    # What has to be true first

    def _demand_known(self) -> None:
        """Every action that may have left something must be known, else it could not be taken back."""
        unknown = sorted(touched(self._journal.entries) - set(self._keys))
        if unknown:
            raise Stop(
                Refused(
                    "The journal names actions that this labtui does not know",
                    ", ".join(f"{key.action} ({key.step})" for key in unknown),
                    "Use the version of labtui that began the migration",
                )
            )

    def _demand_as_left(self, *, fresh: bool) -> None:
        """The last action that changed something must still be as it was left, before anything is built upon it.

        In the middle of a run (not `fresh`) a cut-over that holds no more is taken back: its users cannot wait for a person.
        """
        for position in reversed(range(len(self._actions))):
            last = self._last(position)
            if last is None or last.mark is not Mark.DONE or self._keys[position].step not in _UNDOABLE:
                continue
            action = self._actions[position]
            try:
                look = self._look(action, last.data) if fresh else self._look_until_done(action, last.data)
            except LabError as error:
                raise self._stopped(error) from error
            if look.seen is Seen.DONE:
                return
            words = f"“{action.title}” was done, and is so no more"
            self._record(Mark.NOTE, action.step, action.name, f"{words}: {look.words}", {})
            if not fresh and action.step is StepName.CUT_OVER:
                self._take_back(action, MustUndo(words, look.words))
            detail = f"{look.words.rstrip('.')}. " if look.words else ""
            raise Stop(Refused(words, f"{detail}Somebody else has changed it, or it has failed", _PUT_BACK))

    def _look_until_done(self, action: Action, earlier: Mapping[str, Any]) -> Look:
        """Look again for a while: a pod may be unready for a moment."""
        end = self._patience.monotonic() + self._patience.limit / 3
        while (look := self._look(action, earlier)).seen is not Seen.DONE and self._patience.monotonic() < end:
            self._patience.wait(self._patience.every)
        return look

    def _demand_undoable(self, position: int, action: Action) -> None:
        if not action.lasting:
            return
        last = self._last(position)
        try:
            there = last is not None and last.mark is Mark.DONE
            there = there or self._look(action, last.data if last else {}).seen is Seen.DONE
        except LabError as error:
            raise self._stopped(error) from error
        if there:
            raise Stop(Refused(f"“{action.title}” cannot be undone", action.lasting))

    def _fence(self) -> None:
        """The lease is ours and fresh, and the copy of the journal in the cluster is up to date."""

        def both() -> None:
            self._lease.check()
            self._journal.settle()

        try:
            self._patiently(both)
        except LabError as error:
            raise Stop(error) from error

    # Notes and words

    def _record(self, mark: Mark, step: StepName | None, action: str, text: str, data: Mapping[str, Any]) -> None:
        try:
            self._patiently(self._lease.glance)
            try:
                self._journal.append(mark, step, action, text, data)
            except Unreachable:  # it is on this disk, and has to be in the cluster too before anything else is done
                self._patiently(self._journal.settle)
        except LabError as error:
            raise Stop(error) from error

    def _failed(self, action: Action, error: LabError) -> None:
        """Note why an action failed; its data stays as the entry before left it."""
        position = self._keys.index(Key(action.step, action.name))
        last = self._last(position)
        words = str(error)
        self._tell(Event.FAILED, words, action, position)
        if last is not None and last.mark in (Mark.BEGUN, Mark.UNDOING):
            self._record(Mark.FAILED, action.step, action.name, words, last.data)
        else:  # it was not even begun: only a look at the world failed
            self._record(Mark.NOTE, action.step, action.name, words, {})

    def _patiently(self, work: Callable[[], None]) -> None:
        """Try for a while when the cluster does not answer. Raises what the last attempt raised."""
        end = self._patience.monotonic() + self._patience.limit
        told = False
        while True:
            try:
                work()
                return
            except Unreachable as error:
                if self._patience.monotonic() >= end:
                    raise
                if not told:
                    self._tell(Event.WAITING, f"{error.title}: {error.cause}. Waiting; nothing is done meanwhile")
                told = True
            self._patience.wait(self._patience.every)

    def _last(self, position: int) -> Entry | None:
        return last_entries(self._journal.entries).get(self._keys[position])

    def _paused(self, action: Action) -> Ended:
        words = f"Paused before: {action.title}"
        self._record(Mark.NOTE, None, "", words, {})
        self._tell(Event.PAUSED, words)
        return Ended(state_of(self._journal.entries), True, f"{words}. To go on: {self._command}")

    def _reached(self, goal: Goal) -> Ended:
        last = last_entries(self._journal.entries)
        complete = all(key in last and last[key].mark is Mark.DONE for key in self._keys)
        if goal.aim is Aim.FORWARD and complete:
            reached = State.KUBERNETES.value
        elif goal.aim is Aim.UNDO and not touched(self._journal.entries):
            reached = State.DOCKER.value
        else:
            reached = goal.step.value if goal.step else ""
        self._record(Mark.NOTE, None, "", "Done", {"reached": reached})
        words = standing(self._journal.entries)
        self._tell(Event.REACHED, words)
        return Ended(state_of(self._journal.entries), False, words)

    @property
    def _command(self) -> str:
        entries = self._journal.entries
        if open_goal(entries) is None and state_of(entries) is State.DOCKER:
            return f"labtui migrate {self._about.site}/{self._about.stack}"  # it has ended: the next one is a new one
        return f"labtui migration resume {self._about.id}"

    def _stopped(self, error: LabError) -> LabError:
        """The same error, with what state things are in and what to type next."""
        detail = f"{error.detail.rstrip('.')}. " if error.detail else ""
        hint = f"{error.hint.rstrip('.')}; then: {self._command}" if error.hint else f"To go on: {self._command}"
        return like(error, f"{detail}{standing(self._journal.entries)}", hint)
