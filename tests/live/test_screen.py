"""The Estate screen on real servers, driven by keys in a real terminal, checked by asking the servers."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.compose_fixture import docker
from tests.live.estate_fixture import LiveEstate
from tests.live.gitops_fixture import wait_until
from tests.live.test_sync_and_rollback import refresh_and_wait
from tests.support.terminal import Terminal

pytestmark = pytest.mark.live

WITHOUT_A_KEY = 2.0  # seconds: the limit for a change to show
VAULT_POLL = 10.0
STAYS = float(os.environ.get("LABTUI_LIVE_ROLLBACK_SECONDS", "20"))


def header(text: str) -> str:
    return text.split("\n", 1)[0]


def all_live(text: str) -> bool:
    return header(text).count("●") + header(text).count("◐") >= 5


@pytest.fixture
def screen(live_estate: LiveEstate, tmp_path: Path) -> Iterator[Terminal]:
    """The screen, large enough for every row, with all sources live."""
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    with Terminal(live_estate.command(), 220, 110, environ) as terminal:
        terminal.wait_for(all_live, 20)
        yield terminal


def shows_within(terminal: Terminal, seconds: float, *words: str) -> float:
    """Seconds until one line has all the words."""
    begin = time.monotonic()
    terminal.wait_for(lambda text: any(all(w in line for w in words) for line in text.splitlines()), seconds)
    return time.monotonic() - begin


def test_every_pane_is_live_and_changes_show_without_a_key(live_estate: LiveEstate, screen: Terminal) -> None:
    gitops = live_estate.gitops
    for words in (
        (gitops.child, "Synced", "Healthy"),
        (live_estate.namespace, "alpha", "1/1"),
        (f"{live_estate.wroclaw.name}", "cache"),
        (f"{live_estate.kyiv.name}", "cache"),
        (f"kv/apps/{live_estate.name}/app-00", "v1"),
    ):
        shows_within(screen, 5, *words)

    gitops.kubectl("-n", live_estate.namespace, "scale", "deployment", "alpha", "--replicas=2")
    shows_within(screen, WITHOUT_A_KEY, "alpha", "/2")

    live_estate.kyiv.stop("cache")
    shows_within(screen, WITHOUT_A_KEY, "cache", "exited")
    live_estate.kyiv.start("cache")

    gitops.commit_change("second", "seen without a key")
    refresh_and_wait(live_estate, gitops.second)
    shows_within(screen, WITHOUT_A_KEY, gitops.second, "OutOfSync")
    assert live_estate.run("sync", gitops.second, "--yes").returncode == 0
    shows_within(screen, WITHOUT_A_KEY, gitops.second, "Synced")

    live_estate.vault.put("brand-new")
    try:
        shows_within(screen, VAULT_POLL + WITHOUT_A_KEY, f"kv/apps/{live_estate.name}/brand-new")
    finally:
        live_estate.vault.delete("brand-new")
    gitops.kubectl("-n", live_estate.namespace, "scale", "deployment", "alpha", "--replicas=1")


def choose(terminal: Terminal, pane: str, name: str) -> None:
    """Go to a pane and filter it down to one row."""
    terminal.press(pane, "/")
    terminal.type(name)
    terminal.press("enter")


def test_keys_sync_and_roll_back_a_self_healed_child(live_estate: LiveEstate, screen: Terminal) -> None:
    gitops = live_estate.gitops
    # s on an application that is out of sync
    gitops.commit_change("second", "for the key s")
    refresh_and_wait(live_estate, gitops.second)
    choose(screen, "1", gitops.second)
    screen.wait_for("OutOfSync")
    screen.press("s")
    screen.wait_for("Cancel", 15)
    screen.press("tab", "enter")
    screen.wait_for(lambda text: "Succeeded" in text or "done" in text.lower(), 30)
    live_estate.wait_for_app(gitops.second, sync="Synced")
    screen.press("escape", "escape")

    # R on the self-healed child
    before = live_estate.greeting()
    gitops.commit_change("child", "a mistake, seen on the screen")
    refresh_and_wait(live_estate, gitops.child)
    wait_until("the mistake is deployed", lambda: live_estate.greeting() != before)
    live_estate.wait_for_app(gitops.child, sync="Synced", health="Healthy")
    choose(screen, "1", gitops.child)
    screen.press("R")
    screen.wait_for("a mistake, seen", 15)  # the history with its commit messages
    screen.press("enter")
    screen.wait_for("To confirm, type", 15)
    screen.press("shift+tab")
    screen.type(gitops.child)
    screen.press("tab", "tab", "enter")
    screen.wait_for("rolled back to", 60)
    assert live_estate.greeting() == before
    refresh_and_wait(live_estate, gitops.parent)
    end = time.monotonic() + STAYS
    while time.monotonic() < end:
        assert live_estate.greeting() == before
        assert live_estate.app(gitops.child)["spec"]["syncPolicy"]["automated"] == {
            "enabled": False, "prune": True, "selfHeal": True,
        }  # fmt: skip
        screen.watch(1)

    # what remains is offered, and done from here
    screen.press("F")
    screen.wait_for("Make the rollback of", 20)
    screen.press("tab", "enter")
    screen.wait_for("auto-sync is on", 60)
    automated = live_estate.app(gitops.child)["spec"]["syncPolicy"]["automated"]
    assert automated == {"prune": True, "selfHeal": True}
    live_estate.wait_for_app(gitops.child, sync="Synced", health="Healthy")
    assert live_estate.greeting() == before


def test_hostile_names_are_shown_harmlessly(live_estate: LiveEstate, screen: Terminal) -> None:
    """Names that the servers take: markup in a Vault path, escapes and right-to-left text in a Compose label."""
    registry = os.environ["LIVE_REGISTRY"]
    evil = "\x1b[31mred\x1b]0;owned\x07[bold]x[/bold]\u202eabc日本עברית"
    container = docker(
        "wroclaw", "run", "--detach", "--label", f"com.docker.compose.project=evil-{live_estate.name}",
        "--label", f"com.docker.compose.service={evil}", "--label", "com.docker.compose.oneoff=False",
        "--label", "com.docker.compose.container-number=1", f"{registry}/busybox:latest", "sleep", "300",
    )  # fmt: skip
    live_estate.vault.put("[red]markup[/red]")
    try:
        shows_within(screen, WITHOUT_A_KEY, "·[31mred·]0;")
        shows_within(screen, VAULT_POLL + WITHOUT_A_KEY, "[red]markup[/red]")
        assert b"\x1b]0;owned" not in screen.raw and b"\x1b[31mred" not in screen.raw
        assert "\u202e".encode() not in screen.raw
        # the frame still stands: every line that starts with a border ends with one
        screen.settle(0.5, 3)
        for line in screen.screen.display:
            if line.startswith(("│", "┃")):
                assert line.rstrip().endswith(("│", "┃")), line
    finally:
        docker("wroclaw", "rm", "--force", container)
        live_estate.vault.delete("[red]markup[/red]")


def test_it_works_at_80x24_and_quits_at_once(live_estate: LiveEstate) -> None:
    with Terminal(live_estate.command(), 80, 24) as terminal:
        terminal.wait_for(lambda text: live_estate.gitops.child[:12] in text, 20)
        for key, words in (("2", "READY"), ("3", "SERVICE"), ("4", "SERVICE"), ("5", "PATH"), ("1", "HEALTH")):
            terminal.press(key)
            terminal.wait_for(words)
        terminal.press("enter")
        terminal.wait_for("self-heal" if "child" in terminal.text() else "Revision", 5)
        terminal.press("escape")
        terminal.press("?")
        terminal.wait_for("Help")
        terminal.press("end")
        terminal.wait_for("OutOfSync     the cluster differs from git")
        terminal.press("escape", "q")
        assert terminal.wait_for_exit(5) < 1.0
        assert terminal.exit_status == 0


def test_nothing_is_left_behind(live_estate: LiveEstate) -> None:
    """After quitting there is no ssh, no socket folder, no process of labtui's."""

    def ssh_processes() -> set[str]:
        listing = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        return {line.split()[0] for line in listing.splitlines() if re.search(r"ssh .*kyiv", line)}

    before = ssh_processes()
    with Terminal(live_estate.command(), 120, 40) as terminal:
        terminal.wait_for(all_live, 20)
        terminal.press("q")
        assert terminal.wait_for_exit(5) < 1.0
    wait_until("the ssh processes end", lambda: ssh_processes() <= before, 5)
