"""One kind: list it, watch it, for ever; what is found goes to a `Sink`.

Rules (Kubernetes API concepts, "Efficient detection of changes"): a watch starts at the list's resource version; bookmarks
move it on without an object; when the server closes, the watch resumes from the last version seen; 410 means list again.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from labtui.adapters.kubernetes.kinds import Fact, Kind
from labtui.adapters.kubernetes.objects import ref_of
from labtui.adapters.kubernetes.reading import Json, number, rows, sub, text
from labtui.adapters.kubernetes.wire import Busy, Expired, Transport
from labtui.domain.errors import Denied, LabError, NotFound, Refused, Unreachable
from labtui.domain.ref import Ref, SourceId

log = logging.getLogger(__name__)

PAGE = 1000
WATCH_SECONDS = 240
# Over this many failures without an event between them the server counts as gone.
FAILURES = 3
ABSENT_RETRY = 60.0


class Sink(Protocol):
    """Takes in what a watch finds."""

    def replace(self, kind: str, facts: Sequence[Fact]) -> None:
        """These are all of the kind."""

    def upsert(self, kind: str, fact: Fact) -> None:
        """One is new or has changed."""

    def remove(self, ref: Ref) -> None:
        """One is gone."""

    def absent(self, kind: str, note: str, error: LabError) -> None:
        """The kind cannot be read."""


class Pause(Protocol):
    """Waits; returns True when it is over because everything is to end."""

    def __call__(self, seconds: float | None, /) -> bool: ...


class _Relist(Exception):
    """The watch cannot go on from where it is."""


class Watch:
    """Follows one kind until `pause` says that it is over."""

    def __init__(
        self,
        kind: Kind,
        source: SourceId,
        wire: Transport,
        sink: Sink,
        pause: Pause,
        turn: AbstractContextManager[object] | None = None,
        all_listed: threading.Event | None = None,
    ) -> None:
        """Lists inside `turn`, so that a few connections (each a TLS handshake) serve all lists, and opens its watch, which
        keeps a connection to itself, when `all_listed` is set."""
        self._kind, self._source, self._wire, self._sink, self._pause = kind, source, wire, sink, pause
        self._turn = turn or nullcontext()
        self._all_listed = all_listed
        self._version = ""
        self._failures = 0

    def run(self) -> None:
        """List and watch until `pause` says that it is over. Raises SignedOut, or Unreachable when the server is gone."""
        while not self._pause(0):
            try:
                with self._turn:
                    facts = self._retried_list()
                self._sink.replace(self._kind.name, facts)
                while self._all_listed and not self._all_listed.wait(0.25) and not self._pause(0):
                    pass
                while not self._pause(0):
                    self._watch()
            except (_Relist, Expired) as why:
                log.info("listing %s again: %s", self._kind.plural, why)
            except (Denied, NotFound, Refused) as error:
                word = {Denied: "denied", NotFound: "not served"}.get(type(error), "unreadable")
                self._sink.absent(self._kind.name, f"{self._kind.plural} {word}", error)
                self._pause(ABSENT_RETRY)

    def _retried_list(self) -> list[Fact]:
        while True:
            try:
                facts = self._list()
            except Busy as error:
                self._failed(error)
                continue
            return facts

    def _list(self) -> list[Fact]:
        facts: list[Fact] = []
        token, limit = "", PAGE
        while True:
            query: dict[str, str | int] = {"limit": limit} if limit else {}
            if token:
                query["continue"] = token
            try:
                page = self._wire.get(self._kind.path, query)
            except Expired:
                if not token:
                    raise
                # the continue token has expired: all in one go
                facts, token, limit = [], "", 0
                continue
            parsed = (self._kind.parse(item, self._source) for item in rows(page, "items"))
            facts.extend(fact for fact in parsed if fact is not None)
            token = text(page, "metadata", "continue")
            if not token:
                self._version = text(page, "metadata", "resourceVersion")
                return facts

    def _watch(self) -> None:
        """One watch request, to its end."""
        seconds = WATCH_SECONDS + random.randrange(60)
        query: dict[str, str | int] = {
            "watch": 1,
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": seconds,
        }
        heard = False
        began = time.monotonic()
        try:
            with self._wire.stream(self._kind.path, query, seconds + 30) as stream:
                for line in stream.lines():
                    heard = True
                    self._failures = 0
                    self._take(line)
        except Unreachable as error:
            if heard and not isinstance(error, Busy):
                return  # a connection broke; the next request tells whether the server is there
            self._failed(error)
        else:
            if heard or time.monotonic() - began > 5:
                self._failures = 0
                return
            # closed at once without a word: it is the server's right, but not a reason to ask in a tight loop
            self._failures = min(self._failures + 1, 8)
            self._pause(0.05 * 2**self._failures if self._failures > 1 else 0)

    def _failed(self, error: Unreachable) -> None:
        self._failures += 1
        if self._failures > FAILURES or error.detail == "connection refused" or self._pause(0.1 * 2**self._failures):
            raise error

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = json.loads(line)
        except ValueError:
            raise _Relist("a line that is not JSON") from None
        kind, obj = text(event, "type"), sub(event, "object")
        if kind == "ERROR":
            if number(obj, "code") != 410:
                self._pause(1.0)
            raise _Relist(text(obj, "message") or "the server ended the watch")
        self._version = text(obj, "metadata", "resourceVersion") or self._version
        if kind in ("ADDED", "MODIFIED"):
            self._changed(obj)
        elif kind == "DELETED":
            ref = ref_of(self._kind.name, obj, self._source)
            if ref is not None:
                self._sink.remove(ref)

    def _changed(self, obj: Json) -> None:
        fact = self._kind.parse(obj, self._source)
        if fact is not None:
            self._sink.upsert(self._kind.name, fact)
