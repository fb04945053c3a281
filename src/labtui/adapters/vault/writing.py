"""Writing to one KV v2 mount with check-and-set. Implements `ports.moving.SecretWriter`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labtui.adapters.vault.access import Access
from labtui.adapters.vault.parse import askable, secret
from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Denied, Invalid, NotFound, Unreachable
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources.vault import SecretVersion
from labtui.domain.text import clean
from labtui.ports import Clock
from labtui.ports.moving import StoredSecret

if TYPE_CHECKING:
    from labtui.adapters.vault.client import Client


class VaultWriter:
    """A connection of its own for each call; the token is looked up first, so that a change is sent with a good one."""

    def __init__(self, connection: VaultConnection, clock: Clock) -> None:
        self._connection = connection
        self._access = Access(connection)
        self._clock = clock

    def newest(self, path: str) -> StoredSecret:
        """See `ports.moving.SecretWriter`."""
        with self._asking("read", path) as client:
            try:
                version, values, deleted = client.newest(path)
            except NotFound:
                # never written; or its newest version is destroyed, which only the metadata tells
                found = self._all(client, path)
                return StoredSecret(found[-1].version, deleted=True) if found else StoredSecret()
        return StoredSecret(version, values, deleted)

    def put(self, path: str, values: Mapping[str, Any], *, cas: int) -> int:
        """See `ports.moving.SecretWriter`."""
        with self._asking("write", path) as client:
            return client.put(path, values, cas)

    def versions(self, path: str) -> tuple[SecretVersion, ...]:
        """See `ports.moving.SecretWriter`."""
        with self._asking("read the versions of", path) as client:
            return self._all(client, path)

    def delete(self, path: str, versions: Sequence[int]) -> None:
        """See `ports.moving.SecretWriter`."""
        if versions:  # Vault takes none for an error
            with self._asking("delete versions of", path) as client:
                client.delete(path, versions)

    def capabilities(self, path: str) -> frozenset[str]:
        """See `ports.moving.SecretWriter`."""
        with self._asking("ask about", path) as client:
            return client.capabilities(f"{self._connection.mount}/data/{path}")

    def _all(self, client: Client, path: str) -> tuple[SecretVersion, ...]:
        try:
            data = client.metadata(path)
        except NotFound:
            return ()
        nowhere = Ref(SourceId(SourceKind.VAULT, ""), "Secret", self._connection.mount, path)
        return secret(nowhere, data, self._clock.now()).versions

    @contextmanager
    def _asking(self, verb: str, path: str) -> Iterator[Client]:
        from labtui.adapters.vault.client import Client

        shown = clean(f"{self._connection.mount}/{path}")
        if not askable(path) or path.endswith("/"):
            raise Invalid(f"The path {shown} cannot be asked for", "it has an empty, . or .. part")
        try:
            client = Client(self._connection)
        except OSError as error:
            raise Unreachable("Vault's certificate file cannot be read", error.strerror or "") from None
        try:
            self._access.sign_in(client)
            yield client
        except Denied as error:
            raise Denied(f"You may not {verb} {shown}", error.detail, "Ask for a policy that allows it") from None
        finally:
            client.close()
