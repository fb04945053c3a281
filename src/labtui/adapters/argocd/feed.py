"""Following all applications: a list, then the event stream, and three watchdogs over it.

What the server does (server/application/application.go, Watch): without a resourceVersion it first sends every application
as ADDED, then subscribes to changes; what happens in between, or while its buffer is full, is not sent again. So the list is
compared again once those are in, and every few minutes. The stream's keepalive only starts with its first event.
"""

from __future__ import annotations

import json
import selectors
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from labtui.adapters.argocd import failures, parse
from labtui.adapters.argocd.api import CONNECT, Api, Trace
from labtui.adapters.argocd.known import Key, Known
from labtui.adapters.argocd.lines import LineReader, LineTooLong, data_of
from labtui.adapters.argocd.tokens import time_left
from labtui.domain.changes import Live, Remove, Resync, Upsert
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.ref import SourceId
from labtui.domain.resources.argocd import Application
from labtui.ports import Clock, Emit

if TYPE_CHECKING:
    import httpx

KINDS = frozenset({"Application"})
LIST, STREAM, VERSION = "/api/v1/applications", "/api/v1/stream/applications", "/api/version"
HEARTBEAT = 10.0
HEARTBEAT_ANSWER = 4.0
FIRST_BEAT = 0.5
SHORTEST_BEAT = 2.0
SILENCE = 45.0
FIRST_COMPARE = 2.0
COMPARE = 240.0
_OPENED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


