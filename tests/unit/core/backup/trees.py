"""Folders full of odd files, tar streams of them as Docker's engine makes them, and a site's data in memory."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from labtui.domain.backup import DataPlace, PlaceKind, PlaceState
from labtui.domain.errors import LabError, NotFound, Refused

ROOT = "labtui-data"
MTIME = 1_767_000_000


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    """A header with an owner and a time."""
    info = tarfile.TarInfo(name)
    info.type, info.mtime, info.uid, info.gid, info.mode = kind, MTIME, 1000, 100, 0o640
    for key, value in more.items():
        setattr(info, key, value)
    return info


def stream(members: Sequence[tuple[tarfile.TarInfo, bytes]], form: Literal[1, 2] = tarfile.PAX_FORMAT) -> bytes:
    """A tar stream of them, ended by two blocks of zeros alone, as Go's writer does."""
    parts = []
    for info, content in members:
        info.size = len(content)
        parts.append(info.tobuf(form, "utf-8", "surrogateescape"))
        parts.append(content + bytes(-len(content) % 512))
    return b"".join(parts) + bytes(1024)


def reading(raw: bytes, pieces: random.Random | None = None) -> Callable[[int], bytes]:
    """Reads from bytes, in pieces of odd sizes."""
    source = io.BytesIO(raw)

    def read(count: int) -> bytes:
        return source.read(min(count, pieces.randint(1, 700)) if pieces and count else count)

    return read


NAMES = (
    "plain",
    "with space",
    "new\nline",
    "tab\tand\x1b[31mescape",
    "żółć-☃-日本",
    "not-utf8-\udcff\udcfe",
    "-dash",
    "h" * 255,
    "deep/" * 40 + "end",
    "trailing.",
    "quote'\"`$(x)",
    "\u202egnp.exe",
    ".hidden",
)


def odd_tree(rng: random.Random) -> list[tuple[tarfile.TarInfo, bytes]]:
    """A folder of files of all kinds under odd names, in the order of a walk."""
    found: list[tuple[tarfile.TarInfo, bytes]] = []
    files: list[str] = []
    for name in rng.sample(NAMES, rng.randint(0, len(NAMES))):
        path = f"{ROOT}/{name}"
        match rng.randint(0, 7):
            case 0:
                found.append((member(path, tarfile.DIRTYPE, mode=0o2775), b""))
            case 1:
                found.append(
                    (member(path, tarfile.SYMTYPE, linkname=rng.choice(["../x", "/etc/passwd", name, "l" * 300])), b"")
                )
            case 2 if files:
                found.append((member(path, tarfile.LNKTYPE, linkname=rng.choice(files)), b""))
            case 3:
                found.append((member(path, tarfile.FIFOTYPE), b""))
            case 4:
                found.append((member(path, tarfile.CHRTYPE, devmajor=1, devminor=3), b""))
            case 5:
                found.append((member(path, mode=0o4755), bytes(rng.randint(0, 3000))))  # what a sparse file looks like
            case _:
                info = member(path, uid=rng.choice([0, 70_000, 5_000_000]), mtime=rng.choice([0, MTIME]))
                info.pax_headers = {"SCHILY.xattr.user.note": "é"} if rng.random() < 0.3 else {}
                found.append((info, rng.randbytes(rng.randint(0, 2000))))
                files.append(path)
    found.sort(key=lambda pair: pair[0].name.encode("utf-8", "surrogateescape").split(b"/"))
    known: set[str] = set()
    plain = []
    for info, content in found:  # a hard link comes after its file
        if info.type == tarfile.LNKTYPE and info.linkname not in known:
            continue
        known.add(info.name)
        plain.append((info, content))
    return [(member(ROOT, tarfile.DIRTYPE, mode=0o755), b""), *plain]


@dataclass
class MemoryData:
    """`ports.moving.DataStores` and `ports.moving.DataStore`: places and their streams in memory."""

    places: dict[str, bytes] = field(default_factory=dict)
    states: dict[str, PlaceState] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    on_read: Callable[[str, int], bytes | LabError | None] = lambda source, number: None
    on_write: Callable[[str, bytes], bytes] = lambda source, raw: raw

    @contextmanager
    def open(self, owner: str, images: Sequence[str]) -> Iterator[MemoryData]:
        self.owners.append(owner)
        yield self

    def state(self, place: DataPlace) -> PlaceState | None:
        if place.source not in self.places:
            return None
        return self.states.get(place.source, PlaceState(driver="local" if place.kind is PlaceKind.VOLUME else ""))

    @contextmanager
    def read(self, place: DataPlace) -> Iterator[Callable[[int], bytes]]:
        if place.source not in self.places:
            raise NotFound(f"{place.source} is not there")
        self.reads.append(place.source)
        other = self.on_read(place.source, self.reads.count(place.source))
        if isinstance(other, LabError):
            raise other
        yield reading(self.places[place.source] if other is None else other)

    def write(self, place: DataPlace, state: PlaceState, chunks: Iterator[bytes]) -> None:
        raw = b"".join(chunks)
        if not state.folder:  # under its own name into the folder; read back as the place itself
            with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
                (info,) = tar.getmembers()
                content = tar.extractfile(info)
                assert content is not None and info.name == place.source.rsplit("/", 1)[-1]
                info.name = ROOT
                raw = stream([(info, content.read())])
        self.log.append(f"write {place.source}")
        self.places[place.source] = self.on_write(place.source, raw)

    def make_volume(self, name: str, state: PlaceState) -> None:
        assert name not in self.places
        self.log.append(f"make {name} {dict(state.labels)}")
        self.places[name] = stream([(member(ROOT, tarfile.DIRTYPE), b"")])

    def remove_volume(self, name: str) -> None:
        if self.states.get(name, PlaceState()).in_use:
            raise Refused("volume is in use")
        self.log.append(f"remove {name}")
        del self.places[name]
