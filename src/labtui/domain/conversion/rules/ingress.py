"""The way in from outside: one Ingress host before one Service."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.compose.stack import Service
from labtui.domain.conversion.context import Conversion, Pass
from labtui.domain.conversion.rules.listening import image_name, port_entries, speaks_http
from labtui.domain.conversion.rules.names import label

NONE = "none"
MOVE = "move"
# A port that is published has no limits of its own; nginx would cut uploads of more than 1 MB and answers that take a minute.
_AS_A_PORT = {
    "nginx.ingress.kubernetes.io/proxy-body-size": "0",
    "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
    "nginx.ingress.kubernetes.io/proxy-send-timeout": "3600",
}
_EDGES = ("caddy", "haproxy", "nginx-proxy", "swag", "traefik")
_OWN_URL = re.compile(r"(?:.*_)?(?:ROOT|EXTERNAL|BASE|PUBLIC|SITE|SERVER|APP|WEB)_?URL", re.IGNORECASE)
_ISSUER = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+")


def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def _is_issuer(text: str) -> bool:
    return _HOST.fullmatch(text) is not None or _ISSUER.fullmatch(text) is not None


def replace_edges(c: Conversion) -> None:
    """A reverse proxy that is the site's way in: the ingress controller and cert-manager are that in the cluster."""
    for service in c.stack.services:
        if not _is_edge(service):
            continue
        words = "It is the site's way in (ports 80 and 443), which the ingress controller and cert-manager are in the cluster"
        if c.answer(service.name, "edge") == MOVE:
            options = ((MOVE, "move it behind the ingress controller, as any other"),)
            c.choose(service.name, "edge", "Move it all the same?", options, "", f"{words}.")
        else:
            then = (
                "Give each host name that it serves an Ingress, and stop it when it serves none; answer move to move it"
            )
            c.refused(service.name, "edge", f"{words}. {then} all the same.")


def _is_edge(service: Service) -> bool:
    published = {e.published for e in port_entries(service) if e.protocol == "TCP" and not e.loopback}
    return {80, 443} <= published and image_name(service.image).startswith(_EDGES)


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
        said = (
            f"The Ingress leads to {where}, the one published HTTP port, with no limit of size and an hour of patience."
        )
        answer = c.settle("", "ingress", "What does the Ingress lead to?", options, where, said)
    else:
        said = "Several HTTP ports are published; the others stay reachable inside the cluster."
        answer = c.choose("", "ingress", "What does the Ingress lead to?", options, _likeliest(c, found), said)
    if answer == NONE:
        return
    component, port = answer.split(":")
    service = next(service for where, service, _ in found if where == answer)
    made: dict[str, Any] = {"enabled": False, "component": component, "port": port, **_host(c, service)}
    if issuer := _issuer(c):
        made["issuer"] = issuer
    https = {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"} if port.startswith("https") else {}
    c.values["ingress"] = {**made, "annotations": {**https, **_AS_A_PORT}}


def _issuer(c: Conversion) -> str:
    """Who makes the certificate; empty: nobody, there is no TLS section."""
    known = c.facts.cluster.issuers if c.facts.cluster else ()
    key, question = "ingress.issuer", "Which ClusterIssuer makes its certificate?"
    options = [(name, "a ClusterIssuer of the cluster") for name in known]
    options.append((NONE, "no TLS of its own: the controller's default certificate, or plain HTTP"))
    if len(known) == 1:
        said = f"cert-manager makes its certificate, by the ClusterIssuer {known[0]}."
        answer = c.settle("", key, question, options, known[0], said, _is_issuer)
    else:
        detail = (
            "The cluster has several ClusterIssuers." if known else "No ClusterIssuer of cert-manager is known here."
        )
        answer = c.choose("", key, question, options, "" if known else NONE, detail, _is_issuer)
    return "" if answer == NONE else answer


def _own_host(c: Conversion, service: Service) -> str:
    """The host name that the service is told to be reached under, in the estate's domain; empty: none is seen."""
    for variable in service.environment:
        if variable.value and _OWN_URL.fullmatch(variable.name):
            found = re.match(r"https?://([^/:?#@\s]+)", variable.value.lower())
            if found and c.facts.domain and found[1].endswith(f".{c.facts.domain}") and _HOST.fullmatch(found[1]):
                return found[1]
    return ""


def _host(c: Conversion, service: Service) -> dict[str, Any]:
    usual = f"{label(c.stack.name)}.{c.facts.domain}" if c.facts.domain else ""
    options = [(usual, "the stack's name in the estate's domain")] if usual else []
    own = _own_host(c, service)
    if own and own != usual:
        options.insert(0, (own, f"what {service.name} is told to be reached under"))
    proposed = own or usual
    host = c.choose(
        "",
        "ingress.host",
        "Under which host name is it reached?",
        options,
        proposed,
        "Its certificate and DNS record must be there before traffic moves.",
        _is_host,
    )
    return {"enabled": True, "host": host} if host else {}


def _candidates(c: Conversion) -> list[tuple[str, Service, str]]:
    found: dict[str, tuple[str, Service, str]] = {}
    for service in c.stack.services:
        if service.name in c.left_out or (_is_edge(service) and c.answer(service.name, "edge") != MOVE):
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


PASSES: tuple[Pass, ...] = (replace_edges, choose_ingress)
