"""The files of a stack, to be kept in a backup: read here, or on the site's host through ssh."""

from __future__ import annotations

import base64
import binascii
import posixpath
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from labtui.adapters.compose.hosts import OverSsh
from labtui.adapters.compose.places import ENV_FILES, MAX_BYTES, Place, StackFiles, place_of, stack_name
from labtui.domain.backup import SourceFile
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.text import clean


class ComposeSources:
    """Implements `ports.moving.StackSources`."""

    def __init__(self, places: Iterable[Place], environ: Mapping[str, str]) -> None:
        self._places = {place.site: place for place in places}
        self._environ = environ

    def collect(self, site: str, stack: str) -> tuple[SourceFile, ...]:
        """See `ports.moving.StackSources`."""
        place = place_of(self._places, site)
        if place.only_there:
            return self._there(place, stack)
        return self._here(place.files(stack), site)

    def _here(self, files: StackFiles, site: str) -> tuple[SourceFile, ...]:
        found = []
        above = files.here.parent
        for file in (*files.compose, *files.env, *files.templates()):
            name = file.relative_to(above) if file.is_relative_to(above) else Path(file.name)
            try:
                if file.stat().st_size > MAX_BYTES:
                    raise Invalid(f"{file} is too large to be a file of a stack")
                content = file.read_bytes()
            except OSError as error:
                raise Invalid(f"{file} cannot be read", error.strerror or "") from error
            # the folder may have any name on this machine; in a backup it has the site's
            parts = name.parts if name.parts[0] != files.here.name else (site, *name.parts[1:])
            found.append(SourceFile("/".join(parts), content, file.name in ENV_FILES))
        return tuple(found)

    def _there(self, place: Place, stack: str) -> tuple[SourceFile, ...]:
        stack_name(stack)
        assert place.connection is not None  # `only_there` has looked
        host = OverSsh(place.connection.host, self._environ)
        folder = PurePosixPath(place.folder)
        names = [f"../_base/{stack}.yaml", f"{stack}.yaml", *ENV_FILES]
        gone = set(host.missing([str(folder / name) for name in names]))
        wanted = [name for name in names if str(folder / name) not in gone]
        if f"{stack}.yaml" not in wanted:
            raise NotFound(f"{place.site} has no stack {stack}", f"{folder / stack}.yaml is not on {host.name}")
        listed = host.ask(f"cd {shlex.quote(str(folder))} && find {shlex.quote(f'./{stack}')} -type f -name '*.tmpl'")
        if listed.status == 0:
            wanted += sorted(line.removeprefix("./") for line in listed.out.splitlines() if line.startswith("./"))
        return tuple(self._one(host, place.site, str(folder), name) for name in wanted)

    def _one(self, host: OverSsh, site: str, folder: str, name: str) -> SourceFile:
        done = host.ask(f"head -c {MAX_BYTES + 1} -- {shlex.quote(posixpath.join(folder, name))} | base64")
        try:
            content = base64.b64decode("".join(done.out.split()), validate=True)
        except binascii.Error:
            raise Refused(f"{clean(name)} cannot be read on {host.name}", clean(done.err, 200)) from None
        if done.status or len(content) > MAX_BYTES:
            raise Refused(f"{clean(name)} cannot be read on {host.name}", clean(done.err, 200) or "it is too large")
        path = name.removeprefix("../") if name.startswith("../") else f"{site}/{name}"
        return SourceFile(path, content, name in ENV_FILES)
