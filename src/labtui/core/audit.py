"""Who did what, when, and how it ended: JSON lines, on disk before and after each action."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from labtui.domain.errors import Refused

BLOCK = 64 * 1024  # bytes read at a time from the end
LONGEST_LINE = 1024 * 1024  # bytes; a longer one is no entry that labtui wrote


class JsonLinesAudit:
    """An append-only file (mode 0600), one JSON object a line, fsynced line by line.

    An intent without an outcome is an action that a crash cut off; `unfinished` finds those.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one entry. Raises Refused when it is not safely on disk."""
        line = json.dumps(dict(entry), ensure_ascii=True, sort_keys=False, default=str) + "\n"
        try:
            with self._lock:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    # one write: concurrent labtuis do not mix their lines
                    if os.write(handle, line.encode("ascii")) < len(line):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                    os.fsync(handle)
                finally:
                    os.close(handle)
        except OSError as error:
            raise Refused(
                "The audit log cannot be written, so nothing is done",
                f"{self.path}: {error.strerror}",
                "Make room or correct the permissions, then try again",
            ) from error

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """All entries, oldest first. A damaged line becomes `{"damaged": line number}`."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        except OSError as error:
            raise Refused("The audit log cannot be read", f"{self.path}: {error.strerror}") from error
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
            except ValueError:
                entry = None
            yield entry if isinstance(entry, dict) else {"damaged": number}

    def newest(self) -> Iterator[Mapping[str, Any]]:
        """All entries, the newest first: read from the end of the file and only as far as they are asked for, so a log of
        a gigabyte answers at once. A damaged line becomes `{"damaged": its first byte's place in the file}`."""
        try:
            with self.path.open("rb") as handle:
                for place, line in lines_backwards(handle):
                    if line is None or line.strip():
                        yield _entry(line) or {"damaged": place}
        except FileNotFoundError:
            return
        except OSError as error:
            raise Refused("The audit log cannot be read", f"{self.path}: {error.strerror}") from error


def _entry(line: bytes | None) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line.decode("utf-8")) if line is not None else None
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and entry else None


def lines_backwards(handle: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file from the last to the first, each with its place; None for one of more than `LONGEST_LINE` bytes.
    At most that much and one block is held at a time."""
    place = begin = handle.seek(0, os.SEEK_END)
    rest: list[bytes] = []  # the pieces found of the line that begins at `begin` or before, the last one first
    held, too_long = 0, False
    while place > 0:
        size = min(BLOCK, place)
        place -= size
        handle.seek(place)
        for number, (start, piece) in enumerate(reversed(_split(handle.read(size), place))):
            if number:  # a line break lies between this piece and the one before: that line is whole
                if held:
                    yield begin, None if too_long else b"".join(reversed(rest))
                rest, held, too_long = [], 0, False
            begin = start
            held += len(piece)
            too_long = held > LONGEST_LINE
            rest = [] if too_long else [*rest, piece]
    if held:
        yield 0, None if too_long else b"".join(reversed(rest))


def _split(block: bytes, place: int) -> list[tuple[int, bytes]]:
    """The pieces between line breaks, each with its place in the file."""
    found = []
    for piece in block.split(b"\n"):
        found.append((place, piece))
        place += len(piece) + 1
    return found


class MemoryAudit:
    """An audit log that ends with the program: for the demo, which changes nothing real."""

    def __init__(self) -> None:
        self._entries: list[Mapping[str, Any]] = []

    def append(self, entry: Mapping[str, Any]) -> None:
        """Keep one entry."""
        self._entries.append(dict(entry))

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """All entries, oldest first."""
        yield from tuple(self._entries)

    def newest(self) -> Iterator[Mapping[str, Any]]:
        """All entries, the newest first."""
        yield from reversed(tuple(self._entries))


def unfinished(entries: Iterator[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The intents that no outcome followed."""
    intents: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.get("event") == "intent":
            intents[str(entry.get("id"))] = entry
        elif entry.get("event") == "outcome":
            intents.pop(str(entry.get("id")), None)
    return tuple(intents.values())
