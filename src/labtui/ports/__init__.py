"""What the core needs of the outside world: one Protocol a capability. Adapters and the demo implement them.

All calls may be made from any thread, block at most a few seconds (each adapter has its timeouts) and raise only
`labtui.domain.errors`. A call that changes something is never repeated by itself: when its answer is lost it raises
`OutcomeUnknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from labtui.domain.changes import Change

# Every start of the screen imports this module: what only annotations name is left out.
if TYPE_CHECKING:
    from labtui.domain.checks import Check
    from labtui.domain.compose.stack import Stack
    from labtui.domain.conversion.facts import Facts
    from labtui.domain.conversion.gathering import ClusterReading, SiteFacts
    from labtui.domain.plan import DiffItem
    from labtui.domain.ref import Ref, SourceId
    from labtui.domain.resources.argocd import Application, AutoSync, Deployment, RollbackRecord

Emit = Callable[[Change], None]


class Clock(Protocol):
    """Now, in UTC. The demo's can be frozen."""

    def now(self) -> datetime:
        """The current time, timezone-aware."""


class Feed(Protocol):
    """Keeps one source fresh."""

    @property
    def source(self) -> SourceId:
        """Which source."""

    def follow(self, emit: Emit, stop: Event) -> None:
        """Connect, emit a `Resync` for every kind, then `Live`, then each change as it happens, until `stop` is set.

        Runs in a thread of its own. Raises a `LabError` as soon as the connection is lost, also when the server goes
        silent for longer than the adapter's timeout. Returns only when `stop` is set. May be called again after either.
        All connections that it opened are closed when it returns or raises. `emit` may be called from several threads.
        """

    def close(self) -> None:
        """From any thread: make a running `follow` return or raise at once, and free all processes and sockets."""


class Diagnosable(Protocol):
    """Can be examined by `labtui doctor`."""

    def check(self) -> Iterator[Check]:
        """Connection, version, permissions, clock skew: one `Check` each; the first is always `connection`."""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What to sync: `revision` empty means the target revision; `resources` empty means all."""

    revision: str = ""
    prune: bool = False
    dry_run: bool = False
    resources: tuple[tuple[str, str, str, str], ...] = ()  # group, kind, namespace, name


@dataclass(frozen=True, slots=True)
class SyncWindow:
    """A sync window as the server reports it: kind is allow or deny."""

    kind: str
    schedule: str
    duration: str
    manual_sync: bool = False
    active: bool = False


@dataclass(frozen=True, slots=True)
class SyncWindows:
    """Whether a manual sync may start now, and the windows that decide it."""

    can_sync: bool
    windows: tuple[SyncWindow, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionInfo:
    """Who made a revision, when and why."""

    revision: str
    author: str = ""
    date: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node of an application's resource tree; `parent` is the (group, kind, namespace, name) above it, None at the top."""

    group: str
    kind: str
    namespace: str
    name: str
    health: str = ""
    info: str = ""
    parent: tuple[str, str, str, str] | None = None


class Applications(Protocol):
    """What can be asked of Argo CD and done through it."""

    @property
    def source(self) -> SourceId:
        """The server."""

    def all(self) -> tuple[Application, ...]:
        """Every application that the account may see, in short form (no results of operations)."""

    def get(self, ref: Ref) -> Application:
        """The whole application, fresh from the server (with history and operation results)."""

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        """Compare with git now; hard also drops the manifest cache. Answers when the comparison is done."""

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        """Start a sync. Raises Refused with Argo CD's reason."""

    def rollback(self, ref: Ref, deployment_id: int, *, prune: bool = False, dry_run: bool = False) -> None:
        """Start a rollback to an entry of the history. Raises Refused with Argo CD's reason."""

    def terminate(self, ref: Ref) -> None:
        """End the running operation."""

    def pause_auto_sync(self, ref: Ref, record: RollbackRecord) -> Application:
        """Note `record` on the application and, if `record.paused`, set `automated.enabled` to false, keeping prune and selfHeal."""

    def resume_auto_sync(self, ref: Ref, former: AutoSync | None) -> Application:
        """Take the rollback record away; with `former`, put `automated.enabled` back (absent if it was None)."""

    def windows(self, ref: Ref) -> SyncWindows:
        """The sync windows that apply now."""

    def diff(self, ref: Ref) -> tuple[DiffItem, ...]:
        """What a sync would change: live against desired, secrets masked by the server."""

    def diff_revisions(self, ref: Ref, old: Deployment, new: Deployment) -> tuple[DiffItem, ...]:
        """What differs between the manifests of two deployments."""

    def tree(self, ref: Ref) -> tuple[TreeNode, ...]:
        """All resources that belong to the application, parents before children."""

    def revision(self, ref: Ref, revision: str, source_index: int = 0) -> RevisionInfo:
        """Author, date and message of a commit."""

    def version(self) -> str:
        """The server's version, e.g. `v3.2.11`."""


class Login(Protocol):
    """Signing in to a server that takes a user name and a password."""

    def login(self, username: str, password: str) -> None:
        """Get a token and use it from now on, in this process only. Raises SignedOut when it is refused."""


