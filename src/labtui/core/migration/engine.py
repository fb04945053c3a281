"""Runs the actions of one migration, forward or back, so that a crash at any point loses nothing.

Around each action: is the lease still ours → what does the world say → note what begins (on disk and in the cluster) → is the
lease still ours → do it → look again → note that it is done. What the world has already is adopted; what somebody else has
changed stops the run, and a person answers whether to go on from there. `resume` is the same loop: it goes where the last run
was going.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from labtui.core.migration.action import LEFT, Action, Seen
from labtui.core.migration.asking import Asking
from labtui.core.migration.failing import Stop, goal_words, guarded, like
from labtui.core.migration.fencing import Fence
from labtui.core.migration.journal import Journal
from labtui.core.migration.notes import Notes
from labtui.core.migration.telling import Teller
from labtui.core.operations.watching import Pace
from labtui.domain.errors import Invalid, LabError, MustUndo, Refused
from labtui.domain.migration.journal import (
    About,
    Aim,
    Entry,
    Goal,
    Mark,
    State,
    last_entries,
    open_goal,
    state_of,
    touched,
)
from labtui.domain.migration.progress import Event
from labtui.domain.migration.standing import standing
from labtui.domain.migration.steps import ORDER, UNDOABLE, StepName
from labtui.ports.migration import HeldLease

PATIENCE = Pace(every=1.0, limit=90.0)  # how long an API server that does not answer is waited for


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
        fence: Fence | None = None,
    ) -> None:
        """`actions` in the order of their steps, made with `fence`. Raises Invalid for a list that is not, or has a name twice."""
        self._notes = Notes(about, actions, journal, lease, teller, patience, fence or Fence())
        self._actions, self._keys = self._notes.actions, self._notes.keys
        self._asking = Asking(self._notes)
        self._tell, self._patience = teller, patience
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
        if (goal := open_goal(self._notes.entries)) is not None and goal.aim is Aim.UNDO:
            raise self._notes.stopped(Refused("This migration is being undone", goal_words(goal)))
        return self._pursue(Goal(Aim.FORWARD, until))

    def resume(self, accept: str = "") -> Ended:
        """Go where the last run was going; if it got there, forward to the end. What has ended stays as it is.

        `accept`: the action about which the last run asked; go on from what somebody else has changed there. Raises Refused
        when that is not what was asked, and again when it is another change by now.
        """
        entries = self._notes.entries
        goal = open_goal(entries)
        if goal is None and not accept and (state := state_of(entries)) is not State.RUNNING:
            return Ended(state, False, standing(entries))
        return self._pursue(goal or Goal(Aim.FORWARD), accept)

    def undo(self, to: StepName | None = None) -> Ended:
        """Take back what was done after the step `to`, the last first; without `to` everything."""
        return self._pursue(Goal(Aim.UNDO, to))

    # The way

    def _pursue(self, goal: Goal, accept: str = "") -> Ended:
        try:
            self._demand_known()
            self._notes.fence()
            if accept:
                self._asking.accept(accept)
            # the first thing that a new holder writes makes every write of a former one fail
            about = {} if self._notes.entries else self._notes.about.as_data()
            self._notes.record(Mark.NOTE, None, "", goal_words(goal), {**about, **goal.as_data()})
            return self._forward(goal) if goal.aim is Aim.FORWARD else self._backward(goal)
        except Stop as stop:
            raise self._notes.stopped(stop.error, stop.otherwise) from stop.error

    def _forward(self, goal: Goal) -> Ended:
        before: StepName | None = None
        for position, action in enumerate(self._actions):
            if goal.step is not None and ORDER.index(action.step) > ORDER.index(goal.step):
                break
            last = self._notes.last(position)
            if last is not None and last.mark is Mark.DONE:
                continue
            if self._pause.is_set():
                return self._paused(action)
            if action.step is not before:
                self._demand_as_left(fresh=before is None)
            before = action.step
            try:
                self._advance(position, action)
            except MustUndo as error:
                self._notes.failed(position, error)
                self._take_back(action, error)
            except LabError as error:
                self._notes.failed(position, error)
                raise self._notes.stopped(error) from error
        return self._reached(goal)

    def _backward(self, goal: Goal, *, stoppable: bool = True) -> Ended:
        wanted = [
            (position, action)
            for position, action in reversed(list(enumerate(self._actions)))
            if self._keys[position] in touched(self._notes.entries)
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
                self._notes.failed(position, error)
                raise self._notes.stopped(error) from error
        return self._reached(goal)

    def _take_back(self, action: Action, error: MustUndo) -> NoReturn:
        """A step that missed its aim is undone at once; a cut-over with all that was stopped for it."""
        first = StepName.QUIESCE if action.step in (StepName.CUT_OVER, StepName.SOAK) else action.step
        index = ORDER.index(first)
        goal = Goal(Aim.UNDO, ORDER[index - 1] if index else None)
        self._notes.record(Mark.NOTE, None, "", f"{error.title}: what was done is taken back by itself", goal.as_data())
        try:
            self._backward(goal, stoppable=False)
        except LabError as failure:
            words = f"{failure.detail}. This happened while labtui took back what had missed its aim: {error.title}"
            raise like(failure, words, failure.hint) from failure
        detail = f"{error.detail.rstrip('.')}. " if error.detail else ""
        words = f"{detail}It was taken back by itself. {standing(self._notes.entries)}"
        raise like(error, words, f"When the cause is gone: {self._notes.command}") from error

    # One action

    def _advance(self, position: int, action: Action) -> None:
        notes = self._notes
        earlier = self._asking.earlier(position)
        notes.fence()
        self._tell(Event.LOOKING, action.title, action, position)
        look = self._asking.look(position, earlier)
        if look.seen is Seen.DONE:
            words = f"{action.title}: it is so already" + (f" ({look.words})" if look.words else "")
            notes.record(Mark.DONE, action.step, action.name, words, {**earlier, **look.data})
            self._tell(Event.ADOPTED, words, action, position)
            return
        # what the look found must outlive a crash: afterwards the world may no longer tell what was there before
        before = {**{name: value for name, value in earlier.items() if name != LEFT}, **look.data}
        notes.record(Mark.BEGUN, action.step, action.name, action.title, before)
        self._tell(Event.BEGUN, action.title, action, position)
        notes.fence()
        data = notes.changing(lambda: guarded(lambda: action.do(before, notes.reporter(position))))
        after = self._asking.look(position, data)
        if after.seen is not Seen.DONE:
            raise LabError(f"{action.title}: it was done, and it does not show", after.words)
        notes.record(Mark.DONE, action.step, action.name, after.words or action.title, data)
        self._tell(Event.DONE, after.words or action.title, action, position)

    def _retreat(self, position: int, action: Action) -> None:
        notes = self._notes
        earlier = self._asking.earlier(position)
        notes.fence()
        self._tell(Event.LOOKING, f"Undo: {action.title}", action, position)
        look = self._asking.look_back(position, earlier)
        # after a crash the world may know what the journal does not: a commit, a version
        data = {**look.data, **earlier}
        notes.record(Mark.UNDOING, action.step, action.name, f"Undo: {action.title}", data)
        self._tell(Event.UNDOING, f"Undo: {action.title}", action, position)
        notes.fence()
        notes.changing(lambda: guarded(lambda: action.undo(data, notes.reporter(position))))
        notes.record(Mark.UNDONE, action.step, action.name, f"Undone: {action.title}", {})
        self._tell(Event.UNDONE, f"Undone: {action.title}", action, position)

    # What has to be true first

    def _demand_known(self) -> None:
        """Every action that may have left something must be known, else it could not be taken back."""
        unknown = sorted(touched(self._notes.entries) - set(self._keys))
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
            last = self._notes.last(position)
            if last is None or last.mark is not Mark.DONE or self._keys[position].step not in UNDOABLE:
                continue
            action = self._actions[position]
            try:
                self._demand_held(position, action, last, fresh=fresh)
            except LabError as error:
                raise self._notes.stopped(error) from error
            return

    def _demand_held(self, position: int, action: Action, last: Entry, *, fresh: bool) -> None:
        look, good = self._asking.look_as_left(position, last.data)
        end = self._patience.monotonic() + self._patience.limit / 3
        while not fresh and not good and look.seen is Seen.NOT_DONE and self._patience.monotonic() < end:
            self._patience.wait(self._patience.every)  # a pod may be unready for a moment
            look, good = self._asking.look_as_left(position, last.data)
        if good:
            return
        if look.seen is Seen.CHANGED:
            self._asking.ask(position, look, f"Somebody else has changed what “{action.title}” is about")
        words = f"“{action.title}” was done, and is so no more"
        if not fresh and action.step is StepName.CUT_OVER:
            self._notes.record(Mark.NOTE, action.step, action.name, f"{words}: {look.words}", {})
            self._take_back(action, MustUndo(words, look.words))
        self._asking.ask(position, look, words, "Somebody else has changed it, or it has failed")

    def _demand_undoable(self, position: int, action: Action) -> None:
        if not action.lasting:
            return
        last = self._notes.last(position)
        try:
            there = last is not None and last.mark is Mark.DONE
            there = there or self._asking.look_back(position, last.data if last else {}).seen is Seen.DONE
        except LabError as error:
            raise self._notes.stopped(error) from error
        if there:
            raise Stop(Refused(f"“{action.title}” cannot be undone", action.lasting))

    # The end

    def _paused(self, action: Action) -> Ended:
        words = f"Paused before: {action.title}"
        self._notes.record(Mark.NOTE, None, "", words, {})
        self._tell(Event.PAUSED, words)
        return Ended(state_of(self._notes.entries), True, f"{words}. To go on: {self._notes.command}")

    def _reached(self, goal: Goal) -> Ended:
        last = last_entries(self._notes.entries)
        complete = all(key in last and last[key].mark is Mark.DONE for key in self._keys)
        if goal.aim is Aim.FORWARD and complete:
            reached = State.KUBERNETES.value
        elif goal.aim is Aim.UNDO and not touched(self._notes.entries):
            reached = State.DOCKER.value
        else:
            reached = goal.step.value if goal.step else ""
        self._notes.record(Mark.NOTE, None, "", "Done", {"reached": reached})
        words = standing(self._notes.entries)
        self._tell(Event.REACHED, words)
        return Ended(state_of(self._notes.entries), False, words)
