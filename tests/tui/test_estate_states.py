"""What a pane says about its source. What is not known never looks like something that is not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from labtui.domain.errors import Denied, LabError, SignedOut, Unreachable
from labtui.domain.ref import Ref
from labtui.domain.resources import SecretPath
from labtui.domain.states import FeedState
from labtui.tui.app import LabApp
from tests.tui.fakes import ARGOCD, CLUSTER, KYIV, NOW, VAULT, WROCLAW, FakeLab, application, sample, secret, upsert
from tests.tui.waiting import running, screen_text, toasts, until

pytestmark = pytest.mark.anyio

REFUSED = Unreachable("No answer", "connection refused by 192.168.1.2:22", "Is the tunnel up?")


async def test_the_first_frame_says_connecting_everywhere() -> None:
    fake = FakeLab()
    async with running(fake, seen="connecting") as (app, _):
        text = screen_text(app)
        assert text.count("◌ connecting …") == 5
        assert "1 Argo CD ── ?" in text
        assert "NAME" not in text, "no column heads over rows that are not known"


async def test_a_live_source_without_anything_says_so() -> None:
    fake = FakeLab()
    fake[ARGOCD].list()
    async with running(fake, seen="Argo CD ── 0") as (app, _):
        pane = app.estate.panes[0]
        assert pane.status is not None and pane.status.state is FeedState.LIVE
        assert pane.nothing.split("\n")[0] in screen_text(app)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            REFUSED,
            (
                "✗ down: connection refused by 192.168.1.2:22",
                "Is the tunnel up?",
                "goes on trying",
                "✗ down since 14:08",
            ),
        ),
        (Denied("No", "you cannot list things", "Ask for it"), ("✗ denied: you cannot list things", "Ask for it")),
        (
            SignedOut("No", "the token has expired", "Get a new one"),
            ("✗ signed out: the token has expired", "Get a new one"),
        ),
    ],
)
@pytest.mark.parametrize("source", [ARGOCD, CLUSTER, KYIV, VAULT], ids=str)
async def test_unknown_is_never_empty(source: object, error: LabError, words: tuple[str, ...]) -> None:
    fake = FakeLab([source])  # type: ignore[list-item]
    fake[source].fail(error)  # type: ignore[index]
    async with running(fake, seen="✗ ") as (app, _):
        await until(lambda: words[0] in screen_text(app), words[0])
        text = screen_text(app)
        for word in words:
            assert word in text
        pane = app.estate.panes[0]
        assert f"1 {pane.title} ── ?" in text
        assert pane.nothing.split("\n")[0] not in text
        assert "AGE" not in text.split("Activity")[0]


async def test_signed_out_tells_the_key_where_a_password_is_taken() -> None:
    class Door:
        def login(self, username: str, password: str) -> None:
            raise AssertionError("nobody asked")

    fake = FakeLab(logins={ARGOCD: Door()})
    fake[ARGOCD].fail(SignedOut("No", "the token has expired", ""))
    async with running(fake, seen="signed out") as (app, _):
        await until(lambda: "Press L to sign in" in screen_text(app))
        assert "L Sign in" in app.estate.footer.text


async def test_a_lost_source_keeps_its_rows_as_stale_and_disturbs_no_other() -> None:
    fake = FakeLab()
    fake.fill()
    async with running(fake, seen="gluetun") as (app, _):
        await until(lambda: all(pane.known for pane in app.estate.panes))
        fake[KYIV].fail(REFUSED)
        await until(lambda: "✗ stale since 14:08 · connection refused" in screen_text(app))
        kyiv = next(pane for pane in app.estate.panes if pane.source == KYIV)
        assert kyiv.stale
        assert kyiv.has_class("-stale")
        assert "gluetun" in screen_text(app)
        assert "kyiv ✗ stale" in app.estate.bar.text
        others = [pane for pane in app.estate.panes if pane is not kyiv]
        assert not any(pane.stale for pane in others)
        fake[ARGOCD].give(upsert(application("newcomer")))
        await until(lambda: "newcomer" in screen_text(app), "a change of another source")


async def test_a_live_source_can_be_connected_anew() -> None:
    fake = FakeLab([KYIV])
    fake[KYIV].list(*sample()[KYIV])
    async with running(fake, seen="gluetun") as (app, pilot):
        app.show_source(KYIV)
        await until(lambda: "Connect again now" in screen_text(app))
        await pilot.press("r")
        await until(lambda: fake[KYIV].connects == 2, "a second connection")
        await until(lambda: "kyiv ✗ stale" in app.estate.bar.text)
        fake[KYIV].list(*sample()[KYIV])
        await until(lambda: "kyiv ●" in app.estate.bar.text)
        assert toasts(app) == ["Connecting to kyiv now"]


async def test_only_a_state_that_looks_different_is_a_class() -> None:
    fake = FakeLab([KYIV])
    async with running(fake, seen="connecting") as (app, _):
        pane = app.estate.panes[0]
        assert not pane.classes
        fake[KYIV].list(*sample()[KYIV])
        await until(lambda: pane.status is not None and pane.status.state is FeedState.LIVE)
        assert not pane.classes
        fake[KYIV].fail(REFUSED)
        await until(lambda: pane.classes == {"-stale"})
        fake[KYIV].list(*sample()[KYIV])
        await until(lambda: not pane.classes, "live again")


async def placed(fake: FakeLab, app: LabApp, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Lets all sources but Vault answer, each alone; then: how many rows were known each time the panes were placed."""
    times: list[int] = []
    anew = app.estate.body.arrange_anew

    def noted() -> None:
        times.append(sum(pane.row_count for pane in app.estate.panes))
        anew()

    monkeypatch.setattr(app.estate.body, "arrange_anew", noted)
    for source in (ARGOCD, CLUSTER, WROCLAW, KYIV):
        pane = next(pane for pane in app.estate.panes if pane.source == source)
        fake[source].list(*sample()[source])
        await until(lambda pane=pane: pane.row_count, str(source))  # type: ignore[misc]
    return times


