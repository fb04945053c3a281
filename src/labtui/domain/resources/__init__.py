"""The things that labtui shows, one module a source. Frozen, typed, without a trace of the client libraries."""

from __future__ import annotations

from labtui.domain.resources.argocd import Application
from labtui.domain.resources.docker import DockerService
from labtui.domain.resources.kubernetes import (
    EndpointSlice,
    Ingress,
    KubeEvent,
    Node,
    PersistentVolumeClaim,
    Pod,
    Service,
    Workload,
)
from labtui.domain.resources.migration import Migration
from labtui.domain.resources.vault import SecretPath

Resource = (
    Application
    | Workload
    | Pod
    | Service
    | EndpointSlice
    | Ingress
    | PersistentVolumeClaim
    | KubeEvent
    | Node
    | DockerService
    | SecretPath
    | Migration
)

__all__ = [
    "Application",
    "DockerService",
    "EndpointSlice",
    "Ingress",
    "KubeEvent",
    "Migration",
    "Node",
    "PersistentVolumeClaim",
    "Pod",
    "Resource",
    "SecretPath",
    "Service",
    "Workload",
]
