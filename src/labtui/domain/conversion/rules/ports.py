"""Ports: each component's Service has them by container port, as peers use them; what is published gets a way in."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.compose.stack import Service, port_key
from labtui.domain.conversion.context import Conversion, Pass, Rule
from labtui.domain.conversion.rules.common import shown
from labtui.domain.conversion.rules.listening import (
    HTTPS,
    OTHER,
    PortEntry,
    port_entries,
    port_range,
    speaks_http,
    usual_port,
)

NODE_PORTS = range(30000, 32768)


def add_port(
    component: dict[str, Any],
    service: Service,
    port: int,
    protocol: str,
    published: bool = False,
    name: str = "",
    app: str = "",
) -> str:
    """One more port of a component, unless it is there already; answers its name."""
    ports: list[dict[str, Any]] = component.setdefault("ports", [])
    for known in ports:
        if (known["port"], known["protocol"]) == (port, protocol):
            return str(known["name"])
    taken = {p["name"] for p in ports}
    if speaks_http(service, port, protocol, published, app):
        stem = "https" if app in ("https", "wss") or (port in HTTPS and not app) else "http"
    elif protocol == "UDP" and port in HTTPS:
        stem = "http3"
    else:
        stem = OTHER.get(port, "") or f"{protocol.lower()}-{port}"
    wished = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:15].strip("-")
    double = any(known["port"] == port for known in ports)
    choices = [
        wished if re.search("[a-z]", wished) else "",
        stem,
        f"{stem[:11]}-{protocol.lower()}" if double else "",
        f"{stem[:9]}-{port}",
        f"{protocol.lower()}-{port}",
        f"p-{port}",
    ]
    chosen = next(choice for choice in choices if choice and choice not in taken)
    ports.append({"name": chosen, "port": port, "protocol": protocol})
    return chosen


def _ports(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    # The findings come from `publish`, when it is known what the Ingress stands before.
    if not value:
        c.converted(service.name, "ports", "Empty: nothing to do.")
        return
    entries = port_entries(service)
    readable = {entry.key for entry in entries}
    for entry in value if isinstance(value, list) else ():
        if f"ports.{port_key(entry)}" not in readable:
            c.refused(service.name, f"ports.{port_key(entry)}", "labtui cannot read this port: write it as in 8080:80.")
    for port in sorted(
        entries, key=lambda e: (e.loopback, speaks_http(service, e.target, e.protocol, True) and e.target in HTTPS)
    ):
        name = add_port(component, service, port.target, port.protocol, not port.loopback, port.name, port.app_protocol)
        if port.published and not port.loopback:
            _reached_on_docker(c, component, name, port)


def _reached_on_docker(c: Conversion, component: dict[str, Any], name: str, port: PortEntry) -> None:
    docker = component.setdefault("docker", {"ports": {}})
    docker["ports"].setdefault(name, port.published)
    address = port.host_ip.strip("[]")
    if address not in ("", "0.0.0.0", "::", c.facts.site_address):
        docker.setdefault("host", address)


def _expose(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    names, unread = [], []
    for entry in value if isinstance(value, list) else ():
        found = port_range(entry)
        if found is None:
            unread.append(str(entry))
        for port, protocol in found or ():
            names.append(_in_words(port, protocol, add_port(component, service, port, protocol)))
    if unread:
        c.refused(service.name, "expose", "labtui cannot read all of these ports, or they are more than 100.")
    elif names:
        words = (
            f"{'Port' if len(names) == 1 else 'Ports'} {', '.join(names)} of the Service {c.component(service.name)}."
        )
        c.converted(service.name, "expose", words)
    else:
        c.converted(service.name, "expose", "Empty: nothing to do.")


def _in_words(port: int, protocol: str, name: str) -> str:
    return f"{port}{'' if protocol == 'TCP' else f'/{protocol.lower()}'} ({name})"


def complete_ports(c: Conversion) -> None:
    """On Docker peers reach any port of a container; a Service has those alone that it names. So the ports that peers are
    told to use, those that the image declares, and at last what the image is known for, get into it too."""
    needed = {name for service in c.stack.services for name in _needs(service)}
    for service in c.stack.services:
        component = c.components[service.name]
        if service.name in c.left_out or _in_network_of_another(service):
            continue
        before = len(component.get("ports", ()))
        names = {service.name, c.component(service.name), str(service.raw.get("container_name") or service.name)}
        told = {port for name in names for ports in c.told(name, service.name).values() for port in ports}
        for port in sorted(told - {0} - _node_side(service, told)):
            add_port(component, service, port, "TCP")
        image = c.facts.images.get(service.image)
        if len(c.stack.services) > 1 or not before:
            for declared in image.ports if image else ():
                for port, protocol in port_range(declared, 20) or ():
                    add_port(component, service, port, protocol)
        if (told or service.name in needed) and not component.get("ports"):
            _unknown_port(c, service, component)
        elif len(component.get("ports", ())) > before:
            added = [_in_words(p["port"], p["protocol"], p["name"]) for p in component["ports"][before:]]
            many, name = len(added) > 1, c.component(service.name)
            why = "peers use" if told else "its image declares"
            what, them = ("ports", "them") if many else ("a port", "it")
            c.converted(
                service.name, "expose", f"{', '.join(added)}: {what} that {why}, so the Service {name} has {them}."
            )


def _in_network_of_another(service: Service) -> bool:
    """It listens at the other one's address: its ports are the other's to publish."""
    return str(service.raw.get("network_mode") or "").startswith(("service:", "container:"))


def _needs(service: Service) -> set[str]:
    """What it depends on while it runs."""
    value = service.raw.get("depends_on")
    if isinstance(value, dict):
        conditions = {n: e.get("condition") if isinstance(e, dict) else None for n, e in value.items()}
        return {name for name, condition in conditions.items() if condition != "service_completed_successfully"}
    return set(map(str, value)) if isinstance(value, list) else set()


def _node_side(service: Service, told: set[int]) -> set[int]:
    # http://server:8080 of the public address is no container port when 8080 is published for another one
    entries = port_entries(service)
    targets = {entry.target for entry in entries}
    return {e.published for e in entries if e.published and e.published not in targets} & told


def _unknown_port(c: Conversion, service: Service, component: dict[str, Any]) -> None:
    def is_port(text: str) -> bool:
        return port_range(text) is not None

    known = usual_port(service.image)
    detail = "Others depend on it, and no port of it is written down."
    options = (("none", "nothing connects to it"),)
    answer = c.choose(
        service.name, "expose", "Which port does it listen on?", options, str(known or ""), detail, is_port
    )
    component.setdefault("service", {})["headless"] = True  # until a port is known: a name that resolves to the pods
    for port, protocol in port_range(answer) or ():
        add_port(component, service, port, protocol)
        component["service"].pop("headless", None)


def need_address(c: Conversion) -> None:
    """What is on Docker is reached at the site's address; without it there is nothing to render."""
    reached = [name for name in c.components if "docker" in c.components[name] and name not in c.left_out]
    if reached and not c.facts.site_address:
        c.refused(
            "", "docker", "The address of the site is not known: write it into the estate file, as sites.SITE.address."
        )
        for name in reached:
            del c.components[name]["docker"]


