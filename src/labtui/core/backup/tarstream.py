"""Reading a tar stream entry by entry, strictly: what Python's own reader takes for the end of an archive may be its damage.

Nothing is unpacked. Formats: ustar, pax and GNU's long names and big numbers, which is what Docker's engine writes.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace

from labtui.domain.backup import Entry
from labtui.domain.errors import Invalid

BLOCK = 512
CHUNK = 256 * 1024
HEADER_LIMIT = 4 * 1024 * 1024  # pax records and long names of one entry
_XATTR = "SCHILY.xattr."
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard link",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "char device",
    tarfile.BLKTYPE: "block device",
}

Read = Callable[[int], bytes]  # so many bytes, fewer at the end alone
Sink = Callable[[bytes], object]


class Damaged(Invalid):
    """A tar stream that ends too early, or is none."""


def entries(read: Read, sink: Sink | None = None) -> Iterator[Entry]:
    """Every entry in order, a file's with the checksum of its content. All that is read goes to `sink`, to the very end.

    Raises Damaged. Names may be anything: nothing here makes a path of them.
    """
    stream = _Stream(read, sink)
    pending: dict[str, str] = {}
    while True:
        header = stream.exactly(BLOCK)
        if not header.strip(b"\0"):
            stream.finish()
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise Damaged("The tar stream is damaged", f"a header is wrong: {error}") from None
        if info.size < 0:
            raise Damaged("The tar stream is damaged", "a size is below zero")
        if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            pending |= _pax(stream.body(info.size))
        elif info.type == tarfile.GNUTYPE_LONGNAME:
            pending["path"] = _text(stream.body(info.size))
        elif info.type == tarfile.GNUTYPE_LONGLINK:
            pending["linkpath"] = _text(stream.body(info.size))
        elif info.type not in _KINDS:
            raise Damaged("The tar stream is not understood", f"an entry of type {info.type!r}")
        else:
            yield _entry(info, pending, stream)
            pending = {}


class _Stream:
    def __init__(self, read: Read, sink: Sink | None) -> None:
        self._read = read
        self._sink = sink

    def exactly(self, count: int) -> bytes:
        parts, left = [], count
        while left:
            part = self._read(left)
            if not part:
                raise Damaged("The tar stream ends too early", f"{left} bytes are missing")
            if self._sink is not None:
                self._sink(part)
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def body(self, size: int) -> bytes:
        """The content of a small entry and its padding."""
        if size > HEADER_LIMIT:
            raise Damaged("The tar stream is not understood", "a name or attribute is endless")
        return self.exactly(size + -size % BLOCK)[:size]

    def digest(self, size: int) -> str:
        """The checksum of an entry's content, of any size; its padding is passed over."""
        found, left = hashlib.sha256(), size
        while left:
            part = self.exactly(min(CHUNK, left))
            found.update(part)
            left -= len(part)
        if size % BLOCK:
            self.exactly(-size % BLOCK)
        return found.hexdigest()

    def finish(self) -> None:
        """The second block of zeros that ends an archive, and what follows it."""
        if self.exactly(BLOCK).strip(b"\0"):
            raise Damaged("The tar stream is damaged", "a lone block of zeros is in its middle")
        while part := self._read(CHUNK):
            if part.strip(b"\0"):
                raise Damaged("The tar stream is damaged", "something follows its end")
            if self._sink is not None:
                self._sink(part)


def _entry(info: tarfile.TarInfo, pax: dict[str, str], stream: _Stream) -> Entry:
    kind = _KINDS[info.type]
    if any(key.startswith("GNU.sparse") for key in pax):
        raise Damaged("The tar stream is not understood", "an entry in GNU's sparse form")
    try:
        size = int(pax.get("size", info.size))
        mtime = int(float(pax.get("mtime", info.mtime)) // 1)
        uid, gid = int(pax.get("uid", info.uid)), int(pax.get("gid", info.gid))
    except (ValueError, OverflowError):
        raise Damaged("The tar stream is damaged", "a pax record is no number") from None
    if size < 0:
        raise Damaged("The tar stream is damaged", "a size is below zero")
    name = pax.get("path", info.name)
    entry = Entry(name.rstrip("/") or name, kind, info.mode & 0o7777, uid, gid, mtime)
    if kind in ("link", "hard link"):
        entry = replace(entry, target=pax.get("linkpath", info.linkname))
    if kind.endswith("device"):
        entry = replace(entry, device=(info.devmajor, info.devminor))
    extended = sorted((key[len(_XATTR) :], _sha(value)) for key, value in pax.items() if key.startswith(_XATTR))
    if kind == "file":
        entry = replace(entry, size=size, sha256=stream.digest(size))
    elif size and kind != "hard link":
        stream.digest(size)  # a folder of some writers has a size, and no reader heeds it
    return replace(entry, extended=tuple(extended))


def _pax(body: bytes) -> dict[str, str]:
    """The records of a pax header: `LENGTH KEY=VALUE\\n`, each (POSIX.1-2001, pax Interchange Format)."""
    found: dict[str, str] = {}
    while body.strip(b"\0"):
        number, space, _ = body.partition(b" ")
        if not space or not number.isdigit() or not 5 <= (length := int(number)) <= len(body):
            raise Damaged("The tar stream is damaged", "a pax record is wrong")
        key, equals, value = body[len(number) + 1 : length - 1].partition(b"=")
        if not equals or body[length - 1 : length] != b"\n":
            raise Damaged("The tar stream is damaged", "a pax record is wrong")
        found[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        body = body[length:]
    return found


def _text(body: bytes) -> str:
    return body.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _sha(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()


def escapes(entry: Entry) -> bool:
    """Would this entry be written, or hard-linked, outside of the folder that it is unpacked in?"""
    return any(_leads_out(name) for name in (entry.name, entry.target if entry.kind == "hard link" else entry.name))


def _leads_out(name: str) -> bool:
    return name.startswith("/") or "\0" in name or ".." in name.split("/") or not name
