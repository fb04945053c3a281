"""What the migrated stack serves: HTTP with kept connections, a WebSocket that ticks and echoes, and downloads that last.

It runs in containers and pods from a file of its own: standard library alone. On SIGTERM it does what a well-behaved server
does: listens no more, closes idle connections, lets requests, sockets and downloads end, and exits.

    /            the same text on both sides; X-Served-By says who answered
    /health      200 when the service PEER (host:port), if one is named, answers
    /secret      a digest of the secrets in its environment
    /ws          a tick every 40 ms; echoes texts
    /download?seconds=S      BLOCK, 25 times a second
    /film.bin    a large body at once

FAULT in the environment makes it fail in the cluster alone: crash, unready, users (what comes through an Ingress fails).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import signal
import socket
import struct
import sys
from urllib.parse import parse_qs, urlsplit

TICK = 0.04
BLOCK = bytes(range(256)) * 16
FILM = BLOCK * 512
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST" in os.environ
_FAULT = os.environ.get("FAULT", "") if _IN_CLUSTER else ""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """One listener. `busy` are the connections that a stop waits for, `idle` those that it closes."""

    def __init__(self) -> None:
        self.busy: set[asyncio.StreamWriter] = set()
        self.idle: set[asyncio.StreamWriter] = set()
        self.stopping = asyncio.Event()
        self.name = socket.gethostname()

    async def run(self, port: int) -> None:
        """Serve until SIGTERM, and then until nothing is under way."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        listener = await asyncio.start_server(self.connection, "0.0.0.0", port, backlog=512)
        print(f"listening on {port}", flush=True)
        await self.stopping.wait()
        listener.close()
        print(f"stopping: {len(self.busy)} under way, {len(self.idle)} idle", flush=True)
        for writer in tuple(self.idle):
            writer.close()
        while self.busy:
            await asyncio.sleep(0.02)
        print("stopped", flush=True)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests, one after the other."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while not self.stopping.is_set():
                self.idle.add(writer)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                self.idle.discard(writer)
                self.busy.add(writer)
                headers = {
                    n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)
                }
                await self.request(head[0].split()[1], headers, (reader, writer))
                self.busy.discard(writer)
                if headers.get("connection", "").lower() != "keep-alive" and "close" in headers.get("connection", ""):
                    break
        self.idle.discard(writer)
        self.busy.discard(writer)
        writer.close()

    async def request(self, target: str, headers: dict[str, str], streams: Streams) -> None:
        """Answer one request."""
        url = urlsplit(target)
        if _FAULT == "users" and "x-forwarded-for" in headers:
            await self.answer(streams, 500, b"no\n")
        elif url.path == "/ws" and "sec-websocket-key" in headers:
            await self.websocket(headers["sec-websocket-key"], streams)
        elif url.path == "/download":
            await self.download(float(parse_qs(url.query).get("seconds", ["5"])[0]), streams)
        elif url.path == "/film.bin":
            await self.answer(streams, 200, FILM, "application/octet-stream")
        elif url.path == "/health":
            await self.answer(streams, *(await self.health()))
        elif url.path == "/secret":
            await self.answer(streams, 200, secrets().encode() + b"\n")
        elif url.path == "/":
            await self.answer(streams, 200, b"it is served\n")
        else:
            await self.answer(streams, 404, b"not here\n")

    async def health(self) -> tuple[int, bytes]:
        """Whether the peer answers under the name that Compose gives it."""
        peer = os.environ.get("PEER", "")
        if _FAULT == "unready":
            return 503, b"not ready, ever\n"
        if not peer:
            return 200, b"well\n"
        host, _, port = peer.partition(":")
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 2)
            writer.write(b"GET / HTTP/1.1\r\nHost: peer\r\nConnection: close\r\n\r\n")
            line = await asyncio.wait_for(reader.readline(), 2)
            writer.close()
        except OSError as error:
            return 503, f"{peer}: {error}\n".encode()
        return (200, b"well, and its peer\n") if b" 200 " in line else (503, line)

    def head(self, status: int, *lines: str) -> bytes:
        """The head of an answer, which says who gives it."""
        return "\r\n".join([f"HTTP/1.1 {status} X", f"X-Served-By: {self.name}", *lines, "", ""]).encode()

    async def answer(self, streams: Streams, status: int, body: bytes, kind: str = "text/plain") -> None:
        """A whole answer."""
        last = ("Connection: close",) if self.stopping.is_set() else ()
        streams[1].write(self.head(status, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *last) + body)
        await streams[1].drain()

    async def download(self, seconds: float, streams: Streams) -> None:
        """BLOCK again and again, for that long."""
        count = max(1, int(seconds / TICK))
        length = f"Content-Length: {count * len(BLOCK)}"
        streams[1].write(self.head(200, "Content-Type: application/octet-stream", length))
        for _ in range(count):
            streams[1].write(BLOCK)
            await streams[1].drain()
            await asyncio.sleep(TICK)

    async def websocket(self, key: str, streams: Streams) -> None:
        """Ticks and echoes, until the client closes."""
        reader, writer = streams
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()
        words = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}")
        writer.write(self.head(101, *words))
        ticking = asyncio.create_task(self._tick(writer))
        try:
            while True:
                first, second = await reader.readexactly(2)
                length = second & 127
                if length == 126:
                    length = struct.unpack("!H", await reader.readexactly(2))[0]
                mask = await reader.readexactly(4) if second & 128 else b"\0\0\0\0"
                data = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(length)))
                kind = first & 15
                writer.write(frame({9: 10}.get(kind, kind), data))
                await writer.drain()
                if kind == 8:
                    return
        finally:
            ticking.cancel()
            writer.close()

    async def _tick(self, writer: asyncio.StreamWriter) -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                number += 1
                writer.write(frame(1, f"tick {number} {self.name}".encode()))
                await writer.drain()
                await asyncio.sleep(TICK)


def frame(kind: int, data: bytes) -> bytes:
    """One WebSocket frame of a server."""
    length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack("!H", len(data))
    return bytes([0x80 | kind]) + length + data


def secrets() -> str:
    """A digest of the secrets that it was given."""
    given = "".join(
        f"{name}={os.environ[name]};" for name in sorted(os.environ) if name.endswith(("PASSWORD", "TOKEN"))
    )
    return hashlib.sha256(given.encode()).hexdigest()


def main() -> None:
    """Serve on PORT."""
    if _FAULT == "crash":
        print("starting", flush=True)
        sys.exit("there is no database here")
    asyncio.run(Server().run(int(os.environ.get("PORT", "8080"))))


if __name__ == "__main__":
    main()
