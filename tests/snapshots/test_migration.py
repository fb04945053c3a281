"""What a migration looks like: before it, at the cut over, paused, failed and undone, done; its row among the panes."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from labtui.domain.errors import BudgetExceeded
from labtui.domain.migration.steps import StepName
from labtui.tui.app import LabApp
from labtui.tui.migration.board import Reading
from labtui.tui.screens.migration import MigrationScreen
from tests.tui.fakes import NOW
from tests.tui.migration_fakes import SITE, STACK, MovingLab, observation
from tests.tui.waiting import screen_text, until

LOOKS = {
    "80x24-dark": ((80, 24), "labtui-dark", False),
    "120x40-dark": ((120, 40), "labtui-dark", False),
}
MORE_LOOKS = {  # for what is looked at most
    "80x24-light": ((80, 24), "labtui-light", False),
    "80x24-no-colour": ((80, 24), "labtui-dark", True),
    "120x40-light": ((120, 40), "labtui-light", False),
    "160x50-dark": ((160, 50), "labtui-dark", False),
}
MOST_SEEN = ("cut-over", "failed", "pane-running")
Drive = Callable[[Pilot[Any], LabApp, MovingLab], Awaitable[None]]


@dataclass
class Case:
    """What has happened before the screen is there, and how to get to what is looked at."""

    drive: Drive
    prepare: Callable[[MovingLab], object] = lambda fake: None


async def _known(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await until(lambda: app.board.reading is Reading.KNOWN and app.board.problem == "")
    await pilot.press("6")


async def _open(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await _known(pilot, app, fake)
    await until(lambda: app.estate.panes[5].row_count)
    await pilot.press("enter")
    await until(lambda: isinstance(app.screen, MigrationScreen) and "Next:" in screen_text(app))


async def _confirm(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    from labtui.core.operations.migrate import Verb

    await _known(pilot, app, fake)
    app.flow.migrations._run(Verb.MIGRATE, app.board.track_of(SITE, STACK), None)
    await until(lambda: "To confirm, type emby" in screen_text(app))


async def _run(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    """At the last gate of the script that is shut."""
    await _confirm(pilot, app, fake)
    field = app.screen.query_one("#name", Input)
    field.cursor_blink = False
    field.focus()
    await pilot.press(*STACK, "enter")
    gate = next(action for action in fake.actions if action.gate is not None)
    await until(lambda: gate.begun.is_set() and isinstance(app.screen, MigrationScreen))
    fake.clock.time = fake.time.time + timedelta(seconds=3)
    app.board.observe(observation())
    await until(lambda: "9,214 sent" in screen_text(app))


async def _background(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await _run(pilot, app, fake)
    await pilot.press("escape")
    await until(lambda: "1 running" in screen_text(app) and "0 of 9,214" in screen_text(app))


async def _quit(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await _run(pilot, app, fake)
    await pilot.press("q")
    await until(lambda: "Pause and leave" in screen_text(app))


async def _log(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await _open(pilot, app, fake)
    await pilot.press("tab")


async def _details(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await _open(pilot, app, fake)
    await pilot.press("g", *["down"] * 4, "enter")
    await until(lambda: "The journal" in screen_text(app))


async def _report(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await _open(pilot, app, fake)
    await pilot.press("r")
    await until(lambda: "through the Ingress" in screen_text(app))


async def _away(pilot: Pilot[Any], app: LabApp, fake: MovingLab) -> None:
    await until(lambda: app.board.problem)
    await pilot.press("6")


def _gate(step: StepName, name: str = "") -> Callable[[MovingLab], object]:
    def prepare(fake: MovingLab) -> None:
        fake.action(step, name).gate = threading.Event()

    return prepare


def _failing(fake: MovingLab) -> None:
    why = "0 are allowed, the first after 12.1 s: connection refused by emby.example.org"
    fake.action(StepName.SOAK).fail = BudgetExceeded("3 requests failed", why)
    fake.run()


def _unreachable(fake: MovingLab) -> None:
    fake.mirror.down = 99


CASES: dict[str, Case] = {
    "before": Case(_confirm),
    "cut-over": Case(_run, _gate(StepName.CUT_OVER, "kubernetes")),
    "soak": Case(_run, _gate(StepName.SOAK)),
    "paused": Case(_open, lambda fake: fake.run(StepName.VERIFY)),
    "failed": Case(_open, _failing),
    "done": Case(_open, MovingLab.run),
    "log": Case(_log, MovingLab.run),
    "details": Case(_details, MovingLab.run),
    "report": Case(_report, MovingLab.run),
    "quit": Case(_quit, _gate(StepName.SOAK)),
    "pane-empty": Case(_known),
    "pane-away": Case(_away, _unreachable),
    "pane-running": Case(_background, _gate(StepName.SOAK)),
    "pane-failed": Case(_known, _failing),
}


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[MovingLab]:
    made = MovingLab(tmp_path)
    made.fill()
    yield made
    for action in made.actions:  # a run that waits ends with the test
        if action.gate is not None:
            action.gate.set()


@pytest.mark.parametrize(
    ("case", "look"),
    [*((case, look) for case in CASES for look in LOOKS), *((case, look) for case in MOST_SEEN for look in MORE_LOOKS)],
)
def test_migration(
    case: str, look: str, fake: MovingLab, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    size, theme, no_colour = {**LOOKS, **MORE_LOOKS}[look]
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    CASES[case].prepare(fake)
    assert fake.clock.time == NOW
    app = LabApp(fake.lab, theme=theme)

    async def drive(pilot: Pilot[Any]) -> None:
        await CASES[case].drive(pilot, app, fake)
        chosen = app.estate.chosen_resource
        if app.screen is app.estate:
            await until(
                lambda: not app.estate.detail.size.width or app.estate.detail.ref == ((r := chosen()) and r.ref)
            )
        await pilot.pause()

    try:
        assert snap_compare(app, terminal_size=size, run_before=drive)
    finally:
        app.live.stop()
