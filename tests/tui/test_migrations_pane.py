"""The pane of migrations: read after all else, told as what it is when the cluster is away, and the way from a stack to its move."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from labtui.core.migration.overview import migration_of
from labtui.domain.errors import BudgetExceeded
from labtui.domain.migration.steps import StepName
from labtui.domain.states import Level
from labtui.tui.migration.board import Reading
from labtui.tui.screens.migration import MigrationScreen
from labtui.tui.screens.plan import PlanScreen
from tests.support.planned_immich import STACK as IMMICH
from tests.support.planned_immich import convert
from tests.support.planning import FakeCompose, planner
from tests.tui.fakes import WROCLAW, service
from tests.tui.migration_fakes import SITE, STACK, MovingLab
from tests.tui.waiting import running, screen_text, toasts, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def lab(tmp_path: Path) -> MovingLab:
    return MovingLab(tmp_path)


async def test_the_journals_are_read_when_every_source_has_answered_and_not_again(lab: MovingLab) -> None:
    async with running(lab, seen="reading the journals") as (app, pilot):
        await pilot.pause(0.2)
        assert lab.made == 0
        lab.fill()
        await until(lambda: "No stack has been migrated yet" in screen_text(app))
        asked = lab.mirror.writes, lab.made
        lab.fill()
        await pilot.pause(0.2)
        assert (lab.mirror.writes, lab.made) == asked == (0, 1)


async def test_a_cluster_that_is_away_is_no_empty_pane(lab: MovingLab) -> None:
    lab.fill()
    lab.mirror.down = 1
    async with running(lab, seen="? Not known: the cluster") as (app, pilot):
        assert "connection refused" in screen_text(app) and "6 Migrations ── ?" in screen_text(app)
        await pilot.press("6", "ctrl+r")
        await until(lambda: "No stack has been migrated yet" in screen_text(app))


async def test_what_is_here_is_shown_also_when_the_cluster_is_away(lab: MovingLab) -> None:
    lab.fill()
    lab.run()
    lab.mirror.down = 99
    async with running(lab, (160, 50), seen="● wroclaw/emby") as (app, _):
        assert "? those in the cluster may be missing" in screen_text(app)
        assert "0 of 9,814" in screen_text(app)


async def test_refresh_finds_what_another_machine_has_begun(lab: MovingLab, tmp_path: Path) -> None:
    lab.fill()
    async with running(lab, seen="No stack has been migrated yet") as (app, pilot):
        other = MovingLab(tmp_path / "other")
        other.mirror = lab.mirror
        other.run(StepName.WORKLOAD)
        await pilot.press("6", "ctrl+r")
        await until(lambda: "▲ wroclaw/emby" in screen_text(app))
        assert "after workload" in screen_text(app) and "1 needs you" in screen_text(app)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, MigrationScreen) and "● workload" in screen_text(app))


async def test_m_on_a_stack_whose_migration_is_under_way_opens_it(lab: MovingLab) -> None:
    lab.fill()
    lab[WROCLAW].list(service(WROCLAW, STACK, STACK))
    lab.run(StepName.BACKUP)
    async with running(lab, seen="▲ wroclaw/emby") as (app, pilot):
        await until(lambda: app.estate.panes[2].row_count == 1)
        await pilot.press("3", "m")
        await until(lambda: isinstance(app.screen, MigrationScreen))
        assert isinstance(app.screen, MigrationScreen) and app.screen.track.stack == STACK


async def test_m_on_the_plan_page_begins_it(tmp_path: Path) -> None:
    lab = MovingLab(tmp_path)
    lab.fill()
    lab[WROCLAW].list(service(WROCLAW, "immich", "immich-server"))
    lab.lab.stacks.planner = replace(planner(), convert=convert, compose=FakeCompose(IMMICH))
    async with running(lab, seen="No stack has been migrated yet") as (app, pilot):
        await until(lambda: app.estate.panes[2].row_count == 1)
        await pilot.press("3", "m")
        await until(lambda: isinstance(app.screen, PlanScreen) and "m Migrate" in screen_text(app))
        await pilot.press("m")
        await until(lambda: any("choices open" in toast for toast in toasts(app)))
        plan = app.screen
        assert isinstance(plan, PlanScreen)
        findings = tuple(f for f in plan.planned.plan.findings if f.settled)
        plan.show_plan(replace(plan.planned, plan=replace(plan.planned.plan, findings=findings)))
        await pilot.press("m")
        await until(lambda: "To confirm, type immich" in screen_text(app))
        app.screen.query_one("#name").focus()
        await pilot.press(*"immich", "enter")
        await until(lambda: isinstance(app.screen, MigrationScreen) and "done, on Kubernetes" in screen_text(app))
        await pilot.press("escape")
        await until(lambda: "● wroclaw/immich" in screen_text(app))
    assert all(action.there for action in lab.actions)


async def test_a_run_is_told_in_its_row_while_it_lasts(lab: MovingLab) -> None:
    from labtui.core.operations.migrate import RunMigration, Verb

    lab.fill()
    gate = lab.action(StepName.SECRETS).gate = threading.Event()
    async with running(lab, seen="No stack has been migrated yet") as (app, _):
        assert app.board.reading is Reading.KNOWN
        track = app.board.track_of(SITE, STACK)
        operation = RunMigration(lab.lab.migrations, Verb.MIGRATE, SITE, STACK, watch=track.heard)
        plan = operation.plan()
        app.flow.migrations._start(Verb.MIGRATE, track, operation, plan, None, True)
        await until(lambda: lab.action(StepName.SECRETS).begun.is_set())
        await until(lambda: track.id and track.entries and track.migration().state == "secrets")
        await until(lambda: lab.lab.inventory.get(track.migration().ref) == track.migration())
        found = lab.lab.inventory.get(track.migration().ref)
        assert found == track.migration() and found.running and found.state == "secrets"
        gate.set()
        await until(lambda: track.outcome is not None and track.migration().moved)


def test_a_failed_cut_over_has_no_count_of_what_was_lost(lab: MovingLab) -> None:
    lab.action(StepName.SOAK).fail = BudgetExceeded("3 requests failed", "0 are allowed")
    identity = lab.run()
    found = migration_of(lab.lab.migrations.show(identity))
    assert (found.level, found.state, found.requests) == (Level.BROKEN, "failed: soak", None)
    assert found.next_command == f"labtui migration resume {identity}" and not found.ended


def test_the_first_frame_loads_no_engine() -> None:
    code = """
import sys
from labtui.estate.bootstrap import Options, open_lab
from labtui.tui.app import LabApp
lab = open_lab(Options(demo=True), {})
lab.make_migrations = lab.make_migrations or (lambda: None)
LabApp(lab)
print(sorted(n for n in sys.modules if n.startswith(("labtui.core.migration", "labtui.domain.migration"))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
