"""What the core needs of the outside world to back stacks up and to begin a migration. The rules are those of `labtui.ports`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from labtui.domain.backup import DataPlace, PlaceState, SourceFile
    from labtui.domain.migration.preflight import IngressState, Right
    from labtui.domain.resources.vault import SecretVersion


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """The newest version of a secret: 0 where the path was never written. `values` are as stored (text, or any JSON), none
    where that version is deleted; in no repr."""

    version: int = 0
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    deleted: bool = False


class SecretWriter(Protocol):
    """Writing secrets with check-and-set. Paths are below the estate's mount. No error holds a value."""

    def newest(self, path: str) -> StoredSecret:
        """The newest version and its values; never log its result. Raises Denied."""

    def put(self, path: str, values: Mapping[str, Any], *, cas: int) -> int:
        """Write a new version, if `cas` is still the newest one (0: never written). Answers its number.

        Raises Refused when somebody else has written meanwhile, OutcomeUnknown when no answer came.
        """

    def versions(self, path: str) -> tuple[SecretVersion, ...]:
        """All versions, oldest first, without values; none where the path was never written. Raises Denied."""

    def delete(self, path: str, versions: Sequence[int]) -> None:
        """Delete exactly these versions, in the way that can be taken back. Raises Denied, OutcomeUnknown."""

    def capabilities(self, path: str) -> frozenset[str]:
        """What the token may do with the values of a path: Vault's words (`create`, `update`, `read`, `root` …)."""


class DataStore(Protocol):
    """The data of a site's stacks, through its Docker engine. Valid until the block that opened it is left.

    A place is looked at through a helper: a container that is created, never started, and removed again.
    """

    def state(self, place: DataPlace) -> PlaceState | None:
        """What the engine knows of it; None when it does not exist."""

    def read(self, place: DataPlace) -> AbstractContextManager[Callable[[int], bytes]]:
        """Its content as a tar stream whose names begin with `labtui-data`, to be read in pieces. Mounted read-only.

        The reader gives no more than it is asked for, fewer bytes only at the end. Raises NotFound, Refused, Unreachable.
        """

    def write(self, place: DataPlace, state: PlaceState, chunks: Iterator[bytes]) -> None:
        """Unpack such a stream over it; makes it first if it is not there. Raises OutcomeUnknown when no answer came."""

    def make_volume(self, name: str, state: PlaceState) -> None:
        """A volume as `state` says. It must not exist."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume and what is in it. Raises Refused while a container has it."""


class DataStores(Protocol):
    """The engine of one site, for its data."""

    def open(self, owner: str, images: Sequence[str]) -> AbstractContextManager[DataStore]:
        """Connect. `owner` names who works: helpers that an earlier run of the same owner left are removed.

        A helper needs an image: one of `images` that the engine has, else any. Nothing of it is run.
        """


class StackSources(Protocol):
    """The files that stacks are made of."""

    def collect(self, site: str, stack: str) -> tuple[SourceFile, ...]:
        """Compose files, env files and templates, from where they are. Env files hold secrets. Raises NotFound, Unreachable."""


class ClusterQuestions(Protocol):
    """What is asked of a cluster before a stack is moved. Changes nothing."""

    def lacking(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        """Those that the user does not have (SelfSubjectAccessReview)."""

    def config(self, namespace: str, name: str) -> Mapping[str, str]:
        """The texts of a ConfigMap. Raises NotFound, Denied."""

    def ingresses(self) -> tuple[IngressState, ...]:
        """All Ingresses. Raises Denied."""

    def memory_in_use(self) -> Mapping[str, int]:
        """Bytes in use by node, as measured; none where metrics are not served."""


class Allowances(Protocol):
    """What the account that is signed in to Argo CD may do."""

    def may(self, resource: str, action: str, what: str) -> bool:
        """`applications`, `sync`, `PROJECT/NAME`."""
