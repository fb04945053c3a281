"""Everything the watches found, joined: pods to their workloads, usage to pods and nodes. Tells only real changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import nlargest

from labtui.adapters.kubernetes.kinds import KINDS, Fact
from labtui.adapters.kubernetes.pods import PodFacts
from labtui.adapters.kubernetes.workloads import join, join_runs
from labtui.domain.changes import Live, Remove, Resync, Upsert
from labtui.domain.errors import Denied, LabError
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import KubeEvent, Node, Pod, Resource, Workload
from labtui.domain.resources.kubernetes import WORKLOAD_KINDS, Usage
from labtui.domain.states import Level
from labtui.ports import Clock, Emit

# Events are kept as a window on the newest; some slack, so that not each new one costs a search for the oldest.
EVENTS = 500
SLACK = 50
JOINED = frozenset({"Pod", *WORKLOAD_KINDS})


class World:
    """The state of one cluster as it was told. Thread-safe; `emit` is called under its lock, so changes keep their order.

    The joined kinds (pods and workloads) are held back until all of them are listed: a workload is never shown
    without its pods. `failed` is called with the error when nothing essential can be read.
    """

    def __init__(self, source: SourceId, emit: Emit, clock: Clock, failed: Callable[[LabError], None]) -> None:
        self._source, self._emit, self._clock, self._failed = source, emit, clock, failed
        self._lock = threading.RLock()
        self._facts: dict[str, dict[Ref, Fact]] = {kind.name: {} for kind in KINDS}
        self._pods_by: dict[Ref, dict[Ref, None]] = {}  # the pods of a controller
        self._jobs_by: dict[Ref, dict[Ref, None]] = {}  # the Jobs of a CronJob
        self._shown: dict[Ref, Resource] = {}
        self._usage: dict[Ref, Usage] = {}
        self._unlisted = {kind.name for kind in KINDS}
        self._absent: dict[str, tuple[str, LabError]] = {}
        self.all_listed = threading.Event()  # every kind is listed, or known not to be
        self._live = False
        self._notes: tuple[str, ...] = ()

    # What the watches tell (see watching.Sink)

    def replace(self, kind: str, facts: Sequence[Fact]) -> None:
        """See `watching.Sink`."""
        with self._lock:
            if kind == "Event":
                facts = _newest(facts)
            for ref in list(self._facts[kind]):
                self._unlink(ref)
            self._facts[kind] = {fact.ref: fact for fact in facts}
            for fact in facts:
                self._link(fact)
            self._absent.pop(kind, None)
            self._listed(kind)

    def upsert(self, kind: str, fact: Fact) -> None:
        """See `watching.Sink`."""
        with self._lock:
            before = self._facts[kind].get(fact.ref)
            if before == fact:
                return
            self._unlink(fact.ref)
            self._facts[kind][fact.ref] = fact
            self._link(fact)
            self._tell([fact.ref, *self._touched(before), *self._touched(fact)])
            if kind == "Event":
                self._trim_events()

    def remove(self, ref: Ref) -> None:
        """See `watching.Sink`."""
        with self._lock:
            before = self._facts[ref.kind].get(ref)
            if before is None:
                return
            self._unlink(ref)
            del self._facts[ref.kind][ref]
            self._usage.pop(ref, None)
            self._drop(ref)
            self._tell(self._touched(before))

    def absent(self, kind: str, note: str, error: LabError) -> None:
        """See `watching.Sink`."""
        with self._lock:
            self._absent[kind] = (note, error)
            missing = [self._absent[k.name][1] for k in KINDS if k.essential and k.name in self._absent]
            if len(missing) == sum(k.essential for k in KINDS):
                denied = next((e for e in missing if isinstance(e, Denied)), missing[0])
                self._failed(denied)
                return
            self._listed(kind)

    # What the pollers tell

    def measured(self, usage: Mapping[Ref, Usage]) -> None:
        """New measurements of pods and nodes; what is not in it is not measured any more."""
        with self._lock:
            changed = [ref for ref in {**self._usage, **usage} if self._usage.get(ref) != usage.get(ref)]
            self._usage = dict(usage)
            known = [fact for ref in changed if (fact := self._facts[ref.kind].get(ref)) is not None]
            self._tell([ref for fact in known for ref in (fact.ref, *self._touched(fact))])

    def used(self) -> Mapping[Ref, Usage]:
        """The measurements shown now."""
        with self._lock:
            return self._usage

    def tick(self) -> None:
        """Time has passed: workloads with pods that are not ready may have run out of patience."""
        with self._lock:
            waiting = {f.controller for f in self._facts["Pod"].values() if isinstance(f, PodFacts) and f.unready_since}
            self._tell([ref for ref in waiting if ref is not None])

    # Joining

    def _link(self, fact: Fact) -> None:
        if isinstance(fact, PodFacts) and fact.controller is not None:
            self._pods_by.setdefault(fact.controller, {})[fact.ref] = None
        elif isinstance(fact, Workload) and fact.owner is not None:
            self._jobs_by.setdefault(fact.owner, {})[fact.ref] = None

    def _unlink(self, ref: Ref) -> None:
        fact = self._facts[ref.kind].get(ref)
        if isinstance(fact, PodFacts) and fact.controller is not None:
            _discard(self._pods_by, fact.controller, ref)
        elif isinstance(fact, Workload) and fact.owner is not None:
            _discard(self._jobs_by, fact.owner, ref)

    def _touched(self, fact: Fact | None) -> list[Ref]:
        """What else may look different when this fact changes."""
        if isinstance(fact, PodFacts) and fact.controller is not None:
            owner = self._owner(fact)
            return [fact.controller, *([owner] if owner and owner != fact.controller else [])]
        if isinstance(fact, Workload) and fact.ref.kind == "Job":
            return [*self._pods_by.get(fact.ref, ()), *([fact.owner] if fact.owner else [])]
        return []

    def _owner(self, pod: PodFacts) -> Ref | None:
        job = self._facts["Job"].get(pod.controller) if pod.controller else None
        return job.owner if isinstance(job, Workload) and job.owner else pod.controller

    def _joined(self, fact: Fact) -> Resource:
        if isinstance(fact, PodFacts):
            return self._pod(fact)
        if isinstance(fact, Workload):
            return self._workload(fact)
        if isinstance(fact, Node) and fact.ref in self._usage:
            return replace(fact, usage=self._usage[fact.ref])
        return fact

    def _pod(self, fact: PodFacts) -> Pod:
        owner, usage, level = self._owner(fact), self._usage.get(fact.ref), fact.pod.level
        job = self._facts["Job"].get(fact.controller) if fact.controller else None
        if isinstance(job, Workload) and job.status == "Complete" and fact.finished:
            level = Level.OFF  # a failed try of a Job that succeeded in the end
        if (owner, usage, level) == (fact.pod.owner, None, fact.pod.level):
            return fact.pod
        return replace(fact.pod, owner=owner, usage=usage, level=level)

    def _workload(self, fact: Workload) -> Workload:
        jobs = [j for ref in self._jobs_by.get(fact.ref, ()) if isinstance(j := self._facts["Job"].get(ref), Workload)]
        refs = [r for owner in (fact.ref, *(j.ref for j in jobs)) for r in self._pods_by.get(owner, ())]
        pods = [(p, self._usage.get(r)) for r in refs if isinstance(p := self._facts["Pod"].get(r), PodFacts)]
        joined = join(fact, pods, self._clock.now())
        return join_runs(joined, jobs) if jobs else joined

    # Telling

    def _listed(self, kind: str) -> None:
        self._unlisted.discard(kind)
        if kind not in JOINED:
            self._resync(kind)
        elif not self._unlisted & JOINED:
            # all are joined anew: a list of one kind may change what the others look like
            again = kind in {r.kind for r in self._shown} or self._live
            for name in [kind] if again else [k.name for k in KINDS if k.name in JOINED]:
                self._resync(name)
            if again:
                self._tell([ref for name in sorted(JOINED - {kind}) for ref in self._facts[name]])
        self._announce()

    def _resync(self, kind: str) -> None:
        if kind in self._absent:
            return  # not known is not the same as none
        found = {ref: self._joined(fact) for ref, fact in self._facts[kind].items()}
        for ref in [r for r in self._shown if r.kind == kind and r not in found]:
            del self._shown[ref]
        self._shown.update(found)
        self._emit(Resync(self._source, frozenset({kind}), tuple(found.values())))

    def _tell(self, refs: Iterable[Ref]) -> None:
        for ref in dict.fromkeys(refs):
            if ref.kind in self._unlisted or (ref.kind in JOINED and self._unlisted & JOINED):
                continue
            fact = self._facts[ref.kind].get(ref)
            if fact is None:
                continue
            joined = self._joined(fact)
            if self._shown.get(ref) != joined:
                self._shown[ref] = joined
                self._emit(Upsert(joined))

    def _drop(self, ref: Ref) -> None:
        if self._shown.pop(ref, None) is not None:
            self._emit(Remove(ref))

    def _trim_events(self) -> None:
        events = self._facts["Event"]
        if len(events) <= EVENTS + SLACK:
            return
        newest = {event.ref for event in _newest(events.values())}
        for ref in [r for r in events if r not in newest]:
            del events[ref]
            self._drop(ref)

    def _announce(self) -> None:
        notes = tuple(sorted(note for note, _ in self._absent.values()))
        if not self._unlisted:
            self.all_listed.set()
        if not self._unlisted and (not self._live or notes != self._notes):
            self._live, self._notes = True, notes
            self._emit(Live(self._source, notes))


def _newest(facts: Iterable[Fact]) -> list[KubeEvent]:
    return nlargest(EVENTS, (f for f in facts if isinstance(f, KubeEvent)), key=_seen)


def _seen(event: KubeEvent) -> float:
    return event.seen.timestamp() if event.seen else 0.0


def _discard(index: dict[Ref, dict[Ref, None]], key: Ref, ref: Ref) -> None:
    members = index.get(key)
    if members is not None:
        members.pop(ref, None)
        if not members:
            del index[key]
