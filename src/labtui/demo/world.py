"""The simulated world: what there is, who listens, what will happen when, and what is broken. One lock for all of it."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from labtui.demo import faults as words
from labtui.demo.clock import DemoClock
from labtui.demo.faults import SOURCES, Fault
from labtui.domain.changes import Change, Remove, Upsert
from labtui.domain.errors import Invalid
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import Resource

CONNECT_SLOWLY = 6.0  # seconds until a slow source is live
ANSWER_SLOWLY = 2.5  # seconds that a slow source takes to answer, or to tell a change


class Subscription:
    """One listener of one source: the changes that it has not taken yet."""

    def __init__(self, source: SourceId) -> None:
        self.source = source
        self.queue: deque[Change] = deque()
        self.closed = False


class World:
    """Resources by source. Everything that happens later is a scheduled piece of work; nothing else runs."""

    def __init__(
        self, clock: DemoClock, sources: Iterable[SourceId], faults: Mapping[str, Fault], speed: float
    ) -> None:
        self.clock = clock
        self.speed = speed
        self.began = clock.now()
        self.sources: dict[str, SourceId] = {source.label: source for source in sources}
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._resources: dict[SourceId, dict[Ref, Resource]] = {source: {} for source in self.sources.values()}
        self._subscriptions: list[Subscription] = []
        self._faults: dict[str, Fault] = {}
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._driver: threading.Thread | None = None
        self._background = 0  # pieces of work that need nobody to run on for them
        clock.drive(self)
        for name, fault in faults.items():
            self.set_fault(name, fault)

    # What there is

    def put(self, resource: Resource) -> None:
        """A resource is new or has changed; equal ones are no change."""
        with self.lock:
            known = self._resources[resource.ref.source]
            if known.get(resource.ref) != resource:
                known[resource.ref] = resource
                self._tell(resource.ref.source, Upsert(resource))

    def remove(self, ref: Ref) -> None:
        """A resource is gone."""
        with self.lock:
            if self._resources[ref.source].pop(ref, None) is not None:
                self._tell(ref.source, Remove(ref))

    def get(self, ref: Ref) -> Resource | None:
        """The resource of this identity."""
        with self.lock:
            return self._resources.get(ref.source, {}).get(ref)

    def of(self, source: SourceId, kinds: Iterable[str] = ()) -> tuple[Resource, ...]:
        """All resources of a source, of these kinds if any are given."""
        wanted = frozenset(kinds)
        with self.lock:
            return tuple(r for ref, r in self._resources[source].items() if not wanted or ref.kind in wanted)

    # Who listens

    def subscribe(self, source: SourceId) -> Subscription:
        """Listen from now on; hold the lock while taking what there is to miss nothing."""
        with self.lock:
            subscription = Subscription(source)
            self._subscriptions.append(subscription)
            self.start()
            return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Listen no longer."""
        with self.lock:
            self._subscriptions.remove(subscription)
            self.changed.notify_all()

    def _tell(self, source: SourceId, change: Change) -> None:
        listeners = [s for s in self._subscriptions if s.source == source]
        for subscription in listeners:
            subscription.queue.append(change)
        if listeners:
            self.changed.notify_all()

    # What is broken

    def fault(self, source: SourceId) -> Fault | None:
        """What is wrong with a source."""
        with self.lock:
            return self._faults.get(source.label)

    def set_fault(self, name: str, fault: Fault | None) -> None:
        """Break a source, or heal it. Raises Invalid for an unknown name."""
        label = SOURCES.get(name)
        if label is None:
            raise Invalid(f"{name!r} is no source of the demo", f"known are {', '.join(SOURCES)}")
        with self.lock:
            if fault is None:
                self._faults.pop(label, None)
            else:
                self._faults[label] = fault
            self.changed.notify_all()

    def trouble(self, name: str) -> Fault | None:
        """What is wrong with something that is no source of the screen: git, pods, traffic."""
        with self.lock:
            return self._faults.get(name)

    def answer(self, source: SourceId) -> None:
        """Every request to a source passes here: it takes its time, or raises the source's error."""
        self.demand(source.label)

    def demand(self, label: str) -> None:
        """The same by the source's label."""
        self.start()
        end = time.monotonic() + ANSWER_SLOWLY / max(self.speed, 1)
        while True:
            with self.changed:
                fault = self._faults.get(label)
                found = words.error(label, fault)
                if found:
                    raise found
                left = end - time.monotonic()
                if fault is not Fault.SLOW or left <= 0 or self.clock.frozen:
                    return
                self.changed.wait(left)

    # What will happen

    def after(self, seconds: float, work: Callable[[], None], *, background: bool = False) -> None:
        """Do `work` in so many seconds of the estate's time (`speed` shortens them), holding the lock.

        `background` work is only done while somebody listens; all other work always.
        """

        def counted() -> None:
            self._background -= 1
            work()

        with self.lock:
            due = self.clock.now() + timedelta(seconds=seconds / self.speed)
            self._background += background
            heapq.heappush(self._due, (due, next(self._number), counted if background else work))
            self.start()
            self.changed.notify_all()

    def next_due(self) -> datetime | None:
        """When the next piece of work is due."""
        with self.lock:
            return self._due[0][0] if self._due else None

    def run_due(self) -> None:
        """Do what is due now, in its order."""
        with self.lock:
            while self._due and self._due[0][0] <= self.clock.now():
                heapq.heappop(self._due)[2]()

    def start(self) -> None:
        """Let time pass: with a real clock a daemon thread does what is due, as long as there is a reason to."""
        with self.lock:
            if self.clock.frozen or (self._driver is not None and self._driver.is_alive()) or not self._needed():
                return
            self._driver = threading.Thread(target=self._drive, name="demo estate", daemon=True)
            self._driver.start()

    def _needed(self) -> bool:
        return bool(self._due) and (bool(self._subscriptions) or len(self._due) > self._background)

    def _drive(self) -> None:
        with self.changed:
            while self._needed():
                self.run_due()
                due = self.next_due()
                self.changed.wait(None if due is None else max(0.0, (due - self.clock.now()).total_seconds()))
            self._driver = None
