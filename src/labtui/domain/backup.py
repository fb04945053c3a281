"""What a backup of a stack holds, and which of its mounts are data. Pure; the format is described in docs/backup.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.rules import host_paths
from labtui.domain.conversion.rules.placing import declared, read_mount

FORMAT = 1


class PlaceKind(StrEnum):
    """What a place of data is to the Docker engine."""

    VOLUME = "volume"
    BIND = "bind"


@dataclass(frozen=True, slots=True)
class DataPlace:
    """A volume by its name, or a path of the site's host, that containers of a stack write to."""

    kind: PlaceKind
    source: str
    services: tuple[str, ...] = ()  # service:path in its container, for people
    size: int | None = None  # bytes, as measured before; None: not known

    @property
    def words(self) -> str:
        """`volume web_db`, `/srv/web/config`."""
        return f"volume {self.source}" if self.kind is PlaceKind.VOLUME else self.source


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A mount that is not in the backup, and why."""

    source: str
    why: str


@dataclass(frozen=True, slots=True)
class PlaceState:
    """What the engine knows of a place. `folder` False: it is a file. `in_use`: containers that have it, `running` those
    of them that run."""

    folder: bool = True
    driver: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    in_use: tuple[str, ...] = ()
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that the stack is made of. `path` counts from the folder above the site's (`wroclaw/web.yaml`,
    `_base/web.yaml`); the content may hold secrets: it is in no repr."""

    path: str
    content: bytes = field(repr=False)
    secret: bool = False  # an env file


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a tar stream: what has to come back. Names are as in the stream, without a `/` at the end; bytes that
    are no UTF-8 are surrogates."""

    name: str
    kind: str  # file, folder, link, hard link, fifo, char device, block device
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0  # seconds since 1970
    size: int = 0
    target: str = ""  # of a link
    sha256: str = ""  # of a file's content
    device: tuple[int, int] = (0, 0)
    extended: tuple[tuple[str, str], ...] = ()  # extended attributes: name and SHA-256 of the value

    def document(self) -> dict[str, Any]:
        """As JSON; what is empty is left out."""
        found: dict[str, Any] = {"name": self.name, "kind": self.kind, "mode": f"{self.mode:04o}", "mtime": self.mtime}
        found |= {"uid": self.uid, "gid": self.gid}
        if self.kind == "file":
            found |= {"size": self.size, "sha256": self.sha256}
        if self.target:
            found["target"] = self.target
        if self.device != (0, 0):
            found["device"] = list(self.device)
        if self.extended:
            found["extended"] = dict(self.extended)
        return found

    @staticmethod
    def of(document: Mapping[str, Any]) -> Entry:
        """From `document`. Raises KeyError, ValueError or TypeError for what is none."""
        device = document.get("device") or (0, 0)
        return Entry(
            name=str(document["name"]),
            kind=str(document["kind"]),
            mode=int(str(document["mode"]), 8),
            uid=int(document["uid"]),
            gid=int(document["gid"]),
            mtime=int(document["mtime"]),
            size=int(document.get("size", 0)),
            target=str(document.get("target", "")),
            sha256=str(document.get("sha256", "")),
            device=(int(device[0]), int(device[1])),
            extended=tuple(sorted((str(k), str(v)) for k, v in (document.get("extended") or {}).items())),
        )


@dataclass(frozen=True, slots=True)
class SavedPlace:
    """A place in a backup: the members that hold its tar stream and its list of files, and what is in them."""

    place: DataPlace
    member: str
    listing: str
    state: PlaceState
    entries: int
    bytes: int
    changed: tuple[str, ...] = ()  # files that changed while they were read, twice; at most CHANGED_SHOWN of them
    changed_count: int = 0


CHANGED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SavedSecret:
    """The versions that a path of Vault had; values are not in the backup: Vault keeps them."""

    path: str
    version: int
    versions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    site: str
    stack: str
    made: str  # RFC 3339
    by: str
    files: tuple[str, ...] = ()
    places: tuple[SavedPlace, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    secrets: tuple[SavedSecret, ...] = ()
    images: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of data."""
        return sum(p.bytes for p in self.places)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "format": FORMAT,
            "site": self.site,
            "stack": self.stack,
            "made": self.made,
            "by": self.by,
            "files": list(self.files),
            "places": [_place(p) for p in self.places],
            "left_out": [{"source": o.source, "why": o.why} for o in self.left_out],
            "secrets": [{"path": s.path, "version": s.version, "versions": list(s.versions)} for s in self.secrets],
            "images": list(self.images),
        }

    @staticmethod
    def of(document: Mapping[str, Any]) -> Manifest:
        """From `document`. Raises KeyError, ValueError or TypeError for what is none, and for another format."""
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']} is not known")
        secrets = (SavedSecret(str(s["path"]), int(s["version"]), tuple(s["versions"])) for s in document["secrets"])
        return Manifest(
            site=str(document["site"]),
            stack=str(document["stack"]),
            made=str(document["made"]),
            by=str(document["by"]),
            files=tuple(str(f) for f in document["files"]),
            places=tuple(_saved(p) for p in document["places"]),
            left_out=tuple(LeftOut(str(o["source"]), str(o["why"])) for o in document["left_out"]),
            secrets=tuple(secrets),
            images=tuple(str(i) for i in document["images"]),
        )


