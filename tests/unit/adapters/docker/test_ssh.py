"""The way through the ssh program."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from labtui.adapters.docker.ssh import Relay, Target, master_argv, parse_target, session_argv
from labtui.domain.errors import Denied, Invalid, LabError, Unreachable
from tests.unit.adapters.docker.fake_engine import FakeEngine, FakeSsh

NEVER = threading.Event()


def until(what: str, probe: Callable[[], object], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, f"did not see: {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ended(pid: int) -> bool:
    return not alive(pid)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, empty, with a path that is short enough for a socket whoever runs the tests."""
    with tempfile.TemporaryDirectory(prefix="lt-", dir="/tmp") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path / "e") as made:
        yield made


@pytest.fixture
def ssh(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeSsh:
    folder = tmp_path / "bin"
    folder.mkdir()
    made = FakeSsh(folder, engine.path)
    monkeypatch.setenv("PATH", str(folder))
    return made


@pytest.fixture
def relay(ssh: FakeSsh, temporary: Path) -> Iterator[Relay]:
    made = Relay("ssh://pi@kyiv:2222")
    yield made
    made.close()


def ask(wire: socket.socket) -> bytes:
    """GET /_ping over a connection."""
    wire.settimeout(5)
    wire.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
    data = b""
    while not data.endswith(b"OK"):
        more = wire.recv(4096)
        assert more, f"closed after {data!r}"
        data += more
    return data


def dial(relay: Relay) -> socket.socket:
    wire = socket.socket(socket.AF_UNIX)
    wire.connect(relay.address.removeprefix("unix://"))
    return wire


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("ssh://kyiv", Target("kyiv")),
        ("ssh://pi@kyiv", Target("kyiv", "pi")),
        ("ssh://pi@Kyiv.local:2222/", Target("Kyiv.local", "pi", 2222)),
        ("ssh://[fe80::1]:22", Target("fe80::1", "", 22)),
        ("ssh://-oProxyCommand=x", Target("-oProxyCommand=x")),
    ],
)
def test_addresses(address: str, target: Target) -> None:
    assert parse_target(address) == target


