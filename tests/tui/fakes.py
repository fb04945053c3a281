"""An estate whose feeds do what a test tells them to. Nothing is connected, the clock stands still."""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

from labtui.core.audit import MemoryAudit
from labtui.core.executor import Executor
from labtui.core.lab import Lab
from labtui.domain.changes import Change, Live, Resync, Upsert
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources import Application, DockerService, Resource, SecretPath, Workload
from labtui.domain.resources.argocd import ApplicationSource, AutoSync, Deployment
from labtui.domain.resources.docker import Container
from labtui.domain.resources.vault import SecretVersion
from labtui.domain.states import Level
from labtui.ports import Emit, Login

NOW = datetime(2026, 3, 14, 14, 8, tzinfo=UTC)

ARGOCD = SourceId(SourceKind.ARGOCD, "argocd.example.org")
CLUSTER = SourceId(SourceKind.KUBERNETES, "homelab")
WROCLAW = SourceId(SourceKind.DOCKER, "wroclaw")
KYIV = SourceId(SourceKind.DOCKER, "kyiv")
VAULT = SourceId(SourceKind.VAULT, "https://vault.example.org")
SOURCES = (WROCLAW, KYIV, CLUSTER, ARGOCD, VAULT)

KINDS = {
    SourceKind.ARGOCD: frozenset({"Application"}),
    SourceKind.KUBERNETES: frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"}),
    SourceKind.DOCKER: frozenset({"ComposeService", "Container"}),
    SourceKind.VAULT: frozenset({"Secret"}),
}


