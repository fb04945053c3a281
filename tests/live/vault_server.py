"""An OpenBao server of the test's own, which may be stopped, frozen, sealed and misconfigured."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from labtui.adapters.vault import VaultSource
from labtui.core.clock import SystemClock
from labtui.domain.connections import Secret, VaultConnection
from tests.contract.vault_rig import request

ROOT_TOKEN = "a-root-token-for-tests"
MOUNT = "secret"


class OwnVault:
    """`bao server -dev` on a free port: KV v2 at secret/, everything in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        return (self._folder / "server.log").read_text(errors="replace")

    def start(self) -> None:
        program = shutil.which("bao")
        assert program is not None
        listen = f"-dev-listen-address=127.0.0.1:{self._port}"
        command = [program, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT_TOKEN}", listen]
        with open(self._folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "HOME": str(self._folder)}
            )

    def wait(self) -> None:
        """Until it answers and its mount is there."""
        deadline = monotonic() + 30
        pause = threading.Event()
        while True:
            try:
                self.call("GET", f"sys/internal/ui/mounts/{MOUNT}")
                return
            except OSError:
                assert monotonic() < deadline, self.log[-2000:]
                pause.wait(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # the signal is on its way when kill returns: a request that is sent at once could still be answered
        os.waitpid(self._process.pid, os.WUNTRACED)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def call(self, method: str, path: str, body: object = None, token: str = ROOT_TOKEN) -> dict[str, object]:
        return request(self.address, token, method, path, body)

    def write(self, path: str, mount: str = MOUNT) -> None:
        self.call("POST", f"{mount}/data/{path}", {"data": {"key": "value"}})

    def token(self, **settings: object) -> str:
        """A new token, by the settings of auth/token/create."""
        auth = self.call("POST", "auth/token/create", settings)["auth"]
        assert isinstance(auth, dict)
        return str(auth["client_token"])

    def source(self, token: str | Secret = ROOT_TOKEN, *, mount: str = MOUNT, poll_seconds: float = 0.5) -> VaultSource:
        given: Secret = (lambda: token) if isinstance(token, str) else token
        return VaultSource(VaultConnection(self.address, mount, token=given, poll_seconds=poll_seconds), SystemClock())


@contextmanager
def own_vault(folder: Path) -> Iterator[OwnVault]:
    """A running server; skips when the program is not there."""
    if shutil.which("bao") is None:
        pytest.skip("the program bao is not in PATH")
    server = OwnVault(folder)
    server.start()
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@contextmanager
def tls_vault(folder: Path) -> Iterator[tuple[str, Path]]:
    """The https address of a running server, and the file of the authority that signed its certificate."""
    program = shutil.which("bao")
    if program is None:
        pytest.skip("the program bao is not in PATH")
    port = _free_port()
    authority = folder / "vault-ca.pem"
    options = ["-dev-tls", f"-dev-tls-cert-dir={folder}", "-dev-no-store-token", f"-dev-root-token-id={ROOT_TOKEN}"]
    command = [program, "server", *options, f"-dev-listen-address=127.0.0.1:{port}"]
    with open(folder / "server.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
    try:
        deadline = monotonic() + 30
        while "Root Token" not in (folder / "server.log").read_text(errors="replace"):
            assert monotonic() < deadline and process.poll() is None
            threading.Event().wait(0.05)
        yield f"https://127.0.0.1:{port}", authority
    finally:
        process.kill()
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


__all__ = ["MOUNT", "ROOT_TOKEN", "OwnVault", "own_vault", "tls_vault"]
