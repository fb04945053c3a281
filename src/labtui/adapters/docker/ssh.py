"""A private unix socket whose connections go through the ssh program to `docker system dial-stdio` on the other host.

The ssh program, not a library, so that the user's whole configuration works: ports, jump hosts, keys, agent. One
connection to the host (the master) is shared by all (ssh_config(5): ControlMaster). It carries the first connection to the
engine itself; the others are added to it. All of them have a socket of this process as their input: when it ends, however it
ends, they see the end of the file, end at both sides, and the master ends with the last of them. Nothing is typed or shown: no
terminal, no prompts, no askpass program.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO
from urllib.parse import urlsplit

from labtui.domain.errors import Denied, Invalid, LabError, Unreachable
from labtui.domain.text import clean

CONNECT_SECONDS = 5
READY_SECONDS = 8.0
# sockaddr_un holds 104 bytes on macOS, 108 on Linux; ssh appends 17 to the control path while it makes it
SOCKET_PATH_LIMIT = 104 - 18
# ssh's own words (OpenSSH, sshconnect.c)
_CONNECT = re.compile(r"connect to host (?P<host>\S+) port (?P<port>\d+): (?P<why>.+)")
REMOTE = ("docker", "system", "dial-stdio")


@dataclass(frozen=True, slots=True)
class Target:
    """Where ssh goes. `user` and `port` only if the address has them: else the user's ssh configuration decides."""

    host: str
    user: str = ""
    port: int | None = None

    def __str__(self) -> str:
        return (f"{self.user}@" if self.user else "") + self.host + (f" -p {self.port}" if self.port else "")


