"""The way in from outside: one Ingress host before one Service."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass
from labtui.domain.conversion.rules.listening import port_entries, speaks_http
from labtui.domain.conversion.rules.names import label

NONE = "none"
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+")


def choose_ingress(c: Conversion) -> None:
    """An Ingress before what speaks HTTP and is published; several are a choice, none is none."""
    found = _candidates(c)
    if not found:
        if c.answer("", "ingress") == NONE:
            c.converted("", "ingress", "No Ingress.")
        return
    options = [(where, f"the Ingress leads to port {port} of {service.name}") for where, service, port in found]
    options.append((NONE, "nothing is reached through an Ingress"))
    if len(found) == 1:
        where = found[0][0]
        said = f"The Ingress leads to {where}, the one published HTTP port."
        answer = c.settle("", "ingress", "What does the Ingress lead to?", options, where, said)
    else:
        said = "Several HTTP ports are published; the others stay reachable inside the cluster."
        answer = c.choose("", "ingress", "What does the Ingress lead to?", options, _likeliest(c, found), said)
    if answer == NONE:
        return
    component, port = answer.split(":")
    c.values["ingress"] = {"enabled": False, "component": component, "port": port, **_host(c)}
    if port.startswith("https"):
        c.values["ingress"]["annotations"] = {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"}


def _host(c: Conversion) -> dict[str, Any]:
    proposed = f"{label(c.stack.name)}.{c.facts.domain}" if c.facts.domain else ""
    options = [(proposed, "the stack's name in the estate's domain")] if proposed else []
    host = c.choose(
        "",
        "ingress.host",
        "Under which host name is it reached?",
        options,
        proposed,
        "Its certificate and DNS record must be there before traffic moves.",
        lambda given: _HOST.fullmatch(given) is not None,
    )
    return {"enabled": True, "host": host} if host else {}


def _candidates(c: Conversion) -> list[tuple[str, Service, str]]:
    found: dict[str, tuple[str, Service, str]] = {}
    for service in c.stack.services:
        if service.name in c.left_out:
            continue
        names = {(p["port"], p["protocol"]): p["name"] for p in c.components[service.name].get("ports", ())}
        own = []
        for entry in port_entries(service):
            name = names.get((entry.target, entry.protocol), "")
            if (
                name
                and not entry.loopback
                and speaks_http(service, entry.target, entry.protocol, True, entry.app_protocol)
            ):
                own.append((f"{c.component(service.name)}:{name}", service, name))
        plain = [one for one in own if not one[2].startswith("https")]
        found.update({one[0]: one for one in plain or own})
    return list(found.values())


def _likeliest(c: Conversion, found: list[tuple[str, Service, str]]) -> str:
    """The one named like the stack, else the first that uses others and is used by none, else the first."""
    for where, service, _ in found:
        if service.name == c.stack.name:
            return where
    used = {name for service in c.stack.services for name in _depended(service)}
    tops = [where for where, service, _ in found if service.name not in used and _depended(service)]
    return tops[0] if tops else found[0][0]


def _depended(service: Service) -> set[str]:
    value = service.raw.get("depends_on")
    return set(map(str, value)) if isinstance(value, dict | list) else set()


PASSES: tuple[Pass, ...] = (choose_ingress,)
