"""`ports.ComposeFiles`: a site's stacks as `docker compose config` merges them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labtui.adapters.compose.places import Place, StackFiles, place_of
from labtui.adapters.compose.program import Done, child_environment, find_program, run
from labtui.adapters.compose.variables import Values, places_of, read_values
from labtui.adapters.compose.words import of_values, wrong_files
from labtui.domain.compose.stack import EnvironmentValue, Origin, Service, Stack
from labtui.domain.compose.variables import (
    as_text,
    environment_values,
    references,
    strings,
    unset_variables,
    written_environment,
)
from labtui.domain.errors import Invalid, Unreachable

# every service, also those that only some profile starts: none may be forgotten
_ALL = ("--profile", "*")


@dataclass(frozen=True, slots=True)
class _Documents:
    """The merged stack, the same with its ${…} as written (empty where that cannot be had), what they stand for, and which
    are set nowhere. Holds secrets: in no repr."""

    merged: Mapping[str, Any] = field(repr=False)
    written: Mapping[str, Any] = field(repr=False)
    values: Values
    unset: tuple[str, ...]


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
        return build(files, self._documents(files))

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

    def _documents(self, files: StackFiles) -> _Documents:
        as_written = self._config(files, "--no-interpolate")
        written = _document(as_written.out) if as_written.status == 0 else {}
        texts = list(strings(written)) if written else [f.read_text(encoding="utf-8") for f in files.compose]
        names = {reference.name for text in texts for reference in references(text)}
        names |= {name for service in _services(written).values() for name in _unset_names(service)}
        values = self.values(files, names)
        done = self._config(files)
        if done.status:
            raise wrong_files(files.stack, done.err, files.compose, of_values(_hidden(values)))
        # config writes every $ as $$, so that its output is a Compose file again
        return _Documents(_document(done.out.replace("$$", "$")), written, values, unset_variables(texts, values.get))

    def _config(self, files: StackFiles, *words: str) -> Done:
        command = (*self.program(), *_ALL, *files.options, "config", "--format", "json", *words)
        try:
            return run(command, self._child(files), files.here)
        except Unreachable as error:
            raise Invalid(f"The Compose files of {files.stack} take too long to read", error.title) from error


def _hidden(values: Values) -> dict[str, str | None]:
    """Values that an error must not quote; paths of this machine's own are what makes an error readable."""
    return {k: v for k, v in values.by_name.items() if k not in ("PWD", "HOME") or k in values.in_env_files}


def build(files: StackFiles, documents: _Documents) -> Stack:
    """The domain's stack from what docker compose printed."""
    as_written = _services(documents.written)
    services = []
    for name, service in _services(documents.merged).items():
        origins = as_written.get(name)
        raw = without_padding(service)
        environment = _environment(service.get("environment") or {}, origins, documents.values)
        if environment:
            raw["environment"] = {e.name: e.value for e in environment}
        if origins and "env_file" in origins and "env_file" not in raw:
            raw["env_file"] = origins["env_file"]
        services.append(Service(name, raw, environment))
    rest = {k: v for k, v in documents.merged.items() if k not in ("services", "name")}
    return Stack(
        site=files.place.site,
        name=files.stack,
        services=tuple(services),
        raw=rest,
        files=files.names,
        folder=files.folder,
        folder_here=str(files.here),
        unset=documents.unset,
    )


def without_padding(service: Mapping[str, Any]) -> dict[str, Any]:
    """Without what config prints although no file has it: `command` and `entrypoint` null, an empty `deploy.placement`."""
    raw = {k: v for k, v in service.items() if v is not None or k not in ("command", "entrypoint")}
    if isinstance(deploy := raw.get("deploy"), Mapping) and deploy.get("placement") == {}:
        raw["deploy"] = {k: v for k, v in deploy.items() if k != "placement"}
    return raw


def _environment(
    merged: Mapping[str, Any], service: Mapping[str, Any] | None, values: Values
) -> tuple[EnvironmentValue, ...]:
    if service is None:
        # what was written cannot be known: every value may come from a variable
        return tuple(EnvironmentValue(name, as_text(value), Origin.VARIABLE) for name, value in merged.items())
    files = [Path(entry["path"]) for entry in _entries(service.get("env_file"))]
    written = written_environment(service.get("environment"))
    every = ", ".join(map(str, files))
    return environment_values(merged, written, values.get, lambda name: places_of(name, files) or every)


def _entries(env_file: Any) -> list[dict[str, str]]:
    if isinstance(env_file, str):
        return [{"path": env_file}]
    return [{"path": str(e.get("path", "")) if isinstance(e, Mapping) else str(e)} for e in env_file or ()]


def _unset_names(service: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, text in written_environment(service.get("environment")).items() if text is None)


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
