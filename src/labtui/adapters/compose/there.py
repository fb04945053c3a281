"""A stack whose files are on its site's host alone: docker compose is run over there, through ssh."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from labtui.adapters.compose.hosts import OverSsh
from labtui.adapters.compose.places import ENV_FILES, Place, options, stack_name
from labtui.adapters.compose.program import HOW_TO_GET
from labtui.adapters.compose.words import failed, of_secrets
from labtui.domain.errors import NotFound, Refused
from labtui.domain.text import clean

_MISSING = 127  # what sh(1) says of a command that was not found


@dataclass(frozen=True, slots=True)
class There:
    """The stack's files in the site's folder on its host; `services` those that are started without a profile."""

    host: OverSsh
    folder: str
    options: tuple[str, ...]
    services: tuple[str, ...]

    def command(self, words: Sequence[str]) -> str:
        """What the shell over there is given; every word is quoted for it."""
        return _command(self.folder, (*self.options, *words))


def look_there(place: Place, stack: str, environ: Mapping[str, str]) -> There:
    """Find a stack on its site's host. Raises Invalid, NotFound, Unreachable, and Refused with what docker compose says."""
    stack_name(stack)
    assert place.connection is not None
    host = OverSsh(place.connection.host, environ)
    folder = PurePosixPath(place.folder)
    base, own = f"../_base/{stack}.yaml", f"{stack}.yaml"
    wanted = {name: str(folder / name) for name in (base, own, *ENV_FILES)}
    gone = set(host.missing(list(wanted.values())))
    there = [name for name, path in wanted.items() if path not in gone]
    if own not in there:
        raise NotFound(f"{place.site} has no stack {stack}", f"{wanted[own]} is not on {host.name}")
    env = [name for name in ENV_FILES if name in there]
    words = options(stack, env, [name for name in (base, own) if name in there])
    # asked first: a docker without the plugin complains of the first option instead of saying what is missing
    command = _command(place.folder, (*words, "config", "--services"))
    done = host.ask(f"docker compose version >&2 || exit {_MISSING}; {command}")
    if done.status == _MISSING:
        raise Refused(f"Docker Compose is missing on {host.name}", clean(done.err, 200), HOW_TO_GET)
    if done.status:
        raise failed(f"docker compose config on {host.name}", done.err.splitlines(), done.status, of_secrets({}))
    return There(host, place.folder, words, tuple(sorted(done.out.split())))


def _command(folder: str, words: Sequence[str]) -> str:
    # PWD is what the shell makes it by going there
    return f"cd {shlex.quote(folder)} && exec docker compose {shlex.join(words)}"
