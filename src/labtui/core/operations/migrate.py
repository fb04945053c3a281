"""Migrate a stack, go on with a migration, or undo one: what the executor runs. The engine does the work."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from labtui.core.executor import Report
from labtui.core.migration.action import Action
from labtui.core.migration.engine import Ended
from labtui.core.migration.service import Migrations, Record
from labtui.core.migration.telling import Watch
from labtui.core.operations.compose import stack_ref
from labtui.domain.errors import Denied, Invalid, LabError, OutcomeUnknown, Refused
from labtui.domain.migration.journal import (
    Aim,
    Entry,
    Goal,
    Key,
    Mark,
    State,
    last_entries,
    open_goal,
    touched,
)
from labtui.domain.migration.progress import Event, MigrationProgress
from labtui.domain.migration.steps import ORDER, STEPS, UNDOABLE, StepName
from labtui.domain.plan import Danger, Outcome, Plan, Result, Step
from labtui.ports.migration import LeaseHolder


class Verb(StrEnum):
    """What is done with a migration."""

    MIGRATE = "migrate"
    RESUME = "resume"
    UNDO = "undo"


class RunMigration:
    """One run of a migration: its plan is what is left to do, or to undo."""

    def __init__(
        self,
        migrations: Migrations,
        verb: Verb,
        site: str,
        stack: str,
        *,
        identity: str = "",
        step: StepName | None = None,
        accept: str = "",
        answers: Sequence[str] = (),
        watch: Watch = lambda progress: None,
    ) -> None:
        """`identity`: the migration, not for `migrate`. `step`: do up to it, or undo what came after it. `watch` sees every event.

        `answers`, for a migration that begins: to the questions of its plan (`SERVICE.KEY=ANSWER`); they stay in its journal.
        `accept`, for `resume`: the action about which the last run asked (`Record.question`); go on from what is there now.
        Raises Invalid for another verb.
        """
        if accept and verb is not Verb.RESUME:
            raise Invalid("What somebody else has changed is accepted by a resume", f"not by {verb}")
        self.action = f"migration.{verb}"
        self.target = stack_ref(site, stack)
        self._migrations, self._verb = migrations, verb
        self._site, self._stack, self._identity, self._step = site, stack, identity, step
        self._accept, self._answers, self._watch = accept, tuple(answers), watch

    def plan(self) -> Plan:
        """What would be done now, by the journal. Raises Refused when there is nothing to do, Unreachable.

        How far it has come is no fact of the plan: another labtui may be at work, and then the lease decides, and says whose it is.
        """
        record = self._record()
        actions = self._migrations.actions(record.about, record.entries)
        goal = self._goal(record)
        wanted = _wanted(actions, record.entries, goal)
        place, new = f"{self._site}/{self._stack}", not record.entries
        question = record.question if self._accept else None
        holder = self._migrations.holder(record.about)
        title = f"Migrate {place} to Kubernetes" if goal.aim is Aim.FORWARD else f"Bring {place} back to Docker"
        if goal.step is not None:
            title += f", up to {goal.step}" if goal.aim is Aim.FORWARD else f", down to {goal.step}"
        return Plan(
            action=self.action,
            title=title,
            target=self.target,
            steps=tuple(_step(action, goal.aim) for action in wanted if not _silent(action, goal.aim)),
            warnings=self._warnings(record, wanted, goal, holder),
            refusals=(*_unasked(record, self._accept), *_refusals(wanted, record, goal, self._verb)),
            danger=Danger.HIGH,
            facts=(
                ("goal", f"{goal.aim} {goal.step or ''}".strip()),
                *((("migration", record.about.id),) if self._verb is not Verb.MIGRATE else ()),
                *((("accepts", question.change),) if question else ()),
            ),
            summary=(("Migration", "a new one" if new else record.about.id), ("Now", record.words)),
            undo=_way_back(record, goal),
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Run it; how it ended, with the report of the whole migration so far."""

        seen = [self._identity]  # a new migration gets its id when it begins
        told = [""]

        def watch(progress: MigrationProgress) -> None:
            seen.append(progress.migration or seen[-1])
            quiet = progress.event is Event.LOOKING or (
                progress.event in (Event.UNDOING, Event.UNDONE) and progress.step not in UNDOABLE
            )
            if not quiet and progress.text != told[-1]:
                told.append(progress.text)
                report(progress.step.value if progress.step else progress.event.value, progress.text)
            self._watch(progress)

        before = self._record()
        try:
            record, ended = self._start(watch)
        except LabError as error:
            return self._failed(before, seen[-1], error)
        remaining = (f"labtui migration resume {record.about.id}",) if ended.state is State.RUNNING else ()
        message = ended.words if ended.paused else f"{self._site}/{self._stack} is {_where(ended)}"
        return Outcome(Result.DONE, message, record.words, remaining, {"report": self._migrations.report(record)})

    def _start(self, watch: Watch) -> tuple[Record, Ended]:
        if self._verb is Verb.MIGRATE:
            return self._migrations.migrate(self._site, self._stack, self._step, watch, self._answers)
        if self._verb is Verb.RESUME:
            return self._migrations.resume(self._identity, watch, self._accept)
        return self._migrations.undo(self._identity, self._step, watch)

    def _failed(self, before: Record, identity: str, error: LabError) -> Outcome:
        """Refused when this run has not begun anything, else failed (or unknown)."""
        try:
            after = self._migrations.show(identity) if identity else before
        except LabError:
            after = before  # the cluster is away, or what is there contradicts itself: the error says it
        began = [e for e in after.entries[len(before.entries) :] if e.mark in (Mark.BEGUN, Mark.UNDOING)]
        result = Result.UNKNOWN if isinstance(error, OutcomeUnknown) else Result.FAILED
        if isinstance(error, Refused | Denied | Invalid) and not began:
            result = Result.REFUSED
        message = f"{error.title}: {error.detail}" if error.detail else error.title
        data: dict[str, object] = {"report": self._migrations.report(after)}
        return Outcome(result, message, after.words, (error.hint,) if error.hint else (), data)

    def _record(self) -> Record:
        if self._verb is Verb.MIGRATE:
            return self._migrations.next_of(self._site, self._stack, self._answers)
        return self._migrations.show(self._identity)

    def _goal(self, record: Record) -> Goal:
        if self._verb is Verb.UNDO:
            return Goal(Aim.UNDO, self._step)
        if self._verb is Verb.MIGRATE:
            return Goal(Aim.FORWARD, self._step)
        return open_goal(record.entries) or Goal(Aim.FORWARD)

    def _warnings(
        self, record: Record, wanted: Sequence[Action], goal: Goal, holder: LeaseHolder | None
    ) -> tuple[str, ...]:
        found = [record.problem] if record.problem else []
        if self._accept and record.question is not None:
            found.append(f"Somebody else has changed it: {record.question.words}. Going on: {record.question.accept}")
        if holder is not None:
            since = f" since {holder.since:%Y-%m-%d %H:%M:%S} UTC" if holder.since else ""
            found.append(f"{holder.holder} holds the lease{since}; only if that labtui is dead can this one go on")
        if goal.aim is Aim.FORWARD:
            found += [f"Cannot be undone: {action.title} ({action.lasting})" for action in wanted if action.lasting]
        return tuple(found)


