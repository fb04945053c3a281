"""The completion in the shells themselves: keys in, what stands on the terminal out."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

PROMPT = "ready> "


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """A home of its own with an estate, and a `labtui` that is this one."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "labtui").write_text(f'#!/bin/sh\nexec {sys.executable} -m labtui "$@"\n')
    (programs / "labtui").chmod(0o755)
    (tmp_path / "labtui.yaml").write_text(
        "estate: lab\nsites:\n  kyiv: {docker: {host: 'unix:///none'}, compose: stacks}\n"
    )
    (tmp_path / "stacks").mkdir()
    for name in ("monitoring", "transmission"):
        (tmp_path / "stacks" / f"{name}.yaml").write_text("services: {}\n")
    (tmp_path / "some backup.tar").touch()
    return {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / ".config"),
        "XDG_DATA_HOME": str(tmp_path / ".data"),
        "XDG_STATE_HOME": str(tmp_path / ".state"),
        "ZDOTDIR": str(tmp_path),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PWD": str(tmp_path),
    }


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


@contextmanager
def interactive(shell: str, environ: Mapping[str, str]) -> Iterator[Terminal]:
    """A shell at its prompt, in the estate's folder, with the completion loaded."""
    home, program = environ["HOME"], needs(shell)
    if shell == "bash":
        start = f"cd {home}; PS1='{PROMPT}'; bind 'set bell-style none'; eval \"$(labtui completion bash)\"; clear\n"
        command = [program, "--norc", "--noprofile", "-i"]
    else:
        start = f"cd {home}; PS1='{PROMPT}'; autoload -Uz compinit; compinit -u -D; eval \"$(labtui completion zsh)\"; clear\n"
        command = [program, "-f", "-i"]
    with Terminal(command, 100, 30, environ) as terminal:
        terminal.settle(0.3, 10)
        terminal.type(start)
        terminal.wait_for(lambda text: text.strip() == PROMPT.strip(), 30)
        terminal.settle(0.3, 5)
        yield terminal


def after(terminal: Terminal, line: str, wanted: str) -> None:
    """Type a line and Tab; wait until the wanted text stands there; leave an empty line."""
    terminal.type(line + "\t")
    terminal.wait_for(wanted, 30)
    terminal.press("ctrl+u")
    terminal.press("ctrl+l")
    terminal.settle(0.2, 5)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_completes_commands_options_and_names(shell: str, environ: Mapping[str, str]) -> None:
    with interactive(shell, environ) as terminal:
        after(terminal, "labtui aud", "labtui audit ")
        after(terminal, "labtui audit --fai", "labtui audit --failed ")
        after(terminal, "labtui compose kyiv/m", "labtui compose kyiv/monitoring ")
        after(terminal, "labtui compose kyiv/monitoring resta", "labtui compose kyiv/monitoring restart ")
        after(terminal, "labtui migrate kyiv/monitoring --until=cut", "--until=cut-over")
        after(terminal, "labtui restore some", "labtui restore some\\ backup.tar ")


def test_zsh_says_what_commands_mean(environ: Mapping[str, str]) -> None:
    with interactive("zsh", environ) as terminal:
        terminal.type("labtui s\t")
        terminal.wait_for("Print the estate once", 30)


def complete_in_fish(line: str, environ: Mapping[str, str]) -> list[str]:
    code = f"cd {environ['HOME']}; labtui completion fish | source; complete -C '{line}'"
    done = subprocess.run(
        [needs("fish"), "--no-config", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        timeout=60,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout.splitlines()


def test_fish_completes_commands_options_and_names(environ: Mapping[str, str]) -> None:
    assert complete_in_fish("labtui aud", environ) == ["audit\tShow who did what, when, and how it ended"]
    assert complete_in_fish("labtui audit --fai", environ) == [
        "--failed\tonly what did not end well: failed, unknown, cut off"
    ]
    assert complete_in_fish("labtui compose ", environ) == ["kyiv/monitoring", "kyiv/transmission"]
    assert complete_in_fish("labtui compose kyiv/monitoring resta", environ) == ["restart"]
    assert [line.partition("\t")[0] for line in complete_in_fish("labtui restore some", environ)] == ["some backup.tar"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_has_no_mistake_that_the_shell_sees(shell: str, environ: Mapping[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labtui", "completion", shell], capture_output=True, text=True, check=True, timeout=60
    )
    script = tmp_path / "script"
    script.write_text(done.stdout)
    checked = subprocess.run([needs(shell), "-n", str(script)], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")
