"""The data of stacks through an engine's archive calls (Docker Engine API: ContainerArchive, PutContainerArchive).

A helper container has one place alone at `/labtui-data`, so that what is mounted below it in the stack's own containers stays
out. It is created and never started: the engine mounts its places for archive calls all the same.
"""

from __future__ import annotations

import json
import posixpath
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any
from urllib.parse import quote

import requests

from labtui.adapters.docker import peeking
from labtui.adapters.docker.engine import FAILURES, Engine, Wires, explain
from labtui.adapters.docker.link import Link, open_link
from labtui.domain.backup import DataPlace, PlaceKind, PlaceState
from labtui.domain.connections import DockerConnection
from labtui.domain.conversion.facts import Kind
from labtui.domain.errors import Invalid, LabError, NotFound, OutcomeUnknown, Refused, Unreachable
from labtui.domain.text import clean

AT = "/labtui-data"
LABEL = "labtui.dev/helper"
STREAM_SECONDS = 60.0  # between two pieces: a slow disk may look for one for a while
_CHUNK = 256 * 1024


@contextmanager
def open_session(connection: DockerConnection, owner: str, images: Sequence[str]) -> Iterator[Session]:
    """See `ports.moving.DataStores.open`."""
    link: Link | None = None
    engine: Engine | None = None
    session: Session | None = None
    wires = Wires()
    kept: socket.socket | None = None
    try:
        try:
            link = open_link(connection)
            link.ready(Event())
            kept = link.take()  # an ssh master ends with its last session
            engine = Engine(connection, link, wires)
            session = Session(engine, connection, owner, images)
            session.sweep()
        except (*FAILURES, LabError) as error:
            known = explain(error, connection)
            if isinstance(known, Unreachable) and link is not None:
                known = link.fault() or known
            raise known from error
        yield session
    finally:
        if session is not None:
            with suppress(*FAILURES, LabError):  # what is left is swept by the next run
                session.sweep()
        wires.cut()
        if engine is not None:
            engine.close()
        if kept is not None:
            kept.close()
        if link is not None:
            link.close()


