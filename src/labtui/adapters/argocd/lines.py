"""Lines of a server-sent event stream (WHATWG HTML 9.2). One event of Argo CD can be larger than 1 MB."""

from __future__ import annotations

from collections.abc import Iterator

LIMIT = 64 * 1024 * 1024


class LineTooLong(ValueError):
    """More than `LIMIT` bytes without a line break."""


class LineReader:
    """Cuts chunks of any size into lines, without copying what has already come for each new chunk."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that `chunk` completes, without their ends. Raises LineTooLong."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._parts.append(chunk[start:end])
            line = b"".join(self._parts)
            self._parts, self._size = [], 0
            start = end + 1
            yield line.removesuffix(b"\r")
        rest = chunk[start:]
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > self._limit:
            raise LineTooLong(f"a line of more than {self._limit} bytes")


def data_of(line: bytes) -> bytes | None:
    """The payload of a `data:` line; None for comments (the keepalive is `:`), other fields and empty lines.

    Argo CD writes each event as one data line.
    """
    return line[5:].strip() if line.startswith(b"data:") else None
