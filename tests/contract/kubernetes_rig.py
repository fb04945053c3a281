"""What the contract suite of Kubernetes feeds needs: a cluster that can be driven by hand, beside the feed under test."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from labtui.adapters.kubernetes import KubernetesSource
from labtui.core.clock import SystemClock
from labtui.domain.changes import Live
from labtui.domain.connections import KubernetesConnection
from labtui.domain.ref import Ref
from labtui.domain.resources import Resource, Workload
from labtui.ports import Feed
from tests.support.collector import Collector

KINDS = frozenset(
    {
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Pod",
        "Service",
        "EndpointSlice",
        "Ingress",
        "PersistentVolumeClaim",
        "Event",
        "Node",
    }
)


class KubernetesRig(Protocol):
    """One cluster. There may be things of others in it; the tests look only at what they made.

    Each verb returns when the API has taken it; what the controllers make of it comes later. Pods of a deployment run
    an image that starts, unless its image was broken. Verbs know a thing by its namespace and name.
    """

    def feed(self) -> Feed:
        """A new feed of this cluster, as labtui would have it."""

    def namespace(self) -> str:
        """A new namespace that no other has."""

    def deploy(
        self, namespace: str, name: str, replicas: int = 1, annotations: Mapping[str, str] | None = None
    ) -> None:
        """Create a Deployment; its pods have the label `app` with its name."""

    def scale(self, namespace: str, name: str, replicas: int) -> None:
        """Change how many pods a Deployment wants."""

    def break_image(self, namespace: str, name: str) -> None:
        """Give a Deployment an image that does not exist."""

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object, and what it owns."""

    def expose(self, namespace: str, name: str, port: int = 80) -> None:
        """Create a Service that selects the pods of the deployment of that name."""

    def route(self, namespace: str, name: str, host: str) -> None:
        """Create an Ingress that sends a host to port 80 of the Service of that name."""

    def claim(self, namespace: str, name: str, size: str) -> None:
        """Create a PersistentVolumeClaim of a size (`1Gi`)."""

    def run_job(self, namespace: str, name: str) -> None:
        """Create a Job of one pod that succeeds."""

    def schedule(self, namespace: str, name: str, schedule: str, suspend: bool = False) -> None:
        """Create a CronJob."""

    def tell(self, namespace: str, name: str, message: str) -> None:
        """Create a Warning event about the deployment of that name."""

    def close(self) -> None:
        """Remove all that was made."""


