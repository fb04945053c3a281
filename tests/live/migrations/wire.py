"""HTTP and WebSockets as the load generator speaks them: no library that would send anything twice or hide a broken connection."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
TIMEOUT = 5.0


@dataclass(frozen=True)
class Client:
    """Whom to ask: an address and the host name that the Ingress knows."""

    address: str
    port: int
    host: str

    async def open(self) -> Streams:
        """A new connection."""
        return await asyncio.open_connection(self.address, self.port)

    def head(self, path: str, **more: str) -> bytes:
        """The head of a request."""
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {self.host}",
            *(f"{n.replace('_', '-')}: {v}" for n, v in more.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def get(
        self, path: str, block: bytes = b"", seconds: float = TIMEOUT, part: Callable[[int], None] | None = None
    ) -> str:
        """Ask on a connection of its own; answers who served it. With `block` the body has to be that, again and again."""

        async def whole() -> str:
            streams = await self.open()
            try:
                streams[1].write(self.head(path, Connection="close"))
                return (await answer(streams, block, part))[0]
            finally:
                streams[1].close()

        return await asyncio.wait_for(whole(), seconds)


async def answer(streams: Streams, block: bytes = b"", part: Callable[[int], None] | None = None) -> tuple[str, bool]:
    """Read one whole answer: who served it, and whether the connection stays. Raises ValueError for a bad one."""
    status, headers = await answer_head(streams[0])
    if status != 200:
        raise ValueError(f"status {status}")
    left = int(headers["content-length"])
    place = 0
    while left:
        data = await streams[0].read(min(left, 65536))
        if not data:
            raise EOFError(f"{left} bytes are missing")
        if block:
            begin = place % len(block)
            if data != (block * (len(data) // len(block) + 2))[begin : begin + len(data)]:
                raise ValueError("other bytes")
        left -= len(data)
        place += len(data)
        if part is not None:
            part(len(data))
    return headers.get("x-served-by", "?"), headers.get("connection", "").lower() != "close"


async def answer_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        raise EOFError(f"closed after {len(error.partial)} bytes of the head") from error
    first, *lines = text.split("\r\n")
    return int(first.split()[1]), {
        n.strip().lower(): v.strip() for n, _, v in (li.partition(":") for li in lines if li)
    }


class Kept:
    """A connection that is kept between requests. One that is found closed before a request is opened again."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._streams: Streams | None = None

    async def get(self, path: str) -> str:
        """Ask."""
        return await asyncio.wait_for(self._get(path), TIMEOUT)

    async def _get(self, path: str) -> str:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await self._client.open()
        self._streams[1].write(self._client.head(path))
        try:
            by, stays = await answer(self._streams)
        except BaseException:
            self.close()
            raise
        if not stays:
            self.close()
        return by

    def close(self) -> None:
        """End it."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


class Socket:
    """A WebSocket. `by` served it; `echoed` of what was said has come back. Raises EOFError when it breaks."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.by = "?"
        self.echoed = 0
        self._said: list[bytes] = []

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.wait_for(self._client.open(), TIMEOUT)
        words = {"Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        self._writer.write(self._client.head("/ws", Upgrade="websocket", Connection="Upgrade", **words))
        status, headers = await asyncio.wait_for(answer_head(self._reader), TIMEOUT)
        if status != 101:
            self._writer.close()
            raise ValueError(f"status {status} instead of a WebSocket")
        self.by = headers.get("x-served-by", "?")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def next(self, seconds: float) -> None:
        """Wait for a frame."""
        kind, data = await asyncio.wait_for(self._frame(), seconds)
        if kind == 8:
            raise EOFError("closed by the server")
        if data in self._said:
            self._said.remove(data)
            self.echoed += 1

    async def _frame(self) -> tuple[int, bytes]:
        try:
            first, length = await self._reader.readexactly(2)
            if length == 126:
                length = struct.unpack("!H", await self._reader.readexactly(2))[0]
            return first & 15, await self._reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise EOFError("broken") from error

    def say(self, words: str) -> None:
        """Send a text, which is to come back."""
        self._said.append(words.encode())
        self._send(1, words.encode())

    def _send(self, kind: int, data: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
        self._writer.write(bytes([0x80 | kind, 0x80 | len(data)]) + mask + masked)

    async def goodbye(self) -> None:
        """Close it in order, and wait for the other side's word. What was said last may still be under way."""
        self._send(8, b"\x03\xe8")
        while (await asyncio.wait_for(self._frame(), TIMEOUT))[0] != 8:
            pass
