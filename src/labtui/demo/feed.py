"""Following one source of the simulated estate, and examining it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

from labtui.demo import faults as words
from labtui.demo.examination import examine
from labtui.demo.faults import Fault
from labtui.demo.world import ANSWER_SLOWLY, CONNECT_SLOWLY, Subscription, World
from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.checks import Check
from labtui.domain.errors import Unreachable
from labtui.domain.ref import SourceId, SourceKind
from labtui.domain.resources.kubernetes import WORKLOAD_KINDS
from labtui.ports import Emit

KINDS: dict[SourceKind, tuple[frozenset[str], ...]] = {  # what is listed together
    SourceKind.ARGOCD: (frozenset({"Application"}),),
    SourceKind.KUBERNETES: tuple(
        frozenset({kind})
        for kind in (
            *WORKLOAD_KINDS,
            "Pod",
            "Service",
            "EndpointSlice",
            "Ingress",
            "PersistentVolumeClaim",
            "Event",
            "Node",
        )
    ),
    SourceKind.DOCKER: (frozenset({"ComposeService", "Container"}),),
    SourceKind.VAULT: (frozenset({"Secret"}),),
}
# A cluster that denies something denies what is not in the user's namespaces.
DENIED_KINDS = frozenset({"Node", "PersistentVolumeClaim"})
DENIED_PLURALS = ("nodes", "persistentvolumeclaims")
DENIED_NOTES = tuple(f"{plural} denied" for plural in DENIED_PLURALS)
NOTICE_STOP = 0.25  # seconds within which a set `stop` is noticed when nobody calls `close`


class DemoFeed:
    """Implements `ports.Feed` and `ports.Diagnosable`."""

    def __init__(self, world: World, source: SourceId, notes: tuple[str, ...] = ()) -> None:
        self._world = world
        self._source = source
        self._notes = notes
        self._lines: list[Subscription] = []

    @property
    def source(self) -> SourceId:
        """Which source."""
        return self._source

    def follow(self, emit: Emit, stop: Event) -> None:
        """As the port says; what it raises is what the source's fault says."""
        with self._world.lock:
            line = self._world.subscribe(self._source)
            self._lines.append(line)
        try:
            self._connect(line, stop)
            known: Fault | None = Fault.SLOW  # anything but what is found first
            fresh = True
            while not stop.is_set():
                changes, fault = self._take(line, stop, known, fresh)
                if fault is Fault.SLOW and not fresh and not self._wait(ANSWER_SLOWLY, line, stop):
                    return
                for change in changes:
                    emit(change)
                known, fresh = fault, False
        finally:
            with self._world.lock:
                self._world.unsubscribe(line)
                self._lines.remove(line)

    def close(self) -> None:
        """End a running `follow`."""
        with self._world.changed:
            for line in self._lines:
                line.closed = True
            self._world.changed.notify_all()

    def _connect(self, line: Subscription, stop: Event) -> None:
        if self._world.fault(self._source) is Fault.SLOW:
            self._wait(CONNECT_SLOWLY, line, stop)

    def _wait(self, seconds: float, line: Subscription, stop: Event) -> bool:
        """Wait in real time (in a frozen world: until it has passed there), unless the source heals. False when stopped."""
        world = self._world
        real_end = time.monotonic() + seconds / world.speed
        begun = world.clock.now()
        with world.changed:
            while not stop.is_set():
                self._check_alive(line)
                if world.fault(self._source) is not Fault.SLOW:
                    return True
                passed = (world.clock.now() - begun).total_seconds()
                left = seconds - passed if world.clock.frozen else real_end - time.monotonic()
                if left <= 0:
                    return True
                world.changed.wait(min(NOTICE_STOP, left))
        return False

    def _check_alive(self, line: Subscription) -> None:
        found = words.error(self._source.label, self._world.fault(self._source))
        if found:
            raise found
        if line.closed:
            raise Unreachable("The connection was closed")

    def _take(
        self, line: Subscription, stop: Event, known: Fault | None, fresh: bool
    ) -> tuple[list[Change], Fault | None]:
        """Wait for something to tell. The first time, and when what may be seen has changed, that is everything."""
        world = self._world
        with world.changed:
            while not stop.is_set():
                self._check_alive(line)
                fault = world.fault(self._source)
                denied = fault is Fault.DENIED
                if fresh or denied is not (known is Fault.DENIED):
                    line.queue.clear()
                    return self._everything(denied), fault
                if line.queue:
                    changes = [c for c in line.queue if not (denied and _kind(c) in DENIED_KINDS)]
                    line.queue.clear()
                    return changes, fault
                world.changed.wait(NOTICE_STOP)
        return [], known

    def _everything(self, denied: bool) -> list[Change]:
        found: list[Change] = []
        for kinds in KINDS[self._source.kind]:
            hidden = denied and kinds <= DENIED_KINDS
            resources = () if hidden else self._world.of(self._source, kinds)
            found.append(Resync(self._source, kinds, resources))
        found.append(Live(self._source, DENIED_NOTES if denied else self._notes))
        return found

    def check(self) -> Iterator[Check]:
        """See `ports.Diagnosable`."""
        return examine(self._world, self._source, DENIED_PLURALS)


def _kind(change: Change) -> str:
    match change:
        case Upsert(resource):
            return resource.ref.kind
        case Remove(ref):
            return ref.kind
        case _:
            return ""
