"""Start and end: the first frame waits for nothing, and leaving never takes longer than a second."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from textual.worker import Worker

from labtui.domain.errors import Unreachable
from labtui.tui.app import LabApp
from tests.tui.fakes import ARGOCD, CLUSTER, KYIV, SOURCES, VAULT, FakeLab, FrozenFeed
from tests.tui.waiting import running, screen_text, toasts, until

REFUSED = Unreachable("No answer", "connection refused")


@pytest.mark.anyio
async def test_nothing_is_connected_before_the_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    fake = FakeLab()
    app = LabApp(fake.lab)
    start = app.live.start

    def noted() -> None:
        seen.append(screen_text(app))
        start()

    monkeypatch.setattr(app.live, "start", noted)
    async with app.run_test(size=(120, 40)):
        await until(lambda: seen)
        assert "1 Argo CD ── ?" in seen[0]
        assert "connecting" in seen[0]
        app.live.stop()


def test_the_screen_brings_no_library_of_a_server() -> None:
    code = (
        "import sys, labtui.tui.app; "
        "print(sorted({'kubernetes', 'docker', 'hvac', 'httpx', 'requests', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("state", ["connecting", "live", "down", "frozen"])
def test_quitting_takes_less_than_a_second(state: str, own_home: Path) -> None:
    release = threading.Event()
    frozen = {source: FrozenFeed(source, release) for source in SOURCES} if state == "frozen" else {}
    fake = FakeLab(feeds=frozen)
    if state == "live":
        fake.fill()
    if state == "down":
        for source in (ARGOCD, CLUSTER, KYIV, VAULT):
            fake[source].fail(REFUSED)
    app = LabApp(fake.lab)
    began: list[float] = []

    async def leave(pilot: object) -> None:
        await until(lambda: all(fake.feeds[source].connects for source in SOURCES), "every feed")
        began.append(time.monotonic())
        await app.run_action("quit")

    try:
        app.run(headless=True, size=(120, 40), auto_pilot=leave)
        app.live.stop()
        assert time.monotonic() - began[0] < 1.0
        assert app.return_code == 0
    finally:
        release.set()


@pytest.mark.anyio
async def test_what_fails_in_a_worker_is_shown() -> None:
    fake = FakeLab()

    async def broken() -> None:
        raise ValueError("[b]no[/b]")

    async with running(fake, seen="connecting") as (app, _):
        worker: Worker[None] = app.run_worker(broken(), exit_on_error=False)
        await until(lambda: worker.is_finished)
        await until(lambda: any("ValueError: [b]no[/b]" in text for text in toasts(app)))


@pytest.mark.anyio
async def test_an_unknown_theme_is_told_and_the_default_taken() -> None:
    async with running(FakeLab(), seen="connecting", theme="nosuch") as (app, _):
        assert app.theme == "labtui-dark"
        await until(lambda: any("There is no theme nosuch" in text for text in toasts(app)))


@pytest.mark.anyio
async def test_a_theme_without_our_colours_is_none_of_ours() -> None:
    async with running(FakeLab(), seen="connecting", theme="textual-light") as (app, _):
        assert app.theme == "labtui-dark"
        await until(lambda: len(app.themes.names) == 8)
