"""What is asked of the simulated cluster and Argo CD before a stack is moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labtui.demo.argocd import SimulatedArgocd
from labtui.demo.faults import Fault
from labtui.demo.world import World
from labtui.domain.errors import NotFound
from labtui.domain.migration.preflight import IngressState, Right
from labtui.domain.resources import Ingress, Node
from labtui.domain.text import clean

# EndpointSlices are not among what its Argo CD leaves out
_CONFIG = {
    "resource.exclusions": "- apiGroups: ['', coordination.k8s.io]\n  kinds: [Endpoints, Lease]\n  clusters: ['*']\n"
}


class SimulatedQuestions:
    """`ports.moving.ClusterQuestions`."""

    def __init__(self, world: World) -> None:
        self._world, self._source = world, world.sources["cluster"]

    def lacking(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        """See `ports.moving.ClusterQuestions`: a cluster that denies things denies these."""
        self._world.answer(self._source)
        return tuple(rights) if self._world.fault(self._source) is Fault.DENIED else ()

    def config(self, namespace: str, name: str) -> Mapping[str, str]:
        """See `ports.moving.ClusterQuestions`."""
        self._world.answer(self._source)
        if (namespace, name) != ("argocd", "argocd-cm"):
            raise NotFound(f"The cluster has no ConfigMap {clean(namespace)}/{clean(name)}")
        return dict(_CONFIG)

    def ingresses(self) -> tuple[IngressState, ...]:
        """See `ports.moving.ClusterQuestions`."""
        self._world.answer(self._source)
        found = (r for r in self._world.of(self._source, ("Ingress",)) if isinstance(r, Ingress))
        return tuple(IngressState(i.ref.namespace, i.ref.name, i.class_name, i.hosts, i.addresses) for i in found)

    def memory_in_use(self) -> Mapping[str, int]:
        """See `ports.moving.ClusterQuestions`."""
        self._world.answer(self._source)
        nodes = (r for r in self._world.of(self._source, ("Node",)) if isinstance(r, Node))
        return {node.ref.name: node.usage.memory for node in nodes if node.usage is not None}


class SimulatedAllowances:
    """`ports.moving.Allowances`."""

    def __init__(self, argocd: SimulatedArgocd) -> None:
        self._argocd = argocd

    def may(self, resource: str, action: str, what: str) -> bool:
        """See `ports.moving.Allowances`."""
        self._argocd.version()
        return action == "get" or not self._argocd.viewer
