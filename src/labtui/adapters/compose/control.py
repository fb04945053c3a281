"""`ports.ComposeControl`: docker compose with a stack's own files, against the engine of its site."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labtui.adapters.compose.hosts import host_of
from labtui.adapters.compose.places import Place, StackFiles, place_of, require_engine, shown
from labtui.adapters.compose.program import child_environment, lines, run
from labtui.adapters.compose.reading import ComposeReader
from labtui.adapters.compose.templates import fill, targets
from labtui.adapters.compose.there import There, look_there
from labtui.adapters.compose.words import Redactor, failed, of_secrets
from labtui.domain.compose.stack import Stack
from labtui.domain.errors import Invalid, LabError, NotFound
from labtui.domain.text import clean
from labtui.ports import ComposePreview, ServiceState

VERBS: Mapping[str, tuple[str, ...]] = {
    "up": ("up", "--detach"),
    "stop": ("stop",),
    "restart": ("restart",),
    "pull": ("pull",),
}
# a pull of gigabytes over a slow line is no failure; what stops has its grace periods
SECONDS = {"up": 3600.0, "pull": 3600.0, "stop": 600.0, "restart": 900.0}
_PLAIN = ("--ansi", "never", "--progress", "plain")


# what docker compose can do to containers without their files
_BY_NAME = frozenset({"stop", "restart", "logs"})
# a folder without Compose files: with some, docker compose would look into them
_NOWHERE = Path("/")


@dataclass(frozen=True, slots=True)
class _Way:
    """How docker compose is run for one stack; `services` are those that the verb touches."""

    place: Place
    options: tuple[str, ...]
    cwd: Path
    folder: str
    services: tuple[str, ...]
    files: StackFiles | None = None  # None: the stack runs, and its files are not here
    stack: Stack | None = None
    there: There | None = None  # the files are on the site's host alone


class ComposeRunner:
    """Runs stacks where their files are: here against the site's engine, or on the site's host through ssh."""

    def __init__(self, reader: ComposeReader, places: Iterable[Place], environ: Mapping[str, str]) -> None:
        self._reader = reader
        self._places = {place.site: place for place in places}
        self._environ = environ

    def preview(self, site: str, stack: str, verb: str, services: Sequence[str]) -> ComposePreview:
        """See `ports.ComposeControl`."""
        way = self._way(site, stack, verb, services)
        warnings: list[str] = []
        refusals: list[str] = []
        written: tuple[str, ...] = ()
        if way.there is not None:
            command = f"ssh {way.there.host.name} {shlex.quote(way.there.command((*_PLAIN, *VERBS[verb], *services)))}"
            if verb == "up":
                warnings.append(f"Its files are on {way.there.host.name}: templates there are not filled in")
            return ComposePreview((command,), way.services, warnings=tuple(warnings))
        if way.files is None or way.stack is None:
            warnings.append("Its files are not on this machine; its containers are known by their labels")
        elif verb == "up":
            written = targets(way.files)
            self._examine(way.files, way.stack, way.services, written, warnings, refusals)
        command = shown(way.place, way.folder, way.cwd, self._argv(way, verb, services))
        digest = _digest(way.files) if way.files else ""
        return ComposePreview((command,), way.services, written, tuple(warnings), tuple(refusals), digest)

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Callable[[str], None]) -> None:
        """See `ports.ComposeControl`."""
        way = self._way(site, stack, verb, services)
        if verb == "up" and way.files is not None:
            self._write_templates(way.files, report)
        hide = self._hide(way)
        last: deque[str] = deque(maxlen=50)
        status: list[int] = []
        argv = self._argv(way, verb, services)
        report(f"docker compose {verb}")  # right before it begins: the files may have taken a while
        for line in lines(argv, self._child(way), way.cwd, seconds=SECONDS[verb], status=status):
            last.append(line)
            if line.strip():
                report(hide(line.strip()))
        if status != [0]:
            raise failed(f"docker compose {verb}", list(last), status[0], hide)

    def logs(self, site: str, stack: str, services: Sequence[str], *, follow: bool, tail: int) -> Generator[str]:
        """See `ports.ComposeControl`. Ends the program when the iterator is closed."""
        way = self._way(site, stack, "logs", services)
        hide = self._hide(way)
        words = ["logs", "--no-color", "--timestamps", "--tail", str(tail) if tail else "all"]
        words += [*(["--follow"] if follow else []), *services]
        argv = self._full(way, words)
        status: list[int] = []
        last: deque[str] = deque(maxlen=20)
        for line in lines(argv, self._child(way), way.cwd, seconds=None if follow else 120.0, status=status):
            last.append(line)
            yield hide(line)
        if status != [0]:
            raise failed("docker compose logs", list(last), status[0], hide)

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        """See `ports.ComposeControl`. Needs no files."""
        place = place_of(self._places, site)
        require_engine(place)
        argv = (*self._reader.program(), "--project-name", stack, "ps", "--all", "--format", "json")
        done = run(argv, child_environment(self._environ, str(_NOWHERE), place.engine), _NOWHERE)
        if done.status:
            raise failed("docker compose ps", done.err.splitlines(), done.status, of_secrets({}))
        return tuple(sorted(_states(done.out), key=lambda s: (s.service, s.container)))

    def _way(self, site: str, stack: str, verb: str, services: Sequence[str]) -> _Way:
        """How a verb is run: with the stack's files, here or there, or by the stack's name alone where that is enough."""
        place = place_of(self._places, site)
        require_engine(place)
        if place.only_there:
            there = look_there(place, stack, self._environ)
            touched = chosen(site, stack, there.services, services) or there.services
            return _Way(place, there.options, _NOWHERE, there.folder, touched, there=there)
        try:
            files = place.files(stack)
        except NotFound:
            known = {state.service for state in self.states(site, stack)} if verb in _BY_NAME else set()
            if not known:
                raise
            touched = chosen(site, stack, tuple(sorted(known)), services)
            return _Way(place, ("--project-name", stack), _NOWHERE, str(_NOWHERE), touched or tuple(sorted(known)))
        read = self._reader.read(site, stack)
        touched = chosen(site, stack, tuple(service.name for service in read.services), services)
        return _Way(place, files.options, files.here, files.folder, touched or self._started(read), files, read)

    def _started(self, stack: Stack) -> tuple[str, ...]:
        """The services that a verb without names is for: not those of a profile that is off, nor those scaled to nothing."""
        on = {name.strip() for name in self._environ.get("COMPOSE_PROFILES", "").split(",")}
        found = []
        for service in stack.services:
            profiles = set(service.raw.get("profiles") or ())
            number = service.raw.get("scale", (service.raw.get("deploy") or {}).get("replicas", 1))
            if number != 0 and (not profiles or profiles & on or "*" in on):
                found.append(service.name)
        return tuple(found)

    def _hide(self, way: _Way) -> Redactor:
        return of_secrets(self._reader.values(way.files).by_name if way.files else {})

    def _argv(self, way: _Way, verb: str, services: Sequence[str]) -> tuple[str, ...]:
        if verb not in VERBS:
            raise Invalid(f"{verb!r} is nothing that can be done to a stack", f"known are {', '.join(VERBS)}")
        # a service's name never starts with a hyphen (`chosen` knows them all)
        return self._full(way, (*VERBS[verb], *services))

    def _full(self, way: _Way, words: Sequence[str]) -> tuple[str, ...]:
        """The whole command: docker compose here, or ssh to where the files are."""
        if way.there is not None:
            return way.there.host.argv(way.there.command((*_PLAIN, *words)))
        return (*self._reader.program(), *_PLAIN, *way.options, *words)

    def _child(self, way: _Way) -> Mapping[str, str]:
        if way.there is not None:
            return way.there.host.environ
        return child_environment(self._environ, way.folder, way.place.engine)

    def _write_templates(self, files: StackFiles, report: Callable[[str], None]) -> None:
        if not files.templates():
            return
        host = host_of(files.place, self._environ)
        if host is None:
            raise Invalid("Templates cannot be filled in there", _no_way(files.place))
        filled = fill(files, self._reader.values(files))
        for one in filled:
            changed = host.write(one)
            report(f"{one.path} {'written' if changed else 'is as it should be'}")

    def _examine(
        self,
        files: StackFiles,
        stack: Stack,
        services: Sequence[str],
        written: Sequence[str],
        warnings: list[str],
        refusals: list[str],
    ) -> None:
        """What would go wrong with `up`, found before it is confirmed."""
        for name in stack.unset:
            warnings.append(f"{name} is set nowhere: it will be empty")
        host = host_of(files.place, self._environ)
        if host is None:
            warnings.append(f"Bind mounts are not looked at: {_no_way(files.place)}")
            if written:
                refusals.append(f"Templates cannot be filled in: {_no_way(files.place)}")
            return
        if written:
            try:
                fill(files, self._reader.values(files))
            except Invalid as error:
                refusals.append(str(error))
        own = [s for s in bind_sources(stack, services) if s.startswith(f"{files.folder}/") and s not in written]
        gone = host.missing([files.folder, *own])
        if files.folder in gone:
            refusals.append(f"{files.folder} is not on {host.name}: sites.{files.place.site}.project_dir is wrong")
            return
        for source in gone:
            here = files.here / source.removeprefix(f"{files.folder}/")
            if here.is_file():
                refusals.append(f"{source} is not on {host.name}, and is a file here: copy it there first")
            elif not any(target.startswith(f"{source}/") for target in written):
                warnings.append(f"{source} is not on {host.name}: Docker makes an empty folder of that name")


def _digest(files: StackFiles) -> str:
    """Changes when a Compose file or a template does. Env files are left out: the audit log gets this."""
    digest = hashlib.sha256()
    for file in (*files.compose, *files.templates()):
        digest.update(f"{file}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def bind_sources(stack: Stack, services: Sequence[str]) -> tuple[str, ...]:
    """The absolute sources of these services' bind mounts, on the site's host, each once."""
    found = []
    for name in services:
        service = stack.service(name)
        for volume in service.raw.get("volumes") or () if service else ():
            if volume.get("type") == "bind" and volume.get("source"):
                found.append(str(volume["source"]))
    return tuple(dict.fromkeys(found))


def chosen(site: str, stack: str, known: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted services. Raises Invalid for one that is not known."""
    for name in wanted:
        if name not in known:
            there = ", ".join(known) or "none"
            raise Invalid(f"{site}/{stack} has no service {clean(name, 60)}", "", f"There are: {there}")
    return tuple(wanted)


def _no_way(place: Place) -> str:
    return f"labtui has no way to the files of {place.connection.host if place.connection else place.site}, only to its engine"


def _states(text: str) -> Iterator[ServiceState]:
    """A JSON object a line; older versions print one list."""
    documents: list[object] = []
    try:
        for line in text.splitlines():
            if line.strip():
                found = json.loads(line)
                documents.extend(found if isinstance(found, list) else [found])
    except ValueError as error:
        raise LabError("docker compose ps did not print JSON") from error
    for one in documents:
        if isinstance(one, dict):
            yield ServiceState(
                service=str(one.get("Service") or ""),
                container=str(one.get("Name") or ""),
                state=str(one.get("State") or ""),
                health=str(one.get("Health") or ""),
                image=str(one.get("Image") or ""),
                exit_code=one.get("ExitCode") if isinstance(one.get("ExitCode"), int) else None,
            )
