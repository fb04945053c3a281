"""A Docker engine that holds a few containers, on a unix socket; and a program that plays ssh by connecting to such a socket."""

from __future__ import annotations

import json
import queue
import re
import socketserver
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

# `ssh … -S CONTROL … -- HOST docker system dial-stdio`: as the master it makes the control socket, then both carry a connection
FAKE_SSH = """\
#!{python}
import json, os, socket, sys, threading
argv = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps({{"argv": argv, "tty": os.isatty(0), "pid": os.getpid(), "session": os.getsid(0)}}) + "\\n")
control = argv[argv.index("-S") + 1]
if os.path.exists({refuse!r}):
    sys.stderr.write(open({refuse!r}).read())
    sys.exit(255)
if "ControlMaster=yes" in argv:
    open(control, "w").close()
elif not os.path.exists(control):
    sys.exit(255)
engine = socket.socket(socket.AF_UNIX)
try:
    engine.connect({engine!r})
except OSError as error:
    sys.stderr.write(f"Cannot connect to the Docker daemon: {{error}}\\n")
    sys.exit(1)
def copy(read, write, end):
    while data := read(65536):
        write(data)
    end()
def out(data):
    view = memoryview(data)
    while view:
        view = view[os.write(1, view):]
def finish():
    engine.shutdown(socket.SHUT_WR)
thread = threading.Thread(target=copy, args=(lambda n: os.read(0, n), engine.sendall, finish), daemon=True)
thread.start()
copy(engine.recv, out, lambda: None)
if "ControlMaster=yes" in argv:
    thread.join()
"""


class FakeSsh:
    """Puts the program `ssh` into `folder`; `calls` is how it was called, `refuse` makes it end with a message."""

    def __init__(self, folder: Path, engine: Path) -> None:
        self._log = folder / "calls"
        self._refuse = folder / "refuse"
        self.program = folder / "ssh"
        self.program.write_text(
            FAKE_SSH.format(python=sys.executable, log=str(self._log), refuse=str(self._refuse), engine=str(engine))
        )
        self.program.chmod(0o755)

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Arguments, pid, session id and whether it had a terminal, for each time it was started."""
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def refuse(self, words: str) -> None:
        """From now on it says this and ends with 255; with an empty text it works again."""
        if words:
            self._refuse.write_text(words)
        else:
            self._refuse.unlink()


class FakeEngine:
    """Answers /version, /_ping, the list, inspect, stats, events, and what `routes` say. `documents` are its containers by id."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.documents: dict[str, dict[str, Any]] = {}
        self.stats: dict[str, list[dict[str, Any] | str]] = {}
        self.requests: list[str] = []
        self.sent: list[tuple[str, bytes]] = []  # what was PUT: path and body
        self.posted: list[tuple[str, bytes]] = []
        # what else it answers: method and path without version and query → status, headers and body
        self.routes: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.headers = {"Date": "Fri, 02 Jan 2026 00:00:00 GMT"}
        self.frozen = threading.Event()
        self.thawed = threading.Event()
        self.listeners: list[queue.SimpleQueue[dict[str, Any] | None]] = []
        engine = self

        class Handler(_Handler):
            fake = engine

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 32

            def handle_error(self, request: object, client_address: object) -> None:
                """A client may leave at any time; all else is shown."""
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(request, client_address)  # type: ignore[arg-type]

        self._server = Server(str(path), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thawed.set()
        self.hang_up()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def happen(self, ident: str, action: str) -> None:
        """Send an event."""
        for listener in self.listeners:
            listener.put({"Type": "container", "Action": action, "Actor": {"ID": ident, "Attributes": {}}})

    def hang_up(self) -> None:
        """End all event streams, as an engine that stops."""
        for listener in self.listeners:
            listener.put(None)
        self.listeners.clear()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeEngine

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Silent."""

    def address_string(self) -> str:
        """A unix socket has none."""
        return "unix"

    def do_HEAD(self) -> None:
        self._routed()

    def do_POST(self) -> None:
        self.fake.posted.append((self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0))))
        self._routed()

    def do_DELETE(self) -> None:
        self.fake.requests.append(f"DELETE {self.path}")
        self._routed()

    def do_PUT(self) -> None:
        """Takes a body in chunks and keeps it."""
        body = b""
        while count := int(self.rfile.readline(), 16):
            body += self.rfile.read(count)
            self.rfile.readline()
        self.rfile.readline()
        self.fake.sent.append((self.path, body))
        self._routed()

    def _routed(self) -> None:
        """Answer from the routes; 404 where there is none."""
        path = re.sub(r"^/v1\.\d+", "", urlsplit(self.path).path)
        found = self.fake.routes.get(f"{self.command} {path}")
        status, headers, body = found or (404, {}, b'{"message": "not found"}')
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        fake = self.fake
        fake.requests.append(self.path)
        if fake.frozen.is_set():
            fake.thawed.wait(30)
        path = urlsplit(self.path).path
        parts = [p for p in path.split("/") if p and not p.startswith("v1.")]
        match parts:
            case ["_ping"]:
                self._answer(200, "OK")
            case ["version"]:
                self._answer(200, {"ApiVersion": "1.41", "Version": "20.10.24", "Os": "linux", "Arch": "amd64"})
            case ["info"]:
                self._answer(200, {"SystemTime": "2026-01-02T00:00:00.5Z"})
            case ["containers", "json"]:
                self._answer(200, [{"Id": ident} for ident in fake.documents])
            case ["containers", ident, "json"]:
                self._found(fake.documents.get(ident), ident)
            case ["containers", ident, "stats"]:
                samples = fake.stats.get(ident) or []
                self._found(samples.pop(0) if len(samples) > 1 else next(iter(samples), None), ident)
            case ["events"]:
                self._events()
            case _:
                self._routed()

    def _found(self, document: dict[str, Any] | str | None, ident: str) -> None:
        if document is None:
            self._answer(404, {"message": f"No such container: {ident}"})
        else:
            self._answer(200, document)

    def _answer(self, status: int, body: object) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response_only(status)
        for name, value in self.fake.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _events(self) -> None:
        assert "since" in parse_qs(urlsplit(self.path).query)
        mine: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.send_response_only(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        self.fake.listeners.append(mine)
        with suppress(BrokenPipeError, ConnectionResetError):
            while (event := mine.get()) is not None:
                data = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True