class Session:
    """Implements `ports.moving.DataStore`."""

    def __init__(self, engine: Engine, connection: DockerConnection, owner: str, images: Sequence[str]) -> None:
        self._engine = engine
        self._connection = connection
        self._owner = owner
        self._images = tuple(images)
        self._image = ""

    def sweep(self) -> None:
        """Remove the helpers of this owner."""
        filters = json.dumps({"label": [f"{LABEL}={self._owner}"]})
        for one in self._engine.ask("GET", "/containers/json", {"all": "1", "filters": filters}).json():
            self._remove(str(one["Id"]))

    def state(self, place: DataPlace) -> PlaceState | None:
        """See `ports.moving.DataStore`."""
        with self._explained():
            users = self._users(place)
            names = tuple(sorted(name for name, _ in users))
            running = tuple(sorted(name for name, runs in users if runs))
            if place.kind is PlaceKind.VOLUME:
                answer = self._engine.ask("GET", f"/volumes/{quote(place.source, safe='')}")
                if answer.status_code == 404:
                    return None
                found = answer.json()
                options = _texts(found.get("Options"))
                return PlaceState(
                    True, str(found.get("Driver") or ""), options, _texts(found.get("Labels")), names, running
                )
            try:
                with self._helper(_mount(place)) as ident:
                    there = peeking.stat(self._engine, ident, AT)
            except NotFound:
                return None
        if there is None or there.kind not in (Kind.FOLDER, Kind.FILE):
            return None
        return PlaceState(there.kind is Kind.FOLDER, in_use=names, running=running)

    @contextmanager
    def read(self, place: DataPlace) -> Iterator[Callable[[int], bytes]]:
        """See `ports.moving.DataStore`."""
        with self._explained(), self._helper(_mount(place)) as ident:
            path = f"/containers/{ident}/archive"
            answer = self._engine.ask("GET", path, {"path": AT}, seconds=STREAM_SECONDS, stream=True)
            try:
                if answer.status_code == 404:
                    raise NotFound(f"{clean(place.words)} is not there")
                yield _Reader(answer)
            finally:
                answer.close()

    def write(self, place: DataPlace, state: PlaceState, chunks: Iterator[bytes]) -> None:
        """See `ports.moving.DataStore`."""
        into = "/" if state.folder else AT
        sent = False

        def pieces() -> Iterator[bytes]:
            nonlocal sent
            for chunk in chunks:
                sent = True
                yield chunk

        with self._explained(), self._helper(_for_writing(place, state)) as ident:
            try:
                answer = self._engine.send(
                    f"/containers/{ident}/archive", {"path": into}, pieces(), seconds=STREAM_SECONDS
                )
            except FAILURES as error:
                known = explain(error, self._connection)
                answered = isinstance(error, requests.HTTPError)
                if sent and not answered and isinstance(known, Unreachable):
                    words = f"{clean(place.words)} may be half written"
                    raise OutcomeUnknown("The engine did not say whether it has unpacked this", words) from error
                raise
            if answer.status_code == 404:
                raise NotFound(f"{clean(place.words)} is not there")

    def make_volume(self, name: str, state: PlaceState) -> None:
        """See `ports.moving.DataStore`."""
        body = {"Name": name, "Driver": state.driver or "local"}
        body |= {"DriverOpts": dict(state.options), "Labels": dict(state.labels)}  # type: ignore[dict-item]
        with self._explained():
            self._engine.ask("POST", "/volumes/create", None, body)

    def remove_volume(self, name: str) -> None:
        """See `ports.moving.DataStore`."""
        with self._explained():
            self._engine.ask("DELETE", f"/volumes/{quote(name, safe='')}")

    # Helpers

    @contextmanager
    def _helper(self, host: Mapping[str, Any]) -> Iterator[str]:
        body = {
            "Image": self._any_image(),
            "Entrypoint": ["/labtui-never-run"],
            "Labels": {LABEL: self._owner},
            "HostConfig": {**host, "NetworkMode": "none"},
            "NetworkDisabled": True,
        }
        name = f"labtui-data-{secrets.token_hex(4)}"
        try:
            answer = self._engine.ask("POST", "/containers/create", {"name": name}, body)
        except requests.HTTPError as error:
            words = _said(error)
            if "bind source path does not exist" in words or "no such file or directory" in words:
                raise NotFound("The site's host has no such path", words) from error
            raise
        if answer.status_code == 404:
            raise Refused("The engine cannot make a helper container", clean(str(answer.json().get("message")), 200))
        ident = str(answer.json()["Id"])
        try:
            yield ident
        finally:
            self._remove(ident)

    def _remove(self, ident: str) -> None:
        # with the volumes that the image declares, and that were made for this container alone
        with suppress(requests.HTTPError):
            self._engine.ask("DELETE", f"/containers/{ident}", {"force": "1", "v": "1"})

    def _any_image(self) -> str:
        if not self._image:
            for name in self._images:
                answer = self._engine.ask("GET", f"/images/{quote(name, safe=':@/')}/json")
                if answer.status_code != 404:
                    self._image = str(answer.json()["Id"])
                    return self._image
            known = self._engine.ask("GET", "/images/json").json()
            if not known:
                site = self._connection.site
                raise Refused(
                    f"The engine of {site} has no image to make a helper of", "", "Pull any, for instance busybox"
                )
            self._image = str(known[0]["Id"])
        return self._image

    def _users(self, place: DataPlace) -> list[tuple[str, bool]]:
        """The containers that may write to this place, or to a folder above or below it: name, and whether it runs.

        A volume is in use, too, where it is only read: the engine does not remove it then."""
        found = []
        for one in self._engine.ask("GET", "/containers/json", {"all": "1"}).json():
            if LABEL in (one.get("Labels") or {}):
                continue
            for mount in one.get("Mounts") or ():
                if place.kind is PlaceKind.VOLUME:
                    hit = mount.get("Type") == "volume" and mount.get("Name") == place.source
                else:
                    hit = (
                        mount.get("RW") is not False
                        and mount.get("Type") == "bind"
                        and _overlap(str(mount.get("Source") or ""), place.source)
                    )
                if hit:
                    name = str((one.get("Names") or [one["Id"][:12]])[0]).lstrip("/")
                    found.append((name, one.get("State") == "running"))
                    break
        return found

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FAILURES as error:
            if isinstance(error, requests.HTTPError) and error.response is not None:
                raise Refused("Docker refused", _said(error)) from error
            raise explain(error, self._connection) from error


class _Reader:
    """At most so many bytes of an answer, fewer only at its end."""

    def __init__(self, answer: requests.Response) -> None:
        self._chunks = answer.iter_content(_CHUNK)
        self._rest = memoryview(b"")

    def __call__(self, count: int) -> bytes:
        parts, left = [], count
        while left:
            if not self._rest:
                chunk = next(self._chunks, b"")
                if not chunk:
                    break
                self._rest = memoryview(chunk)
            part = self._rest[:left]
            self._rest = self._rest[len(part) :]
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def _mount(place: DataPlace) -> Mapping[str, Any]:
    mount: dict[str, Any] = {"Type": place.kind.value, "Source": place.source, "Target": AT, "ReadOnly": True}
    if place.kind is PlaceKind.VOLUME:
        mount["VolumeOptions"] = {"NoCopy": True}
    return {"Mounts": [mount]}


def _for_writing(place: DataPlace, state: PlaceState) -> Mapping[str, Any]:
    if place.kind is PlaceKind.VOLUME:
        return {"Mounts": [{"Type": "volume", "Source": place.source, "Target": AT, "VolumeOptions": {"NoCopy": True}}]}
    source = place.source if state.folder else posixpath.dirname(place.source)
    # a bind of this form makes the folder; the path is from a backup, and must not become another option
    if not source.startswith("/") or ":" in source or ".." in source.split("/"):
        raise Invalid(f"{clean(source)!r} cannot be restored to", "an absolute path without a colon is needed")
    return {"Binds": [f"{source}:{AT}"]}


def _overlap(one: str, other: str) -> bool:
    one, other = one.rstrip("/") + "/", other.rstrip("/") + "/"
    return one.startswith(other) or other.startswith(one)


def _texts(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _said(error: requests.HTTPError) -> str:
    try:
        return clean(str(error.response.json().get("message")), 300)
    except (ValueError, AttributeError):
        return clean(str(error), 300)
