"""A small Argo CD and Vault of the test's own, whose answers can be refused, held back and changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from labtui.core.audit import MemoryAudit
from labtui.core.executor import Executor
from labtui.core.lab import Lab
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError
from labtui.domain.plan import DiffItem
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources.argocd import (
    Application,
    ApplicationSource,
    AutoSync,
    Deployment,
    ManagedResource,
    Operation,
    ResourceResult,
    RollbackRecord,
)
from labtui.domain.resources.vault import SecretPath
from labtui.ports import RevisionInfo, SyncRequest, SyncWindow, SyncWindows, TreeNode
from labtui.tui.operations import ActionFlow
from labtui.tui.theming import VARIABLE_DEFAULTS, load_themes

NOW = datetime(2026, 3, 1, 14, 8, 13, tzinfo=UTC)
ARGOCD = SourceId(SourceKind.ARGOCD, "argocd.example.org")
VAULT = SourceId(SourceKind.VAULT, "https://vault.example.org")
WEB = Ref(ARGOCD, "Application", "argocd", "web")
OLD, NEW = "4b1c9e2" + "0" * 33, "8c11e0d" + "0" * 33
SOURCE = ApplicationSource("https://git.example.org/homelab.git", "manifests/web", target_revision="main")
SECRET = SecretPath(Ref(VAULT, "Secret", "kv", "apps/web"), version=4)

DIFF = (
    DiffItem(
        "Deployment",
        "web",
        "web",
        (
            "@@ -8,3 +8,3 @@",
            "     containers:",
            "-      image: nginx:1.27",
            "+      image: nginx:1.28",
            "       name: web",
        ),
    ),
    DiffItem("ConfigMap", "web", "web-config", ("@@ -1,2 +1,3 @@", " data:", "+  LOG_LEVEL: debug")),
)


class FixedClock:
    """Time stands still."""

    def now(self) -> datetime:
        """Always the same."""
        return NOW


def deployment(number: int, revision: str, days: float, by: str = "") -> Deployment:
    """An entry of the history."""
    return Deployment(number, (revision,), NOW - timedelta(days=days), by, (SOURCE,))


def application(**changes: Any) -> Application:
    """An application that differs from git."""
    app = Application(
        WEB,
        "default",
        "OutOfSync",
        "Healthy",
        sources=(SOURCE,),
        revisions=(NEW,),
        auto_sync=AutoSync(True, None, True, True),
        history=(deployment(3, "1" * 40, 30, "admin"), deployment(4, OLD, 3), deployment(5, NEW, 0.1)),
        resources=(
            ManagedResource("", "ConfigMap", "web", "web-config", "OutOfSync"),
            ManagedResource("apps", "Deployment", "web", "web", "OutOfSync", "Healthy"),
            ManagedResource("", "Service", "web", "web", "Synced", "Healthy"),
        ),
    )
    return replace(app, **changes)


class FakeApplications:
    """Does what it is told, as Argo CD would; `fail` raises, `hold` waits for the event, `calls` is what was asked."""

    def __init__(self, app: Application | None = None) -> None:
        self.app = app or application()
        self.fail: dict[str, LabError] = {}
        self.hold: dict[str, threading.Event] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.diff_items: tuple[DiffItem, ...] = DIFF
        self.allowed = SyncWindows(True)
        self.result = "Succeeded"
        self.infos: dict[str, RevisionInfo] = {}
        self._turns = 0

    def _enter(self, name: str, *arguments: Any) -> None:
        self.calls.append((name, *arguments))
        if name in self.hold:
            self.hold[name].wait(20)
        if name in self.fail:
            raise self.fail[name]

    def made(self, name: str) -> list[tuple[Any, ...]]:
        """The calls of this name."""
        return [call for call in self.calls if call[0] == name]

    @property
    def source(self) -> SourceId:
        return self.app.ref.source

    def all(self) -> tuple[Application, ...]:
        return (self.app,)

    def get(self, ref: Ref) -> Application:
        """A running operation ends at the second look."""
        self._enter("get", ref)
        operation = self.app.operation
        if operation is not None and operation.running and self._turns > 0:
            self._turns -= 1
            if self._turns == 0:
                results = (
                    ResourceResult("ConfigMap", "web", "web-config", "Synced", "configmap/web-config configured"),
                    ResourceResult("Deployment", "web", "web", "Synced", "deployment.apps/web configured"),
                )
                message = "successfully synced" if self.result == "Succeeded" else "one or more objects failed to apply"
                ended = replace(operation, phase=self.result, message=message, results=results, finished=NOW)
                self.app = replace(
                    self.app, operation=ended, sync="Synced" if self.result == "Succeeded" else "OutOfSync"
                )
        return self.app

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        """Nothing new."""
        self._enter("refresh", ref, hard)
        return self.app

    def _begin(self) -> None:
        self._turns = 2
        started = NOW + timedelta(seconds=len(self.calls))
        self.app = replace(self.app, operation=Operation("Running", "waiting for completion", started))

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        """Start."""
        self._enter("sync", ref, request)
        self._begin()

    def rollback(self, ref: Ref, deployment_id: int, *, prune: bool = False, dry_run: bool = False) -> None:
        """Start."""
        self._enter("rollback", ref, deployment_id, prune)
        self._begin()

    def terminate(self, ref: Ref) -> None:
        """End it."""
        self._enter("terminate", ref)
        if self.app.operation:
            self.app = replace(self.app, operation=replace(self.app.operation, phase="Failed", message="terminated"))

    def pause_auto_sync(self, ref: Ref, record: RollbackRecord) -> Application:
        """Pause."""
        self._enter("pause_auto_sync", ref, record)
        auto = replace(self.app.auto_sync, enabled=False) if record.paused else self.app.auto_sync
        self.app = replace(self.app, auto_sync=auto, rollback=record)
        return self.app

    def resume_auto_sync(self, ref: Ref, former: AutoSync | None) -> Application:
        """Resume."""
        self._enter("resume_auto_sync", ref, former)
        self.app = replace(self.app, auto_sync=former or self.app.auto_sync, rollback=None)
        return self.app

    def windows(self, ref: Ref) -> SyncWindows:
        """The windows."""
        self._enter("windows", ref)
        return self.allowed

    def diff(self, ref: Ref) -> tuple[DiffItem, ...]:
        """The diff."""
        self._enter("diff", ref)
        return self.diff_items

    def diff_revisions(self, ref: Ref, old: Deployment, new: Deployment) -> tuple[DiffItem, ...]:
        """The diff."""
        self._enter("diff_revisions", ref, old.id, new.id)
        return self.diff_items

    def tree(self, ref: Ref) -> tuple[TreeNode, ...]:
        """A Deployment with its pods, a Service."""
        self._enter("tree", ref)
        top, middle = ("apps", "Deployment", "web", "web"), ("apps", "ReplicaSet", "web", "web-6d4")
        return (
            TreeNode(*top, "Degraded"),
            TreeNode(*middle, "Progressing", "rev:2", top),
            TreeNode("", "Pod", "web", "web-6d4-x1", "Degraded", "CrashLoopBackOff", middle),
            TreeNode("", "Pod", "web", "web-6d4-x2", "Healthy", "1/1", middle),
            TreeNode("", "Service", "web", "web", "Healthy"),
            TreeNode("", "ConfigMap", "web", "web-config"),
        )

    def revision(self, ref: Ref, revision: str, source_index: int = 0) -> RevisionInfo:
        """A commit."""
        self._enter("revision", ref, revision)
        return self.infos.get(revision) or RevisionInfo(
            revision, "Ada <ada@example.org>", NOW, f"Change of {revision[:7]}\n\nmore"
        )

    def version(self) -> str:
        """A version."""
        return "v3.2.11"


class FakeSecrets:
    """One secret."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.fail: dict[str, LabError] = {}
        self.revealed = 0

    def open(self, ref: Ref) -> None:
        """Nothing to open."""

    def keys(self, ref: Ref) -> tuple[str, ...]:
        """The keys alone."""
        if "keys" in self.fail:
            raise self.fail["keys"]
        return tuple(self.values)

    def reveal(self, ref: Ref, version: int | None = None) -> Mapping[str, str]:
        """The values."""
        self.revealed += 1
        if "reveal" in self.fail:
            raise self.fail["reveal"]
        return dict(self.values)


