"""A migration from the screen: begun with a typed name, followed, paused, gone on with, undone; what its page says."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from labtui.core.migration.journal_file import JournalFile
from labtui.domain.errors import BudgetExceeded, LabError
from labtui.domain.migration.journal import Mark, State
from labtui.domain.migration.progress import Event, MigrationProgress
from labtui.domain.migration.steps import StepName
from labtui.domain.states import Level
from labtui.tui.app import LabApp
from labtui.tui.migration.board import Reading
from labtui.tui.migration.steps import StepLine
from labtui.tui.screens.confirm import ConfirmScreen
from labtui.tui.screens.leave import LeaveScreen
from labtui.tui.screens.migration import MigrationScreen
from labtui.tui.screens.text import TextScreen
from labtui.tui.widgets.lines import Lines
from tests.tui.migration_fakes import SITE, STACK, MovingLab, observation
from tests.tui.waiting import running, screen_text, toasts, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def lab(tmp_path: Path) -> MovingLab:
    fake = MovingLab(tmp_path)
    fake.fill()
    return fake


@asynccontextmanager
async def opened(
    lab: MovingLab, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[LabApp, Pilot[int], MigrationScreen]]:
    """The screen of the only migration there is, from its row."""
    async with running(lab, size) as (app, pilot):
        await until(lambda: app.estate.panes[5].row_count)
        await pilot.press("6", "enter")
        await until(lambda: isinstance(app.screen, MigrationScreen) and "Steps" in screen_text(app))
        screen = app.screen
        assert isinstance(screen, MigrationScreen)
        yield app, pilot, screen


async def confirm(app: LabApp, pilot: Pilot[int], name: str = STACK) -> None:
    """Type the stack's name into the dialog."""
    await until(lambda: "To confirm, type emby" in screen_text(app))
    app.screen.query_one("#name", Input).focus()
    await pilot.press(*name, "enter")


async def begin(app: LabApp, pilot: Pilot[int]) -> MigrationScreen:
    """Begin one as the plan page does."""
    from labtui.core.operations.migrate import Verb

    await until(lambda: app.board.reading is Reading.KNOWN)
    flow = app.flow.migrations
    flow._run(Verb.MIGRATE, app.board.track_of(SITE, STACK), None)
    await confirm(app, pilot)
    await until(lambda: isinstance(app.screen, MigrationScreen))
    screen = app.screen
    assert isinstance(screen, MigrationScreen)
    return screen


def journal(lab: MovingLab) -> JournalFile:
    (identity,) = lab.folder.ids()
    return lab.folder.open(identity)


async def test_it_runs_after_the_name_is_typed_and_shows_each_step(lab: MovingLab) -> None:
    gate = lab.action(StepName.CUT_OVER, "kubernetes").gate = threading.Event()
    async with running(lab) as (app, pilot):
        screen = await begin(app, pilot)
        await until(lambda: "waiting until the Ingress has let go" in screen.log_view.text)
        assert screen.steps.chosen is StepName.CUT_OVER  # the cursor goes along
        app.board.observe(observation())
        await until(lambda: "9,214 sent" in screen_text(app))
        text = screen_text(app)
        assert "⇄ cut over   running" in text and "○ quiesce    not needed" in text and "● verify     done" in text
        assert "to both sides, being moved" in text and "longest gap 33 ms" in text
        assert "⇄ running" in text.splitlines()[0]
        gate.set()
        await until(lambda: "done, on Kubernetes" in screen_text(app))
        await until(lambda: "labtui migration undo" in screen_text(app))
        await until(lambda: app.board.reading is Reading.KNOWN)
        await pilot.press("escape")
        await until(lambda: "● wroclaw/emby" in screen_text(app) and "on Kubernetes" in screen_text(app))
    assert journal(lab).entries[-1].data == {"reached": State.KUBERNETES.value}


async def test_the_cursor_stays_where_it_is_when_no_step_is_done_any_more(lab: MovingLab) -> None:
    """After an undo of everything all of them are undone."""
    async with opened_undone(lab) as screen:
        before = screen.steps.chosen
        screen._moved = False
        screen._follow([StepLine(step, Level.OFF, "undone", "", "", False) for step in StepName])
        assert screen.steps.chosen is before


@asynccontextmanager
async def opened_undone(lab: MovingLab) -> AsyncIterator[MigrationScreen]:
    """The screen of one that was undone from there."""
    async with running(lab) as (app, pilot):
        screen = await begin(app, pilot)
        await until(lambda: "done, on Kubernetes" in screen_text(app))
        await until(lambda: app.board.reading is Reading.KNOWN)
        await pilot.press("U")
        await confirm(app, pilot)
        await until(lambda: "Everything is on Docker" in screen_text(app))
        yield screen


