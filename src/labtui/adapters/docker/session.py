"""One connection to an engine, from the first request to its loss: what `DockerSource.follow` does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from labtui.adapters.docker.catalogue import Catalogue
from labtui.adapters.docker.engine import FAILURES, Engine, Wires, explain
from labtui.adapters.docker.link import Link
from labtui.adapters.docker.parse import placed
from labtui.adapters.docker.sampler import Sampler
from labtui.adapters.docker.usage import Usage
from labtui.domain.changes import Live
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.ref import SourceId
from labtui.ports import Emit

# with the ping's own time a frozen engine is seen after 12 s
HEARTBEAT_SECONDS = 8.0
# docker sends a burst for one act (kill, die, stop): look at the container once, when it is over
SETTLE_SECONDS = 0.05
WAKE_SECONDS = 0.5
# sshd takes 10 sessions a connection by default (sshd_config(5): MaxSessions); events, stats and a spare must fit too
WORKERS = 4
CONTAINERS_A_WORKER = 10
ACTIONS = (
    "create",
    "destroy",
    "die",
    "health_status",
    "oom",
    "pause",
    "rename",
    "restart",
    "start",
    "stop",
    "unpause",
    "update",
)
"""What changes something that is shown. Left out: `exec_*`, which every run of a health check sends."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened to a container."""

    container: str
    action: str


@dataclass(frozen=True, slots=True)
class Measured:
    """New figures, by container."""

    usage: dict[str, Usage]


@dataclass(frozen=True, slots=True)
class Failed:
    """A helper thread has lost the engine; None: the engine ended the stream."""

    error: BaseException | None


Message = Happened | Measured | Failed


class Session:
    """Used once. `run` belongs to one thread; `abort` may come from any."""

    def __init__(self, connection: DockerConnection, source: SourceId, link: Link) -> None:
        self._connection = connection
        self._source = source
        self._link = link
        self._wires = Wires()
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._catalogue = Catalogue(source)
        self._engine: Engine | None = None
        self._listener: Thread | None = None
        self._sampler: Sampler | None = None

    def run(self, emit: Emit, stop: Event) -> None:
        """Follow the engine until `stop` is set; raises LabError when it is lost or `abort` was called."""
        try:
            self._follow(emit, stop)
        except FAILURES as error:
            if stop.is_set():
                return
            raise self._in_words(error) from error
        except LabError as error:
            if stop.is_set():
                return
            raise self._in_words(error) from error
        finally:
            self._end()

    def abort(self) -> None:
        """Make `run` return or raise at once."""
        self._wires.cut()
        self._inbox.put(Failed(None))

    def _follow(self, emit: Emit, stop: Event) -> None:
        self._link.ready(stop)
        if stop.is_set():
            return
        engine = self._engine = Engine(self._connection, self._link, self._wires)
        self._read(engine, engine.ids())
        if stop.is_set():
            return
        emit(self._catalogue.resync())
        emit(Live(self._source))
        self._listener = Thread(
            target=self._listen, args=(engine,), name=f"docker events {self._source.scope}", daemon=True
        )
        self._listener.start()
        sampler = self._sampler = Sampler(
            engine, lambda usage: self._inbox.put(Measured(usage)), lambda error: self._inbox.put(Failed(error))
        )
        sampler.watch(self._catalogue.running())
        sampler.start()
        heard = time.monotonic()
        while not stop.is_set():
            if batch := self._gather():
                heard = time.monotonic()
                self._apply(engine, batch)
                for change in self._catalogue.changes():
                    emit(change)
                sampler.watch(self._catalogue.running())
            elif time.monotonic() - heard > HEARTBEAT_SECONDS:
                engine.ping()
                heard = time.monotonic()

    def _listen(self, engine: Engine) -> None:
        """The events' thread. The stream begins before the list was asked for: no change is missed in between."""
        try:
            for event in engine.events(engine.now, ACTIONS):
                actor = event.get("Actor") or {}
                self._inbox.put(Happened(str(actor.get("ID") or ""), str(event.get("Action") or "")))
        except FAILURES as error:
            self._inbox.put(Failed(error))
        else:
            self._inbox.put(Failed(None))

    def _raise_if_failed(self, message: Message) -> None:
        if not isinstance(message, Failed):
            return
        if message.error is not None:
            raise explain(message.error, self._connection) from message.error
        if self._link.closed:
            raise Unreachable("Connection closed", "labtui has closed the connection")
        raise Unreachable("Connection lost", "the engine has closed the connection")

    def _gather(self) -> list[Message]:
        """What has come, a short while after the first; empty when nothing comes for `WAKE_SECONDS`."""
        batch: list[Message] = []
        wait = WAKE_SECONDS
        while True:
            try:
                message = self._inbox.get(timeout=wait)
            except Empty:
                return batch
            self._raise_if_failed(message)
            if not batch:
                end = time.monotonic() + SETTLE_SECONDS
            batch.append(message)
            wait = end - time.monotonic()
            if wait <= 0:
                return batch

    def _apply(self, engine: Engine, batch: Iterable[Message]) -> None:
        last: dict[str, str] = {}
        for message in batch:
            match message:
                case Measured(usage):
                    for ident, one in usage.items():
                        self._catalogue.measure(ident, one)
                case Happened(ident, action) if ident:
                    last[ident] = action
        for ident in (i for i, action in last.items() if action == "destroy"):
            self._catalogue.drop(ident)
        self._read(engine, [i for i, action in last.items() if action != "destroy"])

    def _read(self, engine: Engine, idents: list[str]) -> None:
        """Inspect these containers; several at once when they are many."""
        workers = min(WORKERS, len(idents) // CONTAINERS_A_WORKER)
        docs: Iterable[dict[str, Any] | None]
        if workers < 2:
            docs = [engine.inspect(ident) for ident in idents]
        else:
            with ThreadPoolExecutor(workers, "docker inspect") as pool:
                docs = list(pool.map(engine.inspect, idents))
        for ident, doc in zip(idents, docs, strict=True):
            if doc is None:
                self._catalogue.drop(ident)
            else:
                self._catalogue.put(placed(doc, self._source))

    def _in_words(self, error: BaseException) -> LabError:
        """What ssh says comes first: it knows why the stream has ended. A server's own answer stays."""
        known = explain(error, self._connection)
        if isinstance(known, Unreachable) and not self._link.closed:
            return self._link.fault() or known
        return known

    def _end(self) -> None:
        if self._sampler is not None:
            self._sampler.end()
        self._wires.cut()
        self._link.close()
        if self._sampler is not None:
            self._sampler.join(1)
        if self._listener is not None:
            self._listener.join(1)
        if self._engine is not None:
            self._engine.close()
