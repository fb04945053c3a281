"""Does the stack fit the cluster that it would move to? Findings on what no line of the Compose file says by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from labtui.domain.conversion.context import Conversion, Pass
from labtui.domain.conversion.facts import ClusterFacts, NodeFacts
from labtui.domain.conversion.rules.common import STAY, in_words, shown
from labtui.domain.text import clean

_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|[kMGTPE]i?|Ki)?\Z")
_FACTORS = {"": 1.0, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_FACTORS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", start=1)}


def fit(conv: Conversion) -> None:
    """Architectures, room, host names, NodePorts, storage classes and NFS shares, each with a finding of its own."""
    cluster = conv.facts.cluster
    shares(conv)
    for number, problem in enumerate(conv.facts.problems, 1):
        words = f"Not everything is known, so more may come up later: {clean(problem, 300)}."
        conv.converted("", f"unknown.{number}", words)
    if cluster is None:
        words = "The cluster was not asked: architectures, room, host names and ports are not checked yet."
        conv.converted("", "cluster", words)
        return
    nodes = cluster.nodes
    if not nodes:
        conv.refused("", "cluster.nodes", f"No node of the cluster takes pods; make one ready, or {STAY}.")
        return
    architectures(conv, nodes)
    room(conv, nodes)
    hosts(conv, cluster)
    node_ports(conv, cluster)
    storage(conv, cluster)


def _components(conv: Conversion) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, values) for name, values in conv.components.items() if name not in conv.left_out)


def architectures(conv: Conversion, nodes: tuple[NodeFacts, ...]) -> None:
    """What the site's engine has of an image may be one of several that its registry has: a mismatch is asked."""
    have = sorted({n.architecture for n in nodes if n.architecture})
    for name, values in _components(conv):
        service = conv.stack.service(name)
        image = str(values.get("image") or (service.image if service else ""))
        facts = conv.facts.images.get(image)
        if facts is None or not facts.architectures or not have:
            continue
        fitting = [a for a in have if a in facts.architectures]
        known = ", ".join(facts.architectures)
        if fitting and len(fitting) < len(have):
            values.setdefault("nodeSelector", {})["kubernetes.io/arch"] = fitting[0]
            words = f"The image is for {known}; it runs on the nodes that are {fitting[0]} alone."
            conv.converted(name, "cluster.architecture", words)
        elif not fitting:
            words = (
                f"The site has this image for {known}, and the nodes are {' and '.join(have)}. See what its registry has "
                f"(docker manifest inspect {shown(image)})."
            )
            options = [
                ("other", f"the registry has it for {' or '.join(have)}, too"),
                ("none", f"it is for {known} alone"),
            ]
            answer = conv.choose(name, "cluster.architecture", "Is there an image for the nodes?", options, "", words)
            if answer == "none":
                pattern = f"add a node that is {known}, take another image, or {STAY}"
                conv.refused(
                    name, "cluster.architecture", f"The image does not run on {' and '.join(have)}: {pattern}."
                )


def room(conv: Conversion, nodes: tuple[NodeFacts, ...]) -> None:
    """Every pod's requests on one node, and all of them on all nodes together."""
    cpu = memory = 0.0
    for name, values in _components(conv):
        cores, size = requests(values)
        replicas = values.get("replicas", 1)
        count = replicas if isinstance(replicas, int) else 1
        cpu, memory = cpu + cores * count, memory + size * count
        if cores or size:
            _room_of_one(conv, name, cores, size, nodes)
    free_cpu, free_memory = sum(n.cpu_free for n in nodes), sum(n.memory_free for n in nodes)
    asked = f"ask for {cpu:.3g} cores and {in_words(int(memory))}" if cpu or memory else "reserve nothing"
    have = f"{max(0.0, free_cpu):.3g} cores and {in_words(max(0, free_memory))}"
    if cpu > free_cpu or memory > free_memory:
        words = f"The pods {asked}, and the nodes have {have} left"
        conv.refused("", "cluster.room", f"{words}; lower the reservations, free some, add a node, or {STAY}.")
        return
    words = f"The pods {asked}; the nodes have {have} left."
    used = sum(u.memory or 0 for u in conv.facts.usage.values())
    if used > free_memory:
        detail = f"{words} But on Docker the stack uses {in_words(used)} of memory now, which is more than that."
        options = [("proceed", "the nodes can lend memory, or more will be freed")]
        conv.choose("", "cluster.room", "Move it although memory is short?", options, "", detail)
    else:
        conv.converted("", "cluster.room", words)


