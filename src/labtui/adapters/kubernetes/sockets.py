"""urllib3 connections that a `Wire` can break from another thread, kept alive by TCP so that a dead peer is noticed."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

if TYPE_CHECKING:
    from labtui.adapters.kubernetes.wire import Wire

# A peer that vanished without a word is given up after 30 + 3 * 10 seconds, as client-go does.
# macOS has another name for the idle time.
_IDLE: int = getattr(socket, "TCP_KEEPIDLE", None) or socket.TCP_KEEPALIVE  # type: ignore[attr-defined]
KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, _IDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


def pool_classes(wire: Wire) -> dict[str, type]:
    """Pool classes by URL scheme, whose connections `wire` knows."""

    class Guarded(HTTPConnection):
        _guarded = -1

        def _new_conn(self) -> socket.socket:
            sock = super()._new_conn()
            for option in KEEP_ALIVE:
                sock.setsockopt(*option)
            try:
                self._guarded = wire.guard(sock)
            except OSError as error:
                raise NewConnectionError(self, str(error)) from error
            return sock

        def close(self) -> None:
            super().close()
            wire.release(self._guarded)
            self._guarded = -1

    class GuardedTls(Guarded, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Guarded

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = GuardedTls

    return {"http": Pool, "https": TlsPool}
