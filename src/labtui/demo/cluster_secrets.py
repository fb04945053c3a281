"""The Secrets that External Secrets has made in the simulated cluster."""

from __future__ import annotations

from collections.abc import Mapping

from labtui.demo.vault import SimulatedVault
from labtui.domain.errors import NotFound
from labtui.domain.ref import SourceId


class DemoClusterSecrets:
    """Implements `ports.ClusterSecrets`: what External Secrets has made of the simulated Vault for stacks with pods in the
    cluster; the app chart asks for no Secret without them."""

    def __init__(self, vault: SimulatedVault, cluster: SourceId) -> None:
        self._vault = vault
        self._cluster = cluster

    def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """See `ports.ClusterSecrets`."""
        running = any(pod.ref.namespace == namespace for pod in self._vault.world.of(self._cluster, ("Pod",)))
        values = self._vault.reveal(self._vault.ref(f"apps/{name}")) if namespace == name and running else {}
        if not values:
            raise NotFound(f"The cluster has no Secret {namespace}/{name}")
        return {key: value.encode() for key, value in values.items()}
