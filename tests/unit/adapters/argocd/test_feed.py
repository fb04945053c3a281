"""The feed over real sockets to a small server on this machine that can be slow, silent, frozen or gone."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from labtui.adapters.argocd import ArgocdSource, feed
from labtui.adapters.argocd.lines import LineReader, LineTooLong, data_of
from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.connections import ArgocdConnection
from labtui.domain.errors import Denied, LabError, SignedOut, Unreachable

from .support import FixedClock, raw_app, token

HANG_UP = None


class Scripted:
    """A server whose list, version and stream a test decides."""

    def __init__(self) -> None:
        self.list: Callable[[], tuple[int, Any]] = lambda: (200, {"items": [raw_app()]})
        self.version: Callable[[], tuple[int, Any]] = lambda: (200, {"Version": "v3.2.11"})
        self.stream: queue.Queue[bytes | None] = queue.Queue()
        self.released = threading.Event()  # ends what is blocked when the test is over
        self.streaming = threading.Event()
        self._idle: socket.socket | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    self._answer()

            def _answer(self) -> None:
                if self.path.startswith("/api/v1/stream/"):
                    return self._stream()
                status, body = outer.version() if self.path.startswith("/api/version") else outer.list()
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.path.startswith("/api/version"):
                    outer._idle = self.connection
                self.wfile.write(content)
                return None

            def _stream(self) -> None:
                outer.streaming.set()
                begun = False
                while (chunk := outer.stream.get()) is not HANG_UP:
                    if not begun:  # like Argo CD: no headers before the first event
                        begun = True
                        self.send_response(200)
                        self.send_header("Content-Type", "text/event-stream")
                        self.send_header("Connection", "close")
                        self.end_headers()
                    self.wfile.write(chunk)
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def event(self, kind: str, raw: dict[str, Any]) -> None:
        """Send an event to the stream."""
        self.stream.put(b"data: " + json.dumps({"result": {"type": kind, "application": raw}}).encode() + b" \n\n")

    def hang_up_idle(self) -> None:
        """Close the heartbeat's connection."""
        assert self._idle is not None
        self._idle.shutdown(socket.SHUT_RDWR)

    def stop_like_argo_cd(self) -> None:
        """No new connections, idle ones closed, the stream kept."""
        self._server.shutdown()
        self._server.server_close()
        self.hang_up_idle()

    def end(self) -> None:
        self.released.set()
        self.stream.put(HANG_UP)
        self._server.shutdown()
        self._server.server_close()


class Follower:
    """Runs `follow` in a thread and collects what it emits."""

    def __init__(self, server: Scripted, secret: str = "t0ken") -> None:
        connection = ArgocdConnection(server.address, plaintext=True, token=lambda: secret)
        self.source = ArgocdSource(connection, FixedClock())
        self.stop = threading.Event()
        self.changes: queue.Queue[Change] = queue.Queue()
        self.error: LabError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.source.follow(self.changes.put, self.stop)
        except LabError as error:
            self.error = error

    def next(self, kind: type[Change]) -> Any:
        found = self.changes.get(timeout=5)
        assert isinstance(found, kind), found
        return found

    def ended(self, seconds: float = 5) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    monkeypatch.setattr(feed, "FIRST_COMPARE", 600.0)
    scripted = Scripted()
    yield scripted
    scripted.end()


def _live(server: Scripted) -> Follower:
    follower = Follower(server)
    follower.next(Resync)
    follower.next(Live)
    assert server.streaming.wait(5)
    return follower


def test_list_then_live_then_changes(server: Scripted) -> None:
    follower = Follower(server)
    resync = follower.next(Resync)
    assert resync.kinds == {"Application"} and [a.ref.name for a in resync.resources] == ["web"]
    assert follower.next(Live).notes == ()
    server.stream.put(b":\n")
    server.event("ADDED", raw_app())  # what the list had already
    server.event("MODIFIED", raw_app(version="0"))  # older than the list
    server.event("MODIFIED", raw_app(version="2", status={"sync": {"status": "OutOfSync"}}))
    assert follower.next(Upsert).resource.sync == "OutOfSync"
    server.event("ADDED", raw_app(namespace="other"))  # the same name elsewhere is another application
    assert follower.next(Upsert).resource.ref.namespace == "other"
    server.event("DELETED", raw_app(version="3"))
    assert follower.next(Remove).ref.namespace == "argocd"
    follower.stop.set()
    follower.source.close()
    assert follower.ended(1) and follower.error is None