async def test_a_small_screen_says_what_is_waited_for(lab: MovingLab) -> None:
    """The log has no room there."""
    gate = lab.action(StepName.CUT_OVER, "kubernetes").gate = threading.Event()
    async with running(lab, (80, 24)) as (app, pilot):
        screen = await begin(app, pilot)
        await until(lambda: "⇄ cut over" in screen_text(app))
        words = "The cluster does not answer: connection refused. Waiting; nothing is done meanwhile"
        screen.track.heard(MigrationProgress(datetime.now(UTC), screen.track.id, Event.WAITING, words))
        await until(lambda: "The cluster does not answer" in screen_text(app))
        gate.set()
        await until(lambda: "done, on Kubernetes" in screen_text(app))
        assert "The cluster does not answer" not in screen_text(app)


async def test_a_wrong_name_begins_nothing(lab: MovingLab) -> None:
    from labtui.core.operations.migrate import Verb

    async with running(lab) as (app, pilot):
        await until(lambda: app.board.reading is Reading.KNOWN)
        app.flow.migrations._run(Verb.MIGRATE, app.board.track_of(SITE, STACK), None)
        await confirm(app, pilot, "immich")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("escape")
    assert lab.folder.ids() == ()


async def test_it_goes_on_when_left_and_its_row_says_so_and_leads_back(lab: MovingLab) -> None:
    gate = lab.action(StepName.BACKUP).gate = threading.Event()
    async with running(lab) as (app, pilot):
        screen = await begin(app, pilot)
        await until(lambda: lab.action(StepName.BACKUP).begun.is_set())
        await pilot.press("escape")
        await until(lambda: "⇄ wroclaw/emby" in screen_text(app) and "1 running" in screen_text(app))
        assert "backup" in screen_text(app)
        await pilot.press("6", "enter")
        await until(lambda: isinstance(app.screen, MigrationScreen))
        again = app.screen
        assert isinstance(again, MigrationScreen)
        assert again is not screen and again.track is screen.track
        await pilot.press("escape")
        gate.set()
        await until(lambda: any("done" in toast for toast in toasts(app)))
        await until(lambda: "● wroclaw/emby" in screen_text(app))


async def test_pause_stops_before_the_next_action_and_continue_goes_on(lab: MovingLab) -> None:
    gate = lab.action(StepName.BACKUP).gate = threading.Event()
    async with running(lab) as (app, pilot):
        screen = await begin(app, pilot)
        await until(lambda: lab.action(StepName.BACKUP).begun.is_set())
        await pilot.press("p")
        await until(lambda: "It stops when the action that runs has ended" in screen_text(app))
        gate.set()
        await until(lambda: "▲ paused" in screen_text(app))
        assert "Paused before: write 2 keys to kv/apps/emby" in screen_text(app)
        await until(lambda: "labtui migration resume wroclaw-emby-" in screen_text(app))
        assert not lab.action(StepName.SECRETS).there
        await pilot.press("c")
        await until(lambda: "To get back" in screen_text(app))
        assert not app.screen.query_one("#typing").display  # the way was confirmed with the name
        app.screen.query_one("#confirm").focus()
        await pilot.press("enter")
        await until(lambda: "done, on Kubernetes" in screen_text(app))
        assert screen.track.migration().moved


async def test_what_missed_its_aim_is_taken_back_and_the_screen_says_what_to_type(lab: MovingLab) -> None:
    lab.action(StepName.SOAK).fail = BudgetExceeded("3 requests failed", "0 are allowed")
    async with running(lab, (80, 24)) as (app, pilot):
        await begin(app, pilot)
        await until(lambda: "✗ failed, taken back" in screen_text(app) and "or c here" in screen_text(app))
        text = screen_text(app)
        assert "3 requests failed" in text and "The traffic goes to Docker, as before" in text
        assert "Next: labtui migration resume wroclaw-emby-" in text and "or c here" in text
        assert "○ cut over   undone" in text


async def test_the_same_is_said_when_it_is_opened_later(lab: MovingLab) -> None:
    lab.action(StepName.SOAK).fail = BudgetExceeded("3 requests failed", "0 are allowed")
    lab.run()
    async with opened(lab) as (app, _, _screen):
        text = screen_text(app)
        assert "✗ failed, taken back" in text and "soak: 3 requests failed" in text
        assert "Next: labtui migration resume wroclaw-emby-" in text


async def test_undo_to_here_leaves_the_step_of_the_cursor_and_those_before(lab: MovingLab) -> None:
    lab.run()
    async with opened(lab) as (app, pilot, screen):
        await pilot.press("g", *["down"] * 4)
        assert screen.steps.chosen is StepName.WORKLOAD
        await pilot.press("u")
        await until(lambda: "down to workload" in screen_text(app))
        await confirm(app, pilot)
        await until(lambda: "▲ stopped" in screen_text(app))
        assert "What came after workload was undone" in screen_text(app)
        assert [a.there for a in lab.actions] == [True] * 4 + [False] * 5


async def test_undo_all_brings_the_stack_back(lab: MovingLab) -> None:
    lab.run()
    async with opened(lab) as (app, pilot, _screen):
        await pilot.press("U")
        await confirm(app, pilot)
        await until(lambda: "○ on Docker" in screen_text(app))
        assert not any(a.there for a in lab.actions)
        assert "labtui migrate wroclaw/emby" in screen_text(app)


