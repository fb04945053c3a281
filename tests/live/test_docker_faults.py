"""Docker engines and the ssh server of the live estate stop, freeze and come back."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labtui.adapters.docker import DockerSource
from labtui.core.clock import SystemClock
from labtui.domain.checks import Verdict
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import LabError, Unreachable
from tests.contract.docker_rig import Watcher
from tests.live.compose_fixture import LiveStack, engine_address
from tests.live.faults import alone

pytestmark = pytest.mark.live

HOSTS = {"wroclaw": "LIVE_DOCKER_WROCLAW", "kyiv": "LIVE_DOCKER_KYIV"}


def source(site: str) -> DockerSource:
    return DockerSource(DockerConnection(site, os.environ[HOSTS[site]]), SystemClock())


def control(*words: str) -> None:
    """Run the program that stops and starts the estate's servers."""
    subprocess.run([os.environ["LIVE_CTL"], *words], check=True, timeout=60, capture_output=True)


@contextmanager
def fault(stop: str, start: str, server: str) -> Iterator[None]:
    """Nobody else makes faults meanwhile (LIVE_LOCK, a file), and the server is back at the end."""
    if "LIVE_CTL" not in os.environ:
        pytest.skip("LIVE_CTL, the program that stops and starts the estate's servers, is not set")
    with alone():
        control(stop, server)
        try:
            yield
        finally:
            control(start, server)


def live_again(feed: DockerSource, seconds: float) -> float:
    """Follow as the core does until it is live; how long that took."""
    begun = time.monotonic()
    while True:
        with Watcher(feed) as watcher:
            try:
                watcher.until("live", lambda w: w.live, 5)
            except AssertionError:
                assert time.monotonic() - begun < seconds, watcher.error
                continue
            return time.monotonic() - begun


