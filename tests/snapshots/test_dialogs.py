"""What every dialog looks like: narrow and wide, dark, light and without colour."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from labtui.domain.errors import Denied, Refused
from labtui.domain.resources.argocd import Application, ManagedResource
from labtui.domain.states import FeedState, FeedStatus
from labtui.tui.screens.help import HelpScreen
from labtui.tui.screens.login import LoginScreen
from labtui.tui.screens.problem import ProblemScreen
from labtui.tui.screens.source import SourceScreen
from tests.tui.dialog_fakes import (
    ARGOCD,
    NOW,
    SECRET,
    FakeApplications,
    FakeSecrets,
    Host,
    application,
    make_lab,
    one_window,
    sees,
    until,
)

PRUNED = ManagedResource("", "PersistentVolumeClaim", "web", "web-data", "OutOfSync", requires_pruning=True)
LOOKS = {
    "80x24-dark": ((80, 24), "labtui-dark", False),
    "80x24-light": ((80, 24), "labtui-light", False),
    "80x24-no-colour": ((80, 24), "labtui-dark", True),
    "120x40-dark": ((120, 40), "labtui-dark", False),
}

Drive = Callable[[Pilot[None], Host], Awaitable[None]]


@dataclass
class Case:
    """What the servers say, and how to get to the dialog."""

    drive: Drive
    prepare: Callable[[FakeApplications], None] = lambda fake: None


class _Login:
    def login(self, username: str, password: str) -> None:
        raise Denied("The server does not take this user name and password", "Invalid username or password")


def _prunes(fake: FakeApplications) -> None:
    fake.app = application(resources=(*application().resources, PRUNED))


def _app(host: Host) -> Application:
    assert isinstance(host.lab.applications, FakeApplications)
    return host.lab.applications.app


async def _sync(pilot: Pilot[None], host: Host) -> None:
    host.flow.start("argocd.sync", _app(host))
    await sees(pilot, "Cancel", "p: prune off")


async def _pruning(pilot: Pilot[None], host: Host) -> None:
    await _sync(pilot, host)
    await pilot.press("p")
    await sees(pilot, "p: prune ON", "type web")


async def _run(pilot: Pilot[None], host: Host) -> None:
    await _sync(pilot, host)
    await until(pilot, lambda: not host.screen.query_one("#confirm", Button).disabled)
    await pilot.press("right", "enter")


async def _running(pilot: Pilot[None], host: Host) -> None:
    await _run(pilot, host)
    await sees(pilot, "It runs.", "starting")


async def _failed(pilot: Pilot[None], host: Host) -> None:
    await _run(pilot, host)
    await sees(pilot, "✗ Failed:")


async def _choose(pilot: Pilot[None], host: Host) -> None:
    await _sync(pilot, host)
    await pilot.press("r")
    await sees(pilot, "Sync only these resources")


async def _rollback(pilot: Pilot[None], host: Host) -> None:
    host.flow.start("argocd.rollback", _app(host))
    await sees(pilot, "Change of 4b1c9e2 · Ada", "Change of 8c11e0d", "Change of 1111111")


async def _rolling_back(pilot: Pilot[None], host: Host) -> None:
    await _rollback(pilot, host)
    await pilot.press("enter")
    await sees(pilot, "type web", "Pause auto-sync")


async def _rolled_back(pilot: Pilot[None], host: Host) -> None:
    await _rolling_back(pilot, host)
    host.screen.query_one("#name", Input).value = "web"
    await until(pilot, lambda: not host.screen.query_one("#confirm", Button).disabled)
    host.screen.query_one("#confirm", Button).press()
    await sees(pilot, "What remains to be done", "Make it last")


async def _frozen(pilot: Pilot[None], host: Host) -> None:
    host.flow.start("argocd.sync", _app(host))
    await sees(pilot, "Asking Argo CD", "Give up")


async def _diff(pilot: Pilot[None], host: Host) -> None:
    host.flow.start("argocd.diff", _app(host))
    await sees(pilot, "git against the cluster")


async def _tree(pilot: Pilot[None], host: Host) -> None:
    host.flow.start("argocd.tree", _app(host))
    await sees(pilot, "resource tree")


async def _masked(pilot: Pilot[None], host: Host) -> None:
    host.flow.start("vault.reveal", SECRET)
    await sees(pilot, "DB_PASSWORD  ••••••••")


async def _revealed(pilot: Pilot[None], host: Host) -> None:
    await _masked(pilot, host)
    await pilot.press("v")
    await sees(pilot, "hunter2", "Closing this dialog")


async def _help(pilot: Pilot[None], host: Host) -> None:
    general = [("Everywhere", [("enter", "Details: open the chosen row"), ("/", "Filter: only rows with this text")])]
    host.push_screen(HelpScreen(general))
    await sees(pilot, "Everywhere")


async def _source(pilot: Pilot[None], host: Host) -> None:
    host.lab.logins = {ARGOCD: _Login()}
    why, advice = "connection refused by argocd.example.org:443", "Is the server running? Look at the pod argocd-server"
    status = FeedStatus(FeedState.STALE, NOW - timedelta(minutes=12), why, advice, ("token 2d left",), 0.012)
    host.push_screen(SourceScreen(ARGOCD, status, "https://argocd.example.org", host.lab, lambda: None))
    await sees(pilot, "Worth knowing", "Sign in")


async def _login(pilot: Pilot[None], host: Host) -> None:
    host.push_screen(LoginScreen(_Login(), "argocd"))
    await sees(pilot, "Password")
    for field in host.screen.query(Input):
        field.cursor_blink = False
    await pilot.press(*"ada", "enter", *"wrong", "enter")
    await sees(pilot, "✗ The server does not take")


async def _problem(pilot: Pilot[None], host: Host) -> None:
    words = "permission denied: applications, get, default/web, sub: ada"
    host.push_screen(
        ProblemScreen("You may not read web", words, "Ask for the right `applications, get`", heading="Sync web")
    )
    await sees(pilot, "What to do", "Close")


CASES = {
    "confirm": Case(_sync),
    "confirm-name": Case(_pruning, _prunes),
    "confirm-refused": Case(_sync, lambda fake: setattr(fake, "allowed", one_window())),
    "choose": Case(_choose),
    "wait": Case(_frozen, lambda fake: fake.hold.update(get=threading.Event())),
    "operation-running": Case(_running, lambda fake: fake.hold.update(sync=threading.Event())),
    "operation-failed": Case(
        _failed, lambda fake: fake.fail.update(sync=Refused("Argo CD refuses", "not on a Sunday"))
    ),
    "rollback-choose": Case(_rollback),
    "rollback-confirm": Case(_rolling_back),
    "rollback-done": Case(_rolled_back),
    "diff": Case(_diff),
    "tree": Case(_tree),
    "secret-masked": Case(_masked),
    "secret-revealed": Case(_revealed),
    "help": Case(_help),
    "source": Case(_source),
    "login-refused": Case(_login),
    "problem": Case(_problem),
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of day are those of UTC."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES)
def test_dialog(case: str, look: str, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    size, theme, no_colour = LOOKS[look]
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    fake = FakeApplications()
    CASES[case].prepare(fake)
    host = Host(make_lab(fake, FakeSecrets({"DB_PASSWORD": "hunter2", "API_TOKEN": "first\nsecond"})), theme)

    async def drive(pilot: Pilot[None]) -> None:
        await sees(pilot, "application-0")  # what lies below must be painted before it is covered
        await CASES[case].drive(pilot, host)
        await pilot.pause()

    try:
        assert snap_compare(host, terminal_size=size, run_before=drive)
    finally:
        for event in fake.hold.values():
            event.set()
