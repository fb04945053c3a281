"""What the simulated sites and the simulated cluster tell of a stack: `ports.SiteInspector` and `ports.ClusterInspector`."""

from __future__ import annotations

from labtui.demo.cluster import NODE
from labtui.demo.engine import Engine
from labtui.demo.script import places
from labtui.demo.world import World
from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.facts import ClusterFacts, NodeFacts, UsageFacts
from labtui.domain.conversion.gathering import ClusterReading, HostFacts, SiteFacts
from labtui.domain.conversion.places import wanted
from labtui.domain.ref import SourceId
from labtui.domain.resources import Ingress, Node, PersistentVolumeClaim, Service
from labtui.domain.resources.docker import DockerService


class DemoSite:
    """The engine of one site: what its containers use now, and what the script says of images and places."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def look(self, stack: Stack) -> SiteFacts:
        """See `ports.SiteInspector`."""
        engine = self._engine
        world, site = engine.world, engine.site
        world.answer(engine.source)
        known = places.PLACES[site]
        usage: dict[str, UsageFacts] = {}
        peers: dict[str, tuple[str, ...]] = {}
        for service in stack.services:
            found = world.get(engine.ref(stack.name, service.name))
            if isinstance(found, DockerService):
                names = {service.name, *(c.name for c in found.containers)}
                peers[service.name] = tuple(sorted(names))
                if found.worst.state == "running":
                    usage[service.name] = UsageFacts(found.worst.cpu, found.worst.memory)
        images = {s.image: places.IMAGES.get(_repository(s.image)) for s in stack.services}
        asked = {place.place for place in wanted(stack)} | {"/etc/timezone"}
        return SiteFacts(
            images={name: facts for name, facts in images.items() if facts is not None},
            mounts={place: facts for place, facts in known.items() if place in asked},
            usage=usage,
            peers=peers,
            host=_host(site),
        )


class DemoClusterRoom:
    """The cluster: its node and what others claim in it, as the world is now."""

    def __init__(self, world: World, source: SourceId) -> None:
        self._world = world
        self._source = source

    def read(self) -> ClusterReading:
        """See `ports.ClusterInspector`."""
        world, source = self._world, self._source
        world.answer(source)
        nodes = [r for r in world.of(source, ("Node",)) if isinstance(r, Node)]
        ingresses = [r for r in world.of(source, ("Ingress",)) if isinstance(r, Ingress)]
        services = [r for r in world.of(source, ("Service",)) if isinstance(r, Service)]
        claims = [r for r in world.of(source, ("PersistentVolumeClaim",)) if isinstance(r, PersistentVolumeClaim)]
        classes = {places.STORAGE_CLASS} | {c.storage_class for c in claims if c.storage_class}
        facts = ClusterFacts(
            nodes=tuple(_room(node) for node in nodes if node.ready and not node.unschedulable),
            storage_classes=tuple(sorted(classes)),
            default_storage_class=places.STORAGE_CLASS,
            hosts={host: f"{i.ref.namespace}/{i.ref.name}" for i in ingresses for host in i.hosts},
            issuers=(places.ISSUER,),
            node_ports={port: f"{s.ref.namespace}/{s.ref.name}" for s in services for port in _node_ports(s)},
        )
        hosts = tuple(_host("wroclaw") for node in nodes if node.ref.name == NODE)
        return ClusterReading(facts, hosts)


def _repository(image: str) -> str:
    folder, _, name = image.rpartition("/")
    name = name.partition("@")[0].partition(":")[0]
    return f"{folder}/{name}" if folder else name


def _room(node: Node) -> NodeFacts:
    free = node.memory - places.REQUESTED_MEMORY
    return NodeFacts(node.ref.name, node.architecture, round(node.cpu - places.REQUESTED_CPU, 3), free, node.memory)


def _node_ports(service: Service) -> tuple[int, ...]:
    return tuple(port.node_port for port in service.ports if port.node_port)


def _host(site: str) -> HostFacts:
    return HostFacts(
        places.HOST_NAMES[site], places.BOOT_IDS[site], places.KERNELS[site], "arm64", (places.ADDRESSES[site],)
    )