def _wanted(actions: Sequence[Action], entries: Sequence[Entry], goal: Goal) -> tuple[Action, ...]:
    """The actions that a run would do or undo, in its order."""
    last = last_entries(entries)
    if goal.aim is Aim.UNDO:
        there = touched(entries)
        beyond = ORDER.index(goal.step) if goal.step is not None else -1
        back = [a for a in actions if Key(a.step, a.name) in there and ORDER.index(a.step) > beyond]
        return tuple(reversed(back))
    end = ORDER.index(goal.step) if goal.step is not None else len(ORDER)
    left = [a for a in actions if (e := last.get(Key(a.step, a.name))) is None or e.mark is not Mark.DONE]
    return tuple(a for a in left if ORDER.index(a.step) <= end)


def _silent(action: Action, aim: Aim) -> bool:
    """Going back there is nothing to say of what has changed nothing."""
    return aim is Aim.UNDO and action.step not in UNDOABLE


def _step(action: Action, aim: Aim) -> Step:
    words = action.title if aim is Aim.FORWARD else f"Undo: {action.title}"
    return Step(f"{action.step}: {words}")


def _refusals(wanted: Sequence[Action], record: Record, goal: Goal, verb: Verb) -> tuple[str, ...]:
    found = []
    last = last_entries(record.entries)
    if goal.aim is Aim.UNDO:
        for action in wanted:
            entry = last.get(Key(action.step, action.name))
            if action.lasting and entry is not None and entry.mark is Mark.DONE:
                found.append(f"{action.title} cannot be undone: {action.lasting}")
    # killed right after its last action it lacks only the note that it has ended, which a run adds
    if not wanted and open_goal(record.entries) != goal:
        found.append(f"There is nothing to do. {record.words}")
    elif verb is Verb.RESUME and record.state is State.DOCKER and open_goal(record.entries) is None:
        about = record.about
        found.append(f"This migration has ended; a new one is begun by: labtui migrate {about.site}/{about.stack}")
    under_way = open_goal(record.entries)
    if verb is Verb.MIGRATE and under_way is not None and under_way.aim is Aim.UNDO:
        found.append(f"It is being undone; to go on with that: labtui migration resume {record.about.id}")
    return tuple(found)


def _unasked(record: Record, accept: str) -> tuple[str, ...]:
    """Why what is to be accepted cannot be."""
    question = record.question
    if not accept:
        return ()
    if question is None:
        return (f"Nothing was asked about “{accept}”, so there is nothing to accept",)
    if not question.named(accept):
        return (f"What was asked is about “{question.key.action}”, not about “{accept}”: {question.words}",)
    return (f"It is not gone on from there: {question.firm}",) if question.firm else ()


def _way_back(record: Record, goal: Goal) -> str:
    if goal.aim is Aim.UNDO:
        return f"labtui migration resume {record.about.id}"
    if not record.entries:
        return "labtui migration undo with the id that is printed; " + "; ".join(
            f"{info.name}: {info.undo}" for info in STEPS if info.undo
        )
    return f"labtui migration undo {record.about.id}"


def _where(ended: Ended) -> str:
    if ended.state is State.RUNNING:
        return "between Docker and Kubernetes, where it was meant to stop"
    return ended.state.value
