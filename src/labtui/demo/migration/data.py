"""The data of the simulated sites' stacks: small, always the same, and kept for as long as the estate lives."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from labtui.demo.compose import DemoCompose
from labtui.demo.engine import Engine
from labtui.demo.script import places
from labtui.domain.backup import DataPlace, PlaceKind, PlaceState, SourceFile
from labtui.domain.conversion.facts import Kind, MountFacts
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.resources.docker import DockerService
from labtui.domain.text import clean

TOP = "labtui-data"  # what names in a stream begin with, see `ports.moving.DataStore`
_MTIME = 1_760_000_000
_FILES = (
    ("state.db", 2048),
    ("config.json", 310),
    ("log/latest.log", 1500),
)  # what a folder has that the script says no more of


class SimulatedSources:
    """`ports.moving.StackSources`: Compose files and templates, and env files with the demo's values."""

    def __init__(self, files: DemoCompose, engines: Mapping[str, Engine]) -> None:
        self._files, self._engines = files, engines

    def collect(self, site: str, stack: str) -> tuple[SourceFile, ...]:
        """See `ports.moving.StackSources`."""
        self._files.read(site, stack)
        engine = self._engines[site]
        engine.world.answer(engine.source)
        found = [SourceFile(name, text.encode()) for name, text in self._files.texts(site, stack).items()]
        env = "".join(f"{name}={value}\n" for name, value in sorted(self._files.settings(site, stack).items()))
        return (*found, SourceFile(f"{site}/.env.generated", env.encode(), secret=True))


class SimulatedStores:
    """`ports.moving.DataStores` of one site."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        known = {
            place: facts
            for place, facts in places.PLACES[engine.site].items()
            if facts.kind in (Kind.FOLDER, Kind.FILE)
        }
        self._content: dict[str, bytes] = {place: _tar(place, facts) for place, facts in known.items()}
        self._states: dict[str, PlaceState] = {p: PlaceState(f.kind is Kind.FOLDER) for p, f in known.items()}

    def open(self, owner: str, images: Sequence[str]) -> AbstractContextManager[SimulatedStore]:
        """See `ports.moving.DataStores`."""
        return self._opened()

    @contextmanager
    def _opened(self) -> Iterator[SimulatedStore]:
        self._engine.world.answer(self._engine.source)
        yield SimulatedStore(self._engine, self._content, self._states)


class SimulatedStore:
    """`ports.moving.DataStore`."""

    def __init__(self, engine: Engine, content: dict[str, bytes], states: dict[str, PlaceState]) -> None:
        self._engine, self._content, self._states = engine, content, states

    def state(self, place: DataPlace) -> PlaceState | None:
        """See `ports.moving.DataStore`."""
        self._answer()
        known = self._states.get(place.source)
        if known is None:
            return None
        users = self._users(place.source)
        running = tuple(name for name, runs in users if runs)
        driver = "local" if place.kind is PlaceKind.VOLUME else ""
        return PlaceState(
            known.folder, known.driver or driver, known.options, known.labels, tuple(n for n, _ in users), running
        )

    @contextmanager
    def read(self, place: DataPlace) -> Iterator[Callable[[int], bytes]]:
        """See `ports.moving.DataStore`."""
        self._answer()
        if place.source not in self._content:
            raise NotFound(f"{clean(place.words)} is not there")
        yield io.BytesIO(self._content[place.source]).read

    def write(self, place: DataPlace, state: PlaceState, chunks: Iterator[bytes]) -> None:
        """See `ports.moving.DataStore`."""
        self._answer()
        self._content[place.source] = _unpacked(self._content.get(place.source), b"".join(chunks))
        self._states[place.source] = PlaceState(state.folder, state.driver, state.options, state.labels)

    def make_volume(self, name: str, state: PlaceState) -> None:
        """See `ports.moving.DataStore`."""
        self._answer()
        if name in self._states:
            raise Refused(f"The volume {clean(name)} is there already")
        self._content[name] = _packed({})
        self._states[name] = PlaceState(True, state.driver or "local", state.options, state.labels)

    def remove_volume(self, name: str) -> None:
        """See `ports.moving.DataStore`."""
        self._answer()
        if users := self._users(name):
            raise Refused(f"The volume {clean(name)} is in use", f"container {clean(users[0][0])} has it")
        self._content.pop(name, None)
        self._states.pop(name, None)

    def _users(self, source: str) -> list[tuple[str, bool]]:
        engine = self._engine
        services = (s for s in engine.world.of(engine.source) if isinstance(s, DockerService))
        containers = (c for s in services for c in s.containers if any(m.split(":")[0] == source for m in c.mounts))
        return sorted((c.name, c.state == "running") for c in containers)

    def _answer(self) -> None:
        self._engine.world.answer(self._engine.source)


def _tar(place: str, facts: MountFacts) -> bytes:
    if facts.kind is Kind.FILE:
        return _packed({"": (facts.text or _made_up(place, facts.size or 0)).encode()})
    files = dict(facts.files) if facts.files is not None else {n: _made_up(f"{place}/{n}", size) for n, size in _FILES}
    return _packed({name: text.encode() for name, text in files.items()})


def _made_up(name: str, size: int) -> str:
    line = hashlib.sha256(name.encode()).hexdigest() + "\n"
    return (line * (size // len(line) + 1))[:size]


def _packed(files: Mapping[str, bytes]) -> bytes:
    """A tar stream of files below TOP; the name "" is TOP itself, as a file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        if "" not in files:
            archive.addfile(_entry(TOP, tarfile.DIRTYPE, 0o755))
            folders = {name.rpartition("/")[0] for name in files if "/" in name}
            for folder in sorted(folders):
                archive.addfile(_entry(f"{TOP}/{folder}", tarfile.DIRTYPE, 0o755))
        for name, content in sorted(files.items()):
            entry = _entry(f"{TOP}/{name}" if name else TOP, tarfile.REGTYPE, 0o644)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime, entry.uid, entry.gid = kind, mode, _MTIME, 1000, 1000
    return entry


def _unpacked(before: bytes | None, stream: bytes) -> bytes:
    """A place's content after a stream was unpacked over it."""
    return _packed({**(_files(before) if before else {}), **_files(stream)})


def _files(stream: bytes) -> dict[str, bytes]:
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(stream)) as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() else None
                if content is not None:
                    found[entry.name.removeprefix(TOP).lstrip("/")] = content.read()
    except tarfile.TarError as error:
        raise Invalid("That is no tar stream", clean(str(error), 200)) from error
    return found
