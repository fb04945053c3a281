"""The operator's own checks: passed or failed, in time, with little to read and no secret of labtui's."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from labtui.adapters.probe import CheckProgram

SECRETS = {"VAULT_TOKEN": "hush-hush", "ARGOCD_AUTH_TOKEN": "hush-hush"}


@pytest.fixture
def checks(tmp_path: Path) -> CheckProgram:
    return CheckProgram(tmp_path, {**os.environ, **SECRETS})


def shell(text: str) -> list[str]:
    return ["sh", "-c", text]


def test_passed(checks: CheckProgram) -> None:
    found = checks.run(shell("echo one; echo two $URL; echo"), {"URL": "http://127.0.0.1"}, 5)
    assert (found.passed, found.status, found.last_line) == (True, 0, "two http://127.0.0.1")
    assert found.sentence == "sh passed: two http://127.0.0.1"


def test_failed(checks: CheckProgram) -> None:
    found = checks.run(shell("echo login page is missing >&2; exit 3"), {}, 5)
    assert (found.passed, found.status) == (False, 3)
    assert found.sentence == "sh failed with exit status 3: login page is missing"


def test_it_runs_in_the_folder_and_without_the_tokens(checks: CheckProgram, tmp_path: Path) -> None:
    script = tmp_path / "check.sh"
    script.write_text("#!/bin/sh\nenv | grep -c hush; pwd; cat\n")
    script.chmod(0o755)
    found = checks.run(["./check.sh"], {}, 5)
    assert (found.name, found.last_line) == ("check.sh", str(tmp_path))
    assert found.passed  # its standard input is at its end at once
    assert checks.run(shell("env"), {}, 5).passed
    counted = checks.run(shell("env | grep -c hush"), {}, 5)
    assert counted.last_line == "0"


def test_arguments_are_no_shell_words(checks: CheckProgram) -> None:
    assert checks.run(["echo", "$(id); `id` && x"], {}, 5).last_line == "$(id); `id` && x"


def test_the_time_is_over(checks: CheckProgram, tmp_path: Path) -> None:
    began = time.monotonic()
    found = checks.run(shell(f"echo still looking; sleep 60 & echo $! > {tmp_path}/pid; wait"), {}, 0.5)
    assert time.monotonic() - began < 5
    assert (found.passed, found.status, found.last_line) == (False, None, "not done after 0.5 s, last: still looking")
    assert gone(int((tmp_path / "pid").read_text()))


def gone(pid: int, seconds: float = 5) -> bool:
    """Has this process ended (a zombie counts: nobody may be there to collect it)?"""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_what_it_leaves_behind_neither_delays_nor_survives(checks: CheckProgram, tmp_path: Path) -> None:
    began = time.monotonic()
    found = checks.run(shell(f"sleep 60 & echo $! > {tmp_path}/pid; echo done"), {}, 20)
    assert (found.passed, found.last_line) == (True, "done")
    assert time.monotonic() - began < 5
    assert gone(int((tmp_path / "pid").read_text()))


def test_much_output_is_not_kept(checks: CheckProgram) -> None:
    found = checks.run(shell("head -c 30000000 /dev/zero | tr '\\0' x; echo; printf '\\033[31mred\\n'"), {}, 30)
    assert found.passed
    assert found.last_line == "·[31mred"


def test_one_that_closes_its_output_is_still_waited_for(checks: CheckProgram) -> None:
    found = checks.run(shell("exec >&- 2>&-; sleep 0.3; exit 4"), {}, 10)
    assert (found.status, found.seconds >= 0.3) == (4, True)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "no program is named"),
        (["no-such-program-at-all"], "there is no such program in PATH"),
        (["./missing.sh"], "it cannot be started: no such file or directory"),
        (["sh", "-c", "a\0b"], "it cannot be started: its arguments cannot be passed"),
    ],
)
def test_what_cannot_be_started(checks: CheckProgram, argv: list[str], words: str) -> None:
    found = checks.run(argv, {}, 5)
    assert (found.passed, found.last_line) == (False, words)
