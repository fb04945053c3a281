"""The one file of a backup: a plain tar with a checksum of every member, written beside its name and renamed when it is whole.

Members: README.txt, files/… (Compose files), data/N-NAME.tar and .files.jsonl for each place, manifest.json, SHA256SUMS.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from labtui.core.backup.tarstream import BLOCK, CHUNK, Damaged, entries, escapes
from labtui.domain.backup import Entry, Manifest
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.text import clean

SUMS, MANIFEST = "SHA256SUMS", "manifest.json"
MANIFEST_LIMIT = 16 * 1024 * 1024
MODE = 0o600  # env files are in it


@dataclass(frozen=True, slots=True)
class Verified:
    """A backup that was read from end to end: its `total` is the SHA-256 of its list of checksums."""

    manifest: Manifest
    total: str
    size: int


class BackupWriter:
    """Writes `path`; until `finish` it is `part` in the same folder, which an interrupted run leaves and the next replaces."""

    def __init__(self, path: Path, part: str) -> None:
        self.path = path
        self.part = path.with_name(part)
        self._sums: list[tuple[str, str]] = []
        with on_disk(self.part):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
            self._file: BinaryIO = os.fdopen(number, "r+b")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self._file.close()
                raise Refused(
                    f"{self.part} is being written by another labtui", "", "Wait until it has ended"
                ) from None
            if not os.path.samestat(os.fstat(number), os.lstat(self.part)):
                # it was finished and renamed between the two calls: what is open here is a whole backup
                self._file.close()
                raise Refused(f"{self.part} was being written by another labtui", "", "Try again")
            os.fchmod(number, MODE)
            self._file.truncate(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._file.closed:
            with contextlib.suppress(OSError):  # nothing of a backup that failed is of use
                self.part.unlink()
            self._file.close()

    def add(self, name: str, content: bytes) -> None:
        """A member whose content is at hand."""
        with on_disk(self.part):
            self._file.write(_header(name, len(content)))
            self._file.write(content)
            self._pad(len(content))
        self._sums.append((name, hashlib.sha256(content).hexdigest()))

    @contextmanager
    def stream(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """A member that is made piece by piece. If the block is left with an error, it is as if it had never begun."""
        with on_disk(self.part):
            start = self._file.tell()
            self._file.write(_header(name, 0))
        digest, count = hashlib.sha256(), 0

        def take(piece: bytes) -> None:
            nonlocal count
            with on_disk(self.part):
                self._file.write(piece)
            digest.update(piece)
            count += len(piece)

        try:
            yield take
        except BaseException:
            with on_disk(self.part):
                self._file.seek(start)
                self._file.truncate()
            raise
        with on_disk(self.part):
            self._pad(count)
            end = self._file.tell()
            self._file.seek(start)
            self._file.write(_header(name, count))
            self._file.seek(end)
        self._sums.append((name, digest.hexdigest()))

    def finish(self, manifest: Manifest) -> Verified:
        """Close it, read all of it back, and give it its name. Raises Damaged when what is on the disk is not what was written."""
        self.add(MANIFEST, json.dumps(manifest.document(), indent=2, ensure_ascii=True).encode() + b"\n")
        self.add(SUMS, "".join(f"{digest}  {name}\n" for name, digest in self._sums).encode())
        with on_disk(self.part):
            self._file.write(bytes(2 * BLOCK))
            self._file.flush()
            os.fsync(self._file.fileno())
        found = verify(self.part)
        if found.manifest.document() != manifest.document():
            raise Damaged(f"{self.part} does not say what was written")
        with on_disk(self.path):
            os.replace(self.part, self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        self._file.close()
        return found

    def scratch(self) -> BinaryIO:
        """A nameless file beside the backup, gone when it is closed."""
        with on_disk(self.part):
            found: BinaryIO = tempfile.TemporaryFile(dir=self.path.parent)  # noqa: SIM115
            return found

    def _pad(self, count: int) -> None:
        self._file.write(bytes(-count % BLOCK))


def verify(path: Path) -> Verified:
    """Read a backup from end to end: every checksum, every tar stream against its list of files. Raises Damaged, NotFound."""
    with BackupReader(path) as reader:
        return reader.verify()


class BackupReader:
    """Reads a backup. Nothing in it is trusted before `verify` has gone through; nothing is ever unpacked here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = open(path, "rb")  # noqa: SIM115
            self.size = os.fstat(self._file.fileno()).st_size
        except FileNotFoundError:
            raise NotFound(f"There is no file {clean(str(path), 200)}") from None
        except OSError as error:
            raise Invalid(f"{clean(str(path), 200)} cannot be read", error.strerror or "") from error
        try:
            self._members = self._index()
            self.manifest = self._manifest()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def total(self) -> str:
        """The SHA-256 of the list of checksums: equal for equal backups."""
        return hashlib.sha256(self._small(SUMS)).hexdigest()

    def verify(self) -> Verified:
        """See the function."""
        sums: dict[str, str] = {}
        for line in self._small(SUMS).decode("utf-8", "replace").splitlines():
            said, _, name = line.partition("  ")
            sums[name] = said
        names = {name for name in self._members if name != SUMS}
        if names != set(sums):
            odd = sorted(names ^ set(sums))
            raise self._damaged(f"it has other members than its checksums say: {', '.join(odd[:5])}")
        listings = {p.member: p for p in self.manifest.places}
        for name in sorted(names):
            digest = hashlib.sha256()
            with self.open(name) as read:
                if name in listings:
                    self._check_place(name, listings[name].listing, read, digest.update)
                else:
                    while piece := read(CHUNK):
                        digest.update(piece)
            if digest.hexdigest() != sums[name]:
                raise self._damaged(f"the checksum of {name} is wrong")
        return Verified(self.manifest, self.total, self.size)

    @contextmanager
    def open(self, name: str) -> Iterator[Callable[[int], bytes]]:
        """A member, to be read in pieces. Several may be open at once."""
        if name not in self._members:
            raise self._damaged(f"it has no {name}")
        at, size = self._members[name]
        end = at + size
        place = at

        def read(count: int) -> bytes:
            nonlocal place
            try:
                piece = os.pread(self._file.fileno(), min(count, end - place, CHUNK), place)
            except OSError as error:
                raise Invalid(f"{self.path} cannot be read", error.strerror or "") from error
            place += len(piece)
            return piece

        yield read

    def listing(self, name: str) -> Iterator[Entry]:
        """The files of a place, in the order of its tar stream."""
        with self.open(name) as read:
            yield from read_listing(read, str(self.path))

    def small(self, name: str) -> bytes:
        """A small member as a whole."""
        return self._small(name)

    @property
    def files(self) -> tuple[str, ...]:
        """The members that are Compose files."""
        return tuple(name for name in self._members if name.startswith("files/"))

    def _check_place(
        self, name: str, listing: str, read: Callable[[int], bytes], sink: Callable[[bytes], None]
    ) -> None:
        expected = self.listing(listing)
        for entry in entries(read, sink):
            if escapes(entry):
                raise self._damaged(f"{name} has an entry that leads out of its folder")
            if entry != next(expected, None):
                raise self._damaged(f"{name} and its list of files differ at {clean(entry.name, 200)}")
        if next(expected, None) is not None:
            raise self._damaged(f"{name} lacks files of its list")

    def _index(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(fileobj=self._file, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
                for member in tar:
                    if not member.isreg() or member.name in found or escapes(Entry(member.name, "file")):
                        raise self._damaged(f"an odd member: {clean(member.name, 100)}")
                    found[member.name] = (member.offset_data, member.size)
        except (tarfile.TarError, OSError, ValueError) as error:
            raise self._damaged(clean(str(error), 200)) from None
        if SUMS not in found or MANIFEST not in found:
            raise self._damaged(f"it has no {MANIFEST} or no {SUMS}: it may have been cut off")
        return found

    def _manifest(self) -> Manifest:
        try:
            return Manifest.of(json.loads(self._small(MANIFEST)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged(f"its {MANIFEST} is not understood ({clean(str(error), 100)})") from None

    def _small(self, name: str) -> bytes:
        if self._members[name][1] > MANIFEST_LIMIT:
            raise self._damaged(f"{name} is too large")
        parts = []
        with self.open(name) as read:
            while piece := read(CHUNK):
                parts.append(piece)
        return b"".join(parts)

    def _damaged(self, why: str) -> Damaged:
        return Damaged(f"{clean(str(self.path), 200)} is no whole backup", why, "Nothing of it is used; make a new one")


def read_listing(read: Callable[[int], bytes], where: str) -> Iterator[Entry]:
    """Entries, one JSON object a line. Raises Damaged."""
    rest = b""
    while True:
        piece = read(CHUNK)
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            try:
                yield Entry.of(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, IndexError):
                raise Damaged(f"A list of files in {where} is damaged") from None
        if not piece:
            if rest:
                raise Damaged(f"A list of files in {where} is cut off")
            return


def listing_line(entry: Entry) -> bytes:
    """One line of a list of files. ASCII: names that are no text are surrogates, and come back the same."""
    return json.dumps(entry.document(), ensure_ascii=True).encode() + b"\n"


def differences(expected: Iterable[Entry], found: Iterable[Entry], *, more: bool = False) -> Iterator[str]:
    """What differs between two lists in the order of a walk, as names with the reason. With `more`, further entries are right.

    Holds one entry of each at a time.
    """
    one, other = iter(expected), iter(found)
    a, b = next(one, None), next(other, None)
    while a is not None or b is not None:
        if b is None or (a is not None and _order(a) < _order(b)):
            assert a is not None
            yield f"{a.name}: missing"
            a = next(one, None)
        elif a is None or _order(b) < _order(a):
            if not more:
                yield f"{b.name}: not in the backup"
            b = next(other, None)
        else:
            if a != b and not (more and a.kind == b.kind == "folder"):
                yield f"{a.name}: {_what(a, b)}"
            a, b = next(one, None), next(other, None)


def _order(entry: Entry) -> list[bytes]:
    """The order in which the engine walks a folder: name by name, each by its bytes (Go, filepath.Walk)."""
    return entry.name.encode("utf-8", "surrogateescape").split(b"/")


def _what(a: Entry, b: Entry) -> str:
    if a.kind != b.kind:
        return f"{a.kind}, now {b.kind}"
    named = {"sha256": "content", "mtime": "time", "uid": "owner", "gid": "group", "extended": "attributes"}
    odd = [f for f in ("size", "sha256", "mode", "uid", "gid", "mtime", "target", "device", "extended")]
    return ", ".join(named.get(f, f) for f in odd if getattr(a, f) != getattr(b, f))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, MODE
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = "Make room, or choose another folder with --to" if error.errno in (28, 122) else ""
        raise Refused(f"{path} cannot be written", error.strerror or str(error), advice) from error


def renamed(read: Callable[[int], bytes], name: str) -> Iterator[bytes]:
    """The stream of a single file under another name: a file is restored by way of the folder that it is in."""
    with tarfile.open(fileobj=_Readable(read), mode="r|", errors="surrogateescape") as tar:
        member = tar.next()
        if member is None or not member.isreg():
            raise Damaged("The stream of a file holds none")
        member.name = name
        member.pax_headers = {k: v for k, v in member.pax_headers.items() if k not in ("path", "size")}
        yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        content = tar.extractfile(member)
        assert content is not None  # a regular file has one
        while piece := content.read(CHUNK):
            yield piece
    yield bytes(-member.size % BLOCK + 2 * BLOCK)


class _Readable(io.RawIOBase):
    """What `tarfile` reads a stream from."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end alone."""
        parts, left = [], size
        while left > 0 and (piece := self._read(left)):
            parts.append(piece)
            left -= len(piece)
        return b"".join(parts)
