"""One connection to a target, with a deadline that holds for a whole request and not only for a single read."""

from __future__ import annotations

import io
import socket
import ssl
import time
from contextlib import suppress
from functools import lru_cache

from labtui.adapters.probe.failures import Late
from labtui.domain.migration.probes import Target


class Deadline:
    """When a request has to be done. `extend` starts the time anew, for a body that comes in pieces."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def extend(self) -> None:
        """From now on, as long again."""
        self._end = time.monotonic() + self.seconds

    def left(self) -> float:
        """Seconds that are left. Raises Late when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Late("the time is over")
        return left


class Link:
    """A connection."""

    def __init__(self, target: Target, deadline: Deadline) -> None:
        """Connect, and shake hands for TLS. Raises OSError."""
        self.deadline = deadline
        self._sock: socket.socket = socket.create_connection((target.address, target.port), deadline.left())
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.tls:
                self._sock.settimeout(deadline.left())
                context = tls_context(target.verify, target.ca_file)
                self._sock = context.wrap_socket(self._sock, server_hostname=target.name)
        except BaseException:
            self._sock.close()
            raise

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """The TLS side of it, None without TLS."""
        return self._sock if isinstance(self._sock, ssl.SSLSocket) else None

    def sendall(self, data: bytes) -> None:
        """Send everything before the deadline."""
        self._sock.settimeout(self.deadline.left())
        self._sock.sendall(data)

    def recv_into(self, buffer: memoryview) -> int:
        """Wait for bytes until the deadline; 0 is the end."""
        self._sock.settimeout(self.deadline.left())
        return self._sock.recv_into(buffer)

    def recv(self, size: int) -> bytes:
        """The same, as bytes."""
        self._sock.settimeout(self.deadline.left())
        return self._sock.recv(size)

    def dropped(self) -> bool:
        """Has the server closed it while nothing was asked? Also when it says something unasked."""
        self._sock.setblocking(False)
        try:
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False  # session tickets of TLS 1.3 come unasked, and are no data
        except OSError:
            return True
        return True

    def interrupt(self) -> None:
        """From any thread: end what waits on it."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        with suppress(OSError):
            self._sock.close()


class AsSocket:
    """A link as http.client takes it: for a socket, of which it needs these three alone."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def sendall(self, data: bytes) -> None:
        """Send everything before the deadline."""
        self._link.sendall(data)

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        """What http.client reads the answer from."""
        return io.BufferedReader(_Reader(self._link))

    def close(self) -> None:
        """Nothing: http.client closes as soon as a server says that it will, and reads the body after that."""


class _Reader(io.RawIOBase):
    def __init__(self, link: Link) -> None:
        self._link = link

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the buffer protocol has no type of its own in 3.11
        return self._link.recv_into(buffer)


@lru_cache(maxsize=16)
def tls_context(verify: bool, ca_file: str) -> ssl.SSLContext:
    """Settings for TLS. Reading the system's certificates takes long enough to keep them."""
    context = ssl.create_default_context(cafile=ca_file or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
