"""`labtui doctor` on the programs that labtui runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from labtui.adapters.programs import Programs
from labtui.domain.checks import Check, Verdict
from labtui.domain.errors import Refused


def put(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def no_compose(environ: Mapping[str, str]) -> tuple[str, ...]:
    raise Refused("Docker Compose is missing", "neither is in PATH", "Install the plugin")


def checks(folder: Path, *, needed: bool = True, compose: bool = False) -> dict[str, Check]:
    find = (lambda environ: ("/bin/docker", "compose")) if compose else no_compose
    made = Programs({"PATH": str(folder)}, needed, needed, needed, find)
    return {check.name: check for check in made.check()}


def test_what_is_there_tells_its_version(tmp_path: Path) -> None:
    put(tmp_path, "git", "echo git version 2.47.3")
    put(tmp_path, "helm", "echo v3.19.2+g8766e71")
    found = checks(tmp_path, compose=True)
    assert {name: check.verdict for name, check in found.items()} == dict.fromkeys(
        ("git", "helm", "docker compose"), Verdict.OK
    )
    assert [check.detail for check in found.values()] == ["2.47.3", "v3.19.2+g8766e71", "/bin/docker compose"]


def test_what_is_missing_says_what_to_do_if_it_is_needed(tmp_path: Path) -> None:
    found = checks(tmp_path)
    assert {check.verdict for check in found.values()} == {Verdict.FAIL}
    assert all(check.remedy.startswith("Install") for check in found.values())
    assert {check.verdict for check in checks(tmp_path, needed=False).values()} == {Verdict.SKIP}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo git version 2.5.0", "2.5.0 is too old"),
        ("echo nonsense", "does not tell its version"),
        ("echo git version 2.47.3; exit 1", "does not tell its version"),
    ],
)
def test_what_does_not_do_is_as_good_as_missing(tmp_path: Path, script: str, words: str) -> None:
    put(tmp_path, "git", script)
    found = checks(tmp_path)["git"]
    assert found.verdict is Verdict.FAIL and words in found.detail and found.remedy


def test_what_a_program_prints_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    put(tmp_path, "git", r"printf 'git version 2.47.3\033[31m\n'")
    assert checks(tmp_path)["git"].detail == "2.47.3"