def test_events_larger_than_a_megabyte_and_in_pieces(server: Scripted) -> None:
    follower = _live(server)
    raw = raw_app(version="2", metadata={"annotations": {"big": "x" * 2_000_000}, "resourceVersion": "2"})
    text = b"data: " + json.dumps({"result": {"type": "MODIFIED", "application": raw}}).encode() + b" \n\n"
    for start in range(0, len(text), 100_001):
        server.stream.put(text[start : start + 100_001])
    assert follower.next(Upsert).resource.resource_version == "2"
    follower.source.close()


@pytest.mark.parametrize("begun", [True, False])
def test_close_breaks_a_blocked_read_at_once(server: Scripted, begun: bool) -> None:
    follower = _live(server)
    if begun:
        server.event("ADDED", raw_app(version="2"))
        follower.next(Upsert)
    start = time.monotonic()
    follower.source.close()
    assert follower.ended() and time.monotonic() - start < 0.5
    assert isinstance(follower.error, Unreachable)


def test_close_breaks_a_list_that_hangs(server: Scripted) -> None:
    asked = threading.Event()

    def hang() -> tuple[int, Any]:
        asked.set()
        server.released.wait(20)
        return 200, {}

    server.list = hang
    follower = Follower(server)
    assert asked.wait(5)
    start = time.monotonic()
    follower.stop.set()
    follower.source.close()
    assert follower.ended() and time.monotonic() - start < 0.5 and follower.error is None


def test_a_stream_that_ends_is_noticed_at_once(server: Scripted) -> None:
    follower = _live(server)
    server.event("ADDED", raw_app())
    server.stream.put(HANG_UP)
    assert follower.ended(1) and isinstance(follower.error, Unreachable)


def test_silence_after_the_first_event_is_death(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.05)
    monkeypatch.setattr(feed, "SILENCE", 0.3)
    follower = _live(server)
    assert not follower.ended(0.6), "without any event there is no keepalive either"
    server.stream.put(b":\n")
    assert follower.ended(2) and follower.error is not None and "silent" in str(follower.error)


def test_a_frozen_server_is_found_by_the_heartbeat(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "HEARTBEAT", 0.05)
    monkeypatch.setattr(feed, "HEARTBEAT_ANSWER", 0.2)
    follower = _live(server)

    def frozen() -> tuple[int, Any]:
        server.released.wait(20)
        return 200, {}

    server.version = frozen
    assert follower.ended(2) and isinstance(follower.error, Unreachable) and "in time" in follower.error.detail


