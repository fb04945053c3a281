"""A site's folder in a temporary place, a docker-compose that writes down how it was called, and the real one where there is one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from labtui.adapters.compose import ComposeReader, ComposeRunner, Place
from labtui.adapters.compose.program import find_program
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import Refused

SECRET = "hunter2-correct-horse"

# `replies`: for the first one whose words are all among the arguments: what it prints, how it ends, how long it takes
_PROGRAM = """#!{python} -IS
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
call = {{"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
call["stdin"] = sys.stdin.read() if "-" in sys.argv else ""
with open(os.path.join(here, "calls"), "a") as file:
    file.write(json.dumps(call) + "\\n")
if "version" in sys.argv:
    print("2.40.3")
    sys.exit(0)
if "-" in sys.argv:  # asked for the values of variables
    labels = json.loads(call["stdin"])["services"]["values"]["labels"]
    known = json.load(open(os.path.join(here, "values")))
    found = {{k: (known.get(k[:-1], "") if k.endswith("=") else "set" if k[:-1] in known else "") for k in labels}}
    print(json.dumps({{"services": {{"values": {{"labels": found}}}}}}).replace("$", "$$"))
    sys.exit(0)
for reply in json.load(open(os.path.join(here, "replies"))):
    if set(reply["words"]) <= set(sys.argv):
        sys.stdout.write(reply.get("out", ""))
        sys.stdout.flush()
        sys.stderr.write(reply.get("err", ""))
        sys.stderr.flush()
        time.sleep(reply.get("seconds", 0))
        sys.exit(reply.get("status", 0))
sys.exit(99)
"""


class FakeCompose:
    """`docker-compose` in a folder of its own, which is the whole PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        program = folder / "docker-compose"
        program.write_text(_PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
        self.values({})
        self.replies()

    @property
    def environ(self) -> dict[str, str]:
        """The environment for labtui."""
        return {"PATH": str(self.folder), "HOME": str(self.folder), "LANG": "C.UTF-8"}

    def values(self, values: Mapping[str, str]) -> None:
        """What the env files and the shell say."""
        (self.folder / "values").write_text(json.dumps(values))

    def replies(self, *replies: Mapping[str, Any]) -> None:
        """How it answers; see `_PROGRAM`."""
        (self.folder / "replies").write_text(json.dumps(replies))

    def calls(self, word: str = "") -> list[dict[str, Any]]:
        """The calls with this word, but not those about the version or the values."""
        file = self.folder / "calls"
        found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [c for c in found if not {"version", "-"} & set(c["argv"]) and (not word or word in c["argv"])]


def site(tmp_path: Path, files: Mapping[str, str]) -> Path:
    """A folder `compose` with these files; returns its `kyiv`."""
    for name, text in files.items():
        file = tmp_path / "compose" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "compose" / "kyiv").mkdir(parents=True, exist_ok=True)
    return tmp_path / "compose" / "kyiv"


def place(here: Path, folder: str = "", host: str = "unix:///var/run/docker.sock", context: str = "") -> Place:
    """The site `kyiv`."""
    return Place("kyiv", here, folder or str(here), DockerConnection("kyiv", host, context=context))


def runner(one: Place, environ: Mapping[str, str]) -> ComposeRunner:
    """A control with its reader."""
    return ComposeRunner(ComposeReader([one], environ), [one], environ)


def real_environ() -> dict[str, str]:
    """The environment with a docker compose in it; skips the test where there is none."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("COMPOSE_")}
    try:
        find_program(environ)
    except Refused as error:
        pytest.skip(f"needs docker compose: {error.detail}")
    return environ


def real_reader(here: Path, folder: str = "", **environ: str) -> ComposeReader:
    """A reader of one site with the real program; skips the test where there is none."""
    return ComposeReader([place(here, folder)], real_environ() | environ)


def config(services: Mapping[str, Any], **rest: Any) -> str:
    """What `docker compose config` prints."""
    return json.dumps({"name": "s", "services": services, **rest})


def words(argv: Sequence[str]) -> str:
    """A command on one line."""
    return " ".join(argv)
