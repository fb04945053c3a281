"""The Secrets that External Secrets has made in the simulated cluster."""

from __future__ import annotations

from collections.abc import Mapping

from labtui.demo.cluster import Cluster
from labtui.demo.vault import SimulatedVault
from labtui.domain.errors import NotFound

_KIND = ("external-secrets.io", "ExternalSecret")


class DemoClusterSecrets:
    """Implements `ports.ClusterSecrets`: what External Secrets has made of the simulated Vault for stacks with pods in the
    cluster; the app chart asks for no Secret without them."""

    def __init__(self, vault: SimulatedVault, cluster: Cluster) -> None:
        self._vault = vault
        self._cluster = cluster

    def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """See `ports.ClusterSecrets`."""
        asked = (_KIND[0], _KIND[1], namespace, name) in self._cluster.objects
        running = any(pod.ref.namespace == namespace for pod in self._vault.world.of(self._cluster.source, ("Pod",)))
        wanted = asked or (running and namespace == name)
        values = self._vault.reveal(self._vault.ref(f"apps/{name}")) if wanted else {}
        if not values:
            raise NotFound(f"The cluster has no Secret {namespace}/{name}")
        return {key: value.encode() for key, value in values.items()}
