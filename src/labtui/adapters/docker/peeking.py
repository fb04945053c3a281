"""Looking into containers with what the engine offers: what is at a path, small text files, and programs that are there.

Nothing is installed and nothing written. A program runs only with a time limit of its own (`timeout`), so that none is left
behind; a container without the program gives no answer.
"""

from __future__ import annotations

import base64
import io
import json
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

from labtui.adapters.docker.engine import Engine
from labtui.domain.conversion.facts import Kind

TEXT_LIMIT = 512 * 1024
FILES_LIMIT = 20
PROGRAM_SECONDS = 6
_HEADER = struct.Struct(">BxxxL")
_END = b"\004"
_NOT_THERE, _CANNOT = 127, 126

# The bits of Go's os.FileMode, which the engine sends
_FOLDER, _LINK, _DEVICE, _PIPE, _SOCKET = 1 << 31, 1 << 27, 1 << 26, 1 << 25, 1 << 24


@dataclass(frozen=True, slots=True)
class Stat:
    """What is at a path in a container; `size` is that of a file."""

    kind: Kind
    size: int


def stat(engine: Engine, container: str, path: str) -> Stat | None:
    """Also of a stopped container (HEAD /containers/{id}/archive). None: nothing is there, or the container is gone."""
    answer = engine.ask("HEAD", f"/containers/{container}/archive", {"path": path})
    raw = answer.headers.get("X-Docker-Container-Path-Stat", "")
    if answer.status_code == 404 or not raw:
        return None
    try:
        found = json.loads(base64.b64decode(raw))
        mode, size = int(found["mode"]), int(found["size"])
    except (ValueError, KeyError, TypeError):
        return None
    return Stat(_kind(mode), size)


def _kind(mode: int) -> Kind:
    if mode & _FOLDER:
        return Kind.FOLDER
    if mode & (_SOCKET | _PIPE):
        return Kind.SOCKET
    return Kind.DEVICE if mode & _DEVICE else Kind.FILE


def texts(engine: Engine, container: str, path: str) -> Mapping[str, str] | None:
    """The text of a file, or of all files of a flat folder, by name. None: too much of it, no text, or not flat."""
    answer = engine.ask("GET", f"/containers/{container}/archive", {"path": path}, stream=True)
    try:
        if answer.status_code == 404:
            return None
        raw = _at_most(answer, 2 * TEXT_LIMIT)
    finally:
        answer.close()
    return None if raw is None else read_tar(raw)


def _at_most(answer: Any, limit: int) -> bytes | None:
    parts, count = [], 0
    for part in answer.iter_content(65536):
        parts.append(part)
        count += len(part)
        if count > limit:
            return None
    return b"".join(parts)


def read_tar(raw: bytes) -> Mapping[str, str] | None:
    """See `texts`."""
    found: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
            for number, member in enumerate(archive):
                if member.isdir() and number == 0:
                    continue
                content = archive.extractfile(member) if member.isreg() else None
                text = as_text(content.read()) if content is not None else None
                if text is None or member.name.count("/") > 1 or len(found) == FILES_LIMIT:
                    return None
                found[member.name.rsplit("/", 1)[-1]] = text
    except tarfile.TarError:
        return None
    return found if sum(map(len, found.values())) <= TEXT_LIMIT else None


def as_text(raw: bytes) -> str | None:
    """UTF-8 without control characters but tab and line ends; None for all else."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if not any(ord(c) < 32 and c not in "\t\n\r\f" for c in text) else None


class Reader(Protocol):
    """Bytes that come in order; fewer than were asked for at the end alone."""

    def read(self, amount: int, /) -> bytes:
        """So many bytes."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended in a container, and what it said."""

    status: int
    out: str
    err: str

    @property
    def missing(self) -> bool:
        """The container does not have it."""
        return self.status in (_NOT_THERE, _CANNOT)


def run(engine: Engine, container: str, *argv: str) -> Ran | None:
    """Run a program in a running container, as root where that is allowed, for `PROGRAM_SECONDS` at most.

    None: it has no shell, or did not end in time.
    """
    # Its shell finds what is built into it, too; the words are arguments and never a part of the script. It says itself
    # that it has ended: over `docker system dial-stdio` the end of an attached stream may not arrive (seen with 20.10).
    script = 'timeout "$@"; printf "\\004%s\\n" "$?"'
    command = ["sh", "-c", script, "sh", str(PROGRAM_SECONDS), *argv]
    body = {"AttachStdout": True, "AttachStderr": True, "Cmd": command, "User": "0"}
    made = engine.ask("POST", f"/containers/{container}/exec", None, body)
    if made.status_code == 404:
        return None
    how = {"Detach": False, "Tty": False}
    ident = str(made.json()["Id"])
    answer = engine.ask("POST", f"/exec/{ident}/start", None, how, seconds=PROGRAM_SECONDS + 2, stream=True)
    try:
        return None if answer.status_code == 404 else ended(answer.raw)
    except urllib3.exceptions.HTTPError:
        return None
    finally:
        answer.close()


def ended(stream: Reader) -> Ran | None:
    """Read an attached stream (Docker Engine API, ContainerAttach: stream format) until the script of `run` says its end."""
    out, err = bytearray(), bytearray()
    while len(head := stream.read(_HEADER.size)) == _HEADER.size:
        number, length = _HEADER.unpack(head)
        (err if number == 2 else out).extend(stream.read(length))
        if len(out) + len(err) > 2 * TEXT_LIMIT:
            return None
        said, mark, status = bytes(out).rpartition(_END)
        if mark and status.endswith(b"\n") and status[:-1].isdigit():
            return Ran(int(status), said.decode("utf-8", "replace"), bytes(err).decode("utf-8", "replace"))
    return None


def shares_in(mountinfo: str) -> dict[str, str]:
    """Mount point → `server:/path`, for what lies on NFS (proc_pid_mountinfo(5))."""
    found = {}
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(" - ")
        fields, ends = left.split(" "), right.split(" ")
        if not dash or len(fields) < 5 or len(ends) < 2 or not ends[0].startswith("nfs"):
            continue
        server, colon, path = _unescaped(ends[1]).partition(":/")
        root = _unescaped(fields[3]).strip("/")
        if colon:
            found[_unescaped(fields[4])] = f"{server}:/" + "/".join(p for p in (path.strip("/"), root) if p)
    return found


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def sizes_in(du: Ran, paths: list[str]) -> dict[str, int]:
    """Path → bytes from `du -sk PATH…`. A path that du complained of is left out: its sum is too small."""
    found = {}
    for line in du.out.splitlines():
        kib, _, path = line.partition("\t")
        if path in paths and kib.isdecimal() and path not in du.err:
            found[path] = int(kib) * 1024
    return found
