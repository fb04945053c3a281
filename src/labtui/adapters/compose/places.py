"""Where a site's stacks are, and how docker compose is run for them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labtui.adapters.compose.yamlfiles import refuse_explosion
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.text import clean

MAX_BYTES = 4 * 1024 * 1024
ENV_FILES = (".env.generated", ".env.user")  # the later one wins
# what docker compose takes for a project's name; it also keeps a name from leading out of the folder
_STACK = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A site: `here` is its folder of stacks on this machine (None: the estate file names none), `folder` the same one on
    the site's host. `connection` None: its engine cannot be reached, but its files can be read."""

    site: str
    here: Path | None = None
    folder: str = ""
    connection: DockerConnection | None = None

    @property
    def engine(self) -> dict[str, str]:
        """The variables that make docker compose talk to the site's engine."""
        if self.connection is None:
            return {}
        # the docker client reads a context's TLS files itself; `default` is what DOCKER_HOST says
        if self.connection.context and self.connection.context != "default":
            return {"DOCKER_CONTEXT": self.connection.context}
        return {"DOCKER_HOST": self.connection.host}

    @property
    def remote(self) -> bool:
        """Is the engine on another machine, so that bind mounts are not of this one?"""
        return self.connection is not None and not self.connection.host.startswith("unix://")

    def files(self, stack: str) -> StackFiles:
        """The stack's files. Raises Invalid for a name that cannot be one, NotFound where there are none, and Invalid for a
        file that is huge or not UTF-8."""
        stack_name(stack)
        if self.here is None or not self.here.is_dir():
            raise NotFound(
                f"The Compose files of {self.site} are not on this machine",
                clean(str(self.here), 200) if self.here else "the estate file names no folder",
                f"Set sites.{self.site}.compose in the estate file",
            )
        own = self.here / f"{stack}.yaml"
        if not own.is_file():
            near = ", ".join(self.stacks()) or "none"
            raise NotFound(f"{self.site} has no stack {stack}", f"{own} does not exist", f"There are: {near}")
        base = self.here.parent / "_base" / own.name
        compose = tuple(f for f in (base, own) if f.is_file())
        env = tuple(f for name in ENV_FILES if (f := self.here / name).is_file())
        for file in compose:
            refuse_explosion(file, check(file))
        for file in env:
            check(file)
        return StackFiles(self, stack, self.here, compose, env)

    @property
    def only_there(self) -> bool:
        """Are the site's files on its host alone, behind ssh?"""
        there = self.connection is not None and self.connection.host.startswith("ssh://")
        return there and bool(self.folder) and self.folder != str(self.here) and not (self.here and self.here.is_dir())

    def stacks(self) -> tuple[str, ...]:
        """The stacks that the folder here has files for, sorted."""
        if self.here is None or not self.here.is_dir():
            return ()
        return tuple(sorted(f.stem for f in self.here.glob("*.yaml") if _STACK.match(f.stem)))


@dataclass(frozen=True, slots=True)
class StackFiles:
    """The files of one stack on this machine: `compose` base first, `env` those that exist."""

    place: Place
    stack: str
    here: Path
    compose: tuple[Path, ...]
    env: tuple[Path, ...]

    @property
    def folder(self) -> str:
        """What ${PWD} stands for."""
        return self.place.folder or str(self.here)

    @property
    def names(self) -> tuple[str, ...]:
        """The Compose files as they are given to docker compose, relative to the site's folder."""
        return tuple(os.path.relpath(f, self.here) for f in self.compose)

    @property
    def options(self) -> tuple[str, ...]:
        """What comes before the verb, by the convention: project, env files, files."""
        return options(self.stack, [f.name for f in self.env], self.names)

    def templates(self) -> tuple[Path, ...]:
        """The `*.tmpl` files of the stack, sorted. Links are not followed out of its folder."""
        folder = self.here / self.stack
        if not folder.is_dir():
            return ()
        return tuple(sorted(f for f in folder.rglob("*.tmpl") if f.is_file() and not f.is_symlink()))


def stack_name(stack: str) -> None:
    """Raises Invalid for what cannot be the name of a stack."""
    if not _STACK.match(stack):
        raise Invalid(f"{clean(stack, 60)!r} cannot be the name of a stack", "small letters, digits, - and _")


def options(stack: str, env: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Project, env files and Compose files as options of docker compose. Without any env file it would take a stray `.env`."""
    words = ["--project-name", stack]
    words += [word for name in env or [os.devnull] for word in ("--env-file", name)]
    words += [word for name in names for word in ("-f", name)]
    return tuple(words)


def check(file: Path) -> str:
    """The file's text. Raises Invalid when it is huge, not UTF-8 or cannot be read."""
    try:
        if file.stat().st_size > MAX_BYTES:
            limit = f"{MAX_BYTES // 1024 // 1024} MB"
            raise Invalid(f"{file} is too large", f"{file.stat().st_size} bytes; at most {limit} are read")
        data = file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read", error.strerror or "") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        # the error holds the whole file: it goes no further
        raise Invalid(f"{file}:{line} is not UTF-8", f"byte 0x{data[error.start]:02x}", "Save it as UTF-8") from None


def shown(place: Place, folder: str, cwd: Path | None, argv: Sequence[str]) -> str:
    """A command as a person would type it: for plans. Holds no secret."""
    engine = [f"{k}={shlex.quote(v)}" for k, v in place.engine.items()]
    moved = [f"PWD={shlex.quote(folder)}"] if cwd is not None and folder != str(cwd) else []
    command = " ".join([*engine, *moved, shlex.join([Path(argv[0]).name, *argv[1:]])])
    return f"cd {shlex.quote(str(cwd))} && {command}" if cwd is not None else command


def place_of(places: Mapping[str, Place], site: str) -> Place:
    """The place of a site. Raises NotFound."""
    if site not in places:
        raise NotFound(f"There is no site {clean(site, 60)}", "", f"There are: {', '.join(places) or 'none'}")
    return places[site]


def require_engine(place: Place) -> DockerConnection:
    """The site's engine. Raises Refused when it cannot be reached."""
    if place.connection is None:
        raise Refused(f"{place.site} has no Docker engine that can be reached", "", "labtui doctor says why")
    return place.connection
