"""The ${…} of Compose files: which names a text has, and what docker compose puts in for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labtui.adapters.compose.places import StackFiles
from labtui.adapters.compose.program import run
from labtui.adapters.compose.words import of_values, wrong_files

_ENV_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*(?:[=:]|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Values:
    """What variables stand for: None where one is not set. Secrets: in no repr."""

    by_name: Mapping[str, str | None] = field(repr=False)
    in_env_files: frozenset[str]

    def get(self, name: str) -> str | None:
        """The value, None when the variable is not set."""
        return self.by_name.get(name)


def env_names(text: str) -> tuple[str, ...]:
    """The names that an env file may define."""
    return tuple(dict.fromkeys(_ENV_LINE.findall(text)))


def read_values(argv: tuple[str, ...], environ: Mapping[str, str], files: StackFiles, names: Iterable[str]) -> Values:
    """What docker compose takes these variables and those of the env files for.

    Asks the program itself, with a Compose file that names them: its rules of quoting, comments and precedence hold. Raises
    Invalid for an env file that is wrong.
    """
    known = {name for file in files.env for name in env_names(file.read_text(encoding="utf-8", errors="replace"))}
    wanted = sorted({*known, *names})
    if not wanted:
        return Values({}, frozenset())
    asked = {f"{name}=": f"${{{name}-}}" for name in wanted} | {f"{name}?": f"${{{name}+set}}" for name in wanted}
    document = json.dumps({"services": {"values": {"image": "none", "labels": asked}}})
    env = [word for file in files.env for word in ("--env-file", file.name)] or ["--env-file", "/dev/null"]
    command = (*argv, "--project-name", "values", *env, "-f", "-", "config", "--format", "json")
    done = run(command, environ, files.here, text=document)
    if done.status:
        hide = of_values({name: environ.get(name) for name in wanted})
        raise wrong_files(files.stack, done.err, (), hide)
    labels = json.loads(done.out.replace("$$", "$"))["services"]["values"]["labels"]
    found = {name: labels[f"{name}="] if labels[f"{name}?"] else None for name in wanted}
    return Values(found, frozenset(known))


def places_of(name: str, files: Iterable[Path]) -> str:
    """The last of these env files that defines a name; empty when none does."""
    found = ""
    for file in files:
        try:
            if name in env_names(file.read_text(encoding="utf-8", errors="replace")):
                found = str(file)
        except OSError:
            continue  # docker compose has read it or said that it cannot
    return found
