"""What the whole screen sends to the terminal: the lines that look different and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from labtui.domain.resources import Resource
from labtui.domain.states import FeedState
from labtui.tui.app import LabApp
from tests.tui.fakes import (
    ARGOCD,
    KYIV,
    VAULT,
    WROCLAW,
    FakeLab,
    application,
    secret,
    service,
    upsert,
    workload,
)
from tests.tui.tables import CountingDriver
from tests.tui.waiting import until

pytestmark = pytest.mark.anyio

SIZES = [(80, 24), (120, 40), (140, 40), (160, 50)]
WIDE = SIZES[1:]
every_size = pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
wide_sizes = pytest.mark.parametrize("size", WIDE, ids=lambda s: f"{s[0]}x{s[1]}")


@pytest.fixture(autouse=True)
def true_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dearest case: 24 bits for each colour. Tints last: what they cost when they go is counted elsewhere."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setattr("labtui.tui.widgets.row_view.TINT_SECONDS", 60.0)


class Wire:
    """The app, and what it writes."""

    def __init__(self, app: LabApp, fake: FakeLab, pilot: Pilot[int]) -> None:
        self.app, self.fake, self.pilot = app, fake, pilot

    @property
    def driver(self) -> CountingDriver:
        """It keeps what would go to the terminal."""
        assert isinstance(self.app._driver, CountingDriver)
        return self.app._driver

    async def settled(self) -> None:
        """Until messages are handled and what they ask for is painted."""
        nodes = (self.app.estate, *self.app.estate.panes, self.app.estate.detail)
        for node in (*nodes, *nodes, self.app.estate):
            done = asyncio.Event()
            node.call_after_refresh(done.set)
            await asyncio.wait_for(done.wait(), 5)

    async def written_by(self, change: Callable[[], object], seen: Callable[[], bool] = lambda: True) -> str:
        """What a change makes the app write, from the moment `seen` holds until nothing is left to be painted."""
        await self.settled()
        self.driver.written = []
        found = change()
        if isinstance(found, Awaitable):
            await found
        await until(seen)
        await self.settled()
        return "".join(self.driver.written)

    async def change(self, resource: Resource) -> str:
        """What this change of the estate costs."""
        ref, inventory = resource.ref, self.fake.lab.inventory
        return await self.written_by(
            lambda: self.fake[ref.source].give(upsert(resource)), lambda: inventory.get(ref) == resource
        )


@asynccontextmanager
async def wired(size: tuple[int, int]) -> AsyncIterator[Wire]:
    """The sample estate on a counting terminal."""
    fake = FakeLab()
    fake.fill()
    app = LabApp(fake.lab)
    app.driver_class = CountingDriver
    async with app.run_test(headless=False, size=size) as pilot:
        try:
            statuses = fake.lab.inventory.status
            await until(
                lambda: all((s := statuses(source)) and s.state is FeedState.LIVE for source in fake.lab.sources)
            )
            wire = Wire(app, fake, pilot)
            await wire.settled()
            yield wire
        finally:
            app.live.stop()


def cost(written: str) -> int:
    """Bytes on the wire."""
    return len(written.encode())


@every_size
async def test_an_idle_screen_writes_nothing_and_ages_write_their_lines(size: tuple[int, int]) -> None:
    async with wired(size) as wire:
        assert await wire.written_by(wire.app.estate.tick) == ""

        def a_minute_later() -> None:
            """In one step: the app's own timer must not find the new time first, and paint it unseen."""
            wire.fake.clock.forward(minutes=1)  # grafana, the first row: 12m
            wire.app.estate.tick()

        written = await wire.written_by(a_minute_later)
        assert "13m" in written and "emby" not in written
        assert cost(written) <= 1000


CHANGES: list[tuple[str, Resource, str]] = [
    ("vault version", secret("apps/emby", 2), "v2"),
    ("docker state", service(WROCLAW, "caddy", "caddy", health="healthy"), "healthy 3d"),
    ("docker elsewhere", service(KYIV, "monitoring", "alloy", health="healthy"), "healthy 3d"),
    ("argo revision", application("emby", revisions=("3" * 40,)), ""),
    ("kubernetes", workload("emby", 2, 2), "2/2"),
]


@wide_sizes
@pytest.mark.parametrize(("name", "resource", "word"), CHANGES, ids=[name for name, _, _ in CHANGES])
async def test_a_changed_row_that_stays_costs_at_most_400_bytes(
    size: tuple[int, int], name: str, resource: Resource, word: str
) -> None:
    async with wired(size) as wire:
        written = await wire.change(resource)
        assert word in written
        assert cost(written) <= 400


@wide_sizes
async def test_a_row_that_moves_costs_the_lines_it_passes_and_the_count(size: tuple[int, int]) -> None:
    async with wired(size) as wire:
        written = await wire.change(application("emby", "OutOfSync"))
        assert "3 need you" in written and "OutOfSync" in written and "ingress-nginx" not in written
        assert cost(written) <= 1600
        written = await wire.change(workload("emby", 0, 1))
        assert "2 not ready" in written and "victoriametrics" not in written
        assert cost(written) <= 1600


@wide_sizes
async def test_a_new_row_moves_no_pane_that_has_room(size: tuple[int, int]) -> None:
    async with wired(size) as wire:
        places = [pane.region for pane in wire.app.estate.panes]
        written = await wire.change(service(KYIV, "zeta", "zeta"))
        assert "zeta" in written and cost(written) <= 800
        assert [pane.region for pane in wire.app.estate.panes] == places


@every_size
async def test_a_cursor_step_costs_two_lines_and_the_details_wait_for_its_rest(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labtui.tui.screens.estate.DETAIL_DELAY", 60.0)
    async with wired(size) as wire:
        wire.fake[ARGOCD].list(*(application(f"app-{n:04}") for n in range(5000)))
        await until(lambda: wire.app.estate.panes[0].row_count == 5000)
        await wire.settled()
        described = wire.app.estate.detail.ref
        for _ in range(3):
            written = await wire.written_by(lambda: wire.pilot.press("j"))
            assert cost(written) <= 800
            assert wire.app.estate.detail.ref == described


async def test_the_details_follow_a_cursor_that_rests_and_paint_their_different_lines() -> None:
    async with wired((160, 50)) as wire:
        detail = wire.app.estate.detail
        written = await wire.written_by(
            lambda: wire.pilot.press("j"), lambda: bool(detail.ref and detail.ref.name == "victoriametrics")
        )
        assert "Application victoriametrics" in written
        assert "Auto-sync" not in written, "reads the same for both"
        assert cost(written) <= 4000


@pytest.mark.parametrize("size", WIDE[:2], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_another_pane_costs_two_frames_and_two_cursor_lines(size: tuple[int, int]) -> None:
    async with wired(size) as wire:
        panes = wire.app.estate.panes
        for number in (1, 2):
            written = await wire.written_by(lambda: wire.pilot.press("tab"), lambda n=number: panes[n].has_focus)  # type: ignore[misc]
            assert "cert-manager" not in written and "ingress-nginx" not in written
            assert cost(written) <= 7000


async def test_an_open_folder_is_no_row_and_no_folder_is_counted() -> None:
    async with wired((120, 40)) as wire:
        vault = next(pane for pane in wire.app.estate.panes if pane.source == VAULT)
        assert sorted(ref.name for ref in vault.shown) == ["apps/emby", "apps/immich", "platform/"]
        assert vault.frame_title() == "5 Vault ── 2"