def publish(c: Conversion) -> None:
    """The verdict on each published port: behind the Ingress, on a port of every node, or inside the cluster alone."""
    ingress = c.values.get("ingress") or {}
    for service in c.stack.services:
        component = c.components[service.name]
        if service.name in c.left_out:
            for entry in port_entries(service):
                c.converted(service.name, entry.key, "Not kept: it runs once, before another starts.")
            continue
        names = {(p["port"], p["protocol"]): p["name"] for p in component.get("ports", ())}
        for entry in port_entries(service):
            name = names.get((entry.target, entry.protocol), "")
            port = _in_words(entry.target, entry.protocol, name)
            becomes = f"Port {port} of the Service {c.component(service.name)}"
            if (ingress.get("component"), ingress.get("port")) == (c.component(service.name), name):
                host = ingress.get("host") or "a host name still to be given"
                c.converted(service.name, entry.key, f"{becomes}, reached at {host} through the Ingress.")
            elif entry.loopback:
                only = "It is published for the site's own host alone, so nothing outside reaches it"
                c.converted(service.name, entry.key, f"{becomes}. {only}; while on Docker the cluster does not either.")
            else:
                _outside(c, service, component, entry, name, becomes)


def _outside(
    c: Conversion, service: Service, component: dict[str, Any], entry: PortEntry, name: str, becomes: str
) -> None:
    claimed = c.facts.cluster.node_ports if c.facts.cluster else {}

    own = c.stack.name
    taken = {p.get("nodePort") for other in c.components.values() for p in other.get("ports", ())}

    def node_port(text: str) -> bool:
        if not text.isdigit() or int(text) not in NODE_PORTS or int(text) in taken:
            return False
        return claimed.get(int(text), own).split("/")[0] == own

    published = str(entry.published or "")
    site = entry.host_ip if entry.host_ip not in ("", "0.0.0.0", "::") else c.facts.site_address or "the site"
    used = f"port {published}" if published else "the port that Docker chose"
    detail = f"{becomes}; whoever uses {used} of {shown(site)} today loses it."
    if entry.published in NODE_PORTS and not node_port(published):
        owner = claimed.get(int(published)) or "another port of this stack"
        detail += f" NodePort {published} belongs to {shown(owner)}."
    options = [("cluster", "reached inside the cluster alone")]
    if node_port(published):
        options.append((published, "the same port on every node"))
    proposed = published if node_port(published) else "cluster"
    asked = "How is it reached from outside? A number from 30000 to 32767 is a port of every node."
    answer = c.choose(service.name, entry.key, asked, options, proposed, detail, node_port)
    if answer != "cluster":
        port = next(p for p in component["ports"] if p["name"] == name)
        port["nodePort"] = int(answer)


RULES: dict[str, Rule] = {"ports": _ports, "expose": _expose}
PASSES: tuple[Pass, ...] = (complete_ports,)
PASSES_AFTER_INGRESS: tuple[Pass, ...] = (publish, need_address)
