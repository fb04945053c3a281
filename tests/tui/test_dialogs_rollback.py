"""Choosing what to roll back to."""

from __future__ import annotations

import threading

import pytest
from textual.widgets import OptionList

from labtui.domain.errors import Denied
from labtui.domain.resources.argocd import Application
from labtui.ports import RevisionInfo
from labtui.tui.screens.problem import ProblemScreen
from labtui.tui.screens.rollback import RollbackChoice, RollbackScreen
from tests.tui.dialog_fakes import NEW, OLD, FakeApplications, Host, application, deployment, make_lab, sees, until

pytestmark = pytest.mark.anyio


def open_screen(host: Host, app: Application) -> list[RollbackChoice | None]:
    """Show it; the answer is put into the list."""
    answers: list[RollbackChoice | None] = []
    host.push_screen(RollbackScreen(app, host.lab), answers.append)
    return answers


async def test_the_last_different_deployment_is_chosen_at_first() -> None:
    history = (deployment(1, "1" * 40, 9), deployment(2, OLD, 3), deployment(3, NEW, 1), deployment(4, NEW, 0.1))
    applications = FakeApplications(application(history=history))
    host = Host(make_lab(applications))
    async with host.run_test() as pilot:
        answers = open_screen(host, applications.app)
        await sees(pilot, "●    4  8c11e0d", "deployed now", "4b1c9e2")
        await pilot.press("p")
        await sees(pilot, "prune on: deletes what that deployment does not have")
        await pilot.press("enter")
        await until(pilot, lambda: answers == [RollbackChoice(2, True)])


async def test_what_is_deployed_now_cannot_be_chosen() -> None:
    applications = FakeApplications(application(history=(deployment(4, NEW, 0.1),)))
    host = Host(make_lab(applications))
    async with host.run_test() as pilot:
        answers = open_screen(host, applications.app)
        await sees(pilot, "There is no earlier deployment that differs")
        await pilot.press("up", "enter", "d")
        await pilot.click("#choose")
        assert answers == []
        await pilot.press("escape")
        await until(pilot, lambda: answers == [None])


async def test_an_entry_is_one_line_however_long_its_commit_message() -> None:
    history = (deployment(1, OLD, 9), deployment(2, NEW, 1))
    applications = FakeApplications(application(history=history))
    host = Host(make_lab(applications))
    async with host.run_test(size=(60, 24)) as pilot:
        open_screen(host, applications.app)
        await sees(pilot, "deployed now", f"Change of {OLD}"[:14])
        assert host.screen.query_one(OptionList).virtual_size.height == len(history)


async def test_only_commits_in_view_are_asked_for() -> None:
    history = tuple(deployment(n, f"{n:040x}", 200 - n) for n in range(1, 201))
    applications = FakeApplications(application(history=history))
    host = Host(make_lab(applications))
    async with host.run_test(size=(80, 24)) as pilot:
        open_screen(host, applications.app)
        await sees(pilot, f"Change of {200:040x}"[:17])
        seen = host.screen.query_one(OptionList).size.height
        await until(pilot, lambda: len(applications.made("revision")) == seen)
        await pilot.press("end")
        await until(pilot, lambda: f"{1:040x}" in [c[2] for c in applications.made("revision")])
        await until(pilot, lambda: len(applications.made("revision")) <= 2 * seen + 2)


async def test_a_commit_that_cannot_be_read_is_unknown_and_a_late_one_harmless() -> None:
    applications = FakeApplications()
    applications.fail["revision"] = Denied("Not allowed", "permission denied: repositories")
    host = Host(make_lab(applications))
    async with host.run_test() as pilot:
        answers = open_screen(host, applications.app)
        await sees(pilot, "unknown (permission denied: repositories)")
        await pilot.press("escape")
        await until(pilot, lambda: answers == [None])
        applications.hold["revision"] = threading.Event()
        open_screen(host, applications.app)
        await sees(pilot, "asking Argo CD …")
        await pilot.press("escape")
        await until(pilot, lambda: len(host.screen_stack) == 1)
        applications.hold["revision"].set()
        await until(pilot, lambda: not [t for t in threading.enumerate() if t.name.startswith("commit")])
        await pilot.pause()


async def test_hostile_commit_messages_are_shown_as_text() -> None:
    applications = FakeApplications()
    applications.infos[OLD] = RevisionInfo(OLD, "[red]Eve[/red]", None, "fix \x1b]0;owned\x07 [bold]all[/bold]\nsecond")
    host = Host(make_lab(applications))
    async with host.run_test(size=(100, 30)) as pilot:
        open_screen(host, applications.app)
        await sees(pilot, "fix ·]0;owned· [bold]all[/bold] · [red]Eve[/red]")
        assert "second" not in host.shown()


async def test_the_diff_of_the_chosen_one_and_its_failure() -> None:
    applications = FakeApplications()
    host = Host(make_lab(applications))
    async with host.run_test(size=(100, 30)) as pilot:
        open_screen(host, applications.app)
        await sees(pilot, "4b1c9e2")
        await pilot.press("d")
        await sees(pilot, "from 8c11e0d back to 4b1c9e2", "+      image: nginx:1.28")
        assert applications.made("diff_revisions")[0][2:] == (5, 4)
        await pilot.press("escape")
        applications.fail["diff_revisions"] = Denied("Not allowed", "permission denied: get manifests")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(host.screen, ProblemScreen))
        await sees(pilot, "permission denied: get manifests")
