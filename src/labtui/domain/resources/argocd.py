"""Argo CD Applications.

Field names and meanings follow `pkg/apis/application/v1alpha1/types.go` of argo-cd.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labtui.domain.ref import Ref
from labtui.domain.states import Level


@dataclass(frozen=True, slots=True)
class ApplicationSource:
    """Where manifests come from: a folder (`path`) or a Helm chart (`chart`) of `repo_url` at `target_revision`."""

    repo_url: str
    path: str = ""
    chart: str = ""
    target_revision: str = ""
    ref: str = ""
    value_files: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Path or chart, for people."""
        return self.path or self.chart or self.ref


@dataclass(frozen=True, slots=True)
class AutoSync:
    """`spec.syncPolicy.automated`. `enabled` is None when the key is absent, which means on (types.go: IsAutomatedSyncEnabled)."""

    configured: bool = False
    enabled: bool | None = None
    prune: bool = False
    self_heal: bool = False

    @property
    def on(self) -> bool:
        """Does Argo CD sync by itself now?"""
        return self.configured and self.enabled is not False

    @property
    def paused(self) -> bool:
        """Configured, but switched off by `enabled: false`."""
        return self.configured and self.enabled is False


@dataclass(frozen=True, slots=True)
class ResourceResult:
    """What an operation did to one resource: `status` is Synced, SyncFailed, Pruned or PruneSkipped; hooks have a phase."""

    kind: str
    namespace: str
    name: str
    status: str
    message: str = ""
    hook: str = ""
    hook_phase: str = ""
    sync_phase: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """`status.operationState`: the running or the last operation.

    `phase` is Running, Terminating, Succeeded, Failed or Error. Running with `finished` set waits for its next retry.
    """

    phase: str
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    retries: int = 0
    revisions: tuple[str, ...] = ()
    dry_run: bool = False
    automated: bool = False
    by: str = ""
    results: tuple[ResourceResult, ...] = ()

    @property
    def running(self) -> bool:
        """Not ended yet (a wait between retries counts as running)."""
        return self.phase in ("Running", "Terminating")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of `status.history`; what can be rolled back to. `revisions` and `sources` have one item for one source."""

    id: int
    revisions: tuple[str, ...]
    deployed: datetime | None
    by: str = ""
    sources: tuple[ApplicationSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """Something Argo CD has to say about an application: ComparisonError, SyncError, SharedResourceWarning …"""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class ManagedResource:
    """One resource of an application, from `status.resources`."""

    group: str
    kind: str
    namespace: str
    name: str
    sync: str = ""
    health: str = ""
    health_message: str = ""
    requires_pruning: bool = False
    hook: bool = False


@dataclass(frozen=True, slots=True)
class RollbackRecord:
    """What labtui noted on the application (annotation `labtui.dev/rollback`) when it rolled it back.

    It says what remains to be done: git still holds `from_revisions`, and auto-sync was `former_enabled` (None: key absent)
    if `paused` is true.
    """

    to_id: int
    from_revisions: tuple[str, ...]
    to_revisions: tuple[str, ...]
    paused: bool
    former_enabled: bool | None
    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """An Argo CD Application. `ref.namespace` is the namespace of the Application object itself."""

    ref: Ref
    project: str
    sync: str  # Synced | OutOfSync | Unknown
    health: str  # Healthy | Progressing | Degraded | Suspended | Missing | Unknown
    health_message: str = ""
    health_since: datetime | None = None
    sources: tuple[ApplicationSource, ...] = ()
    multi_source: bool = False
    revisions: tuple[str, ...] = ()
    auto_sync: AutoSync = AutoSync()
    operation: Operation | None = None
    operation_queued: bool = False
    history: tuple[Deployment, ...] = ()  # oldest first, as the server keeps it; not in list answers of all servers
    conditions: tuple[Condition, ...] = ()
    resources: tuple[ManagedResource, ...] = ()
    images: tuple[str, ...] = ()
    external_urls: tuple[str, ...] = ()
    destination_server: str = ""
    destination_namespace: str = ""
    sync_options: tuple[str, ...] = ()
    parent: Ref | None = None  # the app-of-apps Application that manages this one
    appset: str = ""  # the ApplicationSet that owns this one
    created: datetime | None = None
    reconciled: datetime | None = None
    deleting: bool = False
    rollback: RollbackRecord | None = None
    resource_version: str = ""

    @property
    def busy(self) -> bool:
        """An operation is queued or runs."""
        return self.operation_queued or (self.operation is not None and self.operation.running)

    @property
    def changed(self) -> datetime | None:
        """When its state last changed as far as the server tells: last health change, last operation, creation."""
        moments = [self.health_since, self.operation.finished or self.operation.started if self.operation else None]
        known = [m for m in moments if m is not None]
        return max(known) if known else self.created

    @property
    def level(self) -> Level:
        """Degraded, Missing or a failed last operation is broken; OutOfSync is drifted; an operation or Progressing moves."""
        if self.health in ("Degraded", "Missing") or any(c.type.endswith("Error") for c in self.conditions):
            return Level.BROKEN
        if self.busy or self.health == "Progressing" or self.deleting:
            return Level.MOVING
        if self.operation and self.operation.phase in ("Failed", "Error") and self.sync != "Synced":
            return Level.BROKEN
        if self.sync == "OutOfSync" or self.rollback is not None:
            return Level.DRIFTED
        if self.sync == "Unknown" or self.health == "Unknown":
            return Level.UNKNOWN
        return Level.OFF if self.health == "Suspended" else Level.WELL
