"""No change without a fresh look at the lease: the ports through which actions change things, each behind a fence.

An action is given these instead of the adapters. It cannot forget the look, and nothing of its own is between the look and the
change. Outside of a run, and while an action only looks at the world, the fence is closed: nothing can be changed at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labtui.domain.errors import Refused
from labtui.domain.ref import Ref
from labtui.ports import Commit, ServiceState, SyncRequest
from labtui.ports.moving import SecretWriter, StoredSecret
from labtui.ports.stacks import DataUser, Deployments, GitHistory, Objects, StackContainers, StackControl

if TYPE_CHECKING:
    from labtui.core.stacks import MigrationTools
    from labtui.domain.resources.argocd import Application
    from labtui.domain.resources.vault import SecretVersion

Json = Mapping[str, Any]


class Fence:
    """Made for one run, which opens it while an action does or undoes something."""

    def __init__(self) -> None:
        self._ask: Callable[[], None] | None = None

    @contextmanager
    def opened(self, ask: Callable[[], None]) -> Iterator[None]:
        """Within it `ask` is called before each change; it raises where there must be none."""
        self._ask = ask
        try:
            yield
        finally:
            self._ask = None

    def demand(self) -> None:
        """Right before a change. Raises Refused where no run has opened it, and what ends the run where the lease is lost."""
        if self._ask is None:
            raise Refused("Nothing is changed outside of a step of a migration", "a defect of labtui")
        self._ask()


class FencedHistory:
    """`ports.stacks.GitHistory`. Commits are made first; the fence is asked right before the push."""

    def __init__(self, history: GitHistory, fence: Fence) -> None:
        self._history, self._fence = history, fence

    def head(self) -> str:
        """See `ports.GitFiles`."""
        return self._history.head()

    def read(self, revision: str, path: str) -> str:
        """See `ports.GitFiles`."""
        return self._history.read(revision, path)

    def seen(self, path: str) -> str | None:
        """See `ports.GitFiles`."""
        return self._history.seen(path)

    def touched(self, revision: str, paths: Sequence[str], number: int = 50) -> tuple[Commit, ...]:
        """See `ports.stacks.GitHistory`."""
        return self._history.touched(revision, paths, number)

    def contains(self, revision: str, older: str) -> bool:
        """See `ports.stacks.GitHistory`."""
        return self._history.contains(revision, older)

    def below(self, revision: str, folder: str) -> tuple[str, ...]:
        """See `ports.stacks.GitHistory`."""
        return self._history.below(revision, folder)

    def obstacles(self, paths: Sequence[str]) -> tuple[str, ...]:
        """See `ports.stacks.GitHistory`."""
        return self._history.obstacles(paths)

    def write(
        self, base: str, files: Mapping[str, str | None], message: str, ready: Callable[[], None] = lambda: None
    ) -> Commit:
        """See `ports.stacks.GitHistory`."""
        return self._history.write(base, files, message, self._both(ready))

    def revert(self, revision: str, message: str, ready: Callable[[], None] = lambda: None) -> Commit:
        """See `ports.stacks.GitHistory`."""
        return self._history.revert(revision, message, self._both(ready))

    def _both(self, ready: Callable[[], None]) -> Callable[[], None]:
        def both() -> None:
            ready()
            self._fence.demand()

        return both


class FencedObjects:
    """`ports.stacks.Objects`."""

    def __init__(self, objects: Objects, fence: Fence) -> None:
        self._objects, self._fence = objects, fence

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """See `ports.stacks.Objects`."""
        return self._objects.find(kind, namespace, name)

    def all(self, kind: str, namespace: str = "") -> tuple[Json, ...]:
        """See `ports.stacks.Objects`."""
        return self._objects.all(kind, namespace)

    def apply(self, obj: Json, *, dry_run: bool = False) -> Json:
        """See `ports.stacks.Objects`."""
        if not dry_run:
            self._fence.demand()
        return self._objects.apply(obj, dry_run=dry_run)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """See `ports.stacks.Objects`."""
        self._fence.demand()
        self._objects.delete(kind, namespace, name)


class FencedContainers:
    """`ports.stacks.StackContainers`."""

    def __init__(self, containers: StackContainers, fence: Fence) -> None:
        self._containers, self._fence = containers, fence

    def restart_policies(self, site: str, stack: str) -> Mapping[str, str]:
        """See `ports.stacks.StackContainers`."""
        return self._containers.restart_policies(site, stack)

    def connections(self, site: str, stack: str) -> int | None:
        """See `ports.stacks.StackContainers`."""
        return self._containers.connections(site, stack)

    def data_users(self, site: str, places: Sequence[str]) -> tuple[DataUser, ...]:
        """See `ports.stacks.StackContainers`."""
        return self._containers.data_users(site, places)

    def set_restart_policy(self, site: str, container: str, policy: str) -> None:
        """See `ports.stacks.StackContainers`."""
        self._fence.demand()
        self._containers.set_restart_policy(site, container, policy)


class FencedCompose:
    """`ports.stacks.StackControl`."""

    def __init__(self, control: StackControl, fence: Fence) -> None:
        self._control, self._fence = control, fence

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        """See `ports.stacks.StackControl`."""
        return self._control.states(site, stack)

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Callable[[str], None]) -> None:
        """See `ports.stacks.StackControl`."""
        self._fence.demand()
        told: list[str] = []

        def first(words: str) -> None:
            if not told:  # right before it begins; to find its files may have taken a while
                self._fence.demand()
            told.append(words)
            report(words)

        self._control.run(site, stack, verb, services, first)


class FencedSecrets:
    """`ports.moving.SecretWriter`."""

    def __init__(self, writer: SecretWriter, fence: Fence) -> None:
        self._writer, self._fence = writer, fence

    def newest(self, path: str) -> StoredSecret:
        """See `ports.moving.SecretWriter`."""
        return self._writer.newest(path)

    def versions(self, path: str) -> tuple[SecretVersion, ...]:
        """See `ports.moving.SecretWriter`."""
        return self._writer.versions(path)

    def capabilities(self, path: str) -> frozenset[str]:
        """See `ports.moving.SecretWriter`."""
        return self._writer.capabilities(path)

    def put(self, path: str, values: Mapping[str, Any], *, cas: int) -> int:
        """See `ports.moving.SecretWriter`."""
        self._fence.demand()
        return self._writer.put(path, values, cas=cas)

    def delete(self, path: str, versions: Sequence[int]) -> None:
        """See `ports.moving.SecretWriter`."""
        self._fence.demand()
        self._writer.delete(path, versions)


class FencedApplications:
    """`ports.stacks.Deployments`. To let Argo CD compare with git (`refresh`) is no change."""

    def __init__(self, applications: Deployments, fence: Fence) -> None:
        self._applications, self._fence = applications, fence

    def get(self, ref: Ref) -> Application:
        """See `ports.stacks.Deployments`."""
        return self._applications.get(ref)

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        """See `ports.stacks.Deployments`."""
        return self._applications.refresh(ref, hard=hard)

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        """See `ports.stacks.Deployments`."""
        self._fence.demand()
        self._applications.sync(ref, request)

    def terminate(self, ref: Ref) -> None:
        """See `ports.stacks.Deployments`."""
        self._fence.demand()
        self._applications.terminate(ref)


def fenced_tools(tools: MigrationTools, fence: Fence) -> MigrationTools:
    """The tools of one run: what changes things asks the fence first."""
    return replace(
        tools,
        objects=FencedObjects(tools.objects, fence),
        containers=FencedContainers(tools.containers, fence),
        history=FencedHistory(tools.history, fence) if tools.history is not None else None,
    )
