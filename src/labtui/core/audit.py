"""Who did what, when, and how it ended: JSON lines, on disk before and after each action."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labtui.domain.errors import Refused


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


def unfinished(entries: Iterator[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The intents that no outcome followed."""
    intents: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.get("event") == "intent":
            intents[str(entry.get("id"))] = entry
        elif entry.get("event") == "outcome":
            intents.pop(str(entry.get("id")), None)
    return tuple(intents.values())
