"""The simulated cluster as the contract suite wants to drive it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any

from labtui.demo import DemoEstate
from labtui.ports import Feed


class DemoKubernetes:
    """Implements `KubernetesRig` on a simulated estate."""

    def __init__(self, world: DemoEstate) -> None:
        self._world = world
        self._cluster = world.cluster
        self._numbers = itertools.count(1)

    def feed(self) -> Feed:
        return self._world.feed("cluster")

    def namespace(self) -> str:
        return f"contract-{next(self._numbers)}"

    def deploy(
        self, namespace: str, name: str, replicas: int = 1, annotations: Mapping[str, str] | None = None
    ) -> None:
        labels = {"app": name}
        containers = [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]
        template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
        self._apply("apps/v1", "Deployment", namespace, name, {"spec": spec}, annotations)

    def scale(self, namespace: str, name: str, replicas: int) -> None:
        found = self._deployment(namespace, name)
        self._change({**found, "spec": {**found["spec"], "replicas": replicas}})

    def break_image(self, namespace: str, name: str) -> None:
        changed = copy.deepcopy(dict(self._deployment(namespace, name)))
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.org/no-such-image:0"
        self._change(changed)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        with self._world.world.lock:
            key = next(k for k in self._cluster.objects if k[1:] == (kind, namespace, name))
            self._cluster.delete(key)

    def expose(self, namespace: str, name: str, port: int = 80) -> None:
        spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": 8080}]}
        self._apply("v1", "Service", namespace, name, {"spec": spec})

    def route(self, namespace: str, name: str, host: str) -> None:
        backend = {"service": {"name": name, "port": {"number": 80}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        spec = {"rules": [{"host": host, "http": {"paths": paths}}]}
        self._apply("networking.k8s.io/v1", "Ingress", namespace, name, {"spec": spec})

    def claim(self, namespace: str, name: str, size: str) -> None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        self._apply("v1", "PersistentVolumeClaim", namespace, name, {"spec": spec})

    def run_job(self, namespace: str, name: str) -> None:
        self._apply("batch/v1", "Job", namespace, name, {"spec": {"template": _short()}})

    def schedule(self, namespace: str, name: str, schedule: str, suspend: bool = False) -> None:
        spec = {"schedule": schedule, "suspend": suspend, "jobTemplate": {"spec": {"template": _short()}}}
        self._apply("batch/v1", "CronJob", namespace, name, {"spec": spec})

    def tell(self, namespace: str, name: str, message: str) -> None:
        about = self._cluster.ref(("apps", "Deployment", namespace, name))
        with self._world.world.lock:
            self._cluster.event(about, "Warning", "Contract", message)

    def close(self) -> None:
        pass

    def _deployment(self, namespace: str, name: str) -> Mapping[str, Any]:
        return self._cluster.objects["apps", "Deployment", namespace, name]

    def _apply(
        self,
        version: str,
        kind: str,
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        meta = {"namespace": namespace, "name": name, "annotations": dict(annotations or {})}
        self._change({"apiVersion": version, "kind": kind, "metadata": meta, **body})

    def _change(self, manifest: Mapping[str, Any]) -> None:
        with self._world.world.lock:
            self._cluster.apply(manifest, "")


def _short() -> dict[str, Any]:
    return {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1.37.0"}]}}
