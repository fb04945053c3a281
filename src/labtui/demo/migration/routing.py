"""Who answers a request in the simulated estate: through the ingress, at a pod's or Service's address, at a published port."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from labtui.demo.cluster import Cluster
from labtui.demo.engine import Engine
from labtui.demo.faults import Fault
from labtui.demo.simple_objects import INGRESS_ADDRESS
from labtui.domain.errors import Unreachable
from labtui.domain.migration.probes import Answer, Body, PodPort, Target
from labtui.domain.resources import EndpointSlice, Ingress, Pod, Service
from labtui.domain.resources.docker import Container, DockerService

LOST_EVERY = 4  # with the fault `traffic=lossy` every fourth request to a pod is lost
_DOCKER, _POD, _EDGE = 0.0022, 0.0019, 0.0007  # seconds of an answer, and what the ingress adds


@dataclass(frozen=True, slots=True)
class Backend:
    """What answers. `site` is empty for a pod; `status` other than 200 is the ingress's own answer."""

    name: str
    image: str
    site: str = ""
    namespace: str = ""
    edge: bool = False
    status: int = 200


class Routing:
    """Finds the way of each request as the world is at that moment, and gives the answer of whoever is at its end."""

    def __init__(self, cluster: Cluster, engines: Mapping[str, Engine], addresses: Mapping[str, str]) -> None:
        self._cluster, self._world = cluster, cluster.world
        self._engines = {addresses[site]: engine for site, engine in engines.items()}
        self._turn = itertools.count()
        self._asked_pods = itertools.count(1)

    def way(self, target: Target) -> Backend:
        """Who is at the end of it. Raises Unreachable where nobody is."""
        with self._world.lock:
            if target.through is not None:
                return self._proxied(target.through)
            if target.address == INGRESS_ADDRESS:
                return self._through_ingress(target)
            if target.address in self._engines:
                return self._published(target.address, target.port)
            return self._in_cluster(target)

    def alive(self, backend: Backend) -> bool:
        """Can a connection to it go on?"""
        with self._world.lock:
            if backend.site:
                engine = next(e for e in self._engines.values() if e.site == backend.site)
                return any(c.name == backend.name and _up(c) for c in _containers(engine))
            return any(p.ref.name == backend.name and p.ready for p in self._pods(backend.namespace))

    def lost(self, backend: Backend) -> bool:
        """Is this request one of those that a fault of the demo loses?"""
        if backend.site or not backend.edge or self._world.trouble("traffic") is not Fault.LOSSY:
            return False
        return next(self._asked_pods) % LOST_EVERY == 0

    # The ways

    def _proxied(self, port: PodPort) -> Backend:
        self._world.answer(self._cluster.source)
        pod = next((p for p in self._pods(port.namespace) if p.ref.name == port.pod), None)
        if pod is None or not pod.ready:
            raise Unreachable("The pod does not answer", f"error trying to reach {port.pod}:{port.port}")
        return _of_pod(pod)

    def _through_ingress(self, target: Target) -> Backend:
        for found in self._world.of(self._cluster.source, ("Ingress",)):
            if not isinstance(found, Ingress) or target.host not in found.hosts:
                continue
            service = found.rules[0][1].partition(":")[0]
            behind = self._behind(found.ref.namespace, service)
            if not behind:
                return Backend("ingress-nginx", "ingress-nginx", edge=True, status=503)
            chosen = behind[next(self._turn) % len(behind)]
            return Backend(chosen.name, chosen.image, chosen.site, chosen.namespace, edge=True)
        return Backend("ingress-nginx", "ingress-nginx", edge=True, status=404)

    def _behind(self, namespace: str, service: str) -> list[Backend]:
        """Everything that the slices of a Service lead to and that is there."""
        found = []
        pods = {p.ip: p for p in self._pods(namespace)}
        for slice_ in self._world.of(self._cluster.source, ("EndpointSlice",)):
            if not isinstance(slice_, EndpointSlice) or (slice_.ref.namespace, slice_.service) != (namespace, service):
                continue
            for address in slice_.ready:
                if address in pods:
                    found.append(_of_pod(pods[address]))
                elif address in self._engines:
                    found.append(self._published(address, next(iter(slice_.ports), 0)))
        return found

    def _published(self, address: str, port: int) -> Backend:
        engine = self._engines[address]
        for container in _containers(engine):
            if _up(container) and any(p.host_port == port and p.protocol == "tcp" for p in container.ports):
                return Backend(container.name, container.image, engine.site)
        raise Unreachable("Nobody answers", f"connect to {address}:{port}: Connection refused")

    def _in_cluster(self, target: Target) -> Backend:
        for pod in self._pods():
            if pod.ip == target.address and pod.ready:
                return _of_pod(pod)
        for found in self._world.of(self._cluster.source, ("Service",)):
            if isinstance(found, Service) and found.cluster_ip == target.address:
                behind = self._behind(found.ref.namespace, found.ref.name)
                if behind:
                    return behind[next(self._turn) % len(behind)]
        raise Unreachable("Nobody answers", f"connect to {target.address}:{target.port}: Connection refused")

    def _pods(self, namespace: str = "") -> list[Pod]:
        found = (p for p in self._world.of(self._cluster.source, ("Pod",)) if isinstance(p, Pod))
        return [p for p in found if namespace in ("", p.ref.namespace)]


def seconds_of(backend: Backend, chance: float) -> float:
    """How long an answer takes; `chance` is from 0 to 1."""
    base = (_DOCKER if backend.site else _POD) + (_EDGE if backend.edge else 0.0)
    return base * (0.85 + 0.5 * chance**3)


def answer_of(backend: Backend, path: str, seconds: float) -> Answer:
    """What a program says; the same program says the same on both sides."""
    body = Body()
    headers = [("content-type", "text/html; charset=utf-8")]
    if backend.status == 200:
        etag = hashlib.sha256(f"{backend.image} {path}".encode()).hexdigest()[:16]
        headers.append(("etag", f'"{etag}"'))
        body.add(f"<!doctype html><title>{backend.image}</title><p>{path}</p>\n".encode())
    return body.answer(backend.status, headers, seconds)


def _of_pod(pod: Pod) -> Backend:
    return Backend(pod.ref.name, next(iter(pod.images), ""), namespace=pod.ref.namespace)


def _up(container: Container) -> bool:
    return container.state == "running" and container.health != "starting"


def _containers(engine: Engine) -> list[Container]:
    found = (s for s in engine.world.of(engine.source) if isinstance(s, DockerService))
    return [container for service in found for container in service.containers]
