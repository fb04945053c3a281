"""Small stand-ins for the outside world, for tests of the core."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from labtui.domain.errors import LabError, NotFound, Refused
from labtui.domain.plan import DiffItem
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources.argocd import (
    Application,
    ApplicationSource,
    AutoSync,
    Deployment,
    ManagedResource,
    Operation,
    RollbackRecord,
)
from labtui.ports import Commit, Emit, RevisionInfo, SyncRequest, SyncWindow, SyncWindows, TreeNode

ARGOCD = SourceId(SourceKind.ARGOCD, "argocd.test")
T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
GOOD, BAD = "a" * 40, "b" * 40
SOURCE = ApplicationSource("https://git.test/lab", "apps/web", target_revision="main")


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = T0

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def ref(name: str, namespace: str = "argocd") -> Ref:
    return Ref(ARGOCD, "Application", namespace, name)


def application(name: str = "web", **changes: object) -> Application:
    """A child of `apps` with auto-sync, prune and self-heal on, at BAD after GOOD."""
    app = Application(
        ref=ref(name),
        project="default",
        sync="Synced",
        health="Healthy",
        sources=(SOURCE,),
        revisions=(BAD,),
        auto_sync=AutoSync(True, None, True, True),
        history=(Deployment(0, (GOOD,), T0, "ada", (SOURCE,)), Deployment(1, (BAD,), T0, "ada", (SOURCE,))),
        parent=ref("apps"),
    )
    return replace(app, **changes)  # type: ignore[arg-type]


class Argo:
    """An Argo CD that follows its own rules of rolling back, as far as the operations need them."""

    def __init__(self, *apps: Application) -> None:
        parent = application(
            "apps",
            parent=None,
            resources=tuple(
                ManagedResource("argoproj.io", "Application", "argocd", a.ref.name, "Synced") for a in apps
            ),
        )
        self.apps = {a.ref: a for a in (parent, *apps)}
        self.calls: list[str] = []
        self.fail: dict[str, LabError] = {}
        self.can_sync = True
        self.ignores_enabled = False
        self.disagrees = False
        self.parent_heals = False
        self.head = BAD
        self.lag = 0  # answers that still show the state before the last operation
        self._before: Application | None = None

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fail:
            raise self.fail[name]

    def put(self, app: Application) -> Application:
        self.apps[app.ref] = app
        return app

    @property
    def source(self) -> SourceId:
        return ref("apps").source

    def all(self) -> tuple[Application, ...]:
        return tuple(self.apps.values())

    def get(self, ref: Ref) -> Application:
        self._call("get")
        if ref not in self.apps:
            raise NotFound(f"no application {ref.name}")
        if self._before is not None and self.lag > 0 and ref == self._before.ref:
            self.lag -= 1
            return self._before
        return self.apps[ref]

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        self._call(f"refresh {ref.name}")
        if ref.name == "apps" and self.parent_heals:
            self._heal()
        app = self.apps[ref]
        deployed = app.history[-1].revisions[0] if app.history else ""
        if ref.name != "apps":
            # a restored revision renders the same manifests
            same = deployed == self.head or (self.head.startswith("c") and not self.disagrees)
            app = self.put(replace(app, sync="Synced" if same else "OutOfSync", revisions=(self.head,)))
        return app

    def _heal(self) -> None:
        for child in list(self.apps.values()):
            if child.auto_sync.paused:
                self.put(replace(child, auto_sync=replace(child.auto_sync, enabled=None)))
        parent = self.apps[ref("apps")]
        out = tuple(replace(r, sync="OutOfSync") for r in parent.resources)
        self.put(replace(parent, resources=out))

    def _operate(self, app: Application, revision: str, message: str, sync: str = "Synced") -> None:
        started = T0 + timedelta(seconds=len(self.calls))
        self._before = app
        operation = Operation("Succeeded", message, started, started, revisions=(revision,))
        entry = Deployment(app.history[-1].id + 1, (revision,), started, "labtui", (SOURCE,))
        self.put(replace(app, operation=operation, history=(*app.history, entry), sync=sync))

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        self._call("sync")
        self._operate(self.apps[ref], self.head, "successfully synced (all tasks run)")

    def rollback(self, ref: Ref, deployment_id: int, *, prune: bool = False, dry_run: bool = False) -> None:
        self._call(f"rollback {deployment_id}")
        app = self.apps[ref]
        if app.auto_sync.on:
            raise Refused("Argo CD refused", "rollback cannot be initiated when auto-sync is enabled")
        to = next(h for h in app.history if h.id == deployment_id)
        # what it says of git is from before the operation until it compares again
        self._operate(app, to.revisions[0], "successfully synced (all tasks run)", app.sync)

    def terminate(self, ref: Ref) -> None:
        self._call("terminate")
        app = self.apps[ref]
        assert app.operation
        self.put(replace(app, operation=replace(app.operation, phase="Failed", finished=T0)))

    def pause_auto_sync(self, ref: Ref, record: RollbackRecord) -> Application:
        self._call("pause")
        app = self.apps[ref]
        auto = replace(app.auto_sync, enabled=False) if record.paused and not self.ignores_enabled else app.auto_sync
        return self.put(replace(app, auto_sync=auto, rollback=record))

    def resume_auto_sync(self, ref: Ref, former: AutoSync | None) -> Application:
        self._call("resume")
        app = self.apps[ref]
        auto = replace(app.auto_sync, enabled=former.enabled) if former else app.auto_sync
        return self.put(replace(app, auto_sync=auto, rollback=None))

    def windows(self, ref: Ref) -> SyncWindows:
        self._call("windows")
        return SyncWindows(
            self.can_sync, () if self.can_sync else (SyncWindow("deny", "* * * * *", "1h", active=True),)
        )

    def diff(self, ref: Ref) -> tuple[DiffItem, ...]:
        self._call("diff")
        return (DiffItem("ConfigMap", "web", "web", ("-a", "+b")),)

    def diff_revisions(self, ref: Ref, old: Deployment, new: Deployment) -> tuple[DiffItem, ...]:
        self._call("diff_revisions")
        return (DiffItem("ConfigMap", "web", "web", ("-b", "+a")),)

    def tree(self, ref: Ref) -> tuple[TreeNode, ...]:
        return ()

    def revision(self, ref: Ref, revision: str, source_index: int = 0) -> RevisionInfo:
        return RevisionInfo(revision)

    def version(self) -> str:
        return "v3.2.11"


class Git:
    """A GitOps repository whose head an `Argo` compares with."""

    def __init__(self, argo: Argo, url: str = SOURCE.repo_url) -> None:
        self.argo = argo
        self.url = url
        self.restored: list[tuple[str, tuple[str, ...], str]] = []

    def serves(self, repo_url: str) -> bool:
        return repo_url == self.url

    def head(self) -> str:
        return self.argo.head

    def commits(self, old: str, new: str, paths: object) -> tuple[Commit, ...]:
        return (Commit(new, "break it", "eve"),) if old != new else ()

    def restore_diff(self, revision: str, paths: object) -> str:
        return "" if self.argo.head in (revision,) or self.restored else "-b\n+a"

    def restore(self, revision: str, paths: object, message: str) -> Commit:
        assert isinstance(paths, tuple)
        self.restored.append((revision, paths, message))
        self.argo.head = "c" * 40
        return Commit(self.argo.head, message.splitlines()[0])


class ScriptedFeed:
    """A feed that does what its script says, one step a connection."""

    def __init__(self, source: SourceId, *script: Callable[[Emit, threading.Event], None]) -> None:
        self.source = source
        self.script = list(script)
        self.connections = 0
        self.closed = threading.Event()

    def follow(self, emit: Emit, stop: threading.Event) -> None:
        step = self.script[min(self.connections, len(self.script) - 1)]
        self.connections += 1
        step(emit, stop)

    def close(self) -> None:
        self.closed.set()