@pytest.mark.parametrize(
    "address", ["ssh://", "ssh://pi@", "ssh://kyiv:port", "ssh://kyiv:70000", "ssh://a:b@kyiv", "ssh://kyiv/run/x.sock"]
)
def test_other_addresses_are_refused_without_a_password_in_the_words(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_target(address)
    assert "a:b" not in str(caught.value)


def test_the_masters_arguments() -> None:
    assert master_argv("/usr/bin/ssh", Path("/t/c"), Target("kyiv")) == [
        "/usr/bin/ssh",
        *("-T", "-S", "/t/c"),
        *("-o", "BatchMode=yes"),
        *("-o", "LogLevel=ERROR"),
        *("-o", "RemoteCommand=none"),
        *("-o", "ClearAllForwardings=yes"),
        *("-o", "ControlMaster=yes"),
        *("-o", "ControlPersist=no"),
        *("-o", "ConnectTimeout=5"),
        *("-o", "ServerAliveInterval=5"),
        *("-o", "ServerAliveCountMax=2"),
        *("--", "kyiv", "docker", "system", "dial-stdio"),
    ]


def test_a_sessions_arguments_with_user_and_port() -> None:
    assert session_argv("/usr/bin/ssh", Path("/t/c"), Target("-evil", "pi", 2222)) == [
        "/usr/bin/ssh",
        *("-T", "-S", "/t/c"),
        *("-o", "BatchMode=yes"),
        *("-o", "LogLevel=ERROR"),
        *("-o", "RemoteCommand=none"),
        *("-o", "ClearAllForwardings=yes"),
        *("-l", "pi"),
        *("-p", "2222"),
        *("-o", "ControlMaster=no"),
        *("-o", "ProxyCommand=false"),
        *("--", "-evil", "docker", "system", "dial-stdio"),
    ]


def test_connections_reach_the_engine_and_nothing_is_left(relay: Relay, ssh: FakeSsh, temporary: Path) -> None:
    relay.ready(NEVER)
    (folder,) = temporary.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    first = relay.take()
    assert first is not None
    assert relay.take() is None
    with first, dial(relay) as second, dial(relay) as third:
        for wire in (third, first, second):
            assert b"200 OK" in ask(wire)
        pids = relay.pids
        assert len(pids) == 3
        assert relay.fault() is None
        relay.close()
        assert second.recv(1) == b""
    assert [pid for pid in pids if alive(pid)] == []
    assert list(temporary.iterdir()) == []
    assert [t.name for t in threading.enumerate() if t.name.startswith("ssh ")] == []
    assert relay.closed
    relay.close()


def test_ssh_has_no_terminal_and_a_session_of_its_own(relay: Relay, ssh: FakeSsh) -> None:
    relay.ready(NEVER)
    (call,) = ssh.calls
    assert not call["tty"]
    assert call["session"] == call["pid"] != os.getsid(0)


@pytest.mark.parametrize(
    ("words", "kind", "detail"),
    [
        ("pi@kyiv: Permission denied (publickey).\r\n", Denied, "Permission denied (publickey)"),
        (
            "ssh: Could not resolve hostname kyiv: Name or service not known\r\n",
            Unreachable,
            "Could not resolve hostname",
        ),
        ("@@@@@@\r\nHost key verification failed.\r\n", Unreachable, "Host key verification failed."),
        ("ssh: connect to host k port 22: \x1b[31mOops\r\n", Unreachable, "·[31mOops: host k, port 22"),
        ("\n", Unreachable, "the connection was lost"),
    ],
)
def test_what_ssh_says_is_the_detail(
    ssh: FakeSsh, temporary: Path, words: str, kind: type[LabError], detail: str
) -> None:
    ssh.refuse(words)
    relay = Relay("ssh://kyiv")
    try:
        with pytest.raises(kind) as caught:
            relay.ready(NEVER)
        assert detail in caught.value.detail
        assert "@@" not in caught.value.detail
        assert "kyiv" in caught.value.hint or "ssh" in caught.value.hint  # there is always something to do
    finally:
        relay.close()


def test_what_the_other_end_says_is_the_detail(relay: Relay, ssh: FakeSsh) -> None:
    relay.ready(NEVER)
    ssh.refuse("bash: line 1: docker: command not found\n")
    with dial(relay) as wire:
        wire.settimeout(5)
        assert wire.recv(1) == b""
    fault = relay.fault()
    assert isinstance(fault, Unreachable)
    assert "No docker program" in fault.title
    assert "command not found" in fault.detail


def test_a_reason_stands_before_its_place(relay: Relay, ssh: FakeSsh) -> None:
    relay.ready(NEVER)
    ssh.refuse("failed to open the raw stream connection: Cannot connect to the Docker daemon at unix:///d.sock.\n")
    with dial(relay) as wire:
        wire.settimeout(5)
        assert wire.recv(1) == b""
    fault = relay.fault()
    assert fault is not None
    assert fault.detail == "Cannot connect to the Docker daemon at unix:///d.sock."


def test_no_answer_is_said_in_time(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "silent"
    folder.mkdir()
    (folder / "ssh").write_text(f"#!{sys.executable}\nimport sys\nsys.stdin.read()\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("labtui.adapters.docker.ssh.READY_SECONDS", 0.2)
    relay = Relay("ssh://kyiv")
    with pytest.raises(Unreachable, match="no answer"):
        relay.ready(NEVER)
    relay.close()
    assert list(temporary.iterdir()) == []


def test_no_ssh_program(tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unreachable, match="OpenSSH"):
        Relay("ssh://kyiv")
    assert list(temporary.iterdir()) == []


def test_a_master_that_is_killed_takes_its_connections_along(relay: Relay) -> None:
    relay.ready(NEVER)
    with dial(relay) as wire:
        ask(wire)
        os.kill(relay.pids[0], signal.SIGKILL)
        assert wire.recv(1) == b""
        until("sessions ended", lambda: len(relay.pids) == 1)
    fault = relay.fault()
    assert isinstance(fault, Unreachable)
    assert fault.detail == "the connection was lost"


def test_processes_end_with_a_killed_owner(ssh: FakeSsh, temporary: Path) -> None:
    script = (
        "import json, socket, sys, threading\n"
        "from labtui.adapters.docker.ssh import Relay\n"
        "relay = Relay('ssh://kyiv')\n"
        "relay.ready(threading.Event())\n"
        "wire = socket.socket(socket.AF_UNIX)\n"
        "wire.connect(relay.address.removeprefix('unix://'))\n"
        "while len(relay.pids) < 2: pass\n"
        "print(json.dumps(relay.pids), flush=True)\n"
        "sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", script]
    environ = os.environ | {"TMPDIR": str(temporary)}
    for end in ("kill", "exit"):
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as owner:
            assert owner.stdout is not None and owner.stdin is not None
            pids = json.loads(owner.stdout.readline())
            assert all(alive(pid) for pid in pids)
            if end == "kill":
                owner.kill()
            else:
                owner.stdin.close()
        for pid in pids:
            until(f"{pid} ended after {end}", partial(ended, pid))
    # the second has removed what the killed one could not
    assert list(temporary.iterdir()) == []


def test_a_folder_in_use_is_not_swept(ssh: FakeSsh, relay: Relay, temporary: Path) -> None:
    other = Relay("ssh://kyiv")
    other.close()
    relay.ready(NEVER)
    assert len(list(temporary.iterdir())) == 1
