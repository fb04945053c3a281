"""Networks, name servers and further names of hosts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass, Rule
from labtui.domain.conversion.rules.common import NODE_AGENT, STAY, drop, shown, strings
from labtui.domain.conversion.rules.names import add_alias

Component = dict[str, Any]
_HOST_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def network_mode(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Whose network it is in."""
    mode, _, whose = str(value or "").partition(":")
    match mode:
        case "service" | "container":
            words = f"It is in the network of {shown(whose)}, as behind a VPN; a pod has a network of its own. Both belong together"
            conv.refused(service.name, "network_mode", f"{words}: {STAY}.")
        case "host":
            words = f"It is in the network of its host; {NODE_AGENT}"
            conv.refused(service.name, "network_mode", f"{words}. If it only listens there, publish its ports instead.")
        case "none":
            words = "A pod always has a network; its NetworkPolicy lets in the application's components and the Ingress alone."
            drop(conv, service, "network_mode", words)
        case "" | "bridge" | "default" | "nat":
            conv.converted(service.name, "network_mode", "The pod is in the cluster's network.")
        case _:
            words = f"The network {shown(value)} belongs to the Docker engine; {STAY}."
            conv.refused(service.name, "network_mode", words)


def networks(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Every pod reaches every Service; what a network gave beside that is named."""
    if not value or not isinstance(value, Mapping | list):
        conv.converted(service.name, "networks", "None: the pod is in the cluster's network.")
        return
    top = conv.stack.raw.get("networks")
    for name in dict.fromkeys(str(n) for n in value):
        own = value.get(name) if isinstance(value, Mapping) else None
        whole = top.get(name) if isinstance(top, Mapping) else None
        settings: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
        network: Mapping[str, Any] = whole if isinstance(whole, Mapping) else {}
        _network(conv, service, name, settings, network)


def _network(conv: Conversion, service: Service, name: str, own: Mapping[str, Any], network: Mapping[str, Any]) -> None:
    key = f"networks.{name}"
    driver = str(network.get("driver") or "bridge")
    if driver not in ("bridge", "overlay", "default", "nat"):
        words = f"The network {shown(name)} ({shown(driver)}) gives it an address of its own in the LAN"
        conv.refused(service.name, key, f"{words}; a Service of type LoadBalancer may do, else {STAY}.")
        return
    given: list[str] = []
    lost: list[str] = []
    for alias in strings(own.get("aliases")):
        why_not = add_alias(conv, service.name, alias)
        (lost if why_not else given).append(f"not as {shown(alias)}: {why_not}" if why_not else shown(alias))
    fixed = [str(own[k]) for k in ("ipv4_address", "ipv6_address", "mac_address") if own.get(k)]
    fixed += strings(own.get("link_local_ips"))
    if fixed:
        lost.append(f"its address {shown(', '.join(fixed))} is not kept; peers use its name")
    if own.get("driver_opts") or own.get("interface_name"):
        lost.append("settings of its network interface are not kept")
    if network.get("internal") is True:
        lost.append(
            f"{shown(name)} has no way out to the internet; pods have one, unless a NetworkPolicy for egress is added"
        )
    if network.get("external"):
        real = shown(network.get("name") or name)
        lost.append(
            f"other stacks on {real} reach it at {shown(conv.component(service.name))}.{shown(conv.stack.name)} only"
        )
    names = f" Peers find it as {', '.join(given)}, too." if given else ""
    if lost:
        drop(conv, service, key, f"{'; '.join(lost)}.{names}")
    else:
        conv.converted(service.name, key, f"The cluster's network: peers reach each other by Service name.{names}")


def resolver(key: str) -> Rule:
    """`dns`, `dns_search`, `dns_opt`: pods ask the cluster's own name server."""

    def rule(conv: Conversion, service: Service, component: Component, value: Any) -> None:
        if not strings(value):
            conv.converted(service.name, key, "Empty: nothing to do.")
            return
        words = "Pods ask the cluster's name server, which passes on what it does not know; a server of one's own is set there"
        drop(conv, service, key, f"{words} (CoreDNS), for {shown(', '.join(strings(value)))} as for all.")

    return rule


def extra_hosts(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """`name=address`, `name:address` or a mapping of name to address or addresses."""
    if not value or not isinstance(value, Mapping | list):
        conv.converted(service.name, "extra_hosts", "Empty: nothing to do.")
        return
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for entry in value:
        if isinstance(value, Mapping):
            found[str(entry)] = (str(entry), strings(value[entry]))
        else:
            name, _, address = str(entry).replace("=", ":", 1).partition(":")
            found[str(entry)] = (name, (address,))
    for written, (name, addresses) in found.items():
        for address in addresses[:1] or ("",):
            _host(conv, service, component, f"extra_hosts.{written}", name, address, addresses[1:])


def _host(
    conv: Conversion,
    service: Service,
    component: Component,
    key: str,
    written: str,
    address: str,
    further: tuple[str, ...],
) -> None:
    name = written.lower()  # which of both is meant makes no difference to who looks it up
    if len(name) > 253 or not _HOST_NAME.fullmatch(name):
        words = f"{shown(written)} is no host name that hostAliases takes: letters, digits, dashes and dots"
        conv.refused(service.name, key, f"{words}; rename it where it is used, too, or {STAY}.")
        return
    if address == "host-gateway":
        site = conv.facts.site_address
        detail = "It means the Docker host, which is not the pod's node" + (f": here {site}." if site else ".")
        options = [(site, "the site's address")] if site else [("192.168.1.10", "an address, for example")]
        options.append(("drop", "move without it"))
        question = f"Where does {shown(name)} lead?"
        address = conv.choose(service.name, key, question, options, site, detail, _is_address)
        if not _is_address(address):
            return
    elif not _is_address(address):
        conv.refused(service.name, key, f"{shown(address)} is no IP address, which hostAliases needs; correct it.")
        return
    else:
        conv.converted(service.name, key, f"A line in the pod's hosts file: {shown(name)} is {shown(address)}.")
    aliases = component.setdefault("hostAliases", [])
    for one in (address, *(a for a in further if _is_address(a))):
        plain = one.strip("[]")
        line = next((a for a in aliases if a["ip"] == plain), None)
        if line is None:
            aliases.append({"ip": plain, "hostnames": [name]})
        elif name not in line["hostnames"]:
            line["hostnames"].append(name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def links(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """`database:db`: a peer, and perhaps another name for it, which `link_names` gives."""
    missing = [peer for peer, _ in _links(value) if conv.stack.service(peer) is None]
    if missing:
        words = f"There is no service {shown(', '.join(missing))} in this stack: correct it, or {STAY}."
        conv.refused(service.name, "links", words)
    else:
        conv.converted(
            service.name, "links", "Peers are reached by Service name; other names of them are further Services."
        )


def _links(value: Any) -> list[tuple[str, str]]:
    return [(peer, alias) for peer, _, alias in (entry.partition(":") for entry in strings(value))]


def link_names(conv: Conversion) -> None:
    """Further Services for the names that links give to peers, which have to be converted by then."""
    for service in conv.stack.services:
        for peer, alias in _links(service.raw.get("links")):
            if alias and peer in conv.components and (why_not := add_alias(conv, peer, alias)):
                words = f"{shown(peer)} cannot be called {shown(alias)}, too ({why_not}): use the service's own name."
                conv.refused(service.name, "links", words)


def external_links(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """Containers of other stacks."""
    names = ", ".join(strings(value))
    if not names:
        conv.converted(service.name, "external_links", "Empty: nothing to do.")
        return
    words = f"{shown(names)} is of another stack, which is reached as SERVICE.STACK in the cluster, or at its site's address"
    drop(conv, service, "external_links", f"{words}; correct the setting that holds it.")


def mac_address(conv: Conversion, service: Service, component: Component, value: Any) -> None:
    """A pod gets what the network gives it."""
    if value:
        drop(
            conv, service, "mac_address", "A pod cannot choose its MAC address; a licence bound to one would not hold."
        )
    else:
        conv.converted(service.name, "mac_address", "Empty: nothing to do.")


def namespace(key: str, harmless: tuple[str, ...], what: str) -> Rule:
    """`ipc`, `pid`, `uts`, `cgroup`: whether it shares a namespace of the kernel with the host or another container."""

    def rule(conv: Conversion, service: Service, component: Component, value: Any) -> None:
        mode = str(value or "")
        if mode in harmless:
            conv.converted(service.name, key, f"A pod has {what} of its own.")
        elif mode.startswith(("service:", "container:")):
            whose = shown(mode.partition(":")[2])
            words = f"It shares {what} with {whose}, which only containers of one pod can; {STAY}."
            conv.refused(service.name, key, words)
        else:
            conv.refused(service.name, key, f"It shares {what} with its host; {NODE_AGENT}.")

    return rule


RULES: dict[str, Rule] = {
    "network_mode": network_mode,
    "networks": networks,
    "dns": resolver("dns"),
    "dns_search": resolver("dns_search"),
    "dns_opt": resolver("dns_opt"),
    "extra_hosts": extra_hosts,
    "links": links,
    "external_links": external_links,
    "mac_address": mac_address,
    "ipc": namespace("ipc", ("", "private", "none", "shareable"), "memory for inter-process communication"),
    "pid": namespace("pid", ("", "private"), "a list of processes"),
    "uts": namespace("uts", ("", "private"), "a host name"),
    "cgroup": namespace("cgroup", ("", "private"), "a view of control groups"),
}
PASSES: tuple[Pass, ...] = (link_names,)
