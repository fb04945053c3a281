"""`ports.ComposeFiles`: a site's stacks as `docker compose config` merges them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labtui.adapters.compose.places import Place, StackFiles, place_of
from labtui.adapters.compose.program import Done, child_environment, find_program, run
from labtui.adapters.compose.variables import Values, places_of, read_values, references, strings
from labtui.adapters.compose.words import of_values, wrong_files
from labtui.domain.compose.stack import EnvironmentValue, Origin, Service, Stack
from labtui.domain.errors import Invalid

# every service, also those that only some profile starts: none may be forgotten
_ALL = ("--profile", "*")


class ComposeReader:
    """Reads files of this machine; asks no engine."""

    def __init__(self, places: Iterable[Place], environ: Mapping[str, str]) -> None:
        self._places = {place.site: place for place in places}
        self._environ = environ
        self._program: tuple[str, ...] | None = None

    def stacks(self, site: str) -> tuple[str, ...]:
        """See `ports.ComposeFiles`."""
        return place_of(self._places, site).stacks()

    def read(self, site: str, stack: str) -> Stack:
        """See `ports.ComposeFiles`."""
        files = place_of(self._places, site).files(stack)
        merged, written, values = self._documents(files)
        return build(files, merged, written, values)

    def values(self, files: StackFiles, names: Iterable[str] = ()) -> Values:
        """What the env files say. Secrets: for filling in templates and for hiding them."""
        return read_values(self.program(), self._child(files), files, names)

    def program(self) -> tuple[str, ...]:
        """How docker compose is started. Raises Refused when it is missing."""
        if self._program is None:
            self._program = find_program(self._environ)
        return self._program

    def _child(self, files: StackFiles) -> dict[str, str]:
        return child_environment(self._environ, files.folder, {})

    def _documents(self, files: StackFiles) -> tuple[dict[str, Any], dict[str, Any], Values]:
        """The merged stack, the same with its ${…} as written (empty where that cannot be had), and what they stand for."""
        as_written = self._config(files, "--no-interpolate")
        written = _document(as_written.out) if as_written.status == 0 else {}
        texts = strings(written) if written else (f.read_text(encoding="utf-8") for f in files.compose)
        names = {reference.name for text in texts for reference in references(text)}
        names |= {name for service in _services(written).values() for name in _unset_names(service)}
        values = self.values(files, names)
        done = self._config(files)
        if done.status:
            raise wrong_files(files.stack, done.err, files.compose, of_values(_hidden(values)))
        # config writes every $ as $$, so that its output is a Compose file again
        return _document(done.out.replace("$$", "$")), written, values

    def _config(self, files: StackFiles, *words: str) -> Done:
        command = (*self.program(), *_ALL, *files.options, "config", "--format", "json", *words)
        return run(command, self._child(files), files.here)


def _hidden(values: Values) -> dict[str, str | None]:
    """Values that an error must not quote; paths of this machine's own are what makes an error readable."""
    return {k: v for k, v in values.by_name.items() if k not in ("PWD", "HOME") or k in values.in_env_files}


def build(files: StackFiles, merged: Mapping[str, Any], written: Mapping[str, Any], values: Values) -> Stack:
    """The domain's stack from what docker compose printed."""
    as_written = _services(written)
    services = []
    for name, service in _services(merged).items():
        origins = as_written.get(name)
        # null only says that the file has no such key; config prints these two always
        raw = {k: v for k, v in service.items() if v is not None or k not in ("command", "entrypoint")}
        environment = _environment(service.get("environment") or {}, origins, values)
        if environment:
            raw["environment"] = {e.name: e.value for e in environment}
        if origins and "env_file" in origins and "env_file" not in raw:
            raw["env_file"] = origins["env_file"]
        services.append(Service(name, raw, environment))
    rest = {k: v for k, v in merged.items() if k not in ("services", "name")}
    return Stack(
        site=files.place.site,
        name=files.stack,
        services=tuple(services),
        raw=rest,
        files=files.names,
        folder=files.folder,
        folder_here=str(files.here),
        unset=_unset(written, values),
    )


def _environment(
    merged: Mapping[str, Any], service: Mapping[str, Any] | None, values: Values
) -> tuple[EnvironmentValue, ...]:
    if service is None:
        # what was written cannot be known: every value may come from a variable
        return tuple(EnvironmentValue(name, _text(value), Origin.VARIABLE) for name, value in merged.items())
    written = _written(service.get("environment"))
    env_files = [Path(entry["path"]) for entry in _entries(service.get("env_file"))]
    found = []
    for name, value in merged.items():
        if name not in written:
            file = places_of(name, env_files) or ", ".join(map(str, env_files))
            found.append(EnvironmentValue(name, _text(value), Origin.ENV_FILE, file=file))
            continue
        text = written[name]
        if text is None:
            known = values.get(name) if value is None else _text(value)
            found.append(EnvironmentValue(name, known, Origin.HOST, (name,)))
            continue
        used = references(text)
        names = tuple(dict.fromkeys(reference.name for reference in used))
        missing = any(not r.optional and values.get(r.name) is None for r in used)
        origin = Origin.VARIABLE if used else Origin.LITERAL
        found.append(EnvironmentValue(name, None if missing else _text(value), origin, names))
    return tuple(found)


def _written(environment: Any) -> dict[str, str | None]:
    """`environment` as it stands in the file, a mapping or a list of NAME=VALUE; None for a name alone."""
    if isinstance(environment, Mapping):
        return {str(k): None if v is None else _text(v) for k, v in environment.items()}
    found: dict[str, str | None] = {}
    for entry in environment or ():
        name, equals, text = str(entry).partition("=")
        found[name] = text if equals else None
    return found


def _entries(env_file: Any) -> list[dict[str, str]]:
    if isinstance(env_file, str):
        return [{"path": env_file}]
    return [{"path": str(e.get("path", "")) if isinstance(e, Mapping) else str(e)} for e in env_file or ()]


def _unset_names(service: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, text in _written(service.get("environment")).items() if text is None)


def _unset(written: Mapping[str, Any], values: Values) -> tuple[str, ...]:
    used = (reference for text in strings(written) for reference in references(text))
    return tuple(sorted({r.name for r in used if not r.optional and values.get(r.name) is None}))


def _services(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    services = document.get("services")
    return {str(k): v or {} for k, v in services.items()} if isinstance(services, Mapping) else {}


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Invalid("docker compose config did not print JSON", "", "Is docker compose older than 2.20? Update it")
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def service_names(stack: Stack, wanted: Sequence[str]) -> tuple[str, ...]:
    """All services of the stack, or those that are wanted. Raises Invalid for one that it does not have."""
    known = tuple(service.name for service in stack.services)
    for name in wanted:
        if name not in known:
            raise Invalid(
                f"{stack.site}/{stack.name} has no service {name}", "", f"There are: {', '.join(known) or 'none'}"
            )
    return tuple(wanted) or known
