"""What stands between labtui and a server, and can cut it off, let it go silent, or make it slow. The others do not notice.

with Proxy(("127.0.0.1", 16443)) as proxy:
    proxy.port                # what labtui is told
    proxy.set("refused")      # connections are reset, and new ones refused
    proxy.set("silent")       # nothing is passed on, and nothing is said
    proxy.set("open", 0.2)    # each piece of an answer comes 0.2 s later
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

Place = tuple[str, int] | Path


class Proxy:
    """One server's. `place` is an address or a socket; for a socket it listens on `own`, another one."""

    def __init__(self, place: Place, own: Path | None = None) -> None:
        self._place, self._own = place, own
        self._mode, self._delay = "open", 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self.port = 0
        self.passed = 0  # bytes, both ways: that it was used at all

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        self._flowing.set()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def set(self, mode: str, delay: float = 0.0) -> None:
        """`open`, `refused` or `silent`, from now on; what is under way too."""
        self._do(self._change(mode, delay))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _change(self, mode: str, delay: float) -> None:
        former, self._mode, self._delay = self._mode, mode, delay
        if mode == "silent":
            self._flowing.clear()
        else:
            self._flowing.set()
        if mode == "refused":
            await self._end()
        elif former == "refused":
            await self._listen()

    async def _listen(self) -> None:
        if self._own is not None:
            self._own.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._connection, self._own)
            return
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None
        if self._own is not None:
            self._own.unlink(missing_ok=True)
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        try:
            if isinstance(self._place, Path):
                far_reader, far_writer = await asyncio.open_unix_connection(self._place)
            else:
                far_reader, far_writer = await asyncio.open_connection(*self._place)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        delay: Callable[[], float] = lambda: self._delay  # noqa: E731
        ways = (self._pass(reader, far_writer, lambda: 0.0), self._pass(far_reader, writer, delay))
        try:
            await asyncio.gather(*ways)
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: Callable[[], float]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                await asyncio.sleep(delay())
                writer.write(data)
                await writer.drain()
                self.passed += len(data)
            if writer.can_write_eof():
                writer.write_eof()
