"""What a cluster has room for, and which host names, NodePorts and storage classes there are: read once, for a plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from labtui.adapters.kubernetes.kubeconfig import load
from labtui.adapters.kubernetes.reading import Json, number, quantity, rows, sub, text, value
from labtui.adapters.kubernetes.wire import Expired, Transport, Wire
from labtui.domain.connections import KubernetesConnection
from labtui.domain.conversion.facts import ClusterFacts, NodeFacts
from labtui.domain.conversion.gathering import ClusterReading, HostFacts
from labtui.domain.errors import Denied, LabError, NotFound

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_FINISHED = ("Succeeded", "Failed")


def read_cluster(connection: KubernetesConnection) -> ClusterReading:
    """Connect, read, hang up. Raises LabError when nodes or pods cannot be read."""
    wire = Wire(lambda: load(connection))
    try:
        wire.open()
        return reading(wire)
    finally:
        wire.close()


def reading(wire: Transport) -> ClusterReading:
    """See `read_cluster`. What may not be read beside nodes and pods counts as empty."""
    nodes = _all(wire, "/api/v1/nodes")
    used = _requested(_all(wire, "/api/v1/pods"))
    classes = _allowed(wire, "/apis/storage.k8s.io/v1/storageclasses")
    facts = ClusterFacts(
        nodes=tuple(_node(n, *used[text(n, "metadata", "name")]) for n in nodes if _takes_pods(n)),
        storage_classes=tuple(sorted(text(c, "metadata", "name") for c in classes)),
        default_storage_class=next((text(c, "metadata", "name") for c in classes if _is_default(c)), ""),
        hosts=_hosts(_allowed(wire, "/apis/networking.k8s.io/v1/ingresses")),
        node_ports=_node_ports(_allowed(wire, "/api/v1/services")),
        issuers=tuple(sorted(_issuers(_allowed(wire, "/apis/cert-manager.io/v1/clusterissuers")))),
        images=_images(n for n in nodes if _takes_pods(n)),
    )
    return ClusterReading(facts, tuple(_host(n) for n in nodes))


def _all(wire: Transport, path: str) -> list[Json]:
    # resourceVersion=0: from the server's cache, as every watch begins; a plan needs nothing newer
    try:
        return rows(wire.get(path, {"resourceVersion": "0"}), "items")
    except Expired as error:
        raise LabError("The cluster does not answer", "its list had expired", "Try again") from error


def _allowed(wire: Transport, path: str) -> list[Json]:
    try:
        return _all(wire, path)
    except (Denied, NotFound):
        return []


# Nodes


def _takes_pods(node: Json) -> bool:
    """Ready, not cordoned, and without a taint that keeps pods off."""
    if value(node, "spec", "unschedulable") is True:
        return False
    if any(t.get("effect") in ("NoSchedule", "NoExecute") for t in rows(node, "spec", "taints")):
        return False
    conditions = {c.get("type"): c.get("status") for c in rows(node, "status", "conditions")}
    return conditions.get("Ready") == "True"


def _node(node: Json, cpu: float, memory: float) -> NodeFacts:
    total = quantity(node, "status", "allocatable", "memory")
    return NodeFacts(
        name=text(node, "metadata", "name"),
        architecture=text(node, "status", "nodeInfo", "architecture"),
        cpu_free=round(quantity(node, "status", "allocatable", "cpu") - cpu, 3),
        memory_free=int(total - memory),
        memory=int(total),
    )


def _images(nodes: Iterable[Json]) -> frozenset[str]:
    """Names of images that every one of these nodes has; a node lists fifty of them, unless it is told otherwise."""
    found = [{str(n) for i in rows(node, "status", "images") for n in i.get("names") or ()} for node in nodes]
    return frozenset(set.intersection(*found)) if found else frozenset()


def _host(node: Json) -> HostFacts:
    return HostFacts(
        name=text(node, "metadata", "labels", "kubernetes.io/hostname") or text(node, "metadata", "name"),
        boot_id=text(node, "status", "nodeInfo", "bootID"),
        kernel=text(node, "status", "nodeInfo", "kernelVersion"),
        architecture=text(node, "status", "nodeInfo", "architecture"),
        addresses=tuple(text(a, "address") for a in rows(node, "status", "addresses")),
    )


def _requested(pods: Iterable[Json]) -> defaultdict[str, tuple[float, float]]:
    """Cores and bytes that the pods of each node ask for."""
    used: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for pod in pods:
        node = text(pod, "spec", "nodeName")
        if node and text(pod, "status", "phase") not in _FINISHED:
            cpu, memory = used[node]
            used[node] = (cpu + pod_requests(pod, "cpu"), memory + pod_requests(pod, "memory"))
    return used


def pod_requests(pod: Json, resource: str) -> float:
    """What the scheduler counts: the sum of the containers or, if that is more, the greatest init container; and the overhead.

    Init containers that go on (restartPolicy: Always) count as containers, and beside each init container after them.
    kubernetes.io, Sidecar Containers: resource sharing within containers.
    """
    beside = most = 0.0
    for container in rows(pod, "spec", "initContainers"):
        wanted = quantity(container, "resources", "requests", resource)
        if container.get("restartPolicy") == "Always":
            beside += wanted
            most = max(most, beside)
        else:
            most = max(most, beside + wanted)
    running = beside + sum(quantity(c, "resources", "requests", resource) for c in rows(pod, "spec", "containers"))
    return max(running, most) + quantity(pod, "spec", "overhead", resource)


# What others claim


def _is_default(storage_class: Json) -> bool:
    return sub(storage_class, "metadata", "annotations").get(_DEFAULT) == "true"


def _owner(thing: Json) -> str:
    return f"{text(thing, 'metadata', 'namespace')}/{text(thing, 'metadata', 'name')}"


def _hosts(ingresses: Iterable[Json]) -> dict[str, str]:
    """The oldest Ingress of a host keeps it, as controllers decide."""
    found: dict[str, str] = {}
    for ingress in sorted(ingresses, key=lambda i: text(i, "metadata", "creationTimestamp")):
        for rule in rows(ingress, "spec", "rules"):
            if host := text(rule, "host"):
                found.setdefault(host, _owner(ingress))
    return found


def _issuers(issuers: Iterable[Json]) -> Iterable[str]:
    for issuer in issuers:
        if any(c.get("type") == "Ready" and c.get("status") == "True" for c in rows(issuer, "status", "conditions")):
            yield text(issuer, "metadata", "name")


def _node_ports(services: Iterable[Json]) -> dict[int, str]:
    found: dict[int, str] = {}
    for service in services:
        ports = [number(port, "nodePort") for port in rows(service, "spec", "ports")]
        for port in (*ports, number(service, "spec", "healthCheckNodePort")):
            if port:
                found[port] = _owner(service)
    return found
