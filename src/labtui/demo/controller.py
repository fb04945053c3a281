"""The simulated Argo CD controller: compares git with the cluster, runs operations step by step, heals by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from labtui.demo.cluster import Cluster
from labtui.demo.objects import Key, Manifest
from labtui.demo.repository import Repository
from labtui.demo.simulated_app import SimulatedApp, application_of, policy_of
from labtui.demo.world import World
from labtui.domain.errors import NotFound
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import AutoSync, Condition, ManagedResource, Operation, ResourceResult

STEP = 0.6  # seconds from one resource of an operation to the next
LOOK = 0.02  # the same for one that is as it should be
NOTICE = 1.0  # seconds until the controller acts by itself on what it has seen
_WORST = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")  # as Argo CD orders them
APPLICATION = ("argoproj.io", "Application")


@dataclass(frozen=True, slots=True)
class Task:
    """An operation to be done: `keys` None means all resources (a full sync)."""

    revision: str
    prune: bool = False
    dry_run: bool = False
    keys: frozenset[Key] | None = None
    automated: bool = False
    by: str = ""
    hooks: bool = True  # a rollback runs none


class Controller:
    """Everything here is called with the world's lock held."""

    def __init__(self, world: World, cluster: Cluster, repository: Repository) -> None:
        self.world = world
        self.cluster = cluster
        self.repository = repository
        self.apps: dict[Ref, SimulatedApp] = {}
        self._runs: dict[Ref, int] = {}  # counts operations: a step of an ended one does nothing
        cluster.listener = self.health_changed

    def place(self, app: SimulatedApp) -> str:
        """What in the repository renders an application: its own values file, or the folder of its chart."""
        return app.source.value_files[0].strip("/") if app.source.value_files else app.source.path

    def children(self, app: SimulatedApp) -> tuple[SimulatedApp, ...]:
        """The applications that this one manages."""
        return tuple(child for child in self.apps.values() if child.parent == app.ref)

    def publish(self, app: SimulatedApp) -> None:
        """Tell the world about an application, if it is not what it was."""
        shown = app.shown()
        known = self.world.get(app.ref)
        if known != shown:
            app.version += 1
            self.world.put(app.shown())

    # Comparing

    def compare(self, app: SimulatedApp) -> None:
        """Compare with git now, and act on it later where auto-sync is on."""
        try:
            app.revision = self.repository.resolve(app.source.target_revision)
        except NotFound as error:
            app.sync = "Unknown"
            app.conditions = (Condition("ComparisonError", f"Failed to load target state: {error.title}"),)
            self.publish(app)
            return
        app.conditions = tuple(c for c in app.conditions if c.type not in ("ComparisonError", "SyncError"))
        objects = self.repository.objects(app.revision, self.place(app))
        app.desired = {key: manifest for key, manifest in objects.items() if not hook_of(manifest)}
        app.reconciled = self.world.clock.now().replace(microsecond=0)
        found = []
        for key in sorted(app.desired.keys() | app.live.keys()):
            pruned = key not in app.desired
            same = not pruned and self.matches(app, key)
            health, message = self.cluster.health(key) if key in app.live else ("Missing", "")
            state = "Synced" if same else "OutOfSync"
            found.append(ManagedResource(*key, state, health, message, requires_pruning=pruned))
        app.managed = tuple(found)
        app.sync = "OutOfSync" if any(r.sync == "OutOfSync" for r in found) else "Synced"
        self._judge_health(app)
        self.publish(app)
        self._consider_auto_sync(app)

    def live(self, app: SimulatedApp, key: Key) -> Manifest | None:
        """A managed object as it is in the cluster; a child application with its present sync policy."""
        manifest = app.live.get(key)
        if manifest is None or key[:2] != APPLICATION:
            return manifest
        child = self.apps.get(Ref(app.ref.source, "Application", key[2], key[3]))
        return manifest if child is None else with_policy(manifest, child.auto_sync)

    def matches(self, app: SimulatedApp, key: Key) -> bool:
        """Does the cluster have what git wants? With server-side apply only the wanted fields count (structured merge)."""
        live, wanted = self.live(app, key), app.desired.get(key)
        if live is None or wanted is None:
            return live is wanted
        if key[:2] == APPLICATION and "ServerSideApply=true" in app.sync_options:
            return _covers(live, wanted)
        return live == wanted

    def health_changed(self, application: str) -> None:
        """Something that belongs to an application has changed in the cluster."""
        for app in self.apps.values():
            if app.name == application:
                managed = []
                for resource in app.managed:
                    key = (resource.group, resource.kind, resource.namespace, resource.name)
                    health, message = self.cluster.health(key) if key in app.live else ("Missing", "")
                    managed.append(replace(resource, health=health, health_message=message))
                app.managed = tuple(managed)
                self._judge_health(app)
                self.publish(app)

    def _judge_health(self, app: SimulatedApp) -> None:
        states = [r for r in app.managed if r.health and not r.requires_pruning]
        worst = max(states, key=lambda r: _WORST.index(r.health), default=None)
        health = worst.health if worst else "Healthy"
        if health != app.health:
            app.health = health
            app.health_since = self.world.clock.now()
        app.health_message = worst.health_message if worst and health != "Healthy" else ""

    # By itself

    def _consider_auto_sync(self, app: SimulatedApp) -> None:
        """One attempt for each revision; with self-heal also for what has changed in the cluster."""
        if app.sync != "OutOfSync" or not app.auto_sync.on or app.operation_runs:
            return
        heals = app.attempted == app.revision
        if heals and not app.auto_sync.self_heal:
            return
        if all(r.requires_pruning for r in app.managed if r.sync == "OutOfSync") and not app.auto_sync.prune:
            return
        if not app.desired:  # as argo-cd says it (appcontroller.go, autoSync)
            words = f"Skipping sync attempt to {app.revision}: auto-sync will wipe out all resources"
            app.conditions = (*app.conditions, Condition("SyncError", words))
            self.publish(app)
            return

        def act() -> None:
            still = app.sync == "OutOfSync" and app.auto_sync.on and not app.operation_runs and not app.deleting
            if not still or not self.may_sync(app, manual=False):
                return
            app.attempted = app.revision
            drifted = frozenset((r.group, r.kind, r.namespace, r.name) for r in app.managed if r.sync == "OutOfSync")
            keys = drifted if heals else None  # a self-heal attempt is a partial sync
            self.start(app, Task(app.revision, app.auto_sync.prune, keys=keys, automated=True))

        self.world.after(NOTICE, act)

    def may_sync(self, app: SimulatedApp, *, manual: bool) -> bool:
        """What the sync windows say (types.go: CanSync)."""
        active = [w for w in app.windows if w.active]
        if any(w.kind == "deny" and not (manual and w.manual_sync) for w in active):
            return False
        if any(w.kind == "allow" for w in active):
            return True
        return not any(w.kind == "allow" and not (manual and w.manual_sync) for w in app.windows)

    # Operations

    def start(self, app: SimulatedApp, task: Task) -> None:
        """Begin an operation; the caller has checked that none runs."""
        run = self._runs.get(app.ref, 0) + 1
        self._runs[app.ref] = run
        app.queued = True
        app.operation = None
        self.publish(app)
        self.world.after(STEP / 2, lambda: self._begin(app, task, run))

    def _begin(self, app: SimulatedApp, task: Task, run: int) -> None:
        if self._runs[app.ref] != run:
            return
        now = self.world.clock.now()
        app.operation = Operation(
            "Running",
            "waiting for the first resource",
            started=now,
            revisions=(task.revision,),
            dry_run=task.dry_run,
            automated=task.automated,
            by=task.by,
        )
        try:
            wanted = self.repository.objects(self.repository.resolve(task.revision), self.place(app))
        except NotFound as error:
            message = f"ComparisonError: Failed to load target state: {error.title}"
            self._end(app, "Error", message)
            return
        hooks = [key for key, manifest in wanted.items() if hook_of(manifest)]
        keys = [k for k in sorted(wanted.keys() | app.live.keys()) if task.keys is None or k in task.keys]
        applied = sorted((k for k in keys if k in wanted and k not in hooks), key=lambda k: (wave_of(wanted[k]), k))
        keys = applied + [k for k in reversed(keys) if k not in wanted]
        if task.hooks and task.keys is None and not task.dry_run:
            keys = [*hooks, *keys]
        self.publish(app)
        self._step(app, task, run, wanted, keys)

    def _step(
        self, app: SimulatedApp, task: Task, run: int, wanted: dict[Key, Manifest], left: list[Key], waited: float = 0
    ) -> None:
        def work() -> None:
            if self._runs[app.ref] != run or app.operation is None:
                return
            if not left:
                self._finish(app, task)
                return
            key = left[0]
            rest = left[1:]
            seconds = hook_seconds(wanted.get(key))
            if seconds and not waited:
                app.operation = replace(app.operation, message=f"waiting for completion of hook batch/Job/{key[3]}")
                self.publish(app)
                self._step(app, task, run, wanted, left, seconds)
                return
            result = self._apply(app, task, key, wanted.get(key))
            waits = f"waiting for healthy state of {rest[0][1]}/{rest[0][3]}" if rest else "waiting for completion"
            app.operation = replace(app.operation, message=waits, results=(*app.operation.results, result))
            self.publish(app)
            self._step(app, task, run, wanted, rest)

        unchanged = bool(left) and app.live.get(left[0]) == wanted.get(left[0])
        self.world.after(waited or (LOOK if unchanged else STEP), work)

    def _apply(self, app: SimulatedApp, task: Task, key: Key, manifest: Manifest | None) -> ResourceResult:
        group, kind, namespace, name = key
        full = f"{kind.lower()}.{group}/{name}" if group else f"{kind.lower()}/{name}"
        if manifest is None:
            if not task.prune:
                return ResourceResult(kind, namespace, name, "PruneSkipped", "ignored (requires pruning)")
            if not task.dry_run:
                app.live.pop(key, None)
                self._delete(app, key)
            return ResourceResult(kind, namespace, name, "Pruned", "pruned (dry run)" if task.dry_run else "pruned")
        if task.dry_run:
            return ResourceResult(kind, namespace, name, "Synced", f"{full} configured (dry run)", sync_phase="Sync")
        if hook := hook_of(manifest):
            return ResourceResult(kind, namespace, name, "Synced", f"{full} created", hook, "Succeeded", hook)
        app.live[key] = manifest
        child = key[:2] == APPLICATION
        word = self._apply_child(app, key, manifest) if child else self.cluster.apply(manifest, app.name)
        if "ServerSideApply=true" in app.sync_options:
            word = "serverside-applied"
        return ResourceResult(kind, namespace, name, "Synced", f"{full} {word}", sync_phase="Sync")

    def _apply_child(self, app: SimulatedApp, key: Key, manifest: Manifest) -> str:
        child = self.apps.get(Ref(app.ref.source, "Application", key[2], key[3]))
        if child is None:
            self._create(app, manifest)
            return "created"
        wanted = policy_of(manifest)
        keeps = "ServerSideApply=true" in app.sync_options and wanted.enabled is None and wanted.configured
        before = child.auto_sync
        child.auto_sync = replace(wanted, enabled=before.enabled) if keeps else wanted
        if child.auto_sync != before:
            self.publish(child)
            self._consider_auto_sync(child)
        return "unchanged" if child.auto_sync == before else "configured"

    def _create(self, parent: SimulatedApp, manifest: Manifest) -> None:
        """An application that git names for the first time."""
        child = application_of(parent, manifest, self.world.clock.now())
        self.apps[child.ref] = child
        self.compare(child)

    def _delete(self, app: SimulatedApp, key: Key) -> None:
        """Take an object out of the cluster; an application without finalizers leaves what it has deployed."""
        gone = (
            self.apps.pop(Ref(app.ref.source, "Application", key[2], key[3]), None) if key[:2] == APPLICATION else None
        )
        if gone is None:
            self.cluster.delete(key)
            return
        self._runs[gone.ref] = self._runs.get(gone.ref, 0) + 1
        self.world.remove(gone.ref)

    def _finish(self, app: SimulatedApp, task: Task) -> None:
        if not task.dry_run and task.keys is None:
            now = self.world.clock.now()
            app.deploy(task.revision, now, "auto-sync" if task.automated else task.by)
            app.attempted = task.revision
        what = "no more tasks" if task.dry_run else "all tasks run"
        self._end(app, "Succeeded", f"successfully synced ({what})")

    def _end(self, app: SimulatedApp, phase: str, message: str) -> None:
        app.queued = False
        app.set_operation(phase, message, self.world.clock.now())
        self._runs[app.ref] += 1
        self.compare(app)

    def terminate(self, app: SimulatedApp) -> None:
        """End the running operation: what it has applied stays."""
        run = self._runs[app.ref] = self._runs.get(app.ref, 0) + 1
        if app.operation is None:
            app.operation = Operation("Running", started=self.world.clock.now())
        app.set_operation("Terminating", "operation is terminating", self.world.clock.now())
        self.publish(app)

        def ended() -> None:
            if self._runs[app.ref] == run:
                self._end(app, "Failed", "Operation terminated")

        self.world.after(STEP, ended)


