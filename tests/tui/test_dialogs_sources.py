"""Signing in, the state of a source, help, problems."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from textual.widgets import Input

from labtui.core.actions import ACTIONS
from labtui.domain.errors import SignedOut
from labtui.domain.states import FeedState, FeedStatus, Level
from labtui.tui.screens.help import HelpScreen, readable
from labtui.tui.screens.login import LoginScreen
from labtui.tui.screens.problem import ProblemScreen
from labtui.tui.screens.source import SourceScreen
from labtui.tui.widgets.page import Page
from tests.tui.dialog_fakes import ARGOCD, NOW, FakeApplications, Host, make_lab, sees, until

pytestmark = pytest.mark.anyio


class FakeLogin:
    """Takes one password."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, str]] = []
        self.hold = threading.Event()
        self.hold.set()

    def login(self, username: str, password: str) -> None:
        """Refuses all but one."""
        self.hold.wait(20)
        self.tried.append((username, password))
        if password != "swordfish":
            raise SignedOut("The server does not take these", "Invalid username or password", "Try again")


def host_now() -> Host:
    """A host."""
    return Host(make_lab(FakeApplications()))


async def test_a_refused_password_says_so_and_stays_and_a_good_one_goes_on() -> None:
    host, login = host_now(), FakeLogin()
    answers: list[bool | None] = []
    reconnected: list[int] = []
    async with host.run_test() as pilot:
        host.push_screen(LoginScreen(login, "argocd", lambda: reconnected.append(1)), answers.append)
        await sees(pilot, "Sign in to argocd", "User name")
        await pilot.press(*"ada", "enter", *"wrong")
        await sees(pilot, "•••••")
        assert "wrong" not in host.shown()
        await pilot.press("enter")
        await sees(pilot, "Invalid username or password")
        assert host.screen.query_one("#password", Input).value == "" and answers == [] and reconnected == []
        await pilot.press(*"swordfish", "enter")
        await until(pilot, lambda: answers == [True])
        assert reconnected == [1] and login.tried == [("ada", "wrong"), ("ada", "swordfish")]


async def test_a_password_is_in_no_repr_and_gone_while_it_is_sent() -> None:
    host, login = host_now(), FakeLogin()
    login.hold.clear()
    async with host.run_test() as pilot:
        host.push_screen(LoginScreen(login, "argocd"))
        await sees(pilot, "User name")
        await pilot.press(*"ada", "enter", *"swordfish")
        screen = host.screen
        assert "swordfish" not in repr(screen) + "".join(repr(w) for w in screen.walk_children())
        await pilot.press("enter")
        await sees(pilot, "Signing in to argocd …")
        assert screen.query_one("#password", Input).value == ""
        await pilot.press("escape")
        await until(pilot, lambda: len(host.screen_stack) == 1)
        login.hold.set()
        await until(pilot, lambda: bool(login.tried))
        await pilot.pause()
        assert len(host.screen_stack) == 1


async def test_nothing_is_sent_without_both() -> None:
    host, login = host_now(), FakeLogin()
    async with host.run_test() as pilot:
        host.push_screen(LoginScreen(login, "argocd"))
        await sees(pilot, "User name")
        await pilot.press(*"ada", "enter", "enter")
        await sees(pilot, "Both the user name and the password are needed")
        assert login.tried == []


@pytest.mark.parametrize("state", list(FeedState))
async def test_a_source_tells_state_since_why_and_what_to_do(state: FeedState) -> None:
    host = host_now()
    host.lab.logins = {ARGOCD: FakeLogin()}
    retried: list[int] = []
    status = FeedStatus(
        state, NOW - timedelta(minutes=12), "because [b]so[/b]", "look there", ("token 2d left",), 0.012
    )
    async with host.run_test() as pilot:
        host.push_screen(
            SourceScreen(ARGOCD, status, "https://argocd.example.org", host.lab, lambda: retried.append(1))
        )
        await sees(
            pilot,
            state.value,
            "because [b]so[/b]",
            "look there",
            "token 2d left",
            "for 12m",
            "12 ms",
            "argocd.example.org",
        )
        await pilot.press("L")
        await sees(pilot, "Sign in to argocd")
        await pilot.press("escape", "r")
        await until(pilot, lambda: len(host.screen_stack) == 1)
        assert retried == [1]


async def test_a_source_without_login_or_retry_has_no_keys_for_them() -> None:
    host = host_now()
    async with host.run_test() as pilot:
        screen = SourceScreen(ARGOCD, None, "", host.lab)
        host.push_screen(screen)
        await sees(pilot, "It has not been asked yet")
        assert "Sign in" not in host.shown() and "Connect again" not in host.shown()
        await pilot.press("L", "r")
        assert host.screen is screen
        screen.show_status(FeedStatus(FeedState.LIVE, NOW))
        await sees(pilot, "● live")


async def test_help_names_every_action_sign_and_the_users_own_keys() -> None:
    host = host_now()
    async with host.run_test(size=(120, 60)) as pilot:
        host.push_screen(HelpScreen([("Everywhere", [("?", "Help: this page")])], {"argocd.sync": "f5,ctrl+s"}))
        await sees(pilot, "Everywhere", "f5 ctrl+s", "Make the cluster"[1:], "off on purpose")
        text = "".join(str(page.rows) for page in host.screen.query(Page))
        for action in ACTIONS:
            assert action.title in text
        for level in Level:
            assert level.sign in text
        await pilot.press("question_mark")
        await until(pilot, lambda: len(host.screen_stack) == 1)


def test_keys_are_written_as_people_write_them() -> None:
    assert readable("question_mark,f1") == "? f1"
    assert readable("colon") == ":"


async def test_a_long_problem_scrolls_and_keeps_its_button() -> None:
    host = host_now()
    async with host.run_test(size=(80, 24)) as pilot:
        host.push_screen(ProblemScreen("It broke", "line\n" * 100 + "the end", "do this"))
        await sees(pilot, "✗ It broke", "Close")
        await pilot.press("end")
        await sees(pilot, "the end", "do this", "Close")
        await pilot.press("enter")
        await until(pilot, lambda: len(host.screen_stack) == 1)
