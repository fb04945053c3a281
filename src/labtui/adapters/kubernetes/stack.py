"""What the cluster has of one stack, and its objects by identity: `ports.stacks.StackCluster` and `ports.stacks.Objects`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import quote

from labtui.adapters.kubernetes.objects import parse_slice
from labtui.adapters.kubernetes.pods import broken, parse_pod
from labtui.adapters.kubernetes.reading import Json, number, rows, sub, text
from labtui.adapters.kubernetes.wire import Expired, Query, Wire
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Invalid, NotFound, OutcomeUnknown, Refused
from labtui.domain.plain import plain
from labtui.domain.ref import SourceId, SourceKind
from labtui.domain.text import clean, clean_lines
from labtui.ports.stacks import PodState, SliceState, WorkloadState

MANAGER = "labtui"
GONE_SECONDS = 60.0
LOG_BYTES = 16_384
_LINE = 300
_WORKLOADS = (("Deployment", "deployments"), ("StatefulSet", "statefulsets"), ("DaemonSet", "daemonsets"))
_NAMESPACED: Mapping[str, tuple[str, str]] = {
    "Service": ("/api/v1", "services"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "ExternalSecret": ("/apis/external-secrets.io/v1", "externalsecrets"),
}
"""The kinds that the app chart renders, and a Namespace."""


class Transport(Protocol):
    """What is needed of HTTP; `Wire` is the real one."""

    def get(self, path: str, query: Query | None = None) -> Json:
        """The JSON object at a path."""

    def change(self, method: str, path: str, query: Query | None = None, body: Json | None = None) -> Json:
        """DELETE, or PATCH: a server-side apply."""

    def plain(self, path: str, query: Query | None = None) -> str:
        """The text at a path."""


class KubernetesStack:
    """A connection of its own for each question; all answers come from the API server, none from a cache."""

    def __init__(self, connection: KubernetesConnection, wait: Callable[[float], None] = time.sleep) -> None:
        self._connection = connection
        self._source = SourceId(SourceKind.KUBERNETES, connection.context)
        self._wait = wait

    @contextmanager
    def _open(self) -> Iterator[Transport]:
        from labtui.adapters.kubernetes.kubeconfig import load

        wire = Wire(lambda: load(self._connection, lambda: wire.closed))
        try:
            wire.open()
            yield wire
        except Expired:
            raise Refused("The cluster did not answer the question", "410 Gone") from None
        finally:
            wire.close()

    # ports.StackCluster

    def workloads(self, namespace: str, release: str) -> tuple[WorkloadState, ...]:
        """See `ports.stacks.StackCluster`."""
        with self._open() as wire:
            found = []
            for kind, plural in _WORKLOADS:
                path = f"/apis/apps/v1/namespaces/{quote(namespace, safe='')}/{plural}"
                found += [_workload(kind, obj) for obj in rows(wire.get(path, _of(release)), "items")]
        return tuple(sorted(found, key=lambda w: (w.kind, w.name)))

    def pods(self, namespace: str, release: str) -> tuple[PodState, ...]:
        """See `ports.stacks.StackCluster`."""
        with self._open() as wire:
            path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
            found = [self._pod(obj) for obj in rows(wire.get(path, _of(release)), "items") if not _leaving(obj)]
        return tuple(sorted((p for p in found if p is not None), key=lambda p: p.name))

    def remaining(self, namespace: str, release: str) -> tuple[PodState, ...]:
        """See `ports.stacks.StackCluster`."""
        with self._open() as wire:
            path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods"
            items = rows(wire.get(path, _of(release)), "items")
        found = [self._pod(obj) for obj in items if not _ended(obj)]
        return tuple(sorted((p for p in found if p is not None), key=lambda p: p.name))

    def last_words(self, namespace: str, pod: str, lines: int = 20) -> tuple[str, ...]:
        """See `ports.stacks.StackCluster`. Empty where no container has run at all."""
        place = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}"
        with self._open() as wire:
            status = _unwell(wire.get(place))
            if status is None:
                return ()
            query: dict[str, str | int] = {
                "container": text(status, "name"),
                "tailLines": lines,
                "limitBytes": LOG_BYTES,
            }
            if sub(status, "state", "waiting") and sub(status, "lastState", "terminated"):
                query["previous"] = "true"
            try:
                said = wire.plain(f"{place}/log", query)
            except (Refused, NotFound):  # the container never started, or its log is gone
                return ()
        return tuple(clean(line, _LINE) for line in clean_lines(said, LOG_BYTES).splitlines()[-lines:] if line.strip())

    def slices(self, namespace: str) -> tuple[SliceState, ...]:
        """See `ports.stacks.StackCluster`."""
        with self._open() as wire:
            items = rows(wire.get(_collection("EndpointSlice", namespace)), "items")
        parsed = [found for obj in items if not _leaving(obj) and (found := parse_slice(obj, self._source))]
        states = (SliceState(f.ref.name, f.service, f.managed_by, f.ready, f.not_ready) for f in parsed)
        return tuple(sorted(states, key=lambda s: s.name))

    def _pod(self, obj: Json) -> PodState | None:
        facts = parse_pod(obj, self._source)
        if facts is None:
            return None
        pod = facts.pod
        return PodState(
            name=pod.ref.name,
            component=text(obj, "metadata", "labels", "app.kubernetes.io/name"),
            ready=pod.containers > 0 and pod.ready >= pod.containers,
            status=pod.status,
            restarts=pod.restarts,
            broken=broken(pod.status),
            message=_reason(obj) or pod.message,
            address=text(obj, "status", "podIP"),
        )

    # ports.Objects

    def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """See `ports.stacks.Objects`."""
        with self._open() as wire:
            try:
                return wire.get(_place(kind, namespace, name))
            except NotFound:
                return None

    def all(self, kind: str, namespace: str = "") -> tuple[Mapping[str, Any], ...]:
        """See `ports.stacks.Objects`."""
        with self._open() as wire:
            return tuple(rows(wire.get(_collection(kind, namespace)), "items"))

    def apply(self, obj: Mapping[str, Any], *, dry_run: bool = False) -> Mapping[str, Any]:
        """See `ports.stacks.Objects`. Values of other managers are never taken by force."""
        body = plain(obj)
        kind, namespace, name = (
            text(body, "kind"),
            text(body, "metadata", "namespace"),
            text(body, "metadata", "name"),
        )
        with self._open() as wire:
            query = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
            return wire.change("PATCH", _place(kind, namespace, name), query, body)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """See `ports.stacks.Objects`."""
        place, end = _place(kind, namespace, name), time.monotonic() + GONE_SECONDS
        with self._open() as wire:
            try:
                uid = text(wire.get(place), "metadata", "uid")
                wire.change("DELETE", place, {"propagationPolicy": "Background"})
                while text(wire.get(place), "metadata", "uid") == uid:
                    if time.monotonic() > end:
                        raise OutcomeUnknown(
                            f"{kind} {clean(namespace)}/{clean(name)} is being deleted, and still there"
                        )
                    self._wait(0.2)
            except NotFound:
                return


def _of(release: str) -> Query:
    return {"labelSelector": f"app.kubernetes.io/instance={release}"}


def _leaving(obj: Json) -> bool:
    return bool(text(obj, "metadata", "deletionTimestamp"))


def _ended(pod: Json) -> bool:
    """Has every container of it stopped, for good? An evicted pod is Failed while it is still being stopped."""
    statuses = [*rows(pod, "status", "initContainerStatuses"), *rows(pod, "status", "containerStatuses")]
    running = any(sub(status, "state", "running") for status in statuses)
    return text(pod, "status", "phase") in ("Succeeded", "Failed") and not running


def _collection(kind: str, namespace: str) -> str:
    if kind == "Namespace":
        return "/api/v1/namespaces"
    if kind not in _NAMESPACED:
        raise Invalid(f"labtui does not know the kind {clean(kind, 60)}")
    base, plural = _NAMESPACED[kind]
    return f"{base}/namespaces/{quote(namespace, safe='')}/{plural}" if namespace else f"{base}/{plural}"


def _place(kind: str, namespace: str, name: str) -> str:
    if not name or (kind != "Namespace" and not namespace):
        raise Invalid(f"A {clean(kind, 60)} without a name or a namespace")
    return f"{_collection(kind, namespace)}/{quote(name, safe='')}"


def _workload(kind: str, obj: Json) -> WorkloadState:
    daemon = kind == "DaemonSet"
    desired = number(obj, "status", "desiredNumberScheduled") if daemon else number(obj, "spec", "replicas", default=1)
    updated = number(obj, "status", "updatedNumberScheduled" if daemon else "updatedReplicas")
    if (
        kind == "StatefulSet"
        and not updated
        and text(obj, "status", "currentRevision") == text(obj, "status", "updateRevision")
    ):
        updated = number(obj, "status", "currentReplicas") or number(obj, "status", "replicas")
    return WorkloadState(
        kind=kind,
        name=text(obj, "metadata", "name"),
        ready=number(obj, "status", "numberReady" if daemon else "readyReplicas"),
        desired=desired,
        updated=updated,
        current=number(obj, "status", "observedGeneration") >= number(obj, "metadata", "generation"),
    )


def _unwell(pod: Json) -> Json | None:
    """The status of the container that is not well; the first that has run if none is."""
    statuses = [*rows(pod, "status", "initContainerStatuses"), *rows(pod, "status", "containerStatuses")]
    for status in statuses:
        failed = number(status, "state", "terminated", "exitCode") or number(
            status, "lastState", "terminated", "exitCode"
        )
        if failed or number(status, "restartCount"):
            return status
    return next((s for s in statuses if s.get("ready") is not True and sub(s, "state", "running")), None)


def _reason(pod: Json) -> str:
    """What the kubelet or the scheduler says is wrong."""
    for status in [*rows(pod, "status", "initContainerStatuses"), *rows(pod, "status", "containerStatuses")]:
        if said := text(status, "state", "waiting", "message") or text(status, "state", "terminated", "message"):
            return clean(said, 500)
    for condition in rows(pod, "status", "conditions"):
        if condition.get("status") == "False" and text(condition, "message"):
            return clean(text(condition, "message"), 500)
    return ""