def with_policy(manifest: Manifest, auto_sync: AutoSync) -> Manifest:
    """The manifest with this `automated` block."""
    spec = dict(manifest["spec"])
    policy = {k: v for k, v in spec["syncPolicy"].items() if k != "automated"}
    if auto_sync.configured:
        policy["automated"] = {"prune": auto_sync.prune, "selfHeal": auto_sync.self_heal}
        if auto_sync.enabled is not None:
            policy["automated"]["enabled"] = auto_sync.enabled
    return {**manifest, "spec": {**spec, "syncPolicy": policy}}


def hook_of(manifest: Manifest | None) -> str:
    """`PreSync`, `PostSync` … of a hook; empty for all else."""
    annotations = manifest["metadata"].get("annotations") or {} if manifest else {}
    return str(annotations.get("argocd.argoproj.io/hook", ""))


def wave_of(manifest: Manifest) -> int:
    """Its sync wave."""
    annotations = manifest["metadata"].get("annotations") or {}
    return int(annotations.get("argocd.argoproj.io/sync-wave", 0))


def hook_seconds(manifest: Manifest | None) -> float:
    """How long the simulated hook runs."""
    return float(manifest["spec"].get("activeDeadlineSeconds", 1)) if manifest and hook_of(manifest) else 0.0


def _covers(live: object, wanted: object) -> bool:
    """Does `live` have all that `wanted` says?"""
    if isinstance(live, dict) and isinstance(wanted, dict):
        return all(key in live and _covers(live[key], value) for key, value in wanted.items())
    return live == wanted


def keys_of(resources: Iterable[tuple[str, str, str, str]]) -> frozenset[Key] | None:
    """Chosen resources of a request; None for all."""
    return frozenset(resources) or None