def _room_of_one(conv: Conversion, name: str, cpu: float, memory: float, nodes: tuple[NodeFacts, ...]) -> None:
    if any(n.cpu_free >= cpu and n.memory_free >= memory for n in nodes):
        return
    words = f"No node has {cpu:.3g} cores and {in_words(int(memory))} left for one pod of it"
    conv.refused(name, "cluster.room", f"{words}; lower its reservations, free some, add a node, or {STAY}.")


def requests(values: Mapping[str, Any]) -> tuple[float, float]:
    """Cores and bytes that one pod of a component asks for: its requests, else its limits, as Kubernetes does."""
    resources = values.get("resources")
    if not isinstance(resources, Mapping):
        return 0.0, 0.0
    wanted: dict[str, Any] = {}
    for part in ("limits", "requests"):
        given = resources.get(part)
        wanted.update(given if isinstance(given, Mapping) else {})
    return amount(wanted.get("cpu")), amount(wanted.get("memory"))


def amount(value: Any) -> float:
    """A Kubernetes quantity as a number; 0 for what is none."""
    found = _AMOUNT.match(str(value if value is not None else ""))
    return float(found[1]) * _FACTORS[found[2] or ""] if found else 0.0


def _ours(conv: Conversion, owner: str) -> bool:
    """The stack's own objects, in its own namespace, of an earlier step of the same move."""
    return owner.partition("/")[0] == conv.stack.name


def hosts(conv: Conversion, cluster: ClusterFacts) -> None:
    """A host name that another Ingress has: two of them, and it is chance which one answers."""
    ingress = conv.values.get("ingress")
    host = ingress.get("host") if isinstance(ingress, Mapping) and ingress.get("enabled", True) else None
    owner = cluster.hosts.get(str(host)) if host else None
    if owner is None or _ours(conv, owner):
        return
    detail = (
        f"The host name {shown(host)} belongs to the Ingress {shown(owner)}. If that is how this stack is reached today, it "
        "is adopted first, without a gap; if it is another application, choose another host name under ingress.host."
    )
    options = [("adopt", "it leads to this stack today: this stack's application takes it over")]
    conv.choose("", "cluster.host", f"Is {shown(owner)} this stack's own way in?", options, "", detail)


def node_ports(conv: Conversion, cluster: ClusterFacts) -> None:
    """A NodePort that another Service has."""
    for name, values in _components(conv):
        ports = values.get("ports")
        for port in ports if isinstance(ports, list) else ():
            number = port.get("nodePort") if isinstance(port, Mapping) else None
            owner = cluster.node_ports.get(number) if isinstance(number, int) else None
            if owner is not None and not _ours(conv, owner):
                words = f"NodePort {number} belongs to the Service {shown(owner)}; choose another one for this stack."
                conv.refused(name, f"cluster.nodePort.{number}", words)


def storage(conv: Conversion, cluster: ClusterFacts) -> None:
    """Claims need a class that exists."""
    for name, values in _components(conv):
        claims = [v["pvc"] for v in values.get("volumes", ()) if isinstance(v, Mapping) and "size" in v.get("pvc", {})]
        named = {str(c["storageClass"]) for c in claims if c.get("storageClass")}
        known = ", ".join(cluster.storage_classes) or "none"
        for missing in sorted(named - set(cluster.storage_classes)):
            words = (
                f"There is no storage class {shown(missing)} in the cluster (it has {shown(known)}); name one of these."
            )
            conv.refused(name, f"cluster.storageClass.{missing}", words)
        if any(not c.get("storageClass") for c in claims) and not cluster.default_storage_class:
            words = f"Its volumes name no storage class, and the cluster has no default one (it has {shown(known)})"
            conv.refused(name, "cluster.storageClass", f"{words}; mark one as default, or answer claim:NAME or nfs.")


def shares(conv: Conversion) -> None:
    """NFS is mounted by the nodes: the server has to be reachable from them and to admit them."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, values in _components(conv):
        for volume in values.get("volumes", ()):
            if isinstance(volume, Mapping) and isinstance(volume.get("nfs"), Mapping):
                share = volume["nfs"]
                found.setdefault((str(share.get("server")), str(share.get("path"))), []).append(name)
    for (server, path), names in found.items():
        key = f"cluster.nfs.{server}:{path}"
        if server == "localhost" or server.startswith("127.") or server == "::1":
            words = (
                f"{shown(server)} is this machine itself for whoever asks: name the server's address in the network."
            )
            conv.refused("", key, words)
        else:
            words = f"The nodes mount {shown(f'{server}:{path}')} for {shown(', '.join(dict.fromkeys(names)))}"
            conv.converted("", key, f"{words}: the export has to admit them, and they need an NFS client.")


PASSES: tuple[Pass, ...] = (fit,)
