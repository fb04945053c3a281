"""What is known: every resource by its Ref, and the state of every source. Owned by one thread, its user's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from labtui.domain.changes import Change, Live, Remove, Resync, StatusChanged, Upsert
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import (
    Application,
    EndpointSlice,
    Ingress,
    KubeEvent,
    PersistentVolumeClaim,
    Pod,
    Resource,
    Service,
    Workload,
)
from labtui.domain.states import FeedStatus


@dataclass(frozen=True, slots=True)
class Delta:
    """What a batch of changes did: only real differences are in it."""

    changed: tuple[Resource, ...] = ()
    removed: tuple[Ref, ...] = ()
    sources: tuple[SourceId, ...] = ()  # whose status changed

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed or self.sources)


class Inventory:
    """Facts by Ref. `apply` is its only way in; not thread-safe: one thread applies and reads."""

    def __init__(self) -> None:
        self._resources: dict[SourceId, dict[Ref, Resource]] = {}
        self._statuses: dict[SourceId, FeedStatus] = {}

    def apply(self, changes: Iterable[Change]) -> Delta:
        """Take changes in, in their order, and tell what is different now."""
        before: dict[Ref, Resource | None] = {}
        sources: dict[SourceId, None] = {}
        for change in changes:
            match change:
                case Upsert(resource):
                    self._put(resource, before)
                case Remove(ref):
                    self._drop(ref, before)
                case Resync():
                    self._replace(change, before)
                case StatusChanged(source, status):
                    if self._statuses.get(source) != status:
                        self._statuses[source] = status
                        sources[source] = None
                case Live():
                    pass  # the feed runner turns it into a status
        changed, removed = [], []
        for ref, old in before.items():
            new = self.get(ref)
            if new is None and old is not None:
                removed.append(ref)
            elif new is not None and new != old:
                changed.append(new)
        return Delta(tuple(changed), tuple(removed), tuple(sources))

    def _replace(self, resync: Resync, before: dict[Ref, Resource | None]) -> None:
        kept = {resource.ref for resource in resync.resources}
        known = self._resources.get(resync.source, {})
        for ref in [r for r in known if r.kind in resync.kinds and r not in kept]:
            self._drop(ref, before)
        for resource in resync.resources:
            self._put(resource, before)

    def _put(self, resource: Resource, before: dict[Ref, Resource | None]) -> None:
        known = self._resources.setdefault(resource.ref.source, {})
        before.setdefault(resource.ref, known.get(resource.ref))
        known[resource.ref] = resource

    def _drop(self, ref: Ref, before: dict[Ref, Resource | None]) -> None:
        old = self._resources.get(ref.source, {}).pop(ref, None)
        if old is not None:
            before.setdefault(ref, old)

    def get(self, ref: Ref) -> Resource | None:
        """The resource of this identity, if it is known."""
        return self._resources.get(ref.source, {}).get(ref)

    def status(self, source: SourceId) -> FeedStatus | None:
        """The state of a source, None before its feed was started."""
        return self._statuses.get(source)

    def of(self, source: SourceId, kinds: Iterable[str] = ()) -> Iterator[Resource]:
        """All resources of a source, of these kinds if any are given."""
        wanted = frozenset(kinds)
        for ref, resource in self._resources.get(source, {}).items():
            if not wanted or ref.kind in wanted:
                yield resource

    def applications(self) -> tuple[Application, ...]:
        """Every Argo CD application known, by name."""
        found = [r for known in self._resources.values() for r in known.values() if isinstance(r, Application)]
        return tuple(sorted(found, key=lambda a: (a.ref.name, a.ref.namespace)))

    # What belongs together in a cluster

    def pods_of(self, workload: Workload) -> tuple[Pod, ...]:
        """The pods that a workload owns."""
        pods = self.of(workload.ref.source, ("Pod",))
        return tuple(p for p in pods if isinstance(p, Pod) and p.owner == workload.ref)

    def services_of(self, workload: Workload) -> tuple[Service, ...]:
        """The Services whose selector picks a pod of this workload."""
        labels = [set(pod.labels) for pod in self.pods_of(workload)] or [set(workload.selector)]
        return tuple(
            s
            for s in self.of(workload.ref.source, ("Service",))
            if isinstance(s, Service)
            and s.ref.namespace == workload.ref.namespace
            and s.selector
            and any(set(s.selector) <= have for have in labels)
        )

    def slices_of(self, service: Service) -> tuple[EndpointSlice, ...]:
        """The EndpointSlices behind a Service."""
        return tuple(
            e
            for e in self.of(service.ref.source, ("EndpointSlice",))
            if isinstance(e, EndpointSlice)
            and e.ref.namespace == service.ref.namespace
            and e.service == service.ref.name
        )

    def ingresses_of(self, service: Service) -> tuple[Ingress, ...]:
        """The Ingresses that send something to a Service (rule backends are `service:port`)."""
        return tuple(
            i
            for i in self.of(service.ref.source, ("Ingress",))
            if isinstance(i, Ingress)
            and i.ref.namespace == service.ref.namespace
            and any(backend.rpartition(":")[0] == service.ref.name for _, backend in i.rules)
        )

    def claims_in(self, source: SourceId, namespace: str) -> tuple[PersistentVolumeClaim, ...]:
        """The PersistentVolumeClaims of a namespace."""
        claims = self.of(source, ("PersistentVolumeClaim",))
        return tuple(c for c in claims if isinstance(c, PersistentVolumeClaim) and c.ref.namespace == namespace)

    def events_about(self, *refs: Ref) -> tuple[KubeEvent, ...]:
        """Events about these objects, newest first."""
        wanted = {(r.source, r.kind, r.namespace, r.name) for r in refs}
        found = [
            e
            for source in {r.source for r in refs}
            for e in self.of(source, ("Event",))
            if isinstance(e, KubeEvent) and (e.about.source, e.about.kind, e.about.namespace, e.about.name) in wanted
        ]
        return tuple(sorted(found, key=lambda e: e.seen.timestamp() if e.seen else 0.0, reverse=True))
