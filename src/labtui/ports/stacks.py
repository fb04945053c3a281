"""What moving a stack needs of the outside world, beside `ports`: the repository's history, the stack's part of the cluster, its
containers. The rules of `ports` hold here, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from labtui.domain.ref import Ref
from labtui.ports import Commit, GitFiles, ServiceState, SyncRequest

if TYPE_CHECKING:
    from labtui.domain.resources.argocd import Application


class GitHistory(GitFiles, Protocol):
    """The repository as a migration needs it: what was committed, and the way back."""

    def write(
        self, base: str, files: Mapping[str, str | None], message: str, ready: Callable[[], None] = lambda: None
    ) -> Commit:
        """See `GitFiles.write`; None takes a file away. `ready` is called right before the push; what it raises prevents it."""

    def touched(self, revision: str, paths: Sequence[str], number: int = 50) -> tuple[Commit, ...]:
        """The newest commits up to `revision` that touch `paths`, newest first, with their whole messages."""

    def contains(self, revision: str, older: str) -> bool:
        """Is `older` this revision, or one before it? False for a revision that nobody knows."""

    def below(self, revision: str, folder: str) -> tuple[str, ...]:
        """The paths of all files in a folder at a revision, sorted; none when it is not there."""

    def revert(self, revision: str, message: str, ready: Callable[[], None] = lambda: None) -> Commit:
        """Commit the opposite of `revision` on top of the remote's head, and push; the message says what it reverts.

        `ready` is called right before the push; what it raises prevents it. Works beside the user's checkout. Raises Refused
        when later commits are in its way (what to do by hand), when there is nothing to revert any more, or when the remote
        has moved on meanwhile.
        """

    def obstacles(self, paths: Sequence[str]) -> tuple[str, ...]:
        """What in the operator's own clone speaks against commits on `paths`, each in words with what to do."""


@dataclass(frozen=True, slots=True)
class PodState:
    """A pod of a stack. `status` is what kubectl prints; `message` is the cluster's own words for what is wrong."""

    name: str
    component: str
    ready: bool
    status: str
    restarts: int = 0
    broken: bool = False  # its status is an error: an image that is not there, a program that ends again and again
    message: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class WorkloadState:
    """A Deployment, StatefulSet or DaemonSet of a stack. `current`: its controller has seen the newest version of it."""

    kind: str
    name: str
    ready: int
    desired: int
    updated: int
    current: bool = True

    @property
    def settled(self) -> bool:
        """Are all of its pods of the newest version, and ready?"""
        return self.current and self.updated >= self.desired and self.ready >= self.desired


@dataclass(frozen=True, slots=True)
class SliceState:
    """One EndpointSlice. `manager` is its label endpointslice.kubernetes.io/managed-by."""

    name: str
    service: str
    manager: str
    ready: tuple[str, ...] = ()
    not_ready: tuple[str, ...] = ()


class StackCluster(Protocol):
    """What the cluster has of one stack; asked now, of the API server. `release` is the app chart's instance label."""

    def workloads(self, namespace: str, release: str) -> tuple[WorkloadState, ...]:
        """Deployments, StatefulSets and DaemonSets, by kind and name."""

    def pods(self, namespace: str, release: str) -> tuple[PodState, ...]:
        """The pods that are not leaving, by name."""

    def remaining(self, namespace: str, release: str) -> tuple[PodState, ...]:
        """Every pod that may still run and write, by name: those that are leaving as well, not those that have ended."""

    def last_words(self, namespace: str, pod: str, lines: int = 20) -> tuple[str, ...]:
        """The last log lines of a pod's container that is not well (of its last run, if it has ended); cleaned and bounded."""

    def slices(self, namespace: str) -> tuple[SliceState, ...]:
        """All EndpointSlices of a namespace, by name."""


class Objects(Protocol):
    """Kubernetes objects by their identity, for estates without Argo CD and for what an adoption has to see."""

    def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """The object as the API server has it; None when it is not there. Raises Invalid for a kind that is not known."""

    def all(self, kind: str, namespace: str = "") -> tuple[Mapping[str, Any], ...]:
        """All objects of a kind, in one namespace or in every."""

    def apply(self, obj: Mapping[str, Any], *, dry_run: bool = False) -> Mapping[str, Any]:
        """Server-side apply with field manager `labtui`; answers the object as it is then, or would be.

        Raises Refused when another manager owns what it would change.
        """

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete what labtui applied, and return when it is gone; nothing when it is not there."""


class StackControl(Protocol):
    """The part of `ComposeControl` that a migration uses."""

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Callable[[str], None]) -> None:
        """See `ComposeControl`."""

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        """See `ComposeControl`."""


class Deployments(Protocol):
    """The part of `Applications` that a migration uses."""

    def get(self, ref: Ref) -> Application:
        """See `Applications`."""

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        """See `Applications`."""

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        """See `Applications`."""

    def terminate(self, ref: Ref) -> None:
        """See `Applications`."""


@dataclass(frozen=True, slots=True)
class DataUser:
    """A container that has some data mounted. `stack` and `service` are empty for one that Compose did not make."""

    container: str
    stack: str
    service: str
    place: str
    running: bool  # or paused, or being started again: it may write
    writes: bool  # not mounted read-only


class StackContainers(Protocol):
    """The containers of a Compose stack, as the engine of its site has them."""

    def restart_policies(self, site: str, stack: str) -> Mapping[str, str]:
        """By container name: `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`."""

    def set_restart_policy(self, site: str, container: str, policy: str) -> None:
        """Change it (docker update). Raises NotFound, Refused, OutcomeUnknown."""

    def connections(self, site: str, stack: str) -> int | None:
        """Established connections from outside to published TCP ports; None when that cannot be seen."""

    def data_users(self, site: str, places: Sequence[str]) -> tuple[DataUser, ...]:
        """Every container of the engine that mounts one of these places (paths of the host, names of volumes), a folder in
        one, or a folder that one is in; whatever made it, running or not."""
