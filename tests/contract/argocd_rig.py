"""What the contract suite of Argo CD needs: a server with three applications that can be driven by hand, beside the adapter.

child    auto-sync with prune and self-heal, managed by the parent
parent   app-of-apps with auto-sync and self-heal that renders the child
second   no auto-sync
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from labtui.adapters.argocd import ArgocdSource
from labtui.core.clock import SystemClock
from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.connections import ArgocdConnection
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application
from labtui.ports import Applications, Feed
from tests.live.gitops_fixture import ARGOCD_NAMESPACE, GitopsEstate, wait_until

T = TypeVar("T")


class ArgocdRig(Protocol):
    """One server. There may be applications of others on it; the tests look only at these three."""

    @property
    def applications(self) -> Applications:
        """The adapter, signed in as one who may do everything."""

    @property
    def viewer(self) -> Applications:
        """The adapter, signed in as one who may only look."""

    @property
    def child(self) -> Ref:
        """See the module."""

    @property
    def parent(self) -> Ref:
        """See the module."""

    @property
    def second(self) -> Ref:
        """See the module."""

    def feed(self) -> Feed:
        """A new feed of the server, as labtui would have it."""

    def twin(self) -> Ref:
        """Make an application of the second one's name in another namespace."""

    def new_revision(self, ref: Ref) -> str:
        """Commit a change of the child's or the second one's ConfigMap; answers the revision. Does not refresh."""

    def set_enabled(self, ref: Ref, enabled: bool | None) -> None:
        """Set the application's `automated.enabled` (None takes the key away), behind the adapter's back."""

    def add_slow_step(self, ref: Ref) -> None:
        """Commit something that makes the next sync run for minutes."""

    def remove_slow_step(self, ref: Ref) -> None:
        """Commit that it is gone."""

    def close_window(self) -> None:
        """A sync window denies all syncs of these applications."""

    def open_window(self) -> None:
        """No sync windows any more."""

    def until(self, what: str, probe: Callable[[], T | None], seconds: float = 60.0) -> T:
        """Let time pass until `probe` answers something true, and return that; fail with `what` after `seconds`."""

    def close(self) -> None:
        """Take everything away."""


class LiveRig:
    """The rig on the live estate."""

    def __init__(self, folder: Path) -> None:
        self._estate = GitopsEstate(folder)
        self._source = source(os.environ["ARGOCD_AUTH_TOKEN"])
        self.applications: Applications = self._source
        self.viewer: Applications = source(os.environ["LIVE_ARGOCD_VIEWER_TOKEN"])
        self.child = self._estate.ref(self._source.source, self._estate.child)
        self.parent = self._estate.ref(self._source.source, self._estate.parent)
        self.second = self._estate.ref(self._source.source, self._estate.second)
        self._estate.deploy()
        self.until("all three applications", self._all_there)

    def _all_there(self) -> bool:
        prefix = "application.argoproj.io/"
        answer = self._estate.kubectl("-n", ARGOCD_NAMESPACE, "get", "applications.argoproj.io", "-o", "name")
        return {f"{prefix}{ref.name}" for ref in (self.child, self.parent, self.second)} <= set(answer.split())

    def feed(self) -> Feed:
        return source(os.environ["ARGOCD_AUTH_TOKEN"])

    def twin(self) -> Ref:
        raise NotImplementedError("the live server watches one namespace")

    def new_revision(self, ref: Ref) -> str:
        return self._estate.commit_change(self._which(ref))

    def set_enabled(self, ref: Ref, enabled: bool | None) -> None:
        self._estate.patch(ref.name, {"spec": {"syncPolicy": {"automated": {"enabled": enabled}}}})

    def add_slow_step(self, ref: Ref) -> None:
        self._estate.add_slow_hook(self._which(ref))

    def remove_slow_step(self, ref: Ref) -> None:
        self._estate.remove(self._which(ref), "slow.yaml")

    def close_window(self) -> None:
        self._estate.close_window()

    def open_window(self) -> None:
        self._estate.open_window()

    def until(self, what: str, probe: Callable[[], T | None], seconds: float = 60.0) -> T:
        return wait_until(what, probe, seconds)

    def close(self) -> None:
        self._estate.delete()

    def _which(self, ref: Ref) -> str:
        return "child" if ref == self.child else "second"


def source(token: str | None, **settings: Any) -> ArgocdSource:
    """The adapter for the live server, with this token."""
    plain = "--plaintext" in os.environ.get("ARGOCD_OPTS", "")
    fields: dict[str, Any] = {"server": os.environ["ARGOCD_SERVER"], "plaintext": plain, "token": lambda: token}
    return ArgocdSource(ArgocdConnection(**(fields | settings)), SystemClock())


class Watcher:
    """Follows a feed in a thread, as the core does but once.

    `apps` is what there is now, `seen` every state of every application in order, `error` what ended `follow`.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.changes: list[Change] = []
        self.apps: dict[Ref, Application] = {}
        self.seen: list[Application] = []
        self.error: LabError | None = None
        self.stop = threading.Event()
        self.live = threading.Event()
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self.feed.close()
        assert self.ended.wait(2), "follow does not return when it is closed"

    def _run(self) -> None:
        try:
            self.feed.follow(self._take, self.stop)
        except LabError as error:
            self.error = error
        finally:
            self.ended.set()

    def _take(self, change: Change) -> None:
        match change:
            case Resync():
                self.apps = {r.ref: r for r in change.resources if isinstance(r, Application)}
                self.seen.extend(self.apps.values())
            case Upsert(resource=Application() as app):
                self.apps[app.ref] = app
                self.seen.append(app)
            case Remove():
                self.apps.pop(change.ref, None)
            case Live():
                self.live.set()
        self.changes.append(change)