@pytest.fixture
def resting(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set whenever the watchdog rests beside an idle connection; heartbeats may follow each other at once."""
    monkeypatch.setattr(feed, "FIRST_BEAT", 0.0)
    monkeypatch.setattr(feed, "SHORTEST_BEAT", 0.0)
    event = threading.Event()
    rest = feed.Following._rest

    def noticed(self: feed.Following, seconds: float, last_beat: float) -> bool:
        if self._idle is not None:
            event.set()
        return rest(self, seconds, last_beat)

    monkeypatch.setattr(feed.Following, "_rest", noticed)
    return event


def test_a_server_that_hangs_up_the_idle_connection_and_takes_no_new_one_is_gone(
    server: Scripted, resting: threading.Event
) -> None:
    follower = _live(server)
    assert resting.wait(5)
    server.stop_like_argo_cd()
    assert follower.ended(2) and isinstance(follower.error, Unreachable) and "refused" in follower.error.detail


def test_a_proxy_that_hangs_up_idle_connections_is_no_failure(server: Scripted, resting: threading.Event) -> None:
    follower = _live(server)
    for _ in range(3):
        assert resting.wait(5)
        resting.clear()
        server.hang_up_idle()
    assert resting.wait(5) and not follower.ended(0)
    follower.source.close()
    assert follower.ended(1)


@pytest.mark.parametrize(("status", "code", "error"), [(401, 16, SignedOut), (403, 7, Denied), (500, 13, LabError)])
def test_a_refused_list(server: Scripted, status: int, code: int, error: type[LabError]) -> None:
    server.list = lambda: (status, {"error": "no", "code": code, "message": "no"})
    follower = Follower(server)
    assert follower.ended() and isinstance(follower.error, error)
    assert follower.changes.empty()


def test_an_error_in_the_stream(server: Scripted) -> None:
    follower = _live(server)
    failure = {"error": {"grpc_code": 16, "http_code": 401, "message": "token expired"}}
    server.stream.put(b"data: " + json.dumps(failure).encode() + b"\n\n")
    assert follower.ended() and isinstance(follower.error, SignedOut) and "token expired" in follower.error.detail


def test_nobody_there() -> None:
    scripted = Scripted()
    scripted.end()
    follower = Follower(scripted)
    assert follower.ended() and isinstance(follower.error, Unreachable) and "refused" in follower.error.detail


def test_the_token_time_left_is_a_note(server: Scripted) -> None:
    follower = Follower(server, token(timedelta(days=2, hours=3)))
    follower.next(Resync)
    assert follower.next(Live).notes == ("token 2d left",)
    follower.source.close()
    assert follower.ended()


def test_the_comparison_finds_what_the_stream_has_missed(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FIRST_COMPARE", 0.05)
    follower = _live(server)
    server.list = lambda: (200, {"items": [raw_app("new"), raw_app("web", version="1")]})
    server.event("ADDED", raw_app())  # all that was listed is in: now it compares
    resync = follower.next(Resync)
    assert sorted(a.ref.name for a in resync.resources) == ["new", "web"]
    follower.source.close()
    assert follower.ended()


def test_a_comparison_that_finds_nothing_says_nothing(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "FIRST_COMPARE", 0.05)
    compared = threading.Event()
    compare = feed.Following._compare

    def noticed(self: feed.Following, client: Any) -> None:
        compare(self, client)
        compared.set()

    monkeypatch.setattr(feed.Following, "_compare", noticed)
    follower = _live(server)
    server.event("ADDED", raw_app())
    assert compared.wait(5) and follower.changes.empty()
    follower.source.close()
    assert follower.ended()


def test_the_comparison_does_not_bring_back_what_is_older_than_the_stream(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "FIRST_COMPARE", 0.05)
    server.list = lambda: (200, {"items": [raw_app(), raw_app("gone")]})
    follower = _live(server)
    asked, answer = threading.Event(), threading.Event()

    def old_list() -> tuple[int, Any]:
        asked.set()
        answer.wait(5)
        return 200, {"items": [raw_app(), raw_app("gone"), raw_app("missed")]}

    server.list = old_list
    server.event("ADDED", raw_app())
    server.event("ADDED", raw_app("gone"))
    assert asked.wait(5)
    server.event("DELETED", raw_app("gone", version="8"))
    server.event("MODIFIED", raw_app(version="7"))
    server.event("ADDED", raw_app("fresh", version="9"))
    follower.next(Remove)
    follower.next(Upsert)
    follower.next(Upsert)
    answer.set()
    resync = follower.next(Resync)
    found = sorted((a.ref.name, a.resource_version) for a in resync.resources)
    assert found == [("fresh", "9"), ("missed", "1"), ("web", "7")]
    follower.source.close()
    assert follower.ended()


def test_lines_in_any_cut() -> None:
    text = b"data: one\r\n\n:\ndata: two\nrest"
    for size in range(1, len(text) + 1):
        reader = LineReader()
        lines = [line for at in range(0, len(text), size) for line in reader.feed(text[at : at + size])]
        assert lines == [b"data: one", b"", b":", b"data: two"]
    assert [data_of(line) for line in lines] == [b"one", None, None, b"two"]


def test_a_line_without_end() -> None:
    reader = LineReader(limit=100)
    with pytest.raises(LineTooLong):
        for _ in range(11):
            list(reader.feed(b"x" * 10))


def test_httpx_is_not_loaded_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, labtui.adapters.argocd; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
