"""Local servers that misbehave, one way a path. No request is answered from anywhere else."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from labtui.domain.migration.probes import Kind, Side, Target

BIG = 3_000_000


class Handler(BaseHTTPRequestHandler):
    """What happens is the path's first part; the server counts requests and connections."""

    protocol_version = "HTTP/1.1"
    server: BadServer

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.seen(dict(self.headers.items()))
        what = self.path.split("?")[0].strip("/") or "ok"
        getattr(self, f"on_{what}")()

    def reply(self, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def on_ok(self) -> None:
        self.reply(b"fine\n", Content_Type="text/plain")

    def on_broken(self) -> None:
        self.reply(b"oh no\n", 500)

    def on_moved(self) -> None:
        self.reply(b"", 302, Location="/ok")

    def on_counting(self) -> None:
        self.reply(f"answer number {self.server.requests}\n".encode())

    def on_slow(self) -> None:
        self.server.released.wait(10)
        self.reply(b"at last\n")

    def on_drip(self) -> None:
        """A byte now and then, so that no single read ever waits long."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            if self.server.released.wait(0.05):
                break
            try:
                self.wfile.write(b".")
            except OSError:
                break
        self.close_connection = True

    def on_cut(self) -> None:
        self.reply(b"only this", length=1000)
        self.close_connection = True

    def on_cut_chunks(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n")
        self.close_connection = True

    def on_reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())  # past the polite ending of socketserver
        self.close_connection = True

    def on_silent(self) -> None:
        self.close_connection = True

    def on_nonsense(self) -> None:
        self.wfile.write(b"\x1b[31mSMTP ready\r\n\r\n")
        self.close_connection = True

    def on_closing(self) -> None:
        """An answer that does not say that the connection will be closed, which it is."""
        self.reply(b"fine\n")
        self.close_connection = True

    def on_last(self) -> None:
        """Says that it will close, and sends the body in a second piece."""
        self.send_response(200)
        self.send_header("Content-Length", str(BIG))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        self.wfile.write(b"x" * BIG)

    def on_big(self) -> None:
        self.reply(b"x" * BIG)

    def on_big_cut(self) -> None:
        self.reply(b"x" * (BIG // 2), length=BIG)
        self.close_connection = True


class BadServer(ThreadingHTTPServer):
    """Counts what it is asked. `released` ends the slow answers."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, tls: ssl.SSLContext | None, address: str) -> None:
        super().__init__((address, 0), Handler)
        self.released = threading.Event()
        self.requests = 0
        self.connections = 0
        self.headers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def seen(self, headers: dict[str, str]) -> None:
        with self._lock:
            self.requests += 1
            self.headers = headers

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        found = super().get_request()
        with self._lock:
            self._open.add(found[0])
        return found

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Broken connections are what this is for."""

    def drop_all(self) -> None:
        """Close every connection from this side."""
        with self._lock:
            sockets, self._open = self._open, set()
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it has ended already


@contextmanager
def serving(tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> Iterator[BadServer]:
    """A server in a thread."""
    server = BadServer(tls, address)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        server.drop_all()
        thread.join()


def target(port: int, path: str = "/ok", kind: Kind = Kind.HTTP, **more: Any) -> Target:
    """That server, asked directly."""
    return Target(cast(Side, more.pop("side", Side.DOCKER)), "127.0.0.1", port, kind, path=path, **more)


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def certificate(folder: Path, name: str, days: int = 30) -> tuple[Path, Path]:
    """A certificate for a name that signs itself, and its key."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    words = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},DNS:*.{name}"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), *words]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key
