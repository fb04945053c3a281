"""The Secrets that External Secrets has made in the simulated cluster."""

from __future__ import annotations

from collections.abc import Mapping

from labtui.demo.vault import SimulatedVault
from labtui.domain.errors import NotFound


class DemoClusterSecrets:
    """Implements `ports.ClusterSecrets`: what External Secrets has made of the simulated Vault for stacks in the cluster."""

    def __init__(self, vault: SimulatedVault) -> None:
        self._vault = vault

    def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """See `ports.ClusterSecrets`."""
        values = self._vault.reveal(self._vault.ref(f"apps/{name}")) if namespace == name else {}
        if not values:
            raise NotFound(f"The cluster has no Secret {namespace}/{name}")
        return {key: value.encode() for key, value in values.items()}
