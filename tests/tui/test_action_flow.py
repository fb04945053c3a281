"""Every action from its key to its end: done, refused, given up, overtaken, failed; always seen by the user."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from labtui.core.actions import ACTIONS
from labtui.core.migration.service import Migrations
from labtui.domain.errors import Denied, LabError, OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources import DockerService, Migration, Resource
from labtui.domain.resources.argocd import AutoSync, ManagedResource, Operation, RollbackRecord
from labtui.domain.resources.migration import migration_ref
from labtui.domain.states import Level
from labtui.ports import SyncRequest
from labtui.tui.screens.confirm import ConfirmScreen
from labtui.tui.screens.operation import OperationScreen
from labtui.tui.screens.problem import ProblemScreen
from labtui.tui.screens.rollback import RollbackScreen
from labtui.tui.screens.secret import SecretScreen
from labtui.tui.screens.text import TextScreen
from labtui.tui.screens.wait import WaitScreen
from tests.support.planned_immich import STACK
from tests.support.planning import FakeCompose, planner
from tests.tui.dialog_fakes import (
    NEW,
    NOW,
    OLD,
    SECRET,
    WEB,
    FakeApplications,
    FakeSecrets,
    Host,
    application,
    make_lab,
    one_window,
    sees,
    until,
)

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
SERVICE = DockerService(Ref(SourceId(SourceKind.DOCKER, "wroclaw"), "ComposeService", "immich", "immich-server"), ())
RUNNING = Operation("Running", "waiting", NOW)
ROLLED_BACK = RollbackRecord(4, (NEW,), (OLD,), True, None, NOW - timedelta(hours=1), "ada@desk")
VALUES = {"DB_PASSWORD": "hunter2-swordfish", "API_TOKEN": "tok-4711"}


def host_of(applications: FakeApplications, secrets: FakeSecrets | None = None, read_only: str = "") -> Host:
    """A host with the fakes."""
    return Host(make_lab(applications, secrets or FakeSecrets(VALUES), read_only))


def on(host: Host, kind: type) -> bool:
    """Is a screen of this kind on top?"""
    return isinstance(host.screen, kind)


def fitting(action_id: str, applications: FakeApplications) -> Resource:
    """A resource that an action can be done to."""
    if action_id == "vault.reveal":
        return SECRET
    if action_id == "docker.plan":
        return SERVICE
    if action_id.startswith("migration."):
        found = migration_ref("wroclaw", "emby", "wroclaw-emby-1")
        running, moved = action_id == "migration.pause", action_id == "migration.undo"
        return Migration(found, Level.MOVING, "soak", running=running, moved=moved, ended=moved)
    if action_id == "argocd.terminate":
        applications.app = replace(applications.app, operation=RUNNING)
    if action_id == "argocd.finish_rollback":
        applications.app = replace(
            applications.app, sync="Synced", rollback=ROLLED_BACK, auto_sync=AutoSync(True, False)
        )
    return applications.app


async def test_sync_is_read_confirmed_followed_and_told() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test(size=(120, 40)) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await until(pilot, lambda: on(host, ConfirmScreen))
        await sees(
            pilot, "Sync all resources to main", "POST /api/v1/applications/web/sync", "+      image: nginx:1.28"
        )
        assert host.focused is not None and host.focused.id == "cancel"
        assert not applications.made("sync")
        await pilot.press("right", "enter")
        await sees(pilot, "Done: sync succeeded", "Synced, Healthy", "Deployment web/web", "14:08:13"[3:])
        assert applications.made("sync") == [("sync", WEB, SyncRequest())]
        assert [e["event"] for e in host.lab.executor.audit.entries()] == ["intent", "outcome"]
        await pilot.press("escape")
        await until(pilot, lambda: not on(host, OperationScreen))
        assert host.toasts() == []


async def test_cancel_does_nothing() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test() as pilot:
        for keys in (("escape",), ("enter",)):
            host.flow.start("argocd.sync", applications.app)
            await until(pilot, lambda: on(host, ConfirmScreen))
            await pilot.press(*keys)
            await until(pilot, lambda: not on(host, ConfirmScreen))
        assert not applications.made("sync")
        assert not list(host.lab.executor.audit.entries())


async def test_the_options_of_a_sync_are_planned_anew_before_they_can_be_confirmed() -> None:
    pruned = ManagedResource("", "PersistentVolumeClaim", "web", "web-data", "OutOfSync", requires_pruning=True)
    applications = FakeApplications(application(resources=(*application().resources, pruned)))
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await sees(pilot, "p: prune off", "Leaves 1 that git no longer has")
        applications.hold["get"] = threading.Event()
        await pilot.press("p")
        await sees(pilot, "Asking Argo CD what this would do")
        assert host.screen.query_one("#confirm", Button).disabled
        applications.hold["get"].set()
        await sees(
            pilot, "p: prune ON", "Deletes 1 that git no longer has: PersistentVolumeClaim web/web-data", "type web"
        )
        assert host.screen.query_one("#confirm", Button).disabled  # the name is not typed yet
        await pilot.press("n")
        await sees(pilot, "n: dry run ON", "as a dry run", "Dry run")
        assert not host.screen.query_one("#confirm", Button).disabled
        await pilot.press("right", "enter")
        await sees(pilot, "Done: dry run succeeded")
        assert applications.made("sync") == [("sync", WEB, SyncRequest(prune=True, dry_run=True))]


async def test_a_revision_and_chosen_resources() -> None:
    applications = FakeApplications(application(auto_sync=AutoSync()))
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await sees(pilot, "v: revision main")
        await pilot.press("v", *"v1.2", "enter")
        await sees(pilot, "v: revision v1.2", "Sync all resources to v1.2")
        await pilot.press("r")
        await sees(pilot, "Sync only these resources", "Deployment web/web  OutOfSync")
        await pilot.press("o", "end", "space")
        await sees(pilot, "[x] Deployment web/web", "[x] Service web/web")
        await pilot.press("space")
        await sees(pilot, "[ ] Service web/web")
        await pilot.press("c")
        await sees(pilot, "r: 2 chosen", "runs no hooks")
        await pilot.press("right", "enter")
        await sees(pilot, "Done: sync succeeded")
        keys = (("", "ConfigMap", "web", "web-config"), ("apps", "Deployment", "web", "web"))
        assert applications.made("sync") == [("sync", WEB, SyncRequest("v1.2", resources=keys))]


async def test_an_option_that_cannot_be_planned_leaves_the_plan_as_it_was() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await sees(pilot, "p: prune off")
        applications.fail["get"] = Unreachable("Argo CD does not answer", "connection refused")
        await pilot.press("p")
        await sees(pilot, "connection refused", "The plan above is unchanged", "p: prune off")


async def test_a_refused_plan_has_no_button() -> None:
    applications = FakeApplications()
    applications.allowed = one_window()
    host = host_of(applications)
    async with host.run_test() as pilot:
        host.flow.start("argocd.sync", applications.app)
        await sees(pilot, "It cannot be done now", "cannot sync: blocked by sync window (deny 0 22 * * * for 8h)")
        assert not host.screen.query_one("#confirm").display
        await pilot.press("tab", "tab", "enter", "escape")
        assert not applications.made("sync")


async def test_a_rollback_needs_the_name_and_then_offers_to_make_it_last() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.rollback", applications.app)
        await until(pilot, lambda: on(host, RollbackScreen))
        await sees(pilot, "deployed now", "Change of 4b1c9e2", "Ada <ada@example.org>")
        await pilot.press("enter")
        await until(pilot, lambda: on(host, ConfirmScreen))
        await sees(pilot, "Pause auto-sync", "Roll back to history 4: 4b1c9e2", "type web")
        confirm, field = host.screen.query_one("#confirm", Button), host.screen.query_one("#name", Input)
        assert confirm.disabled
        field.focus()
        await pilot.press("w", "e", "enter")
        assert confirm.disabled and on(host, ConfirmScreen)
        await pilot.press("b", "enter")
        await sees(pilot, "rolled back to 4 (4b1c9e2)", "What remains to be done", "Until then auto-sync stays off")
        assert [c[2] for c in applications.made("rollback")] == [4]
        applications.app = replace(applications.app, sync="Synced")  # somebody reverted it in git
        await pilot.press("F")
        await sees(pilot, "Make the rollback of web last", "Turn auto-sync on again")
        await pilot.press("right", "enter")
        await sees(pilot, "Done: git agrees", "auto-sync is on")
        assert applications.app.rollback is None


async def test_a_server_that_is_frozen_is_waited_for_in_sight_and_can_be_given_up() -> None:
    applications = FakeApplications()
    applications.hold["get"] = threading.Event()
    host = host_of(applications)
    async with host.run_test() as pilot:
        host.flow.start("argocd.sync", applications.app)
        await sees(pilot, "Asking Argo CD what this would do", "Give up")
        await pilot.press("escape")
        await until(pilot, lambda: not on(host, WaitScreen))
        host.flow.start("argocd.diff", applications.app)  # another question, answered at once
        await until(pilot, lambda: on(host, TextScreen))
        applications.hold["get"].set()  # now the late answer comes
        await until(pilot, lambda: bool(applications.made("windows")) and not _asking())
        await pilot.pause()
        assert on(host, TextScreen) and len(host.screen_stack) == 2


def _asking() -> bool:
    return any(t.name.startswith("ask for") for t in threading.enumerate())


async def test_a_world_that_changed_between_plan_and_yes_is_not_touched() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await until(pilot, lambda: on(host, ConfirmScreen))
        applications.app = replace(applications.app, revisions=("9" * 40,))
        await pilot.press("right", "enter")
        await sees(
            pilot, "Not done:", "Things have changed since this plan was made", "→ 9999999", "Nothing was changed"
        )
        assert not applications.made("sync")
        await pilot.press("a")
        await sees(pilot, "9999999 → main")


async def test_an_operation_left_alone_tells_its_end_in_a_toast() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test() as pilot:
        host.flow.start("argocd.sync", applications.app)
        await until(pilot, lambda: on(host, ConfirmScreen))
        applications.hold["sync"] = threading.Event()
        await pilot.press("right", "enter")
        await sees(pilot, "It runs. esc leaves it running")
        await pilot.press("escape")
        await until(pilot, lambda: len(host.screen_stack) == 1)
        assert host.flow.show_run(WEB)
        await sees(pilot, "It runs. esc leaves it running", "starting")
        await pilot.press("escape")
        await until(pilot, lambda: len(host.screen_stack) == 1)
        applications.hold["sync"].set()
        await until(pilot, lambda: any("sync succeeded" in t for t in host.toasts()))
        assert host.flow.show_run(WEB)
        await sees(pilot, "Done: sync succeeded")


async def test_two_at_once_on_one_thing_are_refused_in_words() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await until(pilot, lambda: on(host, ConfirmScreen))
        applications.hold["sync"] = threading.Event()
        await pilot.press("right", "enter")
        await until(pilot, lambda: bool(applications.made("sync")))
        await pilot.press("escape")
        await until(pilot, lambda: len(host.screen_stack) == 1)
        host.flow.start("argocd.sync", applications.app)
        await until(pilot, lambda: on(host, ConfirmScreen))
        await pilot.press("right", "enter")
        await sees(pilot, "Not done:", "another operation runs: Sync web")
        applications.hold["sync"].set()
        await until(pilot, lambda: not host.lab.executor.running())
        assert len(applications.made("sync")) == 1


async def test_an_outcome_that_nobody_knows_is_called_so() -> None:
    applications = FakeApplications()
    applications.fail["sync"] = OutcomeUnknown("The answer was lost", "timed out after 10 s")
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await until(pilot, lambda: on(host, ConfirmScreen))
        await pilot.press("right", "enter")
        await sees(pilot, "? Not known:", "timed out after 10 s", "may or may not have happened")


@pytest.mark.parametrize("action", [a.id for a in ACTIONS])
async def test_a_failing_port_is_shown_for_every_action(action: str) -> None:
    """At the first question and, where there is a second act, when the change itself fails."""
    words = "permission denied: web [bold]applications[/bold]"
    error: LabError = Denied("You may not do this", words, "Ask for the right")
    applications, secrets = FakeApplications(), FakeSecrets(VALUES)
    resource = fitting(action, applications)
    for name in ("get", "refresh", "diff", "tree"):
        applications.fail[name] = error
    secrets.fail["keys"] = error
    host = host_of(applications, secrets)
    host.lab.stacks.planner = planner(compose=FakeCompose(STACK, error))

    def away() -> Migrations:
        raise error

    if action.startswith("migration."):
        host.lab.make_migrations = away
    async with host.run_test(size=(120, 40)) as pilot:
        host.flow.start(action, resource)
        await until(pilot, lambda: words in host.shown() or any(words in t for t in host.toasts()))
        if not action.endswith("refresh"):
            assert on(host, ProblemScreen)
            await sees(pilot, "You may not do this", "Ask for the right", "What to do")


@pytest.mark.parametrize(
    ("action", "call"),
    [
        ("argocd.sync", "sync"),
        ("argocd.terminate", "terminate"),
        ("argocd.finish_rollback", "resume_auto_sync"),
        ("argocd.rollback", "rollback"),
    ],
)
async def test_a_change_that_the_server_refuses_is_shown(action: str, call: str) -> None:
    applications = FakeApplications()
    resource = fitting(action, applications)
    applications.fail[call] = Refused("Argo CD refuses", "FailedPrecondition: not on a Sunday")
    host = host_of(applications)
    async with host.run_test(size=(120, 40)) as pilot:
        host.flow.start(action, resource)
        if action == "argocd.rollback":
            await until(pilot, lambda: on(host, RollbackScreen))
            await pilot.press("enter")
        await until(pilot, lambda: on(host, ConfirmScreen))
        if action == "argocd.rollback":
            host.screen.query_one("#name", Input).value = "web"
        await until(pilot, lambda: not host.screen.query_one("#confirm", Button).disabled)
        host.screen.query_one("#confirm", Button).press()
        await sees(pilot, "✗ Failed:", "FailedPrecondition: not on a Sunday")


@pytest.mark.parametrize(("action", "hard"), [("argocd.refresh", False), ("argocd.hard_refresh", True)])
async def test_a_refresh_tells_what_came_out_and_asks_nothing(action: str, hard: bool) -> None:
    applications = FakeApplications()
    host = host_of(applications, read_only="labtui runs with --read-only")
    async with host.run_test() as pilot:
        host.flow.start(action, applications.app)
        await until(pilot, lambda: any("OutOfSync, Healthy at 8c11e0d" in t for t in host.toasts()))
        assert applications.made("refresh") == [("refresh", WEB, hard)]
        assert len(host.screen_stack) == 1


async def test_a_diff_and_a_tree_open_as_text() -> None:
    applications = FakeApplications()
    host = host_of(applications)
    async with host.run_test(size=(100, 40)) as pilot:
        host.flow.start("argocd.diff", applications.app)
        await sees(pilot, "git against the cluster", "-      image: nginx:1.27", "ConfigMap web/web-config  +1 -0")
        await pilot.press("escape")
        host.flow.start("argocd.tree", applications.app)
        await sees(pilot, "✗ Deployment web  Degraded  OutOfSync", "✗   ├ Pod web-6d4-x1  Degraded  CrashLoopBackOff")
        await pilot.press("escape")
        applications.diff_items = ()
        host.flow.start("argocd.diff", applications.app)
        await until(pilot, lambda: any("no differences" in t for t in host.toasts()))


async def test_read_only_and_what_does_not_fit_are_said_and_nothing_is_asked() -> None:
    applications = FakeApplications()
    host = host_of(applications, read_only="labtui runs with --read-only")
    async with host.run_test() as pilot:
        for action in ("argocd.sync", "argocd.rollback", "argocd.finish_rollback", "argocd.terminate"):
            host.flow.start(action, applications.app)
        host.flow.start("vault.reveal", applications.app)
        host.flow.start("argocd.sync", SECRET)
        await pilot.pause()
        toasts = host.toasts()
        assert sum("--read-only" in t for t in toasts) == 4
        assert sum("is not something for this row" in t for t in toasts) == 2
        assert not applications.calls and len(host.screen_stack) == 1


async def test_a_toast_does_not_interpret_names() -> None:
    hostile = replace(WEB, name="web[/b]\x1b[31m\u202e")
    applications = FakeApplications(application(ref=hostile, operation=RUNNING))
    host = host_of(applications)
    async with host.run_test(notifications=True) as pilot:
        host.flow.start("argocd.sync", applications.app)
        await sees(pilot, "web[/b]·[31m·: an operation")


async def test_secrets_are_fetched_only_when_asked_for_and_forgotten_at_the_end() -> None:
    secrets = FakeSecrets(VALUES)
    host = host_of(FakeApplications(), secrets)
    async with host.run_test() as pilot:
        host.flow.start("vault.reveal", SECRET)
        await sees(pilot, "kv/apps/web", "DB_PASSWORD  ••••••••", "API_TOKEN    ••••••••")
        assert secrets.revealed == 0 and _leaks(host) == []
        await pilot.press("v")
        await sees(pilot, "hunter2-swordfish", "tok-4711")
        screen = host.screen
        assert isinstance(screen, SecretScreen)
        assert "hunter2" not in repr(screen) + "".join(repr(w) for w in screen.walk_children())
        assert host.toasts() == [] and "hunter2" not in f"{host.title} {host.sub_title}"
        await pilot.press("v")
        await until(pilot, lambda: "hunter2" not in host.shown())
        assert _leaks(host) == [] and host.clipboard == ""
        await pilot.press("v")
        await sees(pilot, "hunter2-swordfish")
        await pilot.press("escape")
        await until(pilot, lambda: len(host.screen_stack) == 1)
        assert screen._values == {} and "hunter2" not in host.shown()


async def test_a_value_is_copied_without_being_shown() -> None:
    secrets = FakeSecrets(VALUES)
    host = host_of(FakeApplications(), secrets)
    async with host.run_test() as pilot:
        host.flow.start("vault.reveal", SECRET)
        await until(pilot, lambda: on(host, SecretScreen))
        await pilot.press("down", "c")
        await sees(pilot, "Copied the value of API_TOKEN")
        assert host.clipboard == "tok-4711" and "tok-4711" not in host.shown()
        secrets.fail["reveal"] = SignedOut("Vault takes the token no longer", "403 permission denied")
        await pilot.press("v")
        await sees(pilot, "403 permission denied")


def _leaks(host: Host) -> list[str]:
    texts = [host.shown(), *host.toasts(), *(repr(w) for w in host.screen.walk_children())]
    return [t for t in texts if any(value in t for value in VALUES.values())]


_QUIT = """
import threading
from tests.tui.dialog_fakes import FakeApplications, Host, make_lab
applications = FakeApplications()
applications.hold["get"] = threading.Event()
host = Host(make_lab(applications))
async def drive(pilot):
    host.flow.start("argocd.sync", applications.app)
    while not applications.calls:
        await pilot.pause(0.01)
    host.exit()
host.run(headless=True, auto_pilot=drive)
print("left", flush=True)
"""


async def test_a_frozen_server_does_not_hold_up_the_end() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _QUIT, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert (await asyncio.wait_for(process.stdout.readline(), 20)).strip() == b"left"
        before = time.monotonic()
        await asyncio.wait_for(process.wait(), 10)
        assert time.monotonic() - before < 1.0
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_keys_that_scroll_do_nothing_while_a_server_is_waited_for() -> None:
    applications = FakeApplications()
    applications.hold["get"] = threading.Event()
    host = host_of(applications)
    async with host.run_test() as pilot:
        host.flow.start("argocd.sync", applications.app)
        await until(pilot, lambda: on(host, WaitScreen))
        await pilot.press("down", "up", "j", "k", "pagedown", "pageup", "home", "end", "g", "G")
        assert on(host, WaitScreen)
        applications.hold["get"].set()
        await sees(pilot, "Cancel")
        assert on(host, ConfirmScreen)