class LiveRig:
    """A rig on the cluster of KUBECONFIG, driven by kubectl."""

    def __init__(self) -> None:
        self._namespaces: list[str] = []

    def feed(self) -> Feed:
        context = self._kubectl("config", "current-context").strip()
        return KubernetesSource(KubernetesConnection(context=context), SystemClock())

    def namespace(self) -> str:
        name = f"lt-{uuid.uuid4().hex[:8]}"
        self._kubectl("create", "namespace", name)
        self._namespaces.append(name)
        return name

    def deploy(
        self, namespace: str, name: str, replicas: int = 1, annotations: Mapping[str, str] | None = None
    ) -> None:
        labels = {"app": name}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": self._template(labels)}
        self._create("apps/v1", "Deployment", namespace, name, {"spec": spec}, annotations)

    def scale(self, namespace: str, name: str, replicas: int) -> None:
        self._kubectl("-n", namespace, "scale", f"deployment/{name}", f"--replicas={replicas}")

    def break_image(self, namespace: str, name: str) -> None:
        missing = f"main={os.environ['LIVE_REGISTRY']}/no-such-image:0"
        self._kubectl("-n", namespace, "set", "image", f"deployment/{name}", missing)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        self._kubectl("-n", namespace, "delete", f"{kind.lower()}/{name}", "--wait=false")

    def expose(self, namespace: str, name: str, port: int = 80) -> None:
        spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": port, "targetPort": 8080}]}
        self._create("v1", "Service", namespace, name, {"spec": spec})

    def route(self, namespace: str, name: str, host: str) -> None:
        backend = {"service": {"name": name, "port": {"number": 80}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        self._create(
            "networking.k8s.io/v1",
            "Ingress",
            namespace,
            name,
            {"spec": {"rules": [{"host": host, "http": {"paths": paths}}]}},
        )

    def claim(self, namespace: str, name: str, size: str) -> None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        self._create("v1", "PersistentVolumeClaim", namespace, name, {"spec": spec})

    def run_job(self, namespace: str, name: str) -> None:
        self._create("batch/v1", "Job", namespace, name, {"spec": {"template": self._short()}})

    def schedule(self, namespace: str, name: str, schedule: str, suspend: bool = False) -> None:
        spec = {"schedule": schedule, "suspend": suspend, "jobTemplate": {"spec": {"template": self._short()}}}
        self._create("batch/v1", "CronJob", namespace, name, {"spec": spec})

    def tell(self, namespace: str, name: str, message: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        body = {
            "involvedObject": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": name},
            "type": "Warning",
            "reason": "Contract",
            "message": message,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self._create("v1", "Event", namespace, f"{name}.{uuid.uuid4().hex[:8]}", body)

    def close(self) -> None:
        if self._namespaces:
            self._kubectl("delete", "namespace", "--wait=false", *self._namespaces)

    def _template(self, labels: Mapping[str, str]) -> dict[str, Any]:
        image = f"{os.environ['LIVE_REGISTRY']}/pause:3"
        spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": "main", "image": image}]}
        return {"metadata": {"labels": dict(labels)}, "spec": spec}

    def _short(self) -> dict[str, Any]:
        image = f"{os.environ['LIVE_REGISTRY']}/busybox:latest"
        main = {"name": "main", "image": image, "command": ["sh", "-c", "exit 0"]}
        return {"spec": {"restartPolicy": "Never", "containers": [main]}}

    def _create(
        self,
        version: str,
        kind: str,
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        metadata = {"namespace": namespace, "name": name, "annotations": dict(annotations or {})}
        obj = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
        self._kubectl("create", "-f", "-", text=json.dumps(obj))

    def _kubectl(self, *arguments: str, text: str = "") -> str:
        done = subprocess.run(["kubectl", *arguments], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout


class Watcher(Collector):
    """A feed of a cluster."""

    def until(self, what: str, probe: Callable[[Watcher], object], seconds: float = 30.0) -> None:
        """Wait until `probe` is true of what is known."""
        self.wait(what, lambda: probe(self), seconds)

    def until_live(self) -> Live:
        """Wait for `Live`; returns it."""
        self.until("live", lambda w: w.live)
        assert self.live is not None
        return self.live

    def ref(self, kind: str, namespace: str, name: str) -> Ref:
        """The identity of a thing of this feed."""
        return Ref(self.feed.source, kind, namespace, name)

    def get(self, kind: str, namespace: str, name: str) -> Resource | None:
        """A thing, None when there is none."""
        return self.resources.get(self.ref(kind, namespace, name))

    def deployment(self, namespace: str, name: str) -> Workload | None:
        """A Deployment, None when there is none."""
        found = self.get("Deployment", namespace, name)
        assert found is None or isinstance(found, Workload)
        return found

    def scale(self, namespace: str, name: str) -> tuple[int, int] | None:
        """Ready and desired pods of a Deployment."""
        found = self.deployment(namespace, name)
        return (found.ready, found.desired) if found else None

    def within(self, namespace: str, kind: str) -> list[Resource]:
        """All of a kind in a namespace."""
        return [r for ref, r in self.resources.items() if ref.namespace == namespace and ref.kind == kind]

    def summary(self) -> str:
        known = [r for r in self.resources.values() if isinstance(r, Workload)]
        return ", ".join(f"{w.ref.namespace}/{w.ref.name}={w.ready}/{w.desired} {w.status}" for w in known) or "nothing"
