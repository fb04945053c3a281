"""Where the sides of a migration are asked: the published port, the pods, the Ingress; found when it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from labtui.core.migration.action import Report
from labtui.core.migration.agreement import Agreement
from labtui.core.migration.sides import Sides, first_that_answers
from labtui.domain.errors import LabError, Refused, Unreachable
from labtui.domain.migration.parity import Identity
from labtui.domain.migration.probes import Kind, PodPort, Side, Target
from labtui.domain.text import clean
from labtui.ports.migration import Prober
from labtui.ports.stacks import Objects, PodState, StackCluster


@dataclass(frozen=True, slots=True)
class Door:
    """The port of a component that is asked: the one behind the Ingress, else the first published one."""

    component: str
    port: int  # of the container
    host: str  # of the Docker engine
    published: int


def door_of(values: Mapping[str, Any]) -> Door | None:
    """The door of a stack; None for one that publishes no port."""
    components: Mapping[str, Any] = values.get("components") or {}
    ingress = values.get("ingress") or {}
    named = str(ingress.get("component") or "")
    order = [named] if named in components else list(components)
    top = values.get("docker") or {}
    for name in order:
        component = components[name]
        docker = component.get("docker") or {}
        ports = [p for p in component.get("ports") or () if str(p.get("protocol") or "TCP") == "TCP"]
        wanted = str(ingress.get("port") or "") if name == named else ""
        ports.sort(key=lambda port: port.get("name") != wanted)
        for port in ports:
            published = (docker.get("ports") or {}).get(port.get("name")) or docker.get("port")
            published = published or (top.get("port") if len(components) == 1 else None)
            host = str(docker.get("host") or top.get("host") or "")
            if published and host:
                return Door(str(name), int(port["port"]), host, int(published))
    return None


@dataclass(frozen=True, slots=True)
class Places:
    """Finds the sides of one migration. `edge` is the operator's own word for where the Ingress answers (a URL), else empty;
    without `trusted` any certificate will do there."""

    agreement: Agreement
    prober: Prober
    cluster: StackCluster
    objects: Objects
    edge: str = ""
    trusted: bool = True

    @property
    def door(self) -> Door | None:
        """See `door_of`."""
        return door_of(self.agreement.values)

    def docker(self) -> tuple[Target, Identity]:
        """The published port, and how Docker calls itself there; whether or not it answers."""
        door = self._door()
        host = self.agreement.host
        target = Target(Side.DOCKER, door.host, door.published, Kind.HTTP if host else Kind.TCP, host)
        return target, Identity((f"{door.host}:{door.published}",))

    def ingress(self) -> Target | None:
        """Where the Ingress answers now; None for a stack without a host name. Raises Unreachable."""
        return self._ingress(self.agreement.host) if self.agreement.host else None

    def sides(self, report: Report) -> Sides:
        """Where both sides answer now. Raises Unreachable, with every way that was tried, when one does not."""
        door, host = self._door(), self.agreement.host
        docker, identity = self.docker()
        kind = docker.kind
        pods = self._pods(door)
        found, pod = self._pod(door, pods, kind, host)
        ingress = self.ingress()
        if ingress is not None:
            report(f"requests go to {ingress.address}:{ingress.port} for {clean(ingress.name, 80)}")
        return Sides(
            docker,
            found,
            ingress,
            identity,
            Identity(
                (f"{pod.address}:{door.port}",),
                tuple(p.name for p in pods),
                found.through.prefix if found.through else "",
            ),
        )

    def _door(self) -> Door:
        if self.door is None:
            raise Refused(f"{self.agreement.release} publishes no port", "", "There is nothing that can be asked")
        return self.door

    def _pods(self, door: Door) -> list[PodState]:
        pods = self.cluster.pods(self.agreement.namespace, self.agreement.release)
        return [pod for pod in pods if pod.component == door.component and pod.ready]

    def _pod(self, door: Door, pods: Sequence[PodState], kind: Kind, host: str) -> tuple[Target, PodState]:
        if not pods:
            raise Unreachable(f"No pod of {clean(door.component, 60)} is ready")
        pod = pods[0]
        ways = []
        if pod.address:
            ways.append(Target(Side.KUBERNETES, pod.address, door.port, kind, host))
        if kind is Kind.HTTP:  # pods are seldom reached from an operator's own machine
            through = PodPort(self.agreement.namespace, pod.name, door.port)
            ways.append(Target(Side.KUBERNETES, "", 0, kind, host, through=through))
        return first_that_answers(self.prober, ways), pod

    def _ingress(self, host: str) -> Target:
        values = self.agreement.values.get("ingress") or {}
        tls = bool(values.get("issuer") or values.get("tlsSecret"))
        if self.edge:
            parts = urlsplit(self.edge)
            secure = parts.scheme == "https"
            port = parts.port or (443 if secure else 80)
            return self._answering([self._edge(parts.hostname or "", port, host, secure)])
        port = 443 if tls else 80
        return self._answering([self._edge(a, port, host, tls) for a in (*self._addresses(host), host)])

    def _edge(self, address: str, port: int, host: str, tls: bool) -> Target:
        return Target(Side.INGRESS, address, port, Kind.HTTP, host, tls=tls, verify=self.trusted)

    def _answering(self, ways: Sequence[Target]) -> Target:
        try:
            return first_that_answers(self.prober, ways)
        except Unreachable as error:
            hint = "Say where it answers in the stack's checks file (edge: https://ADDRESS:PORT)"
            if "certificate" in error.detail:
                hint = "Its certificate is not trusted here. If that is meant so: certificate: any in the stack's checks file"
            raise Unreachable("The Ingress does not answer from here", error.detail, hint) from error

    def _addresses(self, host: str) -> list[str]:
        try:
            ingresses = self.objects.all("Ingress", self.agreement.namespace)
        except LabError:
            return []  # then its name has to lead there
        found = []
        for ingress in ingresses:
            rules = (ingress.get("spec") or {}).get("rules") or ()
            if any(rule.get("host") == host for rule in rules):
                status = ((ingress.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
                found += [str(each.get("ip") or each.get("hostname") or "") for each in status]
        return [address for address in found if address]
