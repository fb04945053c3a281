"""From many feed threads to one owner: changes wait here, coalesced, until they are fetched."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labtui.domain.changes import Change, Live, Remove, Resync, StatusChanged, Upsert
from labtui.domain.ref import SourceId


class Mailbox:
    """Changes that nobody has fetched yet; of several about one thing only the last is kept.

    `wake` is called, from the thread that put, when the first change arrives after a `drain`; never again before the next.
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._pending: dict[object, Change] = {}
        self._arrived = threading.Event()

    def put(self, change: Change) -> None:
        """From any thread: leave a change."""
        with self._lock:
            first = not self._pending
            self._store(change)
            self._arrived.set()
        if first:
            self._wake()

    def _store(self, change: Change) -> None:
        key: object
        match change:
            case Upsert(resource):
                key = resource.ref
            case Remove(ref):
                key = ref
            case Resync(source, kinds, _):
                # what came before the list is in the list
                stale = [k for k, c in self._pending.items() if _overtaken(c, source, kinds)]
                for old in stale:
                    del self._pending[old]
                key = (source, kinds)
            case StatusChanged(source, _) | Live(source, _):
                key = (type(change), source)
        self._pending[key] = change

    def drain(self) -> list[Change]:
        """Everything that waits, in the order that keeps its meaning."""
        with self._lock:
            changes = list(self._pending.values())
            self._pending.clear()
            self._arrived.clear()
        return changes

    def wait(self, seconds: float) -> bool:
        """Block until something waits; False when nothing came in time."""
        return self._arrived.wait(seconds)


def _overtaken(change: Change, source: SourceId, kinds: frozenset[str]) -> bool:
    match change:
        case Upsert(resource):
            return resource.ref.source == source and resource.ref.kind in kinds
        case Remove(ref):
            return ref.source == source and ref.kind in kinds
        case _:
            return False
