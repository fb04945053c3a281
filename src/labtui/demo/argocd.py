"""The simulated Argo CD server: its rules in its own words (argo-cd, server/application/application.go)."""

from __future__ import annotations

from dataclasses import replace

from labtui.demo.controller import Controller, Task, keys_of
from labtui.demo.faults import Fault
from labtui.demo.objects import unified
from labtui.demo.repository import BRANCH
from labtui.demo.simulated_app import SimulatedApp
from labtui.demo.tree import tree_of
from labtui.domain.errors import Denied, NotFound, Refused, SignedOut
from labtui.domain.plan import DiffItem
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.argocd import Application, AutoSync, Deployment, RollbackRecord
from labtui.ports import RevisionInfo, SyncRequest, SyncWindows, TreeNode

VERSION = "v3.2.11"
USER = "admin"


class SimulatedArgocd:
    """Implements `ports.Applications` and `ports.Login`. A `viewer` may look and change nothing."""

    def __init__(self, controller: Controller, *, viewer: bool = False) -> None:
        self.viewer = viewer
        self._controller = controller
        self._world = controller.world
        self._source = self._world.sources["argocd"]

    def _answer(self) -> None:
        self._world.answer(self._source)

    def _authorise(self, action: str, ref: Ref) -> None:
        """Argo CD checks the right before all else."""
        self._answer()
        if self.viewer:
            app = self._controller.apps.get(ref)
            project = app.project if app else "default"
            words = f"permission denied: applications, {action}, {project}/{ref.name}, sub: viewer"
            raise Denied("Argo CD does not allow it", words, "Ask for the right in Argo CD's RBAC")

    def _app(self, ref: Ref) -> SimulatedApp:
        found = self._controller.apps.get(ref)
        if found is None:
            words = "or it does not let you see it"
            raise NotFound(
                f"Argo CD has no application {ref.namespace}/{ref.name}", words, "labtui status lists what there is"
            )
        return found

    # Asking

    @property
    def source(self) -> SourceId:
        """See `ports.Applications`."""
        return self._source

    def all(self) -> tuple[Application, ...]:
        """See `ports.Applications`."""
        self._answer()
        with self._world.lock:
            return tuple(app.shown() for app in self._controller.apps.values())

    def get(self, ref: Ref) -> Application:
        """See `ports.Applications`."""
        self._answer()
        with self._world.lock:
            return self._app(ref).shown()

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        """See `ports.Applications`; there is no cache that `hard` could drop."""
        self._answer()
        with self._world.lock:
            app = self._app(ref)
            self._controller.compare(app)
            return app.shown()

    def windows(self, ref: Ref) -> SyncWindows:
        """See `ports.Applications`."""
        self._answer()
        with self._world.lock:
            app = self._app(ref)
            return SyncWindows(self._controller.may_sync(app, manual=True), app.windows)

    def diff(self, ref: Ref) -> tuple[DiffItem, ...]:
        """See `ports.Applications`."""
        self._answer()
        with self._world.lock:
            app = self._app(ref)
            found = []
            for key in sorted(app.desired.keys() | app.live.keys()):
                if key in app.desired and self._controller.matches(app, key):
                    continue
                lines = unified(self._controller.live(app, key), app.desired.get(key))
                note = "" if key in app.desired else "not in git any more: deleted by a sync with prune"
                found.append(DiffItem(key[1], key[2], key[3], lines, note))
            return tuple(found)

    def diff_revisions(self, ref: Ref, old: Deployment, new: Deployment) -> tuple[DiffItem, ...]:
        """See `ports.Applications`."""
        self._answer()
        with self._world.lock:
            place = self._controller.place(self._app(ref))
            before, after = (self._controller.repository.objects(d.revisions[0], place) for d in (old, new))
            found = []
            for key in sorted(before.keys() | after.keys()):
                if before.get(key) != after.get(key):
                    note = (
                        "" if key in before and key in after else f"only in the {'newer' if key in after else 'older'}"
                    )
                    lines = unified(before.get(key), after.get(key))
                    found.append(DiffItem(key[1], key[2], key[3], lines, note))
            return tuple(found)

    def tree(self, ref: Ref) -> tuple[TreeNode, ...]:
        """See `ports.Applications`."""
        self._answer()
        with self._world.lock:
            return tree_of(self._app(ref), self._controller.cluster)

    def revision(self, ref: Ref, revision: str, source_index: int = 0) -> RevisionInfo:
        """See `ports.Applications`."""
        self._answer()
        with self._world.lock:
            self._app(ref)
            commit = self._controller.repository.commit(self._controller.repository.resolve(revision))
            return RevisionInfo(
                commit.revision, f"{commit.author} <{commit.author}@example.org>", commit.date, commit.subject
            )

    def version(self) -> str:
        """See `ports.Applications`."""
        self._answer()
        return VERSION

    # Doing

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        """See `ports.Applications`. The checks and their order: application.go, Sync."""
        self._authorise("sync", ref)
        with self._world.lock:
            app = self._app(ref)
            if not self._controller.may_sync(app, manual=True):
                hint = "Wait for the window, or change it in the AppProject"
                raise Refused("Argo CD refuses", "cannot sync: blocked by sync window", hint)
            if app.deleting:
                raise Refused("Argo CD refuses", "application is deleting")
            target = app.source.target_revision
            if request.revision not in ("", target) and app.auto_sync.on and not request.dry_run:
                raise Refused(
                    "Argo CD refuses", f"Cannot sync to {request.revision}: auto-sync currently set to {target}"
                )
            self._refuse_if_busy(app)
            revision = self._resolved(request.revision or target)
            keys = keys_of(request.resources)
            self._controller.start(app, Task(revision, request.prune, request.dry_run, keys, by=USER))

    def rollback(self, ref: Ref, deployment_id: int, *, prune: bool = False, dry_run: bool = False) -> None:
        """See `ports.Applications`. The checks and their order: application.go, Rollback."""
        self._authorise("sync", ref)
        with self._world.lock:
            app = self._app(ref)
            if app.deleting:
                raise Refused("Argo CD refuses", "application is deleting")
            if app.auto_sync.on:
                raise Refused("Argo CD refuses", "rollback cannot be initiated when auto-sync is enabled")
            entry = next((d for d in app.history if d.id == deployment_id), None)
            if entry is None:
                words = f"application {app.name} does not have deployment with id {deployment_id}"
                raise Refused("Argo CD refuses", words)
            self._refuse_if_busy(app)
            self._controller.start(app, Task(entry.revisions[0], prune, dry_run, by=USER, hooks=False))

    def terminate(self, ref: Ref) -> None:
        """See `ports.Applications`."""
        self._authorise("sync", ref)
        with self._world.lock:
            app = self._app(ref)
            if not app.operation_runs:
                words = f"Unable to terminate operation. No operation is in progress for {app.name}"
                raise Refused("Argo CD refuses", words)
            self._controller.terminate(app)

    def pause_auto_sync(self, ref: Ref, record: RollbackRecord) -> Application:
        """See `ports.Applications`."""
        self._authorise("update", ref)
        with self._world.lock:
            app = self._app(ref)
            app.rollback = record
            if record.paused and app.auto_sync.configured:
                app.auto_sync = replace(app.auto_sync, enabled=False)
            return self._patched(app)

    def resume_auto_sync(self, ref: Ref, former: AutoSync | None) -> Application:
        """See `ports.Applications`."""
        self._authorise("update", ref)
        with self._world.lock:
            app = self._app(ref)
            app.rollback = None
            if former is not None and former.configured and app.auto_sync.configured:
                app.auto_sync = replace(app.auto_sync, enabled=former.enabled)
            return self._patched(app)

    def _patched(self, app: SimulatedApp) -> Application:
        """The controller sees every change of an application, and so does its parent."""
        self._controller.compare(app)
        parent = self._controller.apps.get(app.parent) if app.parent else None
        if parent is not None:
            self._controller.compare(parent)
        return app.shown()

    def _refuse_if_busy(self, app: SimulatedApp) -> None:
        if app.operation_runs:
            raise Refused("Argo CD refuses", "another operation is already in progress")

    def _resolved(self, name: str) -> str:
        """A revision that the repository does not have makes the operation fail, not the request."""
        try:
            return self._controller.repository.resolve(name)
        except NotFound:
            return name or BRANCH

    # ports.Login

    def login(self, username: str, password: str) -> None:
        """See `ports.Login`: any user with any password, as long as both are given."""
        if self._world.fault(self._source) is not Fault.EXPIRED:
            self._answer()
        if not username or not password:
            raise SignedOut("Argo CD does not let you in", "Invalid username or password")
        if self._world.fault(self._source) is Fault.EXPIRED:
            self._world.set_fault("argocd", None)
