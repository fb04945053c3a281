"""Names: of components, and the further DNS names under which peers reach them."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass, Rule
from labtui.domain.conversion.rules.listening import mentions

_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # a Service's name: RFC 1035, it begins with a letter
_LONGEST = 63


def label(text: str, longest: int = _LONGEST) -> str:
    """`text` made a DNS label that a Service can have: lower case, `-` for all else, beginning with a letter."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"c-{plain}".rstrip("-")
    return plain[:longest].rstrip("-")


def is_label(text: str) -> bool:
    """Can a Service have this name?"""
    return len(text) <= _LONGEST and _LABEL.fullmatch(text) is not None


def name_components(c: Conversion) -> None:
    """A component for each service: its name where that is valid, else one made from it, unique in the stack."""
    taken = {s.name for s in c.stack.services if is_label(s.name)}
    for service in c.stack.services:
        if is_label(service.name):
            c.names[service.name] = service.name
            continue
        name, number = label(service.name), 2
        while name in taken:
            end = f"-{number}"
            name, number = label(service.name, _LONGEST - len(end)) + end, number + 1
        taken.add(name)
        c.names[service.name] = name


def add_alias(c: Conversion, service: str, alias: str) -> str:
    """One more Service of the name `alias` for a component; answers why not, else empty."""
    if alias == c.component(service):
        return ""
    if not is_label(alias):
        return f"no Service can be named {alias}"
    for other, name in c.names.items():
        if other != service and (
            alias == name or alias in c.components.get(other, {}).get("service", {}).get("aliases", ())
        ):
            return f"{alias} is already the name of {other}"
    aliases = c.components[service].setdefault("service", {}).setdefault("aliases", [])
    if alias not in aliases:
        aliases.append(alias)
    return ""


def _container_name(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    alias = str(value or "")
    if not alias:
        c.converted(service.name, "container_name", "Empty: nothing to do.")
        return
    why_not = add_alias(c, service.name, alias)
    if why_not:
        c.refused(service.name, "container_name", f"Peers could use it as a DNS name, but {why_not}: rename it.")
    elif alias == c.component(service.name):
        c.converted(service.name, "container_name", "The component's Service has this name.")
    else:
        c.converted(service.name, "container_name", f"A further Service named {alias}, so that peers still find it.")


def _hostname(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    text = str(value or "")
    if not text:
        c.converted(service.name, "hostname", "Empty: nothing to do.")
        return
    name = re.sub(r"[^a-z0-9-]+", "-", text.split(".")[0].lower()).strip("-")[:_LONGEST].rstrip("-")
    if not name:
        c.refused(service.name, "hostname", "No pod can have this host name: rename it.")
        return
    component["hostname"] = name
    same = "" if name == text else f" A pod's host name is one label in lower case: {name}."
    c.converted(service.name, "hostname", f"Becomes hostname.{same}")


def _domainname(c: Conversion, service: Service, component: dict[str, Any], value: Any) -> None:
    if not value:
        c.converted(service.name, "domainname", "Empty: nothing to do.")
        return
    detail = "A pod's domain is the cluster's. A program that tells its full name to others (mail) is told it by its own settings."
    c.choose(
        service.name,
        "domainname",
        "Can it do without?",
        (("without", "it does not need its domain"),),
        "without",
        detail,
    )


def alias_peers(c: Conversion) -> None:
    """Services of the further names that the running containers have, where peers use them."""
    for service in c.stack.services:
        for alias in c.facts.networks_peers.get(service.name, ()):
            # a container also answers to its id and to a name that Compose makes; who uses these says so
            if c.told(alias, service.name):
                add_alias(c, service.name, alias)


def tell_renamed(c: Conversion) -> None:
    """A service whose name no Service can have is lost to peers that use it; refused if any is seen to."""
    for service in c.stack.services:
        name = c.component(service.name)
        if name == service.name:
            continue
        users = list(c.told(service.name, service.name))
        if users:
            detail = f"No Service can have this name, and {', '.join(users)} reaches it by it: rename it, as in {name}."
            c.refused(service.name, "name", detail)
        else:
            c.converted(service.name, "name", f"No Service can have this name: the component is {name}.")


RULES: dict[str, Rule] = {
    "container_name": _container_name,
    "hostname": _hostname,
    "domainname": _domainname,
}


def learn_mentions(c: Conversion) -> None:
    """Who is told of which host names."""
    c.mentioned = mentions(c.stack.services)


FIRST: tuple[Pass, ...] = (name_components, learn_mentions)
PASSES: tuple[Pass, ...] = (tell_renamed, alias_peers)
