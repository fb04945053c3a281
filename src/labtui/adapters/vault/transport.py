"""The HTTP session below hvac: connections that can be broken from another thread, and failures in plain words."""

from __future__ import annotations

import contextlib
import socket
from threading import Lock
from typing import Any

import requests
import requests.adapters
import requests.exceptions
from urllib3 import disable_warnings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InsecureRequestWarning, NewConnectionError

from labtui.domain.connections import VaultConnection
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.text import clean

TIMEOUT = 4.0  # seconds to connect, and between two bytes of an answer
CONNECTIONS = 6


class BreakableAdapter(requests.adapters.HTTPAdapter):
    """Knows its open sockets: closing a `requests` session alone leaves a thread waiting that reads from a frozen server."""

    def __init__(self) -> None:
        self._sockets: set[socket.socket] = set()
        self._lock = Lock()
        self._broken = False
        super().__init__(pool_connections=1, pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have the pools use connections that report their sockets."""
        super().init_poolmanager(*args, **kwargs)
        adapter = self

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                adapter.opened(self.sock)

        class Encrypted(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                adapter.opened(self.sock)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def opened(self, opened: Any) -> None:
        """Note a new socket; break it at once when the session is closed already."""
        with self._lock:
            self._sockets = {s for s in self._sockets if s.fileno() >= 0}
            self._sockets.add(opened)
            broken = self._broken
        if broken:
            _shut(opened)

    def break_off(self) -> None:
        """Make every read and write that is under way fail now. From any thread."""
        with self._lock:
            self._broken = True
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            _shut(each)


def open_session(connection: VaultConnection) -> tuple[requests.Session, BreakableAdapter]:
    """A session for one server; `verify` is set as the connection says. Raises OSError if its certificate file is missing."""
    session = requests.Session()
    session.verify = _verify(connection)
    adapter = BreakableAdapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session, adapter


def _verify(connection: VaultConnection) -> bool | str:
    if connection.skip_verify:
        # doctor says it; a warning to stderr at every request would be written over the screen
        disable_warnings(InsecureRequestWarning)
        return False
    if connection.ca_cert is None:
        return True
    with connection.ca_cert.open("rb"):  # requests itself notices a missing file only after it has connected
        return str(connection.ca_cert)


def unreachable(error: Exception, address: str) -> LabError:
    """Why no answer came, in words. `error` comes from requests or from the file of certificates."""
    where = clean(address)
    if isinstance(error, requests.exceptions.SSLError):
        hint = "Set VAULT_CACERT to the file of its certificate authority"
        return Unreachable(f"The certificate of Vault at {where} is not trusted", _reason(error), hint)
    if isinstance(error, requests.exceptions.Timeout):
        return Unreachable(f"Vault at {where} does not answer", f"no answer within {TIMEOUT:g} s")
    return Unreachable(f"Vault at {where} cannot be reached", _reason(error), "Is the server running?")


def was_sent(error: Exception) -> bool:
    """May the server have got the request? Not when no connection could be made for it."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return True
        if isinstance(seen, (NewConnectionError, requests.exceptions.ConnectTimeout, requests.exceptions.SSLError)):
            return False
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in getattr(seen, "args", ()) if isinstance(a, BaseException)), None)
        seen = inner
    return True


def _reason(error: BaseException) -> str:
    """The operating system's words, found at the bottom of what requests and urllib3 wrap around them."""
    words = "connection lost"
    seen: BaseException | None = error
    for _ in range(8):
        if isinstance(seen, OSError) and seen.strerror:
            words = str(seen.strerror)
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in getattr(seen, "args", ()) if isinstance(a, BaseException)), None)
        seen = inner or getattr(seen, "__cause__", None) or getattr(seen, "__context__", None)
        if seen is None:
            break
    return clean(words, 200)


def _shut(each: socket.socket) -> None:
    # the plain socket's shutdown: the TLS one would tear its state down under the reading thread
    with contextlib.suppress(OSError):
        socket.socket.shutdown(each, socket.SHUT_RDWR)