class FrozenClock:
    """Time that moves only when a test moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now

    def now(self) -> datetime:
        """The time that was set."""
        return self.time

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.time += timedelta(**span)


class FakeFeed:
    """Emits what it is given; `fail` ends the connection."""

    def __init__(self, source: SourceId) -> None:
        self.source = source
        self.connects = 0
        self._orders: queue.Queue[Change | LabError | None] = queue.Queue()

    def give(self, *changes: Change) -> None:
        """Emit these."""
        for change in changes:
            self._orders.put(change)

    def list(self, *resources: Resource, notes: tuple[str, ...] = ()) -> None:
        """A whole list, then live."""
        self.give(Resync(self.source, KINDS[self.source.kind], resources), Live(self.source, notes))

    def fail(self, error: LabError) -> None:
        """Lose the connection with this error."""
        self._orders.put(error)

    def follow(self, emit: Emit, stop: Event) -> None:
        """Do what is ordered until told to stop."""
        self.connects += 1
        while not stop.is_set():
            order = self._orders.get()
            if isinstance(order, LabError):
                raise order
            if order is not None:
                emit(order)
            elif not stop.is_set():
                raise Unreachable("The connection was closed", "closed")

    def close(self) -> None:
        """Wake `follow`."""
        self._orders.put(None)


class FrozenFeed(FakeFeed):
    """A feed whose server does not answer and whose connection cannot be closed either."""

    def __init__(self, source: SourceId, release: Event) -> None:
        super().__init__(source)
        self._release = release

    def follow(self, emit: Emit, stop: Event) -> None:
        """Hang, whatever is asked."""
        self.connects += 1
        self._release.wait()


class FakeLab:
    """A `Lab` with the feeds that a test controls."""

    def __init__(
        self,
        sources: Sequence[SourceId] = SOURCES,
        *,
        read_only: str = "",
        logins: Mapping[SourceId, Login] | None = None,
        feeds: Mapping[SourceId, FakeFeed] | None = None,
        demo: bool = False,
    ) -> None:
        self.clock = FrozenClock()
        self.feeds = {source: (feeds or {}).get(source) or FakeFeed(source) for source in sources}
        self.executor = Executor(MemoryAudit(), self.clock, by="tester@here", read_only=read_only)
        self.lab = Lab(
            name="homelab",
            clock=self.clock,
            feeds=tuple(self.feeds.values()),
            executor=self.executor,
            logins=logins or {},
            demo=demo,
        )

    def __getitem__(self, source: SourceId) -> FakeFeed:
        return self.feeds[source]

    def fill(self, *, but: Sequence[SourceId] = ()) -> None:
        """Everything of the sample estate, live."""
        for source, resources in sample().items():
            if source in self.feeds and source not in but:
                self.feeds[source].list(*resources)


def ago(**span: float) -> datetime:
    """A moment before NOW."""
    return NOW - timedelta(**span)


def application(
    name: str, sync: str = "Synced", health: str = "Healthy", namespace: str = "argocd", **more: Any
) -> Application:
    """An application with a history of two."""
    source = ApplicationSource("https://git.example.org/lab.git", f"manifests/{name}", target_revision="main")
    history = (
        Deployment(1, ("1" * 40,), ago(days=3), sources=(source,)),
        Deployment(2, ("2" * 40,), ago(hours=2), sources=(source,)),
    )
    values: dict[str, Any] = {
        "sources": (source,),
        "revisions": ("2" * 40,),
        "health_since": ago(hours=2),
        "created": ago(days=30),
        "history": history,
        "auto_sync": AutoSync(True, None, True, True),
        **more,
    }
    return Application(Ref(ARGOCD, "Application", namespace, name), "default", sync, health, **values)


def workload(
    name: str, ready: int = 1, desired: int = 1, namespace: str = "", kind: str = "Deployment", **more: Any
) -> Workload:
    """A workload; it is broken when pods are missing."""
    well = ready >= desired
    values: dict[str, Any] = {
        "status": "Ready" if well else "Progressing",
        "level": Level.WELL if well else Level.BROKEN,
        "images": (f"registry.example.org/{name}:1.0",),
        "created": ago(days=12),
        "changed": ago(hours=5),
        **more,
    }
    return Workload(Ref(CLUSTER, kind, namespace or name, name), ready, desired, **values)


def service(site: SourceId, stack: str, name: str, state: str = "running", **more: Any) -> DockerService:
    """A Compose service with one container."""
    values: dict[str, Any] = {"started": ago(days=3), "cpu": 0.02, "memory": 88 * 2**20, "health": "", **more}
    container = Container(f"{stack}-{name}", f"{stack}-{name}-1", f"registry.example.org/{name}:1", state, **values)
    kind = "ComposeService" if stack else "Container"
    return DockerService(Ref(site, kind, stack, name), (container,))


def secret(path: str, version: int = 1, **more: Any) -> SecretPath:
    """A secret path."""
    versions = tuple(SecretVersion(n, ago(days=20 - n)) for n in range(1, version + 1))
    return SecretPath(Ref(VAULT, "Secret", "kv", path), version=version, updated=ago(days=4), versions=versions, **more)


def sample() -> dict[SourceId, tuple[Resource, ...]]:
    """A small estate with some of everything."""
    return {
        ARGOCD: (
            application("victoriametrics", "OutOfSync", health_since=ago(minutes=3)),
            application("grafana", "Synced", "Degraded", health_since=ago(minutes=12)),
            application("emby"),
            application("immich", health="Progressing"),
            application("cert-manager"),
            application("ingress-nginx"),
        ),
        CLUSTER: (
            workload("grafana", 0, 1, "monitoring", restarts=7, problem="CrashLoopBackOff", changed=ago(minutes=12)),
            workload("emby"),
            workload("immich-server", 1, 1, "immich"),
            workload("postgres", 1, 1, "immich", "StatefulSet"),
            workload("victoriametrics", 1, 1, "monitoring", "StatefulSet"),
            workload("alloy", 1, 1, "monitoring", "DaemonSet"),
        ),
        WROCLAW: (
            service(WROCLAW, "authelia", "authelia"),
            service(WROCLAW, "authelia", "redis"),
            service(WROCLAW, "caddy", "caddy"),
            service(WROCLAW, "monitoring", "alloy"),
            service(WROCLAW, "monitoring", "exporter", "exited", exit_code=1, finished=ago(minutes=4)),
        ),
        KYIV: (
            service(KYIV, "transmission", "gluetun", health="healthy"),
            service(KYIV, "transmission", "transmission"),
            service(KYIV, "monitoring", "alloy"),
        ),
        VAULT: (
            SecretPath(Ref(VAULT, "Secret", "kv", "apps/"), folder=True, open=True),
            secret("apps/immich", 4),
            secret("apps/emby", 1),
            SecretPath(Ref(VAULT, "Secret", "kv", "platform/"), folder=True),
        ),
    }


def upsert(resource: Resource) -> Upsert:
    """A change."""
    return Upsert(resource)