async def test_nothing_is_undone_in_read_only_mode_and_nothing_while_it_runs(lab: MovingLab) -> None:
    lab.run()
    lab.executor.read_only = "labtui was started with --read-only"
    async with opened(lab) as (app, pilot, _screen):
        await pilot.press("U")
        await until(lambda: any("--read-only" in toast for toast in toasts(app)))
        await pilot.press("u")
        await pilot.pause()
        assert isinstance(app.screen, MigrationScreen)
    assert all(a.there for a in lab.actions)


async def test_details_tell_what_a_step_left_and_no_markup(lab: MovingLab) -> None:
    action = lab.action(StepName.WORKLOAD)
    action.words = "[red]1 of 1[/] ready\x1b[2J"
    lab.run()
    async with opened(lab) as (app, pilot, _screen):
        await pilot.press("g", *["down"] * 4, "enter")
        await until(lambda: isinstance(app.screen, TextScreen))
        await until(lambda: "commit: 3fa1b2c" in screen_text(app))
        text = screen_text(app)
        assert "[red]1 of 1[/] ready·[2J" in text and "\x1b" not in text
        assert "revert the commits, sync" in text and "ada@desk" in text
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, MigrationScreen))
        await pilot.press("d")
        await until(lambda: isinstance(app.screen, TextScreen))


async def test_the_report_is_a_page(lab: MovingLab) -> None:
    lab.run()
    async with opened(lab) as (app, pilot, _screen):
        await pilot.press("r")
        await until(lambda: "requests through the Ingress, none failed" in screen_text(app))
        page = app.screen.query_one(Lines).text
        assert "3fa1b2c00000" in page and ".report.json" in page and "9,814" in page


async def test_leaving_while_one_runs_asks_first(lab: MovingLab) -> None:
    gate = lab.action(StepName.BACKUP).gate = threading.Event()
    async with running(lab) as (app, pilot):
        await begin(app, pilot)
        await until(lambda: lab.action(StepName.BACKUP).begun.is_set())
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, LeaveScreen))
        assert "labtui migration resume wroclaw-emby-" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, MigrationScreen))
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, LeaveScreen))
        await pilot.press("p")
        gate.set()
        await until(lambda: app.return_code == 0)
    assert not lab.action(StepName.SECRETS).there
    assert [e for e in journal(lab).entries if e.mark is Mark.NOTE and e.text.startswith("Paused")]


async def test_leaving_now_leaves_at_once(lab: MovingLab) -> None:
    gate = lab.action(StepName.BACKUP).gate = threading.Event()
    async with running(lab) as (app, pilot):
        await begin(app, pilot)
        await until(lambda: lab.action(StepName.BACKUP).begun.is_set())
        await pilot.press("q")
        await until(lambda: isinstance(app.screen, LeaveScreen))
        await pilot.press("l")
        await until(lambda: app.return_code == 0)
        gate.set()


async def test_one_that_was_cut_off_says_so(lab: MovingLab) -> None:
    lab.action(StepName.WORKLOAD).fail = LabError("the machine", "went away")
    lab.run()
    file = journal(lab)
    kept = [entry for entry in file.entries if entry.mark is not Mark.FAILED]
    file.replace(kept, aside=False)
    lab.mirror.copies.clear()
    async with opened(lab) as (app, _, _screen):
        assert "✗ cut off" in screen_text(app)
        assert "in the middle of: start the pods" in screen_text(app)
        assert "✗ workload   cut off" in screen_text(app)


async def test_another_labtui_that_works_on_it_is_named(lab: MovingLab) -> None:
    lab.run(StepName.BACKUP)
    lab.leases.by = "bob@laptop"
    lab.leases.acquire(SITE, STACK, 0, lambda words: None)
    async with opened(lab) as (app, pilot, _screen):
        assert "⇄ run by bob@laptop" in screen_text(app)
        await pilot.press("c")
        await until(lambda: any("bob@laptop works on it" in toast for toast in toasts(app)))


async def test_narrow_the_log_takes_the_place_of_both_sides(lab: MovingLab) -> None:
    lab.run()
    async with opened(lab, (80, 24)) as (app, pilot, _screen):
        assert "Log" not in screen_text(app).replace("tab Log", "")
        await pilot.press("tab")
        await until(lambda: "╭─ Log" in screen_text(app) or "┏━ Log" in screen_text(app))
        assert "stop the Compose stack" in screen_text(app)
        await pilot.press("tab")
        await until(lambda: "Both sides" in screen_text(app))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 50), (60, 16), (40, 10)])
async def test_the_command_to_type_stands_on_every_screen(lab: MovingLab, size: tuple[int, int]) -> None:
    words = "the pods of emby crash: " + "a line of their log that goes on and on " * 20
    lab.action(StepName.WORKLOAD).fail = LabError("The pods do not get ready", words)
    lab.run()
    async with opened(lab, size) as (app, _, _screen):
        await until(lambda: "labtui migration resume" in screen_text(app))
