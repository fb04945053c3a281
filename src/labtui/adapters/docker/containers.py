"""`ports.stacks.StackContainers`: restart policies, and who is still connected to a stack's published ports."""

from __future__ import annotations

import ipaddress
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labtui.adapters.docker import peeking
from labtui.adapters.docker.engine import FAILURES, Engine
from labtui.adapters.docker.parse import ONE_OFF, PROJECT, SERVICE
from labtui.adapters.docker.visit import visit
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import Invalid, NotFound, OutcomeUnknown, Refused, Unreachable
from labtui.domain.text import clean
from labtui.ports.stacks import DataUser

Json = Mapping[str, Any]
_POLICY = re.compile(r"(no|always|unless-stopped|on-failure)(?::(\d+))?\Z")
_ESTABLISHED = "01"  # include/net/tcp_states.h


class EngineContainers:
    """Over a connection of its own for each question."""

    def __init__(self, connections: Iterable[DockerConnection]) -> None:
        self._connections = {connection.site: connection for connection in connections}

    def restart_policies(self, site: str, stack: str) -> Mapping[str, str]:
        """See `ports.stacks.StackContainers`."""
        with visit(self._connection(site)) as engine:
            return {_name(doc): _policy(doc) for doc in _members(engine, stack)}

    def set_restart_policy(self, site: str, container: str, policy: str) -> None:
        """See `ports.stacks.StackContainers`."""
        found = _POLICY.match(policy)
        if not found:
            raise Invalid(f"{clean(policy, 40)!r} is no restart policy")
        body = {"RestartPolicy": {"Name": found[1], "MaximumRetryCount": int(found[2] or 0)}}
        with visit(self._connection(site)) as engine:
            ident = next((doc["Id"] for doc in _all(engine) if _listed(doc, container)), None)
            if ident is None:
                raise NotFound(f"{site} has no container {clean(container, 80)}")
            try:
                answer = engine.ask("POST", f"/containers/{ident}/update", None, body)
            except FAILURES as error:
                response = getattr(error, "response", None)
                if response is not None:
                    said = clean(str(getattr(response, "text", "")), 300)
                    raise Refused(f"Docker does not change {clean(container, 80)}", said) from error
                raise OutcomeUnknown(f"Docker did not say whether it changed {clean(container, 80)}") from error
            if answer.status_code == 404:
                raise NotFound(f"{site} has no container {clean(container, 80)} any more")

    def connections(self, site: str, stack: str) -> int | None:
        """See `ports.stacks.StackContainers`. Read in each container with its own `cat`; one without it hides the number."""
        total = 0
        with visit(self._connection(site)) as engine:
            for doc in _members(engine, stack):
                ports = _ports(doc)
                if not ports or not (doc.get("State") or {}).get("Running"):
                    continue
                ran = peeking.run(engine, str(doc["Id"]), "cat", "/proc/net/tcp", "/proc/net/tcp6")
                if ran is None or (ran.status and not ran.out):
                    return None
                total += established(ran.out, ports, _inside(doc))
        return total

    def data_users(self, site: str, places: Sequence[str]) -> tuple[DataUser, ...]:
        """See `ports.stacks.StackContainers`."""
        found: list[DataUser] = []
        with visit(self._connection(site)) as engine:
            for one in _all(engine):
                doc = engine.inspect(str(one["Id"]))  # the list has no word on what a volume's name is
                if doc is not None:
                    found += _data_users(doc, places)
        return tuple(sorted(found, key=lambda user: (user.container, user.place)))

    def _connection(self, site: str) -> DockerConnection:
        if site not in self._connections:
            raise Unreachable(f"The site {clean(site, 60)} has no Docker engine that labtui can reach")
        return self._connections[site]


def _all(engine: Engine) -> list[Json]:
    found: list[Json] = engine.ask("GET", "/containers/json", {"all": "1"}).json()
    return found


def _listed(doc: Json, name: str) -> bool:
    return f"/{name}" in (doc.get("Names") or ())


def _members(engine: Engine, stack: str) -> Iterator[Json]:
    filters = json.dumps({"label": [f"{PROJECT}={stack}"]})
    for one in engine.ask("GET", "/containers/json", {"all": "1", "filters": filters}).json():
        doc = engine.inspect(str(one["Id"]))
        if doc is not None and str(((doc.get("Config") or {}).get("Labels") or {}).get(ONE_OFF)).lower() != "true":
            yield doc


def _data_users(doc: Json, places: Sequence[str]) -> Iterator[DataUser]:
    labels = (doc.get("Config") or {}).get("Labels") or {}
    state = doc.get("State") or {}
    for mount in doc.get("Mounts") or ():
        names = [str(mount.get(key) or "") for key in ("Name", "Source")]
        place = next((p for p in places if any(overlap(p, name) for name in names)), None)
        if place is not None:
            yield DataUser(
                container=_name(doc),
                stack=str(labels.get(PROJECT) or ""),
                service=str(labels.get(SERVICE) or ""),
                place=place,
                running=any(state.get(key) for key in ("Running", "Paused", "Restarting")),
                writes=mount.get("RW") is not False,
            )


def overlap(one: str, other: str) -> bool:
    """Are these the same data, or is one in the other? Names of volumes are alike or not."""
    if not one or not other:
        return False
    if not (one.startswith("/") and other.startswith("/")):
        return one == other
    first, second = (posixpath.normpath(p).rstrip("/") + "/" for p in (one, other))
    return first.startswith(second) or second.startswith(first)


def _name(doc: Json) -> str:
    return str(doc.get("Name") or "").lstrip("/")


def _policy(doc: Json) -> str:
    found = (doc.get("HostConfig") or {}).get("RestartPolicy") or {}
    name, count = str(found.get("Name") or "no"), int(found.get("MaximumRetryCount") or 0)
    return f"{name}:{count}" if count and name == "on-failure" else name


def _ports(doc: Json) -> frozenset[int]:
    """The container's TCP ports that are published."""
    ports = (doc.get("NetworkSettings") or {}).get("Ports") or {}
    return frozenset(int(p.partition("/")[0]) for p, to in ports.items() if to and p.endswith("/tcp"))


def _inside(doc: Json) -> tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str], ...]:
    """The container's own networks, each with its gateway: published ports are reached through that, peers come directly."""
    found = []
    for network in ((doc.get("NetworkSettings") or {}).get("Networks") or {}).values():
        for address, length, gateway in (
            ("IPAddress", "IPPrefixLen", "Gateway"),
            ("GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPv6Gateway"),
        ):
            if network.get(address):
                net = ipaddress.ip_network(f"{network[address]}/{network.get(length) or 128}", strict=False)
                found.append((net, str(network.get(gateway) or "")))
    return tuple(found)


def established(
    text: str,
    ports: frozenset[int],
    inside: tuple[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str], ...] = (),
) -> int:
    """Established connections in /proc/net/tcp and tcp6 (proc_net(5)) to these local ports, from outside: not from the
    container itself (its health check), nor from a peer in its networks."""
    count = 0
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != _ESTABLISHED:
            continue
        try:
            port = int(fields[1].rsplit(":", 1)[1], 16)
            remote = _address(fields[2].rsplit(":", 1)[0])
        except (ValueError, IndexError):
            continue
        peer = any(remote in net and str(remote) != gateway for net, gateway in inside)
        if port in ports and not remote.is_loopback and not peer:
            count += 1
    return count


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address in the kernel's words: 32 bits each in the order of the machine (little-endian on all that Docker runs on)."""
    raw = bytes.fromhex(text)
    turned = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    found = ipaddress.ip_address(turned)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