async def test_the_panes_find_their_places_once_all_sources_have_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labtui.tui.screens.estate.GATHER", 60.0)
    fake = FakeLab()
    async with running(fake, seen="connecting") as (app, _):
        times = await placed(fake, app, monkeypatch)
        assert not times
        fake[VAULT].list(*sample()[VAULT])
        await until(lambda: times)
        assert len(times) == 1 and times[0] == sum(pane.row_count for pane in app.estate.panes)


async def test_a_source_that_does_not_answer_keeps_no_pane_from_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labtui.tui.screens.estate.GATHER", 0.3)
    fake = FakeLab()
    async with running(fake, seen="connecting") as (app, _):
        times = await placed(fake, app, monkeypatch)
        await until(lambda: times, "placed without Vault")


async def test_a_source_that_comes_back_is_live_again() -> None:
    fake = FakeLab([KYIV])
    fake[KYIV].list(*sample()[KYIV])
    fake[KYIV].fail(REFUSED)
    fake[KYIV].list(*sample()[KYIV][:1])
    async with running(fake, seen="gluetun") as (app, _):
        await until(lambda: app.estate.panes[0].row_count == 1, "the list after the reconnect")
        await until(lambda: "✗" not in app.estate.bar.text)
        assert not app.estate.panes[0].stale
        assert "kyiv ●" in app.estate.bar.text


async def test_the_age_of_a_lost_source_counts_on() -> None:
    fake = FakeLab()
    fake.fill()
    async with running(fake, seen="gluetun") as (app, _):
        fake[KYIV].fail(REFUSED)
        await until(lambda: "kyiv ✗ stale <1m" in app.estate.bar.text)
        fake.clock.forward(minutes=7)
        app.estate.tick()
        assert "kyiv ✗ stale 7m" in app.estate.bar.text
        assert fake.clock.now() > NOW


async def test_partial_denials_stand_in_the_frame() -> None:
    fake = FakeLab()
    fake[CLUSTER].list(*sample()[CLUSTER], notes=("nodes denied", "metrics not served"))
    async with running(fake, seen="nodes denied · metrics not served") as (app, _):
        assert "cluster ◐ nodes denied" in app.estate.bar.text


async def test_one_source_that_never_answers_leaves_the_others_alone() -> None:
    fake = FakeLab()
    fake.fill(but=(WROCLAW,))
    async with running(fake, seen="gluetun") as (app, _):
        await until(lambda: sum(pane.row_count for pane in app.estate.panes) == 18)
        text = screen_text(app)
        assert text.count("◌ connecting …") == 1
        assert "wroclaw ◌ connecting" in app.estate.bar.text


async def test_enter_opens_a_closed_folder_and_the_cursor_goes_into_it() -> None:
    fake = FakeLab()
    fake.fill()
    opened: list[Ref] = []

    class Door:
        def open(self, ref: Ref) -> None:
            opened.append(ref)
            inside = secret("platform/argocd", 3), secret("platform/authelia", 1)
            fake[VAULT].give(upsert(SecretPath(ref, folder=True, open=True)), *(upsert(each) for each in inside))

        def reveal(self, ref: Ref, version: int | None = None) -> Mapping[str, str]:
            raise AssertionError("nobody asked")

        def keys(self, ref: Ref) -> tuple[str, ...]:
            raise AssertionError("nobody asked")

    fake.lab.secrets = Door()
    async with running(fake, seen="kv/platform/") as (app, pilot):
        pane = next(pane for pane in app.estate.panes if pane.source == VAULT)
        assert "5 Vault ── 2" in screen_text(app), "folders are not counted"
        assert pane.select(Ref(VAULT, "Secret", "kv", "platform/"))
        await pilot.press("5", "enter")
        await until(lambda: "kv/platform/authelia" in screen_text(app), "what the folder hid")
        assert [ref.name for ref in opened] == ["platform/"]
        assert pane.cursor is not None and pane.cursor.name == "platform/argocd"
        assert "5 Vault ── 4" in screen_text(app)
        assert not any(ref.name.endswith("/") for ref in pane.shown)


async def test_another_day_is_told() -> None:
    fake = FakeLab([KYIV])
    fake[KYIV].fail(REFUSED)
    async with running(fake, seen="down since 14:08") as (app, _):
        fake.clock.forward(days=2)
        app.estate.panes[0].reframe()
        await until(lambda: "down since 14 Mar 14:08" in screen_text(app))


async def test_hints_name_the_keys_of_the_user(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text("argocd.refresh: f5\n")
    fake = FakeLab([KYIV])
    fake[KYIV].fail(REFUSED)
    async with running(fake, seen="goes on trying", keys_file=keys) as (app, _):
        await until(lambda: "f5 tries now" in screen_text(app))
        assert "f5 Connect now" in app.estate.footer.text