def make_lab(applications: FakeApplications, secrets: FakeSecrets | None = None, read_only: str = "") -> Lab:
    """A Lab without feeds."""
    clock = FixedClock()
    executor = Executor(MemoryAudit(), clock, by="ada@desk", read_only=read_only)
    return Lab("homelab", clock, (), executor, applications, secrets, pace=Pace(every=0.005, limit=10))


class Host(App[None]):
    """Something for dialogs to lie on."""

    def __init__(self, lab: Lab, theme: str = "labtui-dark") -> None:
        super().__init__()
        for known in load_themes(()).themes.values():
            self.register_theme(known)
        self.lab = lab
        self.flow = ActionFlow(self, lab)
        self.theme = theme
        self.animation_level = "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """labtui's tokens, as in its own app."""
        return {**super().get_theme_variable_defaults(), **VARIABLE_DEFAULTS}

    def compose(self) -> ComposeResult:
        """A screen full of something."""
        yield Static("\n".join(f" ● application-{n:<12} Synced      Healthy     {n}h" for n in range(60)), markup=False)

    def shown(self) -> str:
        """The text on the screen now."""
        strips = self.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    def toasts(self) -> list[str]:
        """The toasts on the screen."""
        return [f"{n.title}: {n.message}" for n in self._notifications]


async def until(pilot: Pilot[None], reached: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a state."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        await pilot.pause(0.02)
        if reached():
            return
    host = pilot.app
    assert isinstance(host, Host)
    raise AssertionError(f"it never came to that; on the screen:\n{host.shown()}\ntoasts: {host.toasts()}")


async def sees(pilot: Pilot[None], *words: str) -> None:
    """Wait for words on the screen."""
    host = pilot.app
    assert isinstance(host, Host)
    await until(pilot, lambda: all(word in host.shown() for word in words))


def one_window() -> SyncWindows:
    """A window that forbids it."""
    return SyncWindows(False, (SyncWindow("deny", "0 22 * * *", "8h", active=True),))
