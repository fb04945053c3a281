"""The keys, the mouse, and what they do to the panes."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.core.lab import Lab
from labtui.domain.errors import Unreachable
from labtui.domain.states import FeedState, Level
from labtui.tui.app import LabApp
from labtui.tui.screens.detail import DetailScreen
from tests.tui.fakes import ARGOCD, CLUSTER, KYIV, WROCLAW, FakeLab, application, sample, service, upsert, workload
from tests.tui.waiting import running, screen_text, toasts, until

pytestmark = pytest.mark.anyio


def full(**options: Any) -> FakeLab:
    """The sample estate, live."""
    fake = FakeLab(**options)
    fake.fill()
    return fake


def live(app: LabApp) -> bool:
    """Has every source answered?"""
    found = [app.lab.inventory.status(source) for source in app.lab.sources]
    return all(status is not None and status.state is FeedState.LIVE for status in found)


async def test_what_needs_the_operator_comes_first() -> None:
    async with running(full(), seen="grafana") as (app, _):
        await until(lambda: live(app))
        pane = app.estate.panes[0]
        assert [ref.name for ref in pane.shown][:3] == ["grafana", "victoriametrics", "immich"]
        assert "1 Argo CD ── 6 · 2 need you" in screen_text(app)
        assert "2 Kubernetes ── 6 · 1 not ready" in screen_text(app)


async def test_digits_and_tab_move_between_panes() -> None:
    async with running(full(), seen="grafana") as (app, pilot):
        assert app.focused is app.estate.panes[0]
        await pilot.press("4")
        await until(lambda: app.focused is app.estate.panes[3])
        await pilot.press("tab")
        await until(lambda: app.focused is app.estate.panes[4])
        await pilot.press("shift+tab", "shift+tab")
        await until(lambda: app.focused is app.estate.panes[2])
        await pilot.press("1", "shift+tab")
        await until(lambda: app.focused is app.estate.panes[-1])


async def test_a_small_screen_shows_one_pane_under_tabs() -> None:
    async with running(full(), (80, 24), seen="grafana") as (app, pilot):
        await until(lambda: live(app))
        assert "1 argocd 6" in app.estate.tabs.text
        assert "▲" in app.estate.tabs.text
        assert "gluetun" not in screen_text(app)
        await pilot.press("4")
        await until(lambda: "gluetun" in screen_text(app), "the chosen pane")
        assert "victoriametrics" not in screen_text(app)
        assert all(len(line) <= 80 for line in screen_text(app).splitlines())


async def test_zoom_and_back() -> None:
    async with running(full(), seen="gluetun") as (app, pilot):
        await until(lambda: live(app))
        await pilot.press("1", "z")
        await until(lambda: "gluetun" not in screen_text(app), "the zoomed pane alone")
        assert "ingress-nginx" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: "gluetun" in screen_text(app))


async def test_a_filter_works_while_it_is_typed() -> None:
    async with running(full(), seen="grafana") as (app, pilot):
        await until(lambda: live(app))
        pane = app.estate.panes[0]
        await pilot.press("slash", *"graf")
        await until(lambda: [ref.name for ref in pane.shown] == ["grafana"])
        assert "1 of 6 · 1 needs you" in screen_text(app) or "1 of 6" in screen_text(app)
        assert "filter: graf" in screen_text(app)
        await pilot.press("enter")
        await until(lambda: app.focused is pane)
        assert pane.filter == "graf"
        await pilot.press("escape")
        assert len(pane.shown) == 6
        await pilot.press("slash", *"!graf", "enter")
        await until(lambda: len(pane.shown) == 5)
        await pilot.press("slash", "escape")
        await until(lambda: len(pane.shown) == 6 and app.focused is pane)


async def test_a_filter_that_finds_nothing_says_so() -> None:
    async with running(full(), seen="grafana") as (app, pilot):
        await pilot.press("slash", *"nosuch", "enter")
        await until(lambda: "Nothing matches “nosuch”" in screen_text(app))
        assert "0 of 6" in screen_text(app)


async def test_sorting_goes_through_the_columns_and_back() -> None:
    async with running(full(), seen="grafana") as (app, pilot):
        pane = app.estate.panes[0]
        await until(lambda: pane.row_count == 6)
        await pilot.press("o")
        assert [ref.name for ref in pane.shown] == sorted(ref.name for ref in pane.shown)
        assert "by NAME ↓" in pane.frame_title()
        await pilot.press("O")
        assert [ref.name for ref in pane.shown] == sorted((ref.name for ref in pane.shown), reverse=True)
        for _ in pane.columns:
            await pilot.press("o")
        assert pane.sort_column is None
        assert pane.shown[0].name == "grafana"


async def test_the_cursor_stays_on_its_thing() -> None:
    fake = full()
    async with running(fake, seen="grafana") as (app, pilot):
        pane = app.estate.panes[0]
        await until(lambda: pane.row_count == 6)
        while pane.cursor is None or pane.cursor.name != "emby":
            await pilot.press("j")
        fake[ARGOCD].give(upsert(application("aaa", "OutOfSync")), upsert(application("emby", "Synced", "Degraded")))
        await until(lambda: pane.shown[0].name == "emby", "emby at the top")
        assert pane.cursor is not None and pane.cursor.name == "emby"


async def test_enter_shows_details_that_stay_true() -> None:
    fake = full()
    async with running(fake, seen="grafana") as (app, pilot):
        await until(lambda: live(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, DetailScreen))
        await until(lambda: "Degraded" in screen_text(app))
        fake[ARGOCD].give(upsert(application("grafana", "OutOfSync", "Suspended")))
        await until(lambda: "Suspended" in screen_text(app), "the change in the details")
        await pilot.press("escape")
        await until(lambda: app.screen is app.estate)


async def test_details_stand_beside_on_a_wide_screen() -> None:
    async with running(full(), (160, 50), seen="Application grafana") as (app, pilot):
        await until(lambda: live(app))
        await pilot.press("j")
        await until(lambda: "Application victoriametrics" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: app.focused is app.estate.detail)
        await pilot.press("escape")
        await until(lambda: app.focused is app.estate.panes[0])


async def test_a_key_that_does_not_fit_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, object]] = []

    class Flow:
        def __init__(self, app: LabApp, lab: Lab) -> None:
            pass

        def start(self, identity: str, resource: object) -> None:
            started.append((identity, resource))

    monkeypatch.setattr("labtui.tui.operations.ActionFlow", Flow)
    async with running(full(), seen="grafana") as (app, pilot):
        await until(lambda: live(app))
        await pilot.press("X")
        await until(lambda: any("no operation is in progress" in text for text in toasts(app)))
        await pilot.press("3", "s")
        await until(lambda: any("This is for an Argo CD application" in text for text in toasts(app)))
        assert started == []
        await pilot.press("1", "s")
        await until(lambda: started)
        assert started == [("argocd.sync", app.estate.chosen_resource())]


async def test_read_only_greys_what_changes_and_says_why() -> None:
    fake = full(read_only="labtui was started with --read-only")
    async with running(fake, seen="READ-ONLY") as (app, pilot):
        await until(lambda: live(app))
        hints = {hint.action: hint.off for hint in app.estate.hints()}
        assert hints["argocd.sync"] == "labtui was started with --read-only"
        assert hints["argocd.diff"] == ""
        await pilot.press("s")
        await until(lambda: any("--read-only" in text for text in toasts(app)))


async def test_ctrl_r_connects_a_lost_source_at_once() -> None:
    fake = FakeLab([KYIV])
    for _ in range(8):  # by now the feed would wait for seconds
        fake[KYIV].fail(Unreachable("No", "connection refused"))
    async with running(fake, seen="✗ down") as (app, pilot):
        await until(lambda: fake[KYIV].connects >= 4, seconds=20)
        fake[KYIV].list(*sample()[KYIV])
        before = fake[KYIV].connects
        await pilot.press("ctrl+r")
        await until(lambda: fake[KYIV].connects > before, seconds=2)
        assert any("Connecting to kyiv now" in text for text in toasts(app))


async def test_the_mouse_chooses_opens_and_clicks_tabs() -> None:
    async with running(full(), (80, 24), seen="grafana") as (app, pilot):
        await until(lambda: live(app))
        await pilot.click(app.estate.panes[0], offset=(6, 3))
        assert app.estate.panes[0].cursor is not None
        assert app.estate.panes[0].cursor.name == "victoriametrics"
        x = app.estate.tabs.text.index("4 kyiv")
        await pilot.click(app.estate.tabs, offset=(x, 0))
        await until(lambda: app.focused is app.estate.panes[3])
        await pilot.click(app.estate.panes[3], offset=(6, 2), times=2)
        await until(lambda: isinstance(app.screen, DetailScreen))


async def test_a_click_on_a_source_says_why() -> None:
    fake = full()
    fake[KYIV].fail(Unreachable("No", "connection refused by 192.168.1.2:22", "Is the tunnel up?"))
    async with running(fake, seen="kyiv ✗ stale") as (app, pilot):
        await pilot.click(app.estate.bar, offset=(app.estate.bar.text.index("kyiv"), 0))
        await until(lambda: "Is the tunnel up?" in screen_text(app))
        await pilot.press("escape")
        await pilot.press("i")
        await until(lambda: "argocd.example.org" in screen_text(app))


async def test_the_palette_goes_to_a_resource() -> None:
    async with running(full(), seen="gluetun") as (app, pilot):
        await until(lambda: live(app))
        await pilot.press("colon")
        await pilot.press(*"gluetun")
        await until(lambda: "ComposeService in Docker" in screen_text(app), "the hit")
        await pilot.press("enter")
        await until(lambda: app.focused is app.estate.panes[3])
        assert app.estate.panes[3].cursor is not None
        assert app.estate.panes[3].cursor.name == "gluetun"


async def test_a_name_that_the_palette_has_found_is_no_markup() -> None:
    fake = FakeLab()
    name = "[bold]web[/][@click=app.quit]api[/]"
    fake[ARGOCD].list(application(name))
    async with running(fake, seen="[bold]web") as (app, pilot):
        await pilot.press("colon")
        await pilot.press(*"webapi")
        await until(lambda: "Application in Argo CD" in screen_text(app), "the hit")
        assert f"argocd/{name}" in screen_text(app)


async def test_marked_rows_are_never_believed_to_be_changed() -> None:
    async with running(full(), seen="grafana") as (app, pilot):
        await until(lambda: live(app))
        await pilot.press("space", "down", "space", "s")
        await until(lambda: toasts(app), "the toast")
        assert "2 marked" in toasts(app)[-1] and "esc" in toasts(app)[-1]
        assert app.screen is app.estate


async def test_a_key_on_a_dead_source_says_that_it_is_dead() -> None:
    fake = FakeLab()
    fake[ARGOCD].fail(Unreachable("No", "connection refused"))
    async with running(fake, seen="connection refused") as (app, pilot):
        await pilot.press("s")
        await until(lambda: toasts(app), "the toast")
        assert "argocd is down; i says why" in toasts(app)[-1]


async def test_two_things_of_one_name_are_two() -> None:
    fake = FakeLab()
    fake[WROCLAW].list(service(WROCLAW, "monitoring", "alloy"))
    fake[KYIV].list(service(KYIV, "monitoring", "alloy"))
    fake[ARGOCD].list(application("emby"), application("emby", "OutOfSync", namespace="team-b"))
    async with running(fake, seen="alloy") as (app, _):
        await until(lambda: sum(pane.row_count for pane in app.estate.panes) == 4)
        fake[KYIV].give(upsert(service(KYIV, "monitoring", "alloy", "exited", exit_code=1)))
        kyiv, wroclaw = app.estate.panes[3], app.estate.panes[2]
        await until(lambda: kyiv.needing() == 1)
        assert wroclaw.needing() == 0


HOSTILE = (
    "[bold red]x[/]",
    "[/nothing]",
    "\x1b]2;owned\x07\x1b[31mred",
    "日本語の名前",
    "שלום-עולם",
    "a\nb\tc",
    "[@click=app.quit]z",
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_hostile_names_are_shown_harmlessly(name: str, size: tuple[int, int]) -> None:
    fake = FakeLab()
    fake[ARGOCD].list(application(name, "OutOfSync"))
    fake[CLUSTER].list(notes=(name,))
    fake[KYIV].fail(Unreachable(name, name, name))
    async with running(fake, size, seen="Argo CD ── 1") as (app, pilot):
        await until(lambda: (s := app.lab.inventory.status(KYIV)) and s.state is FeedState.DOWN)
        app.notify(name, title=name)
        await pilot.press("slash", "x", "backspace", "enter", "X")
        for key in ("4", "2", "1", "enter"):
            await pilot.press(key)
            text = screen_text(app)
            assert "\x1b" not in text and "\x07" not in text
        if "[" in name and name.isprintable():
            await until(lambda: name in screen_text(app), "markup shown as it is written")


async def test_five_thousand_rows() -> None:
    fake = FakeLab([CLUSTER])
    fake[CLUSTER].list(*(workload(f"w{n}", namespace=f"ns{n % 50}") for n in range(5000)))
    async with running(fake, seen="Kubernetes ── 5000") as (app, pilot):
        pane = app.estate.panes[0]
        await pilot.press("G")
        assert pane.cursor == pane.shown[-1]
        fake[CLUSTER].give(upsert(workload("w7", 0, 1, "ns7", level=Level.BROKEN)))
        await until(lambda: pane.shown[0].name == "w7")
        assert pane.cursor == pane.shown[-1]
        await pilot.press("slash", *"w4999", "enter")
        await until(lambda: len(pane.shown) == 1)