def ssh_processes() -> list[int]:
    """The process ids of all ssh programs that this process has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2].split()[1]) == os.getpid() and fields[0].endswith("(ssh"):
            found.append(int(entry.parent.name))
    return found


@pytest.mark.fault
@pytest.mark.parametrize("site", ["wroclaw", "kyiv"])
def test_a_stopped_engine_is_seen_at_once_and_followed_again(site: str, tmp_path: Path) -> None:
    feed = source(site)
    with LiveStack(site, tmp_path) as stack:
        stack.up()
        with Watcher(feed) as watcher:
            watcher.until_live()
            assert len(watcher.of(stack.name)) == 3
            with fault("stop", "start", f"dockerd-{site}"):
                begun = time.monotonic()
                error = watcher.until_ended(2)
                seen = time.monotonic() - begun
                with Watcher(feed) as second:
                    down = second.until_ended(5)
        assert isinstance(error, Unreachable)
        assert isinstance(down, Unreachable)
        back = live_again(feed, 20)
        print(
            f"{site}: stop seen after {seen:.2f} s ({error.cause}); then: {down}; live again {back:.2f} s after the start"
        )


@pytest.mark.fault
@pytest.mark.parametrize(
    ("site", "server"), [("wroclaw", "dockerd-wroclaw"), ("kyiv", "dockerd-kyiv"), ("kyiv", "sshd")]
)
def test_a_frozen_server_is_seen_within_its_time_and_quitting_is_quick(site: str, server: str) -> None:
    feed = source(site)
    with Watcher(feed) as watcher:
        watcher.until_live()
        if server == "sshd":
            # a frozen listener does not disturb what is connected: only a new connection sees it
            with fault("pause", "resume", server), Watcher(source(site)) as second:
                begun = time.monotonic()
                error: LabError = second.until_ended(15)
                seen = time.monotonic() - begun
                assert watcher.error is None
        else:
            with fault("pause", "resume", server):
                begun = time.monotonic()
                error = watcher.until_ended(20)
                seen = time.monotonic() - begun
                with Watcher(feed) as stuck:
                    quit_begun = time.monotonic()
                assert time.monotonic() - quit_begun < 1
                assert not stuck.live
    print(f"{server}: frozen seen after {seen:.1f} s: {error}")
    assert isinstance(error, Unreachable)
    assert seen < 15
    live_again(feed, 10)


@pytest.mark.fault
def test_a_stopped_ssh_server_is_said_in_words() -> None:
    feed = source("kyiv")
    with fault("stop", "start", "sshd"), Watcher(feed) as watcher:
        error = watcher.until_ended(10)
    assert isinstance(error, Unreachable)
    assert "Connection refused" in error.detail
    live_again(feed, 10)


def test_a_killed_ssh_is_replaced() -> None:
    feed = source("kyiv")
    with Watcher(feed) as watcher:
        watcher.until_live()
        (master, *_) = sorted(ssh_processes())
        os.kill(master, signal.SIGKILL)
        begun = time.monotonic()
        error = watcher.until_ended(5)
        assert time.monotonic() - begun < 2
        assert isinstance(error, Unreachable)
        assert "ssh" in str(error)
    assert live_again(feed, 5) < 2
    assert ssh_processes() == []


def test_over_ssh_it_is_live_in_time_and_nothing_is_left() -> None:
    times, bare = [], []
    for _ in range(3):
        begun = time.monotonic()
        subprocess.run(["ssh", "kyiv", "docker", "system", "dial-stdio"], stdin=subprocess.DEVNULL, check=True)
        bare.append(time.monotonic() - begun)
        feed = source("kyiv")
        begun = time.monotonic()
        with Watcher(feed) as watcher:
            watcher.until_live()
            times.append(time.monotonic() - begun)
            assert ssh_processes()
            begun = time.monotonic()
        assert time.monotonic() - begun < 1
        assert ssh_processes() == []
    print("live over ssh after", *(f"{t:.2f} s" for t in times), "; one ssh alone", *(f"{t:.2f} s" for t in bare))
    # one handshake and one program at the other end; more would be twice of it
    assert min(times) < 1.5 * max(bare) + 0.2
    assert [t.name for t in threading.enumerate() if t.name.startswith(("ssh", "docker"))] == []


def test_a_killed_labtui_leaves_no_ssh(tmp_path: Path) -> None:
    script = (
        "import os, sys, threading\n"
        "from labtui.adapters.docker import DockerSource\n"
        "from labtui.core.clock import SystemClock\n"
        "from labtui.domain.changes import Live\n"
        "from labtui.domain.connections import DockerConnection\n"
        "source = DockerSource(DockerConnection('kyiv', os.environ['LIVE_DOCKER_KYIV']), SystemClock())\n"
        "source.follow(lambda c: print('live', flush=True) if isinstance(c, Live) else None, threading.Event())\n"
    )
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environ) as labtui:
        assert labtui.stdout is not None
        assert labtui.stdout.readline() == "live\n"
        pids = [int(p.name) for p in Path("/proc").glob("[0-9]*") if _parent(p) == labtui.pid]
        assert pids
        labtui.kill()
    end = time.monotonic() + 5
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < end, "ssh is still there"
        time.sleep(0.02)


def test_errors_of_wrong_addresses_are_in_words() -> None:
    for host, words in (
        ("ssh://no-such-host.invalid", "Could not resolve hostname"),
        ("ssh://nobody@kyiv", "Permission denied"),
        ("unix:///no/such/docker.sock", "does not exist"),
    ):
        feed = DockerSource(DockerConnection("x", host), SystemClock())
        with Watcher(feed) as watcher:
            error = watcher.until_ended(10)
        assert words in error.detail, error
        (check,) = feed.check()
        assert check.verdict is Verdict.FAIL
        assert words in check.detail


@pytest.mark.parametrize("site", ["wroclaw", "kyiv"])
def test_checks_are_well(site: str) -> None:
    checks = list(source(site).check())
    assert checks[0].name == "connection"
    assert {c.verdict for c in checks} == {Verdict.OK}
    assert {c.name for c in checks} >= {"connection", "version", "clock"}


def test_tcp_with_tls(tmp_path: Path) -> None:
    pem = _certificates(tmp_path)
    with _tls_proxy(pem, engine_address("wroclaw").removeprefix("unix://")) as port:
        good = DockerConnection("tls", f"tcp://127.0.0.1:{port}", pem["ca"], pem["cert"], pem["key"])
        feed = DockerSource(good, SystemClock())
        assert {c.verdict for c in feed.check()} == {Verdict.OK}
        with Watcher(feed) as watcher:
            watcher.until_live()
            begun = time.monotonic()
        assert time.monotonic() - begun < 1
        for bad, words in (
            (
                DockerConnection("tls", good.host, pem["other"], pem["cert"], pem["key"]),
                "self-signed|self signed|unable",
            ),
            (DockerConnection("tls", good.host, pem["ca"]), "certificate required|closed|handshake|eof|alert"),
        ):
            with Watcher(DockerSource(bad, SystemClock())) as watcher:
                error = watcher.until_ended(10)
            assert isinstance(error, Unreachable)
            assert any(word in error.detail.lower() for word in words.split("|")), error
        skip = DockerConnection("tls", good.host, None, pem["cert"], pem["key"], skip_tls_verify=True)
        with Watcher(DockerSource(skip, SystemClock())) as watcher:
            watcher.until_live()


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _certificates(folder: Path) -> dict[str, Path]:
    """A self-signed certificate for 127.0.0.1 that is its own CA, and another one that is not."""
    files = {"cert": folder / "cert.pem", "key": folder / "key.pem", "other": folder / "other.pem"}
    for cert, key in ((files["cert"], files["key"]), (files["other"], folder / "other-key.pem")):
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-days",
                    "2",
                ),
                *("-subj", "/CN=docker", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(key), "-out", str(cert)),
            ],
            check=True,
            capture_output=True,
        )
    return files | {"ca": files["cert"]}


@contextmanager
def _tls_proxy(pem: dict[str, Path], engine: str) -> Iterator[int]:
    """A TLS server that wants a client certificate, before a unix socket; yields its port."""
    import asyncio

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem["cert"], pem["key"])
    context.load_verify_locations(pem["ca"])
    context.verify_mode = ssl.CERT_REQUIRED

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(engine)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    server.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
