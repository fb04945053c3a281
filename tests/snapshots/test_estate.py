"""The Estate screen in every size, theme and state of its sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from labtui.domain.errors import Denied, SignedOut, Unreachable
from labtui.domain.states import FeedState
from labtui.tui import theming
from labtui.tui.app import LabApp
from tests.snapshots.conftest import DemoApp
from tests.tui.fakes import ARGOCD, CLUSTER, KYIV, VAULT, WROCLAW, FakeLab, sample
from tests.tui.test_audit_screen import entries, with_log
from tests.tui.waiting import screen_text, until

Compare = Callable[..., bool]
SIZES = [(80, 24), (120, 40), (160, 50)]
size = pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")


def followed(app: LabApp) -> bool:
    """Do the details beside the panes, if there are any, show the row of the cursor?"""
    chosen, detail = app.estate.chosen_resource(), app.estate.detail
    return not detail.size.width or detail.ref == (chosen.ref if chosen else None)


def settled(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Wait until every source has said how it is, press keys, and until all is painted."""

    async def run(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, LabApp)
        lab = app.lab
        statuses = lab.inventory.status

        def answered() -> bool:
            found = [statuses(source) for source in lab.sources]
            return all(status is not None and status.state is not FeedState.CONNECTING for status in found)

        await until(answered, "an answer of every source")
        await pilot.press(*keys)
        await until(lambda: followed(app), "the details of the row")
        await pilot.pause()

    return run


@size
@pytest.mark.parametrize("theme", ["labtui-dark", "labtui-light"])
def test_estate(snap_compare: Compare, demo_app: DemoApp, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(demo_app(theme=theme), terminal_size=size, run_before=settled())


@pytest.mark.parametrize("theme", sorted(theming.load_themes([]).themes))
def test_every_theme(snap_compare: Compare, demo_app: DemoApp, theme: str) -> None:
    """With everything that a theme has a colour for: all levels, a source that is down, marks, the cursor, what is off."""
    app = demo_app(theme=theme, faults=("kyiv=down",))
    assert snap_compare(app, terminal_size=(120, 40), run_before=settled("space", "down", "down", "space"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_choosing_a_theme(snap_compare: Compare, demo_app: DemoApp, size: tuple[int, int]) -> None:
    app = demo_app()

    async def choose(pilot: Pilot[Any]) -> None:
        await until(lambda: app.themes.complete, "the themes")
        await settled("T", "down")(pilot)

    assert snap_compare(app, terminal_size=size, run_before=choose)


@size
@pytest.mark.parametrize("opened", [False, True], ids=["list", "record"])
def test_audit(snap_compare: Compare, size: tuple[int, int], opened: bool) -> None:
    fake = with_log(
        entries("victoriametrics", 4000),
        entries("emby", 300, "failed", "one or more objects failed to apply: Deployment emby is invalid"),
        entries("immich", 200, "unknown", "no answer in 30 s", state="It may or may not have happened"),
        entries("grafana", 2, ""),
    )
    app = LabApp(fake.lab, follow=False)

    async def look(pilot: Pilot[Any]) -> None:
        await pilot.press("A")
        await until(lambda: "Sync emby" in screen_text(app), "the records")
        if opened:
            await pilot.press("down", "enter")
            await until(lambda: "Ask Argo CD" in screen_text(app), "the record")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=look)


@size
def test_without_colour(
    snap_compare: Compare, demo_app: DemoApp, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(demo_app(), terminal_size=size, run_before=settled())


@size
def test_faults(snap_compare: Compare, demo_app: DemoApp, size: tuple[int, int]) -> None:
    app = demo_app(faults=("kyiv=down", "vault=denied", "argocd=expired"), read_only=True)
    assert snap_compare(app, terminal_size=size, run_before=settled())


@size
@pytest.mark.parametrize("theme", ["labtui-dark", "labtui-light"])
def test_every_state_of_a_pane(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    """Argo CD signed out, cluster denied, Wrocław live and empty, Kyiv stale, Vault down."""
    fake = FakeLab()
    fake[ARGOCD].fail(SignedOut("No", "the token has expired", "Set ARGOCD_AUTH_TOKEN or sign in again"))
    fake[CLUSTER].fail(Denied("No", 'deployments.apps is forbidden: User "me" cannot list', "Ask for the role view"))
    fake[WROCLAW].list()
    fake[KYIV].list(*sample()[KYIV])
    fake[KYIV].fail(Unreachable("No", "connection refused by 192.168.1.2:22", "Is the tunnel up?"))
    fake[VAULT].fail(Unreachable("No", "no answer from vault.example.org in 5 s", "Is it unsealed?"))
    app = LabApp(fake.lab, theme=theme)

    async def lost(pilot: Pilot[Any]) -> None:
        await until(lambda: (s := fake.lab.inventory.status(KYIV)) and s.state is FeedState.STALE)
        await settled()(pilot)

    try:
        assert snap_compare(app, terminal_size=size, run_before=lost)
    finally:
        app.live.stop()


@size
def test_connecting(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = LabApp(FakeLab().lab, follow=False)
    assert snap_compare(app, terminal_size=size)


@size
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("zoomed", ("2", "z")),
        ("filtered", ("3", "slash", *"immich")),
        ("details", ("down", "enter")),
        ("vault", ("5", "down", "down")),
    ],
)
def test_ways(
    snap_compare: Compare, demo_app: DemoApp, size: tuple[int, int], name: str, keys: tuple[str, ...]
) -> None:
    assert snap_compare(demo_app(), terminal_size=size, run_before=settled(*keys))
