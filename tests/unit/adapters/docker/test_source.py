"""The feed against an engine of paper: events, silence, faults, ends. What real engines do is in the contract and live tests."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from labtui.adapters.docker import DockerSource
from labtui.adapters.docker.engine import explain
from labtui.domain.changes import Upsert
from labtui.domain.checks import Verdict
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import Denied, Invalid, LabError, Unreachable
from tests.contract.docker_rig import Watcher
from tests.unit.adapters.docker.documents import inspected, sampled
from tests.unit.adapters.docker.fake_engine import FakeEngine, FakeSsh


class Now:
    """A clock that stands."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


CLOCK = Now(datetime(2026, 1, 2, tzinfo=UTC))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path / "e") as made:
        made.documents["c1"] = inspected()
        yield made


@pytest.fixture
def source(engine: FakeEngine) -> DockerSource:
    return DockerSource(DockerConnection("kyiv", f"unix://{engine.path}"), CLOCK)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    ours = [t for t in threading.enumerate() if t not in before and t.name.startswith(("docker", "ssh"))]
    assert ours == []


def over_ssh(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> tuple[DockerSource, FakeSsh]:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return DockerSource(DockerConnection("kyiv", "ssh://kyiv"), CLOCK), FakeSsh(folder, engine.path)


def test_only_what_changed_is_inspected_again_once_a_burst(engine: FakeEngine, source: DockerSource) -> None:
    engine.documents["c2"] = inspected("c2", "media-db-1", service="db")
    with Watcher(source) as watcher:
        watcher.until_live()
        watcher.until("stream", lambda w: bool(engine.listeners), 5)
        engine.requests.clear()
        engine.documents["c1"] = inspected(state="exited", code=1)
        for action in ("kill", "die", "stop"):
            engine.happen("c1", action)
        watcher.until("exited", lambda w: w.state("media", "web") == "exited", 2)
    assert [r for r in engine.requests if r.endswith("/json")] == ["/v1.41/containers/c1/json"]
    assert len([c for c in watcher.changes if isinstance(c, Upsert)]) == 1


def test_destroyed_is_removed_without_a_question(engine: FakeEngine, source: DockerSource) -> None:
    with Watcher(source) as watcher:
        watcher.until_live()
        watcher.until("stream", lambda w: bool(engine.listeners), 5)
        engine.requests.clear()
        engine.happen("c1", "destroy")
        watcher.until("gone", lambda w: w.get("media", "web") is None, 2)
    assert [r for r in engine.requests if r.endswith("/json")] == []


def test_gone_between_event_and_question(engine: FakeEngine, source: DockerSource) -> None:
    with Watcher(source) as watcher:
        watcher.until_live()
        watcher.until("stream", lambda w: bool(engine.listeners), 5)
        del engine.documents["c1"]
        engine.happen("c1", "die")
        watcher.until("gone", lambda w: w.get("media", "web") is None, 2)


def test_a_container_that_goes_while_it_is_measured_ends_nothing(engine: FakeEngine, source: DockerSource) -> None:
    engine.stats["c1"] = [""]  # a status of 200 and no body, as the engine answers then
    with Watcher(source) as watcher:
        watcher.until_live()
        watcher.until("stream", lambda w: bool(engine.listeners), 5)
        watcher.until("measured twice", lambda w: sum("/stats" in r for r in engine.requests) >= 2, 10)
        engine.happen("c1", "destroy")
        watcher.until("gone", lambda w: w.get("media", "web") is None, 2)


def test_many_containers_are_all_read(engine: FakeEngine, source: DockerSource) -> None:
    for number in range(60):
        engine.documents[f"m{number}"] = inspected(f"m{number}", f"many-{number}", project="", service="")
    with Watcher(source) as watcher:
        watcher.until_live()
        assert len(watcher.services) == 61


def test_figures_come_after_two_samples_and_errors_of_one_do_not_matter(
    engine: FakeEngine, source: DockerSource
) -> None:
    engine.documents["c2"] = inspected("c2", "media-db-1", service="db")
    engine.stats["c1"] = [
        sampled("2026-01-02T00:00:00Z", 0, 1000),
        sampled("2026-01-02T00:00:01Z", 250_000_000, 1000),
    ]
    with Watcher(source) as watcher:
        watcher.until_live()
        watcher.until("cpu", lambda w: (s := w.get("media", "web")) is not None and s.cpu == 0.25, 5)
        db = watcher.get("media", "db")
        assert db is not None and db.cpu is None and db.memory is None


def test_an_engine_that_hangs_up_is_lost_at_once_and_can_be_followed_again(
    engine: FakeEngine, source: DockerSource
) -> None:
    with Watcher(source) as watcher:
        watcher.until_live()
        watcher.until("stream", lambda w: bool(engine.listeners), 5)
        engine.hang_up()
        error = watcher.until_ended(2)
    assert isinstance(error, Unreachable)
    assert error.detail == "the engine has closed the connection"
    with Watcher(source) as watcher:
        watcher.until_live()


def test_a_silent_engine_is_lost(engine: FakeEngine, source: DockerSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labtui.adapters.docker.session.HEARTBEAT_SECONDS", 0.5)
    monkeypatch.setattr("labtui.adapters.docker.engine.PING_SECONDS", 0.3)
    engine.documents.clear()
    with Watcher(source) as watcher:
        watcher.until_live()
        engine.frozen.set()
        error = watcher.until_ended(4)
    assert isinstance(error, Unreachable)
    assert error.detail == "no answer in time"


def test_close_breaks_into_a_question_that_is_not_answered(engine: FakeEngine, source: DockerSource) -> None:
    engine.frozen.set()
    with Watcher(source) as watcher:
        watcher.until("asked", lambda w: bool(engine.requests))
        source.close()
    assert not watcher.live


def test_stop_before_the_start_does_nothing(engine: FakeEngine, source: DockerSource) -> None:
    stop = threading.Event()
    stop.set()
    source.follow(lambda change: None, stop)
    assert engine.requests == []


def test_follow_returns_when_stop_is_set_without_close(source: DockerSource) -> None:
    watcher = Watcher(source)
    with watcher:
        watcher.until_live()
        watcher.stop.set()
        watcher._thread.join(2)
        assert not watcher._thread.is_alive()
    assert watcher.error is None


def test_over_ssh_a_killed_master_is_replaced(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, ssh = over_ssh(tmp_path, engine, monkeypatch)
    with Watcher(source) as watcher:
        watcher.until_live()
        assert watcher.state("media", "web") == "running"
        watcher.until("stream", lambda w: bool(engine.listeners), 5)
        os.kill(ssh.calls[0]["pid"], signal.SIGKILL)
        error = watcher.until_ended(2)
    assert isinstance(error, Unreachable)
    assert error.title == "No ssh connection to kyiv"
    begun = len(ssh.calls)
    with Watcher(source) as watcher:
        watcher.until_live()
    assert "ControlMaster=yes" in ssh.calls[begun]["argv"]


def test_over_ssh_a_stopped_engine_is_not_a_lost_connection(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = over_ssh(tmp_path, engine, monkeypatch)
    with Watcher(source) as watcher:
        watcher.until_live()
        watcher.until("stream", lambda w: bool(engine.listeners), 5)
        engine.hang_up()
        error = watcher.until_ended(2)
    assert error.detail == "the engine has closed the connection"
    engine.path.unlink()
    with Watcher(source) as watcher:
        error = watcher.until_ended(5)
    assert error.title == "No answer from Docker on kyiv"
    assert "Cannot connect to the Docker daemon" in error.detail


def test_over_ssh_the_words_of_ssh_are_the_reason(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, ssh = over_ssh(tmp_path, engine, monkeypatch)
    ssh.refuse("pi@kyiv: Permission denied (publickey).\n")
    with Watcher(source) as watcher:
        error = watcher.until_ended(5)
    assert isinstance(error, Denied)
    assert "Permission denied (publickey)" in error.cause
    (check,) = source.check()
    assert (check.name, check.verdict) == ("connection", Verdict.FAIL)
    assert "Permission denied" in check.detail
    assert "ssh-add" in check.remedy
    ssh.refuse("")
    assert [c.name for c in source.check()] == ["connection", "ssh", "version", "clock"]


def test_checks_say_what_was_found(source: DockerSource) -> None:
    connection, version, clock = source.check()
    assert (connection.name, connection.verdict, connection.subject) == ("connection", Verdict.OK, "kyiv")
    assert version.detail == "Docker 20.10.24, API 1.41, linux/amd64"
    assert (clock.verdict, clock.detail) == (Verdict.OK, "0.5 s apart")


def test_a_clock_that_is_off_is_a_warning(engine: FakeEngine) -> None:
    late = Now(CLOCK.now() + timedelta(seconds=60))
    *_, clock = DockerSource(DockerConnection("kyiv", f"unix://{engine.path}"), late).check()
    assert (clock.verdict, clock.detail) == (Verdict.WARN, "the engine's clock is 60 s behind")
    assert clock.remedy


def test_a_missing_socket_names_its_path(tmp_path: Path) -> None:
    source = DockerSource(DockerConnection("kyiv", f"unix://{tmp_path}/none.sock"), CLOCK)
    with pytest.raises(Unreachable) as caught:
        source.follow(lambda change: None, threading.Event())
    assert f"{tmp_path}/none.sock" in caught.value.detail
    (check,) = source.check()
    assert check.verdict is Verdict.FAIL and check.unreachable and check.remedy


def test_a_host_of_another_form_is_invalid() -> None:
    source = DockerSource(DockerConnection("kyiv", "npipe:////./pipe/docker"), CLOCK)
    with pytest.raises(Invalid, match="unix:///path"):
        source.follow(lambda change: None, threading.Event())
    (check,) = source.check()
    assert check.verdict is Verdict.FAIL


def test_a_refused_connection(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(Unreachable, match="connection refused"):
        DockerSource(DockerConnection("kyiv", host), CLOCK).follow(lambda change: None, threading.Event())


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            requests.ConnectionError(PermissionError(13, "Permission denied")),
            Denied,
            "permission denied on unix:///run/x.sock",
        ),
        (requests.ReadTimeout("x"), Unreachable, "no answer in time"),
        (requests.exceptions.SSLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong")), Unreachable, "wrong"),
        (OSError(113, "No route to host"), Unreachable, "No route to host"),
    ],
)
def test_errors_in_words(error: Exception, kind: type[LabError], words: str) -> None:
    found = explain(error, DockerConnection("kyiv", "unix:///run/x.sock"))
    assert isinstance(found, kind)
    assert words in found.detail


def test_the_package_is_light() -> None:
    code = (
        "import sys, labtui.adapters.docker, labtui.adapters.docker.contexts\n"
        "print(sorted({'docker', 'requests', 'urllib3'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
