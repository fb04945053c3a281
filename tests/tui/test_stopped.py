"""Stopped and continued: by ctrl+z and fg, and by signals that nobody can catch."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the state of a process in /proc")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """labtui on the demo, all live."""
    with Terminal([sys.executable, "-m", "labtui", "demo"]) as terminal:
        terminal.wait_for("vault ◐", 30)
        terminal.settle(0.5, 10)
        yield terminal


def until_state(terminal: Terminal, states: str) -> None:
    """Until the process is stopped (T), or is not (SR: sleeping, running)."""
    end = time.monotonic() + 10
    while (state := Path(f"/proc/{terminal.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]) not in states:
        assert time.monotonic() < end, f"its state is {state}"
        terminal.read(0.02)


def go_on(terminal: Terminal) -> None:
    """Continue it; all of the screen is painted again."""
    terminal.settle(0.2, 5)
    terminal.screen.reset()
    os.kill(terminal.pid, signal.SIGCONT)
    until_state(terminal, "SR")
    terminal.wait_for(lambda text: "vault ◐" in text and "Activity" in text and "q Quit" in text)
    terminal.settle(0.3, 10)  # a stop in the middle of the painting would be another test


def keys_work_and_it_ends(terminal: Terminal) -> None:
    """Each key arrives once, `q` ends the program, and the terminal echoes again."""
    terminal.press("?")
    terminal.wait_for("Find any action")
    terminal.press("escape")
    terminal.wait_for(lambda text: "Find any action" not in text)
    terminal.press("tab")
    terminal.wait_for(lambda text: "┏━ 2 Kubernetes" in text)
    terminal.press("q")
    terminal.wait_for_exit(5)
    assert terminal.exit_status == 0
    assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO


@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_from_outside_leaves_the_keys_working(terminal: Terminal, times: int) -> None:
    for _ in range(times):
        os.kill(terminal.pid, signal.SIGSTOP)
        until_state(terminal, "T")
        go_on(terminal)
    keys_work_and_it_ends(terminal)


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(terminal: Terminal) -> None:
    assert not termios.tcgetattr(terminal.fd)[3] & termios.ECHO
    del terminal.raw[:]
    terminal.press("ctrl+z")
    until_state(terminal, "T")
    terminal.settle(0.2, 5)
    assert b"\x1b[?1049l" in terminal.raw, "the alternate screen is left"
    assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO
    go_on(terminal)
    keys_work_and_it_ends(terminal)


def test_a_continue_without_a_stop_changes_nothing(terminal: Terminal) -> None:
    go_on(terminal)
    keys_work_and_it_ends(terminal)