def parse_target(address: str) -> Target:
    """Read `ssh://[user@]host[:port]`. Raises Invalid."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise Invalid(f"Not an ssh address: {clean(address, 80)}", clean(str(error))) from error
    if not parts.hostname:
        raise Invalid(f"Not an ssh address: {clean(address, 80)}", "The host is missing")
    if parts.password or parts.path.strip("/") or parts.query or parts.fragment:
        raise Invalid(
            "Not an ssh address labtui can use", "Only ssh://[user@]host[:port], without a password or a path"
        )
    # as written: ssh compares Host patterns with the letters that the user typed
    host = parts.netloc.rpartition("@")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return Target(host, parts.username or "", port)


def _common(ssh: str, control: Path, target: Target) -> list[str]:
    options = ["BatchMode=yes", "LogLevel=ERROR", "RemoteCommand=none", "ClearAllForwardings=yes"]
    argv = [ssh, "-T", "-S", str(control)]
    for option in options:
        argv += ["-o", option]
    if target.user:
        argv += ["-l", target.user]
    if target.port:
        argv += ["-p", str(target.port)]
    return argv


def master_argv(ssh: str, control: Path, target: Target) -> list[str]:
    """The connection to the host, with the first one to the engine."""
    argv = _common(ssh, control, target)
    for option in (
        "ControlMaster=yes",
        "ControlPersist=no",
        f"ConnectTimeout={CONNECT_SECONDS}",
        "ServerAliveInterval=5",
        "ServerAliveCountMax=2",
    ):
        argv += ["-o", option]
    return [*argv, "--", target.host, *REMOTE]


def session_argv(ssh: str, control: Path, target: Target) -> list[str]:
    """One connection to the engine. If the master is gone it must fail, not dial by itself: hence `ProxyCommand=false`."""
    argv = _common(ssh, control, target)
    return [*argv, "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "--", target.host, *REMOTE]


class Relay:
    """A `Link` through ssh. Starts connecting when it is made; `ready` waits. Raises Unreachable without an ssh program."""

    def __init__(self, address: str) -> None:
        self.target = parse_target(address)
        ssh = shutil.which("ssh")
        if ssh is None:
            raise Unreachable("No ssh program", "ssh was not found in PATH", "Install the OpenSSH client")
        self.ssh = ssh
        self._closed = Event()
        self._lock = threading.Lock()
        self._sessions: list[subprocess.Popen[bytes]] = []
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._wake, self._woken = socket.socketpair()
        self._home, self._in_use = _private_folder()
        self._control = self._home / "c"
        self._said = (self._home / "sessions.err").open("ab+")
        self._master_said = (self._home / "master.err").open("ab+")
        self._first: socket.socket | None
        self._first, carried = socket.socketpair()
        try:
            with carried:
                argv = master_argv(ssh, self._control, self.target)
                self._master = self._spawn(argv, carried.fileno(), self._master_said)
        except LabError:
            shutil.rmtree(self._home, ignore_errors=True)
            self._in_use.close()
            raise
        atexit.register(self.close)

    @property
    def address(self) -> str:
        """The private socket."""
        return f"unix://{self._home / 's'}"

    @property
    def closed(self) -> bool:
        """`close` was called."""
        return self._closed.is_set()

    @property
    def pids(self) -> tuple[int, ...]:
        """The master's process id, then those of the connections."""
        with self._lock:
            return (self._master.pid, *(p.pid for p in self._sessions if p.poll() is None))

    def ready(self, stop: Event) -> None:
        """Wait for the master; raises Unreachable or Denied with what ssh said."""
        deadline = time.monotonic() + READY_SECONDS
        # ssh makes its control socket when it has signed in; there is nothing else to wait on
        while not self._control.exists():
            if self._master.poll() is not None:
                raise self.fault() or Unreachable(f"No ssh connection to {self._name}", "ssh ended without a word")
            if time.monotonic() > deadline:
                raise Unreachable(f"No ssh connection to {self._name}", f"no answer within {READY_SECONDS:.0f} s")
            if stop.is_set() or self._closed.wait(0.01):
                return
        with self._lock:
            if self._closed.is_set():
                return
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(self._home / "s"))
            self._listener.listen(16)
            for work in (self._accept, self._watch):
                thread = threading.Thread(target=work, name=f"ssh {self._name}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def take(self) -> socket.socket | None:
        """The connection to the engine that the master carries."""
        with self._lock:
            first, self._first = self._first, None
        return first

    def fault(self) -> LabError | None:
        """What ssh or the docker program at the other end complained of; None when nothing is wrong with them."""
        if self._closed.is_set():
            return None
        with suppress(subprocess.TimeoutExpired):
            # a broken connection is seen a moment before the end of the process that carried it
            self._master.wait(0.2)
        code = self._master.returncode
        words = _last_words(self._home / "master.err")
        # ssh(1): exits with the status of the remote command, or with 255 if an error occurred
        if code is not None and (code == 255 or code < 0):
            return self._master_fault(words)
        words = _last_words(self._home / "sessions.err") or words
        return self._session_fault(words) if words else None

    def close(self) -> None:
        """End the master and all connections, remove the folder."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        atexit.unregister(self.close)
        self._wake.close()
        if (first := self.take()) is not None:
            first.close()
        processes = [*self._sessions, self._master]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(0.5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(1)
        if self._listener is not None:
            self._listener.close()
        self._woken.close()
        self._said.close()
        self._master_said.close()
        shutil.rmtree(self._home, ignore_errors=True)
        self._in_use.close()

    @property
    def _name(self) -> str:
        return clean(str(self.target), 80)

    def _accept(self) -> None:
        listener = self._listener
        assert listener is not None
        argv = session_argv(self.ssh, self._control, self.target)
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._closed.is_set():
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    return
                connection, _ = listener.accept()
                # ssh takes the connection itself as its input and output: no byte passes through this process
                with connection, self._lock:
                    self._sessions = [p for p in self._sessions if p.poll() is None]
                    if not self._closed.is_set():
                        self._sessions.append(self._spawn(argv, connection.fileno(), self._said))

    def _watch(self) -> None:
        """When the master ends by itself, so does every connection: whoever uses them sees an end of file at once."""
        self._master.wait()
        with self._lock:
            for process in self._sessions:
                process.terminate()
        self._wake.close()

    def _spawn(self, argv: Sequence[str], stdio: int, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        environ = {k: v for k, v in os.environ.items() if k not in ("SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY")}
        environ["SSH_ASKPASS_REQUIRE"] = "never"
        try:
            # a session of its own: no terminal to ask on, and Ctrl-C in labtui's terminal does not reach it
            return subprocess.Popen(argv, stdin=stdio, stdout=stdio, stderr=errors, env=environ, start_new_session=True)
        except OSError as error:
            raise Unreachable("ssh could not be started", error.strerror or str(error)) from error

    def _master_fault(self, words: str) -> LabError:
        title = f"No ssh connection to {self._name}"
        if "Permission denied" in words or "Too many authentication failures" in words:
            hint = f"`ssh {self._name}` must work without a password: load your key (ssh-add), or authorize it there"
            return Denied(title, words, hint)
        hint = f"Is the host up, and the way to it (tunnel, VPN)? Try: ssh {self._name}"
        if "Host key verification failed" in words:
            hint = f"Connect once by hand and check the host's key: ssh {self._name}"
        elif "Could not resolve" in words:
            hint = "Check the name in the estate file and in ~/.ssh/config"
        return Unreachable(title, words or "the connection was lost", hint)

    def _session_fault(self, words: str) -> LabError:
        low = words.lower()
        if "permission denied" in low:
            hint = (
                f"On that host: add the user to the group docker (sudo usermod -aG docker {self.target.user or 'USER'})"
            )
            return Denied(f"Docker on {self._name} does not allow it", words, hint)
        if "not found" in low and "docker" in low and "daemon" not in low:
            hint = f"Install docker there, or put it in the PATH of shells that are not interactive: ssh {self._name} docker version"
            return Unreachable(f"No docker program on {self._name}", words, hint)
        return Unreachable(f"No answer from Docker on {self._name}", words)


def _private_folder() -> tuple[Path, IO[bytes]]:
    """A folder that only this user may enter, with a path short enough for a socket, and the lock that says it is in use."""
    for parent in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(parent)) + len("/labtui-12345678/s") > SOCKET_PATH_LIMIT:
            continue
        with suppress(OSError):
            _sweep(Path(parent))
            folder = Path(tempfile.mkdtemp(prefix="labtui-", dir=parent))
            lock = (folder / "new").open("wb")
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / "new").rename(folder / "lock")  # locked before it can be found
            return folder, lock
    raise Unreachable("No place for a socket", "No folder for temporary files is writable and has a short path")


def _sweep(parent: Path) -> None:
    """Remove the folders of processes that were killed: their locks are free."""
    for folder in parent.glob("labtui-*"):
        with suppress(OSError), (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _last_words(file: Path) -> str:
    """The last two lines that say something, on one line."""
    try:
        text = file.read_bytes()[-4096:].decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip().removeprefix("ssh: ") for line in text.splitlines()]
    said = [_reason_first(line) for line in lines if line and not line.startswith("@")]
    return clean("; ".join(dict.fromkeys(said[-2:])), 300)


def _reason_first(line: str) -> str:
    """A pane has room for some thirty letters: what went wrong stands before where it did."""
    line = line.removeprefix("failed to open the raw stream connection: ")  # `docker system dial-stdio`
    if met := _CONNECT.fullmatch(line):
        return f"{met['why']}: host {met['host']}, port {met['port']}"
    return line