def _place(saved: SavedPlace) -> dict[str, Any]:
    state = saved.state
    return {
        "kind": saved.place.kind.value,
        "source": saved.place.source,
        "services": list(saved.place.services),
        "member": saved.member,
        "listing": saved.listing,
        "folder": state.folder,
        "driver": state.driver,
        "options": dict(state.options),
        "labels": dict(state.labels),
        "entries": saved.entries,
        "bytes": saved.bytes,
        "changed": list(saved.changed),
        "changed_count": saved.changed_count,
    }


def _saved(document: Mapping[str, Any]) -> SavedPlace:
    place = DataPlace(PlaceKind(document["kind"]), str(document["source"]), tuple(document["services"]))
    state = PlaceState(
        document["folder"] is True,
        str(document["driver"]),
        {str(k): str(v) for k, v in document["options"].items()},
        {str(k): str(v) for k, v in document["labels"].items()},
    )
    return SavedPlace(
        place,
        str(document["member"]),
        str(document["listing"]),
        state,
        int(document["entries"]),
        int(document["bytes"]),
        tuple(str(c) for c in document["changed"]),
        int(document["changed_count"]),
    )


# Which mounts are data


def data_places(stack: Stack, facts: Facts) -> tuple[tuple[DataPlace, ...], tuple[LeftOut, ...]]:
    """What a backup of the stack has to hold, and the mounts that it leaves out, each with the reason.

    Data is what a container may write to, and what lies in the stack's own folder. Media that is only read stays where it
    is, as does what another machine keeps.
    """
    conv = Conversion(stack, facts, {})
    data: dict[tuple[PlaceKind, str], DataPlace] = {}
    out: dict[str, str] = {}
    for service in stack.services:
        entries = service.raw.get("volumes")
        for entry in entries if isinstance(entries, list) else ():
            mount = read_mount(conv, entry)
            if mount.kind not in ("volume", "bind") or not mount.place:
                continue
            kind = PlaceKind(mount.kind)
            named = f"{service.name}:{mount.target}"
            if why := _why_not(conv, kind, mount.source, mount.place, mount.read_only, facts):
                out.setdefault(mount.place, why)
                continue
            before = data.get((kind, mount.place))
            services = (*(before.services if before else ()), named)
            data[kind, mount.place] = DataPlace(kind, mount.place, services, mount.size)
    taken = {place for _, place in data}
    return tuple(data.values()), tuple(LeftOut(p, why) for p, why in out.items() if p not in taken)


def _why_not(conv: Conversion, kind: PlaceKind, source: str, place: str, read_only: bool, facts: Facts) -> str:
    """Why a mount is not in the backup; empty: it is."""
    known = facts.mounts.get(place)
    if known is not None and known.network_share:
        return f"it lies on {known.network_share}, which keeps it"
    if kind is PlaceKind.VOLUME:
        options = declared(conv, source).get("driver_opts")
        if isinstance(options, Mapping) and str(options.get("type", "")).startswith(("nfs", "cifs")):
            return f"it lies on {options.get('device', 'another machine')}, which keeps it"
        return "it is only read here" if read_only else ""
    judged = host_paths.judge(place, read_only, conv.stack.folder).place
    if judged is not host_paths.Place.DATA:
        return "it belongs to the host"
    own = conv.stack.folder.rstrip("/")
    inside = bool(own) and place.startswith(own + "/")
    return "it is only read here" if read_only and not inside else ""
