"""A small Vault: the Kubernetes login, KV v2 with check-and-set, and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JWT = "the-pods-own-token"
TOKEN = "s.of-this-login"


@dataclass
class FakeVault:
    """What it holds: the versions of every secret, and what was asked of it."""

    versions: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)  # None: deleted
    calls: list[str] = field(default_factory=list)
    before_write: Callable[[FakeVault], None] | None = None  # what somebody else does just then
    address: str = ""

    def write(self, path: str, data: dict[str, Any] | None) -> None:
        """A new version."""
        self.versions.setdefault(path, []).append(data)

    def newest(self, path: str) -> dict[str, Any]:
        """The newest version's keys and values."""
        found = self.versions[path][-1]
        assert found is not None
        return found

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and JSON for one request."""
        self.calls.append(f"{method} {path}")
        if path == "auth/kubernetes/login":
            if body != {"role": "generate-secrets", "jwt": JWT}:
                return 403, {"errors": ["permission denied"]}
            return 200, {"auth": {"client_token": TOKEN}}
        if token != TOKEN:
            return 403, {"errors": ["permission denied"]}
        if path == "auth/token/revoke-self":
            return 204, {}
        name = path.removeprefix("kv/data/")
        versions = self.versions.get(name, [])
        if method == "GET":
            if not versions:
                return 404, {"errors": []}
            data = {"data": versions[-1], "metadata": {"version": len(versions)}}
            return (404 if versions[-1] is None else 200), {"data": data}
        if self.before_write:
            self.before_write(self)
        if body["options"]["cas"] != len(self.versions.get(name, [])):
            return 400, {"errors": ["check-and-set parameter did not match the current version"]}
        self.write(name, body["data"])
        return 200, {"data": {"version": len(self.versions[name])}}


@contextmanager
def fake_vault() -> Iterator[FakeVault]:
    """One that listens on loopback until the end."""
    vault = FakeVault()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("X-Vault-Token") or ""
            status, found = vault.answer(method, self.path.removeprefix("/v1/"), token, json.loads(raw or b"{}"))
            text = b"" if status == 204 else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vault.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
