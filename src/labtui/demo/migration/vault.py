"""Writing to the simulated Vault with check-and-set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labtui.demo.vault import SimulatedVault
from labtui.domain.resources.vault import SecretVersion
from labtui.ports.moving import StoredSecret


class SimulatedWriter:
    """`ports.moving.SecretWriter`."""

    def __init__(self, vault: SimulatedVault) -> None:
        self._vault = vault

    def newest(self, path: str) -> StoredSecret:
        """See `ports.moving.SecretWriter`."""
        versions = self.versions(path)
        if not versions:
            return StoredSecret()
        last = versions[-1]
        if last.deleted or last.destroyed:
            return StoredSecret(last.version, deleted=True)
        return StoredSecret(last.version, self._vault.reveal(self._vault.ref(path)))

    def put(self, path: str, values: Mapping[str, Any], *, cas: int) -> int:
        """See `ports.moving.SecretWriter`."""
        return self._vault.put(path, {key: str(value) for key, value in values.items()}, cas)

    def versions(self, path: str) -> tuple[SecretVersion, ...]:
        """See `ports.moving.SecretWriter`."""
        return self._vault.versions(path)

    def delete(self, path: str, versions: Sequence[int]) -> None:
        """See `ports.moving.SecretWriter`."""
        self._vault.delete_versions(path, versions)

    def capabilities(self, path: str) -> frozenset[str]:
        """See `ports.moving.SecretWriter`: what is not closed may be written."""
        if self._vault.closed(path):
            return frozenset({"deny"})
        return frozenset({"create", "read", "update", "delete"})
