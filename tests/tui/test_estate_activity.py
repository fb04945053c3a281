"""What labtui does, has done, and what remains to be done; and how the panes share the screen."""

from __future__ import annotations

import threading

import pytest
from textual.geometry import Size

from labtui.core.executor import Report
from labtui.domain.plan import Outcome, Plan, Result, Step
from labtui.domain.resources.argocd import RollbackRecord
from labtui.tui.widgets.estate_layout import Box, regions, share
from tests.tui.fakes import ARGOCD, FakeLab, ago, application, upsert
from tests.tui.waiting import running, screen_text, until

RECORD = RollbackRecord(1, ("2" * 40,), ("1" * 40,), paused=True, former_enabled=None, at=ago(minutes=9), by="me")


class Work:
    """An operation that goes on until it is let go."""

    action = "argocd.sync"
    target = application("emby").ref

    def __init__(self) -> None:
        self.go = threading.Event()

    def plan(self) -> Plan:
        """One step."""
        return Plan(self.action, "Sync emby", self.target, (Step("do it"),))

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Report, then wait."""
        report("Running", "waiting for [b]pods[/b]")
        self.go.wait(10)
        return Outcome(Result.DONE, "synced")


@pytest.mark.anyio
async def test_an_operation_shows_while_it_runs_and_when_it_has_ended() -> None:
    fake, work = FakeLab([ARGOCD]), Work()
    fake[ARGOCD].list(application("emby"))
    async with running(fake, (158, 40), seen="Nothing is being done") as (app, _):
        await until(lambda: app.estate.panes[0].row_count == 1)
        fake.executor.start(work, fake.executor.confirm(work.plan()), lambda phase, text: None, lambda outcome: None)
        await until(lambda: "waiting for [b]" in screen_text(app), "the phase")
        assert "⇄ Sync emby" in screen_text(app)
        work.go.set()
        await until(lambda: "● Sync emby" in screen_text(app), "the end")
        assert "synced" in screen_text(app)


@pytest.mark.anyio
async def test_a_rollback_that_git_does_not_have_yet_remains_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLab([ARGOCD])
    fake[ARGOCD].list(application("emby", rollback=RECORD))
    started: list[tuple[str, str]] = []
    async with running(fake, (158, 40), seen="Finish rollback: emby") as (app, pilot):
        monkeypatch.setattr(
            app, "start_action", lambda identity, resource: started.append((identity, resource.ref.name))
        )
        await pilot.press("2", "enter")
        await until(lambda: started)
        assert started == [("argocd.finish_rollback", "emby")]
        fake[ARGOCD].give(upsert(application("emby")))
        await until(lambda: "Nothing is being done" in screen_text(app), "the row is gone")


def test_small_wishes_are_met_and_the_rest_is_shared_fairly() -> None:
    assert share([5, 40, 40], 45) == [5, 20, 20]
    assert share([10, 10], 40) == [20, 20]
    assert sum(share([7, 19, 3], 38)) == 38
    assert share([], 10) == []


@pytest.mark.parametrize(("width", "shown"), [(80, 1), (109, 1), (110, 4), (160, 4)])
def test_one_pane_two_columns_or_details_beside(width: int, shown: int) -> None:
    boxes = [Box(0, 10), Box(0, 8), Box(1, 30), Box(1, 5)]
    found = [region for region in regions(Size(width, 38), boxes, 2, alone=False) if region is not None]
    assert len(found) == shown
    room = width - (48 if width >= 160 else 0)
    assert sum(region.area for region in found) == room * 38
    assert max(region.right for region in found) == room
