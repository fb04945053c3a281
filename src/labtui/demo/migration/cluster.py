"""The simulated cluster as a migration asks it: a stack's pods, the slices behind its Services, objects by their identity."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from labtui.demo.cluster import Cluster
from labtui.demo.controller import Controller
from labtui.demo.objects import Key, Manifest, key_of
from labtui.demo.pod_troubles import CRASH_LOG
from labtui.demo.script.workloads import BROKEN_IMAGE, BROKEN_LOG
from labtui.demo.simple_objects import INGRESS_ADDRESS
from labtui.demo.simulated_app import SimulatedApp
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.resources import EndpointSlice, Pod, Workload
from labtui.domain.states import Level
from labtui.domain.text import clean
from labtui.ports.stacks import PodState, SliceState, WorkloadState

INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/name"
TRACKING = "argocd.argoproj.io/tracking-id"
KINDS: Mapping[str, str] = {  # kinds that labtui asks for, and their API groups
    "ConfigMap": "",
    "DaemonSet": "apps",
    "Deployment": "apps",
    "EndpointSlice": "discovery.k8s.io",
    "ExternalSecret": "external-secrets.io",
    "Ingress": "networking.k8s.io",
    "Namespace": "",
    "NetworkPolicy": "networking.k8s.io",
    "PersistentVolumeClaim": "",
    "Service": "",
    "StatefulSet": "apps",
}
_OF_PODS = ("DaemonSet", "Deployment", "StatefulSet")


class SimulatedStackCluster:
    """`ports.stacks.StackCluster` and `ports.stacks.Objects` over the simulated cluster and what Argo CD has put into it."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._cluster: Cluster = controller.cluster
        self._world = controller.world

    def _answer(self) -> None:
        self._world.answer(self._cluster.source)

    # ports.StackCluster

    def workloads(self, namespace: str, release: str) -> tuple[WorkloadState, ...]:
        """See `ports.stacks.StackCluster`."""
        self._answer()
        with self._world.lock:
            found = [
                WorkloadState(w.ref.kind, w.ref.name, w.ready, w.desired, w.updated)
                for w in self._world.of(self._cluster.source, _OF_PODS)
                if isinstance(w, Workload) and w.ref.namespace == namespace and (INSTANCE, release) in w.labels
            ]
        return tuple(sorted(found, key=lambda w: (w.kind, w.name)))

    def pods(self, namespace: str, release: str) -> tuple[PodState, ...]:
        """See `ports.stacks.StackCluster`."""
        self._answer()
        with self._world.lock:
            found = [
                PodState(
                    pod.ref.name,
                    dict(pod.labels).get(COMPONENT, ""),
                    pod.ready >= pod.containers,
                    pod.status,
                    pod.restarts,
                    pod.level is Level.BROKEN,
                    pod.message,
                    pod.ip,
                )
                for pod in self._world.of(self._cluster.source, ("Pod",))
                if isinstance(pod, Pod) and pod.ref.namespace == namespace and (INSTANCE, release) in pod.labels
            ]
        return tuple(sorted(found, key=lambda p: p.name))

    def remaining(self, namespace: str, release: str) -> tuple[PodState, ...]:
        """See `ports.stacks.StackCluster`: a pod that is taken away is gone at once here."""
        return self.pods(namespace, release)

    def last_words(self, namespace: str, pod: str, lines: int = 20) -> tuple[str, ...]:
        """See `ports.stacks.StackCluster`: only a program that ran and ended has said something."""
        self._answer()
        found = next(
            (
                p
                for p in self._world.of(self._cluster.source, ("Pod",))
                if isinstance(p, Pod) and (p.ref.namespace, p.ref.name) == (namespace, pod)
            ),
            None,
        )
        if found is None:
            raise NotFound(f"The cluster has no pod {clean(namespace)}/{clean(pod)}")
        if found.level is not Level.BROKEN or not found.restarts:
            return ()
        said = (BROKEN_LOG if BROKEN_IMAGE in found.images else CRASH_LOG,)
        return said[-lines:]

    def slices(self, namespace: str) -> tuple[SliceState, ...]:
        """See `ports.stacks.StackCluster`."""
        self._answer()
        with self._world.lock:
            found = [
                SliceState(s.ref.name, s.service, s.managed_by, s.ready, s.not_ready)
                for s in self._world.of(self._cluster.source, ("EndpointSlice",))
                if isinstance(s, EndpointSlice) and s.ref.namespace == namespace
            ]
        return tuple(sorted(found, key=lambda s: s.name))

    # ports.Objects

    def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """See `ports.stacks.Objects`."""
        group = _group(kind)
        self._answer()
        with self._world.lock:
            key = (group, kind, namespace, name)
            manifest = self._cluster.objects.get(key)
            if manifest is None and kind == "Namespace" and any(k[2] == name for k in self._cluster.objects):
                return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
            return None if manifest is None else self._shown(key, manifest)

    def all(self, kind: str, namespace: str = "") -> tuple[Mapping[str, Any], ...]:
        """See `ports.stacks.Objects`."""
        _group(kind)
        self._answer()
        with self._world.lock:
            found = [
                self._shown(key, manifest)
                for key, manifest in self._cluster.objects.items()
                if key[1] == kind and namespace in ("", key[2])
            ]
        return tuple(sorted(found, key=lambda o: (o["metadata"].get("namespace", ""), o["metadata"]["name"])))

    def apply(self, obj: Mapping[str, Any], *, dry_run: bool = False) -> Mapping[str, Any]:
        """See `ports.stacks.Objects`. What an application has put there is Argo CD's."""
        _group(str(obj.get("kind")))
        self._answer()
        with self._world.lock:
            key = key_of(obj)
            owner = self._owner(key)
            if owner is not None and self._cluster.objects.get(key) != obj:
                words = f"conflict with argocd-controller: {clean(key[1])} {clean(key[3])} belongs to {owner.name}"
                raise Refused("Another manager owns what would change", words)
            if not dry_run:
                self._cluster.apply(copy.deepcopy(dict(obj)), "")
            return self._shown(key, obj)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """See `ports.stacks.Objects`."""
        group = _group(kind)
        self._answer()
        with self._world.lock:
            self._cluster.delete((group, kind, namespace, name))

    def _owner(self, key: Key) -> SimulatedApp | None:
        return next((app for app in self._controller.apps.values() if key in app.live), None)

    def _shown(self, key: Key, manifest: Manifest) -> dict[str, Any]:
        """As the API server has it: with whose it is, and what controllers add."""
        found: dict[str, Any] = copy.deepcopy(dict(manifest))
        meta = found["metadata"]
        owner = self._owner(key)
        if owner is not None:
            group, kind, namespace, name = key
            notes = meta.setdefault("annotations", {})
            notes[TRACKING] = f"{owner.name}:{group}/{kind}:{namespace}/{name}"
        if key[1] == "Ingress":
            found["status"] = {"loadBalancer": {"ingress": [{"ip": INGRESS_ADDRESS}]}}
        return found


def _group(kind: str) -> str:
    if kind not in KINDS:
        raise Invalid(f"labtui does not know the kind {clean(kind, 60)}")
    return KINDS[kind]
