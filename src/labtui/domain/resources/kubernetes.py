"""Kubernetes objects, as much of them as an operator looks at. Names follow the Kubernetes API reference."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labtui.domain.ref import Ref
from labtui.domain.states import Level

WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


@dataclass(frozen=True, slots=True)
class Usage:
    """Measured use: cores (1.0 is one core) and bytes."""

    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment, StatefulSet, DaemonSet, Job or CronJob; which one says `ref.kind`.

    `desired` and `ready` count pods (for a Job: completions wanted and succeeded; for a CronJob: active jobs).
    `restarts` sums its pods' container restarts; `problem` is the first reason its pods give (`CrashLoopBackOff`).
    """

    ref: Ref
    ready: int
    desired: int
    updated: int = 0
    available: int = 0
    status: str = ""  # a word for people: Ready, Progressing, Failed, Complete, Suspended, Scaled to 0 …
    level: Level = Level.UNKNOWN
    restarts: int = 0
    problem: str = ""
    message: str = ""
    images: tuple[str, ...] = ()
    created: datetime | None = None
    changed: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()
    selector: tuple[tuple[str, str], ...] = ()
    schedule: str = ""  # CronJob
    last_scheduled: datetime | None = None  # CronJob
    application: str = ""  # the Argo CD application of its tracking annotation or instance label
    usage: Usage | None = None  # sum over its pods
    owner: Ref | None = None  # the CronJob that made a Job


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod. `status` is what `kubectl get pods` prints in STATUS."""

    ref: Ref
    status: str
    level: Level
    ready: int
    containers: int
    restarts: int = 0
    node: str = ""
    ip: str = ""
    images: tuple[str, ...] = ()
    created: datetime | None = None
    owner: Ref | None = None  # the workload (through its ReplicaSet or Job), None for a bare pod
    labels: tuple[tuple[str, str], ...] = ()
    message: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service; `target` is a number or a port name."""

    name: str
    port: int
    target: str
    protocol: str = "TCP"
    node_port: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A Service."""

    ref: Ref
    type: str
    cluster_ip: str
    ports: tuple[ServicePort, ...] = ()
    selector: tuple[tuple[str, str], ...] = ()
    external: tuple[str, ...] = ()  # load balancer addresses, external IPs or the external name
    created: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """Where a Service's traffic goes: addresses with their readiness (absent conditions count as ready, as the API says)."""

    ref: Ref
    service: str
    ready: tuple[str, ...] = ()
    not_ready: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    managed_by: str = ""


@dataclass(frozen=True, slots=True)
class Ingress:
    """An Ingress: hosts, and `host/path → service:port` as pairs of texts."""

    ref: Ref
    hosts: tuple[str, ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    class_name: str = ""
    addresses: tuple[str, ...] = ()
    tls_hosts: tuple[str, ...] = ()
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersistentVolumeClaim:
    """A PersistentVolumeClaim."""

    ref: Ref
    phase: str
    capacity: str = ""
    storage_class: str = ""
    volume: str = ""
    access_modes: tuple[str, ...] = ()
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class KubeEvent:
    """An event about another object (`about` names its kind, namespace and name)."""

    ref: Ref
    about: Ref
    type: str  # Normal | Warning
    reason: str
    message: str
    count: int = 1
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A node with what it has and what is used of it."""

    ref: Ref
    ready: bool
    status: str
    version: str = ""
    architecture: str = ""
    cpu: float = 0.0
    memory: int = 0
    usage: Usage | None = None
    unschedulable: bool = False
