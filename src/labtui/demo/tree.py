"""The resource tree of an application, as Argo CD would draw it."""

from __future__ import annotations

from labtui.demo.cluster import Cluster
from labtui.demo.objects import Key
from labtui.demo.simulated_app import SimulatedApp
from labtui.domain.resources import EndpointSlice, Pod
from labtui.domain.states import Level
from labtui.ports import TreeNode

_POD_HEALTH = {Level.WELL: "Healthy", Level.BROKEN: "Degraded"}


def tree_of(app: SimulatedApp, cluster: Cluster) -> tuple[TreeNode, ...]:
    """Managed objects, and below them what their controllers made."""
    found: list[TreeNode] = []
    for key in sorted(app.live):
        found.append(TreeNode(*key, health=cluster.health(key)[0]))
        pods = cluster.pods(key)
        if key[1] == "Deployment":
            found.extend(_replica_sets(key, pods))
        else:
            found.extend(_pod(pod, key) for pod in pods)
        if key[1] == "Service":
            found.extend(
                TreeNode("discovery.k8s.io", "EndpointSlice", key[2], slice_.ref.name, parent=key)
                for slice_ in cluster.world.of(cluster.source, ("EndpointSlice",))
                if isinstance(slice_, EndpointSlice)
                and (slice_.ref.namespace, slice_.service) == (key[2], key[3])
                and ("discovery.k8s.io", "EndpointSlice", key[2], slice_.ref.name) not in app.live
            )
    return tuple(found)


def _replica_sets(key: Key, pods: tuple[Pod, ...]) -> list[TreeNode]:
    found: list[TreeNode] = []
    for name in dict.fromkeys(pod.ref.name.rpartition("-")[0] for pod in pods):
        replica_set = ("apps", "ReplicaSet", key[2], name)
        mine = [pod for pod in pods if pod.ref.name.rpartition("-")[0] == name]
        healthy = all(pod.level is Level.WELL for pod in mine)
        found.append(TreeNode(*replica_set, health="Healthy" if healthy else "Progressing", parent=key))
        found.extend(_pod(pod, replica_set) for pod in mine)
    return found


def _pod(pod: Pod, parent: Key) -> TreeNode:
    restarts = f", {pod.restarts} restarts" if pod.restarts else ""
    info = f"{pod.status}, {pod.ready}/{pod.containers}{restarts}"
    health = _POD_HEALTH.get(pod.level, "Progressing")
    return TreeNode("", "Pod", pod.ref.namespace, pod.ref.name, health, info, parent)
