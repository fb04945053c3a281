"""From a key to a migration that runs: the plan of the run, the typed confirmation, its screen, how it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual.app import App

from labtui.core.lab import Lab
from labtui.core.migration.service import Record
from labtui.core.operations.migrate import RunMigration, Verb
from labtui.core.stackplan import PlannedStack
from labtui.domain.errors import LabError, NotFound
from labtui.domain.migration.journal import State, open_goal
from labtui.domain.migration.steps import STEPS, StepName
from labtui.domain.plan import Danger, Outcome, Plan, Result
from labtui.domain.resources import Migration
from labtui.tui.asking import Asking
from labtui.tui.background import deliver, in_background
from labtui.tui.migration.board import MigrationBoard
from labtui.tui.migration.details import detail_lines
from labtui.tui.migration.report_page import report_lines
from labtui.tui.migration.track import Track
from labtui.tui.screens.confirm import ConfirmScreen
from labtui.tui.screens.leave import LeaveScreen, Leaving
from labtui.tui.screens.migration import MigrationScreen
from labtui.tui.screens.text import TextScreen

_WORDS = {Verb.MIGRATE: "Migrate", Verb.RESUME: "Continue", Verb.UNDO: "Undo"}
_WAY_BACK = "\n".join(
    (
        "At any time, also when it is done: U on its screen takes all of it back, u what came after a step.",
        *(f"{info.name}: {info.undo}" for info in STEPS if info.undo),
    )
)
_ASKED = "The journal is read, and what is left to do is looked up; nothing is changed …"


class MigrationFlow(Asking):
    """What the keys of a migration do."""

    def __init__(self, app: App[Any], lab: Lab) -> None:
        super().__init__(app, lab)
        found = getattr(app, "board", None)
        self.board = found if isinstance(found, MigrationBoard) else MigrationBoard(app, lab)
        self._leaving = False  # once nothing runs any more

    # What there is

    def under_way(self, site: str, stack: str) -> Record | None:
        """The stack's migration, if it has not ended in going back to Docker. Asks the cluster, so not on the screen's thread.

        None, too, when the cluster does not say: the plan of a move does not need it.
        """
        try:
            found = self.lab.migrations.latest(site, stack)
        except LabError:
            return None
        gone = found is None or (found.state is State.DOCKER and open_goal(found.entries) is None)
        return None if gone else found

    def open_running(self, site: str, stack: str) -> bool:
        """Open the migration of this stack that runs in this labtui; False when none does."""
        for track in self.board.running():
            if (track.site, track.stack) == (site, stack):
                self._show(track)
                return True
        return False

    def open(self, site: str, stack: str, record: Record) -> None:
        """Open the screen of a migration whose journal was just read."""
        track = self.board.track_of(site, stack, record.about.id)
        track.read(record, track.holder, self.lab.clock.now())
        self._show(track)
        self.board.read()

    def open_known(self, found: Migration) -> None:
        """Open the screen of a row."""
        track = self.board.track_of(found.site, found.stack, found.id)
        if track.entries or track.running:
            self._show(track)
            return
        self.ask(
            f"Migration of {found.site}/{found.stack}",
            "Reading its journal …",
            lambda: self.lab.migrations.show(found.id),
            lambda record: self._open_read(track, record, found.holder),
        )

    def _open_read(self, track: Track, record: Record, holder: str) -> None:
        track.read(record, holder, self.lab.clock.now())
        self._show(track)

    def _show(self, track: Track) -> None:
        for screen in self.app.screen_stack:
            if isinstance(screen, MigrationScreen) and screen.track is track:
                return
        self.push(MigrationScreen(self.lab, track))

    # What is done

    def begin(self, planned: PlannedStack) -> None:
        """Begin the migration of a stack whose plan was read."""
        site, stack = planned.stack.site, planned.stack.name
        self._run(Verb.MIGRATE, self.board.track_of(site, stack), None)

    def start(self, action: str, found: Migration) -> None:
        """An action of `core.actions` on a migration."""
        track = self.board.track_of(found.site, found.stack, found.id)
        match action:
            case "migration.pause":
                self.pause(track)
            case "migration.resume":
                self._run(Verb.RESUME, track, None)
            case "migration.undo":
                self.undo(track, None)
            case "migration.report":
                self.report(track)
            case other:
                raise LookupError(f"no flow for {other}")

    def pause(self, track: Track) -> None:
        """Let it stop before its next action."""
        try:
            paused = bool(track.id) and self.lab.migrations.pause(track.id)
        except LabError as error:
            self.problem(error, "Pause")
            return
        if paused:
            track.pausing = True
            track.version += 1
            self.lab.executor.changed()
        else:
            self.toast("Pause: not now", "It has not begun its first action, or has just ended", "warning")

    def undo(self, track: Track, to: StepName | None) -> None:
        """Take back what was done after a step; all of it without one."""
        reason = self.lab.executor.read_only
        if track.running:
            reason = "it runs; pause it first"
        elif not track.id:
            reason = "nothing was done"
        if reason:
            self.toast("Undo: not now", reason, "warning")
            return
        self._run(Verb.UNDO, track, to)

    def _run(self, verb: Verb, track: Track, step: StepName | None) -> None:
        if self.lab.executor.read_only:
            self.toast(f"{_WORDS[verb]}: not now", self.lab.executor.read_only, "warning")
            return

        def work() -> tuple[RunMigration, Plan, Record | None]:
            operation = RunMigration(
                self.lab.migrations, verb, track.site, track.stack, identity=track.id, step=step, watch=track.heard
            )
            plan = replace(operation.plan(), verb=_WORDS[verb])
            if verb is Verb.MIGRATE:
                plan = replace(plan, undo=_WAY_BACK)
            elif verb is Verb.RESUME:  # the way that it goes was confirmed with the stack's name when it began
                plan = replace(plan, danger=Danger.CONFIRM)
            return operation, plan, self._record(track)

        def planned(answer: tuple[RunMigration, Plan, Record | None]) -> None:
            operation, plan, record = answer
            self.push(ConfirmScreen(plan), lambda yes: self._start(verb, track, operation, plan, record, yes))

        self.ask(f"{_WORDS[verb]} {track.site}/{track.stack}", _ASKED, work, planned)

    def _record(self, track: Track) -> Record | None:
        """The journal as it is now; None for a migration that has none yet."""
        try:
            return self.lab.migrations.show(track.id) if track.id else None
        except NotFound:
            return None

    def _start(
        self, verb: Verb, track: Track, operation: RunMigration, plan: Plan, record: Record | None, yes: bool | None
    ) -> None:
        if not yes:
            return
        if record is not None:
            track.read(record, "", self.lab.clock.now())
        track.begin(verb.value, plan)
        self.lab.migrations.observe = self.board.observe

        def done(outcome: Outcome) -> None:
            deliver(self.app, lambda: self._ended(track, plan, outcome))

        executor = self.lab.executor
        executor.start(operation, executor.confirm(plan), lambda phase, text: None, done)
        self._close_plan()
        self._show(track)

    def _close_plan(self) -> None:
        """The plan page that it was begun from has done its work."""
        from labtui.tui.screens.plan import PlanScreen

        for screen in self.app.screen_stack:
            if isinstance(screen, PlanScreen):
                self.app.call_later(screen.leave)

    def _ended(self, track: Track, plan: Plan, outcome: Outcome) -> None:
        track.end(outcome)
        self.board.take()
        self.lab.executor.changed()
        if not any(isinstance(s, MigrationScreen) and s.track is track for s in self.app.screen_stack):
            well = outcome.result is Result.DONE
            self.toast(f"{plan.title}: {outcome.result.value}", outcome.message, "information" if well else "error")
        if self._leaving and not self.board.running():
            self.app.exit(0)
            return
        self._read_again(track)
        self.board.read()

    def _read_again(self, track: Track) -> None:
        """What the journal has is more exact than what was told."""

        def read(answer: Record | LabError) -> None:
            if not isinstance(answer, LabError):
                track.read(answer, "", self.lab.clock.now())
                self.board.take()
                self.lab.executor.changed()

        if track.id:
            in_background(self.app, lambda: self.lab.migrations.show(track.id), read, f"read {track.id}")

    # What is shown

    def details(self, track: Track, step: StepName) -> None:
        """Everything about one step, from the journal."""
        if not track.id:
            self.push(TextScreen(f"Step {step}", detail_lines(step, (), ""), f"{track.site}/{track.stack}"))
            return

        def show(record: Record) -> None:
            lines = detail_lines(step, record.entries, record.about.id)
            self.push(TextScreen(f"Step {step}", lines, f"{track.site}/{track.stack} · {record.about.id}"))

        self.ask(f"Step {step}", "Reading the journal …", lambda: self.lab.migrations.show(track.id), show)

    def report(self, track: Track) -> None:
        """The report as far as the migration has come; it is kept in files, too."""

        def work() -> dict[str, Any]:
            migrations = self.lab.migrations
            return migrations.report(migrations.show(track.id))

        def show(report: dict[str, Any]) -> None:
            self.push(TextScreen(f"Report: {track.site}/{track.stack}", report_lines(report), track.id))

        self.ask("Report", "Reading the journal …", work, show)

    # Leaving labtui

    def asks_before_leaving(self) -> bool:
        """Does a migration run? Then say so first; True: it is being asked."""
        running = self.board.running()
        if not running:
            return False
        if not isinstance(self.app.screen, LeaveScreen):
            self.push(LeaveScreen([track.about for track in running]), self._left)
        return True

    def _left(self, wanted: Leaving | None) -> None:
        if wanted is Leaving.NOW:
            self.app.exit(0)
        elif wanted is Leaving.PAUSED:
            running: list[Track] = self.board.running()
            if not running:
                self.app.exit(0)
                return
            self._leaving = True
            for track in running:
                self.pause(track)
            self.toast("Leaving", "as soon as the action that runs has ended")