class Secrets(Protocol):
    """What can be asked of Vault beside its feed."""

    def open(self, ref: Ref) -> None:
        """Read a folder from now on (the feed shows what is in it)."""

    def reveal(self, ref: Ref, version: int | None = None) -> Mapping[str, str]:
        """The keys and values of a secret. The only call that returns values; never log its result."""

    def keys(self, ref: Ref) -> tuple[str, ...]:
        """The keys of the newest version, without values."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the GitOps repository."""

    revision: str
    subject: str
    author: str = ""
    date: datetime | None = None
    body: str = ""  # the message without its subject, where it was asked for


class GitOps(Protocol):
    """The repository that Argo CD deploys from."""

    def serves(self, repo_url: str) -> bool:
        """Is this the clone of that repository?"""

    def commits(self, old: str, new: str, paths: Sequence[str]) -> tuple[Commit, ...]:
        """The commits after `old` up to `new` that touch `paths`, newest first. Fetches when one is not known."""

    def restore_diff(self, revision: str, paths: Sequence[str]) -> str:
        """Unified diff from the branch's head at the remote to `paths` as they were in `revision`."""

    def restore(self, revision: str, paths: Sequence[str], message: str) -> Commit:
        """Commit `paths` as they were in `revision` on top of the branch's head at the remote, and push it.

        Works beside the user's checkout and never touches it. Raises Refused when the remote has moved on meanwhile.
        """

    def head(self) -> str:
        """The revision of the branch at the remote, asked now."""


class GitFiles(Protocol):
    """The text files of the repository that Argo CD deploys from."""

    def head(self) -> str:
        """The revision of the branch at the remote, asked now."""

    def read(self, revision: str, path: str) -> str:
        """A file's text at a revision. Raises NotFound when it is not there, Invalid when it is not UTF-8."""

    def seen(self, path: str) -> str | None:
        """A file's text as the operator has it, None where there is none; asks no server.

        That is the checkout's file where it was touched there, else the branch's as last known here: what labtui has
        pushed is seen before it is pulled. Raises Invalid when it is not UTF-8.
        """

    def write(self, base: str, files: Mapping[str, str], message: str) -> Commit:
        """Commit these files on top of `base` under the operator's own git identity, and push.

        Works beside the user's checkout and never touches it. Raises Refused when `base` is not the branch's head at the
        remote any more.
        """


class AuditLog(Protocol):
    """Who did what when and how it ended: one JSON object a line, on disk before the call returns."""

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write one entry. Raises Refused if it cannot be written: then nothing may be done."""

    def entries(self) -> Iterator[Mapping[str, Any]]:
        """All entries, oldest first; a damaged line is reported as an entry with the key `damaged`."""

    def newest(self) -> Iterator[Mapping[str, Any]]:
        """The same, newest first, read only as far as they are asked for."""


class ComposeFiles(Protocol):
    """The Compose files of a site, read by `docker compose config`, the reference implementation."""

    def stacks(self, site: str) -> tuple[str, ...]:
        """The stacks that a site's folder has files for, sorted."""

    def read(self, site: str, stack: str) -> Stack:
        """The merged stack. Raises NotFound (no such file), Invalid (file and line of what is wrong) and Refused when
        docker compose is missing (how to get it). No message holds a value of an env file."""


class StackFacts(Protocol):
    """What is known of a stack beside its files: images, mounts, running containers, the cluster."""

    def facts(self, stack: Stack) -> Facts:
        """Ask everything that can be asked; what cannot is left out."""


class SiteInspector(Protocol):
    """What the engine of a site knows of a stack: images, mounts, use, names."""

    def look(self, stack: Stack) -> SiteFacts:
        """Ask within half a minute at most. Changes nothing; runs `du` and `cat` in running containers. Raises LabError."""


class ClusterInspector(Protocol):
    """What the cluster has room for, and what others claim in it."""

    def read(self) -> ClusterReading:
        """Nodes, requests, storage classes, host names, NodePorts. Raises LabError."""


class ChartRenderer(Protocol):
    """Renders the app chart."""

    def render(self, values: Mapping[str, Any], name: str, namespace: str) -> tuple[Mapping[str, Any], ...]:
        """The objects, as `helm template` prints them. Raises Invalid with helm's words, Refused when helm is missing."""


@dataclass(frozen=True, slots=True)
class ComposePreview:
    """What a verb would do to a stack: the exact command lines (without secrets), the services it touches, the files on the
    site's host that templates are filled into, and what speaks against it."""

    commands: tuple[str, ...]
    services: tuple[str, ...]
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    digest: str = ""  # another one when the files have changed


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One container of a stack, as the engine has it now. `state` and `health` are Docker's words."""

    service: str
    container: str
    state: str
    health: str = ""
    image: str = ""
    exit_code: int | None = None


class ComposeControl(Protocol):
    """Runs a site's stacks with their own files."""

    def preview(self, site: str, stack: str, verb: str, services: Sequence[str]) -> ComposePreview:
        """What `run` would do; `services` empty means all. Raises NotFound, Invalid, Refused, Unreachable."""

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Callable[[str], None]) -> None:
        """`up`, `stop`, `restart` or `pull`; each line of output goes to `report`. Raises Refused, OutcomeUnknown."""

    def logs(self, site: str, stack: str, services: Sequence[str], *, follow: bool, tail: int) -> Generator[str]:
        """The containers' log lines, each with its origin; `tail` 0 means all. Close the iterator to end it."""

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        """The stack's containers, running or not, by service and name; none when it is not up."""


class ClusterSecrets(Protocol):
    """Secrets of the cluster, for comparing them."""

    def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """The keys and values of a Secret; never log its result. Raises NotFound, Denied."""
