"""What is followed: the kinds, where the API serves them, and who reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labtui.adapters.kubernetes import objects
from labtui.adapters.kubernetes.pods import PodFacts, parse_pod
from labtui.adapters.kubernetes.reading import Json
from labtui.adapters.kubernetes.workloads import parse_workload
from labtui.domain.ref import SourceId
from labtui.domain.resources import (
    EndpointSlice,
    Ingress,
    KubeEvent,
    Node,
    PersistentVolumeClaim,
    Service,
    Workload,
)

Fact = Workload | PodFacts | Service | EndpointSlice | Ingress | PersistentVolumeClaim | KubeEvent | Node


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its API group (empty for core/v1) and plural, and the parser, which gives None for what makes no sense.

    Without an `essential` kind there is nothing to show.
    """

    name: str
    group: str
    plural: str
    parse: Callable[[Json, SourceId], Fact | None]
    essential: bool = False

    @property
    def path(self) -> str:
        """Of all namespaces."""
        return f"/apis/{self.group}/v1/{self.plural}" if self.group else f"/api/v1/{self.plural}"


KINDS = (
    Kind("Pod", "", "pods", parse_pod, essential=True),
    Kind("Deployment", "apps", "deployments", parse_workload("Deployment"), essential=True),
    Kind("StatefulSet", "apps", "statefulsets", parse_workload("StatefulSet"), essential=True),
    Kind("DaemonSet", "apps", "daemonsets", parse_workload("DaemonSet"), essential=True),
    Kind("Job", "batch", "jobs", parse_workload("Job"), essential=True),
    Kind("CronJob", "batch", "cronjobs", parse_workload("CronJob"), essential=True),
    Kind("Event", "", "events", objects.parse_event),
    Kind("Service", "", "services", objects.parse_service),
    Kind("EndpointSlice", "discovery.k8s.io", "endpointslices", objects.parse_slice),
    Kind("Ingress", "networking.k8s.io", "ingresses", objects.parse_ingress),
    Kind("PersistentVolumeClaim", "", "persistentvolumeclaims", objects.parse_claim),
    Kind("Node", "", "nodes", objects.parse_node),
)