class Following:
    """One connection's life: `run` blocks until it is lost or `interrupt` ends it from another thread."""

    def __init__(
        self, api: Api, source: SourceId, known: Known, clock: Clock, emit: Emit, stop: threading.Event
    ) -> None:
        self._api = api
        self._source = source
        self._seen = known
        self._clock = clock
        self._emit = emit
        self._stop = stop
        self._ended = threading.Event()
        self._lock = threading.Lock()  # guards sockets and failure
        self._sockets: list[socket.socket] = []
        self._failure: LabError | None = None
        self._order = threading.Lock()  # keeps what is emitted in the order in which it is known
        self._apps: dict[Key, Application] = {}
        self._touched: set[Key] = set()
        self._added = 0
        self._last_byte: float | None = None
        self._notes: tuple[str, ...] = ()
        self._idle: socket.socket | None = None  # of the heartbeat

    def run(self) -> None:
        """List, go live, follow. Returns when `stop` is set, else raises the LabError that ended it."""
        watcher = threading.Thread(target=self._watch, name=f"heartbeat {self._source}", daemon=True)
        try:
            with self._api.client() as client:
                self._replace(self._list(client, self._trace))
                self._notes = self._notes_now()
                self._emit(Live(self._source, self._notes))
                watcher.start()
                self._stream(client)
        except LabError as error:
            if not self._stop.is_set():
                raise (self._failure or error) from error
        finally:
            self.interrupt()
            if watcher.ident is not None:
                watcher.join(1.0)  # its sockets are cut; one that is still connecting is cut when it has

    def interrupt(self, failure: LabError | None = None) -> None:
        """From any thread: end it at once; the first `failure` is what `run` raises."""
        with self._lock:
            self._failure = self._failure or failure
            self._ended.set()
            for each in self._sockets:
                _cut(each)
            self._sockets.clear()

    # The list

    def _list(self, client: httpx.Client, trace: Trace) -> list[Application]:
        data = self._api.ask(client, LIST, trace=trace).data
        found = data.get("items") if isinstance(data, dict) else None
        raws = [raw for raw in found or () if parse.named(raw)] if isinstance(found, list) else []
        self._seen.see(parse.projects(raws))
        return [self._parse(raw) for raw in raws]

    def _parse(self, raw: dict[str, Any]) -> Application:
        return parse.application(raw, self._source, self._seen.exists)

    def _replace(self, apps: Iterable[Application]) -> None:
        with self._order:
            self._apps = {_key(a): a for a in apps}
            self._emit(Resync(self._source, KINDS, tuple(self._apps.values())))

    def _compare(self, client: httpx.Client) -> None:
        """List again and tell what the stream has missed. What the stream brought meanwhile is newer than the list."""
        with self._order:
            self._touched = set()
        listed = {_key(a): a for a in self._list(client, self._trace_beat)}
        with self._order:
            merged: dict[Key, Application] = {}
            for key, app in listed.items():
                mine = self._apps.get(key)
                if key not in self._touched:
                    merged[key] = mine if mine and not _newer(app, mine) else app
            merged |= {key: self._apps[key] for key in self._touched if key in self._apps}
            if merged.keys() != self._apps.keys() or any(merged[k] is not self._apps[k] for k in merged):
                for key in self._apps.keys() - merged.keys():
                    self._seen.forget(key)
                self._apps = merged
                self._emit(Resync(self._source, KINDS, tuple(merged.values())))

    # The stream

    def _stream(self, client: httpx.Client) -> None:
        import httpx

        token = self._api.tokens.current()
        reader = LineReader()
        try:
            with client.stream(
                "GET",
                STREAM,
                headers=[
                    *self._api.headers(token),
                    ("Accept", "text/event-stream"),
                    ("Accept-Encoding", "identity"),
                ],
                # an estate without applications sends nothing at all, not even headers: the heartbeat sees a dead server
                timeout=httpx.Timeout(None, connect=CONNECT),
                extensions={"trace": self._trace},
            ) as response:
                if response.status_code != 200:
                    response.read()
                    answer = self._api.judge(response, token)
                    raise failures.of_answer(answer.status, answer.code, answer.message, changing=False)
                for chunk in response.iter_bytes():
                    self._last_byte = time.monotonic()
                    for line in reader.feed(chunk):
                        self._line(line)
        except (httpx.HTTPError, httpx.InvalidURL, LineTooLong) as error:
            raise self._failure or failures.of_transport(error, self._api.connection, changing=False) from error
        raise Unreachable("Argo CD ended the event stream", "the connection was closed by the server")

    def _line(self, line: bytes) -> None:
        data = data_of(line)
        if not data:
            return
        try:
            event = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Unreachable("Argo CD's event stream is damaged", "an event is not JSON") from error
        event = event if isinstance(event, dict) else {}
        failure = parse.child(event, "error")
        if failure:
            code = parse.number(failure, "grpc_code") or -1
            status = parse.number(failure, "http_code")
            raise failures.of_answer(status, code, parse.text(failure, "message"), changing=False)
        result = parse.child(event, "result")
        raw = parse.child(result, "application")
        if parse.named(raw):
            self._change(parse.text(result, "type"), self._parse(raw))

    def _change(self, kind: str, app: Application) -> None:
        key = _key(app)
        with self._order:
            self._added += kind == "ADDED"
            if kind == "DELETED":
                self._touched.add(key)
                self._seen.forget(key)
                if self._apps.pop(key, None) is not None:
                    self._emit(Remove(app.ref))
                return
            mine = self._apps.get(key)
            if mine is not None and not _newer(app, mine):
                return
            self._touched.add(key)
            self._apps[key] = app
            self._seen.see({key: app.project})
            self._emit(Upsert(app))

    # The watchdogs

    def _watch(self) -> None:
        """A heartbeat, the silence of the stream, the token's time left, and the comparison with the list."""
        began = time.monotonic()
        beat, compare, last = began + FIRST_BEAT, began + FIRST_COMPARE, began
        first = True
        try:
            with self._api.client() as client:
                while not self._ended.is_set():
                    hung_up = self._rest(min(beat, compare) - time.monotonic(), last)
                    now = time.monotonic()
                    if self._ended.is_set():
                        return
                    if now >= beat or hung_up:
                        beat, last = now + HEARTBEAT, now
                        self._beat(client)
                    if now >= compare:
                        # the first comparison only helps once the server has sent all that it had
                        waiting = first and self._added < len(self._apps)
                        compare = now + (FIRST_COMPARE if waiting else COMPARE)
                        if not waiting:
                            first = False
                            self._compare(client)
        except LabError as error:
            self.interrupt(error)

    def _rest(self, seconds: float, last_beat: float) -> bool:
        """Wait so long, or until the end. True at once when the server hangs up on the heartbeat's idle connection.

        A server that is told to stop does so first, and then keeps its streams for up to 20 s (server.go, shutdownFunc).
        A proxy may do so at any time: the next heartbeat tells one from the other, and comes after a pause.
        """
        idle = self._idle
        pause = last_beat + SHORTEST_BEAT - time.monotonic()
        if idle is None or idle.fileno() < 0 or pause > 0:
            self._ended.wait(max(0.0, min(seconds, pause) if pause > 0 else seconds))
            return False
        with selectors.DefaultSelector() as selector:
            try:
                selector.register(idle, selectors.EVENT_READ)
            except (ValueError, OSError):  # closed just now
                return True
            return bool(selector.select(max(0.0, seconds)))

    def _beat(self, client: httpx.Client) -> None:
        self._api.ask(client, VERSION, seconds=HEARTBEAT_ANSWER, trace=self._trace_beat)
        if self._last_byte is not None and time.monotonic() - self._last_byte > SILENCE:
            raise Unreachable("Argo CD's event stream is silent", f"nothing for {SILENCE:.0f} s, not even a keepalive")
        notes = self._notes_now()
        if notes != self._notes:
            self._notes = notes
            self._emit(Live(self._source, notes))

    def _notes_now(self) -> tuple[str, ...]:
        left = time_left(self._api.tokens.current(), self._clock.now())
        return (f"token {left}",) if left else ()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore: remember each socket, so that a blocked read can be cut from another thread."""
        if event not in _OPENED:
            return
        opened = info["return_value"].get_extra_info("socket")
        with self._lock:
            if self._ended.is_set():
                _cut(opened)
            else:
                self._sockets.append(opened)

    def _trace_beat(self, event: str, info: Mapping[str, Any]) -> None:
        self._trace(event, info)
        if event in _OPENED:
            self._idle = info["return_value"].get_extra_info("socket")


def _key(app: Application) -> Key:
    return (app.ref.namespace, app.ref.name)


def _newer(app: Application, than: Application) -> bool:
    """By resourceVersion where both are numbers, else different is newer."""
    left, right = app.resource_version, than.resource_version
    if left.isdecimal() and right.isdecimal():
        return int(left) > int(right)
    return left != right or not left


def _cut(opened: socket.socket) -> None:
    # shutdown, not close: it wakes a thread that is blocked in a read. The base class's, as the SSL one is not thread-safe.
    with suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
