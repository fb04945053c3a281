"""One application of the simulated Argo CD, and how it becomes a `domain` Application."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from labtui.demo.objects import Key, Manifest, images, key_of
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import (
    Application,
    ApplicationSource,
    AutoSync,
    Condition,
    Deployment,
    ManagedResource,
    Operation,
    RollbackRecord,
)
from labtui.ports import SyncWindow

HISTORY_LIMIT = 10  # revisionHistoryLimit


@dataclass
class SimulatedApp:
    """What the controller keeps of an application. `live` is in the cluster, `desired` in git at `revision`."""

    ref: Ref
    source: ApplicationSource
    namespace: str  # destination
    layer: str
    auto_sync: AutoSync
    sync_options: tuple[str, ...]
    parent: Ref | None
    created: datetime
    live: dict[Key, Manifest] = field(default_factory=dict)
    desired: dict[Key, Manifest] = field(default_factory=dict)
    revision: str = ""
    sync: str = "Unknown"
    health: str = "Unknown"
    health_message: str = ""
    health_since: datetime | None = None
    operation: Operation | None = None
    queued: bool = False
    history: list[Deployment] = field(default_factory=list)
    conditions: tuple[Condition, ...] = ()
    managed: tuple[ManagedResource, ...] = ()
    reconciled: datetime | None = None
    rollback: RollbackRecord | None = None
    windows: tuple[SyncWindow, ...] = ()
    deleting: bool = False
    attempted: str = ""  # the revision that auto-sync has tried last
    version: int = 1

    @property
    def name(self) -> str:
        """Its name."""
        return self.ref.name

    @property
    def operation_runs(self) -> bool:
        """Is an operation queued or running?"""
        return self.queued or (self.operation is not None and self.operation.running)

    def deploy(self, revision: str, at: datetime, by: str) -> None:
        """Note a full, successful sync in the history."""
        number = self.history[-1].id + 1 if self.history else 0
        self.history.append(Deployment(number, (revision,), at, by, (self.source,)))
        del self.history[:-HISTORY_LIMIT]

    @property
    def project(self) -> str:
        """The AppProject of its layer."""
        return self.layer or "default"

    def shown(self) -> Application:
        """As the server would describe it."""
        used = [image for manifest in self.live.values() for image in images(manifest)]
        hosts = [
            f"https://{rule['host']}/"
            for manifest in self.live.values()
            if manifest["kind"] == "Ingress"
            for rule in manifest["spec"]["rules"]
        ]
        return Application(
            ref=self.ref,
            project=self.project,
            sync=self.sync,
            health=self.health,
            health_message=self.health_message,
            health_since=self.health_since,
            sources=(self.source,),
            revisions=(self.revision,) if self.revision else (),
            auto_sync=self.auto_sync,
            operation=self.operation,
            operation_queued=self.queued,
            history=tuple(self.history),
            conditions=self.conditions,
            resources=self.managed,
            images=tuple(dict.fromkeys(used)),
            external_urls=tuple(hosts),
            destination_server="https://kubernetes.default.svc",
            destination_namespace=self.namespace,
            sync_options=self.sync_options,
            parent=self.parent,
            created=self.created,
            reconciled=self.reconciled,
            deleting=self.deleting,
            rollback=self.rollback,
            resource_version=str(self.version),
        )

    def set_operation(self, phase: str, message: str, at: datetime) -> None:
        """The running operation goes on, or ends."""
        if self.operation is not None:
            ended = at if phase not in ("Running", "Terminating") else None
            self.operation = replace(self.operation, phase=phase, message=message, finished=ended)


def policy_of(manifest: Manifest) -> AutoSync:
    """`spec.syncPolicy.automated` of an Application manifest."""
    automated = manifest["spec"]["syncPolicy"].get("automated")
    if automated is None:
        return AutoSync()
    return AutoSync(True, automated.get("enabled"), automated.get("prune", False), automated.get("selfHeal", False))


def application_of(parent: SimulatedApp, manifest: Manifest, created: datetime) -> SimulatedApp:
    """The application that a manifest makes."""
    _, _, namespace, name = key_of(manifest)
    spec, source = manifest["spec"], manifest["spec"]["source"]
    files = (source.get("helm") or {}).get("valueFiles") or ()
    labels = manifest["metadata"].get("labels") or {}
    return SimulatedApp(
        ref=Ref(parent.ref.source, "Application", namespace, name),
        source=ApplicationSource(
            source["repoURL"], source["path"], target_revision=source["targetRevision"], value_files=tuple(files)
        ),
        namespace=spec["destination"]["namespace"],
        layer=labels.get("labtui.dev/layer", ""),
        auto_sync=policy_of(manifest),
        sync_options=tuple((spec.get("syncPolicy") or {}).get("syncOptions") or ()),
        parent=parent.ref,
        created=created,
    )
