"""The route that a stack has today through somebody else's application: what it is, and its edits in git. Pure but for `find`."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from labtui.core.promotion.text import read_values, rewrite
from labtui.domain.errors import Refused
from labtui.domain.plain import plain
from labtui.domain.text import clean
from labtui.ports.stacks import Objects

SYNC_OPTIONS = "argocd.argoproj.io/sync-options"
KEPT = "Prune=false"
TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"
SERVICE_OF = "kubernetes.io/service-name"
_OWN_LABELS = ("cert-manager.io/", "nginx.ingress.kubernetes.io/", "traefik.ingress.kubernetes.io/")


@dataclass(frozen=True, slots=True)
class OldRoute:
    """A host name's Ingress, Service and slices, and the application that they belong to. Plain JSON: it goes into the journal."""

    application: str
    namespace: str
    ingress: str
    service: str
    slices: tuple[str, ...]
    port_name: str
    port: int
    class_name: str = ""
    tls_secret: str = ""
    annotations: Mapping[str, str] | None = None

    @property
    def objects(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of each object of the route."""
        pairs = [("Service", self.service), ("Ingress", self.ingress)]
        return (*pairs, *(("EndpointSlice", name) for name in self.slices))

    def to_data(self) -> dict[str, Any]:
        """For the journal."""
        found: dict[str, Any] = plain(asdict(self))
        return found

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> OldRoute:
        """From the journal."""
        return cls(**{**data, "slices": tuple(data["slices"])})


def application_of(obj: Mapping[str, Any]) -> str:
    """The Argo CD application that an object belongs to; empty for none."""
    meta = obj.get("metadata") or {}
    tracked = (meta.get("annotations") or {}).get(TRACKING, "")
    name = str(tracked).partition(":")[0] if tracked else str((meta.get("labels") or {}).get(INSTANCE, ""))
    return name.rpartition("_")[2]  # `namespace_name` for applications outside of Argo CD's own namespace


def kept(obj: Mapping[str, Any]) -> bool:
    """Is it marked so that Argo CD does not prune it?"""
    options = ((obj.get("metadata") or {}).get("annotations") or {}).get(SYNC_OPTIONS, "")
    return KEPT in [option.strip() for option in str(options).split(",")]


def find_route(objects: Objects, host: str, stack: str) -> OldRoute | None:
    """Who serves this host name today? None: nobody, or the stack's own application. Raises Refused for what cannot be taken over."""
    for ingress in objects.all("Ingress"):
        rules = [r for r in (ingress.get("spec") or {}).get("rules") or () if r.get("host") == host]
        if not rules or application_of(ingress) == stack:
            continue
        name, namespace = ingress["metadata"]["name"], ingress["metadata"]["namespace"]
        place = f"Ingress {clean(namespace)}/{clean(name)}"
        owner = application_of(ingress)
        if not owner:
            words = f"{place} serves {clean(host)} and belongs to no Argo CD application"
            raise Refused(f"{clean(host)} is taken", words, "Delete it, or bring it into git, first")
        return _route(objects, ingress, rules, owner, place)
    return None


def _route(objects: Objects, ingress: Mapping[str, Any], rules: list[Any], owner: str, place: str) -> OldRoute:
    spec, namespace = ingress["spec"], ingress["metadata"]["namespace"]
    paths = [p for rule in rules for p in (rule.get("http") or {}).get("paths") or ()]
    if len(paths) != 1 or len(spec.get("rules") or ()) != 1 or not (paths[0].get("backend") or {}).get("service"):
        raise Refused(f"{place} cannot be taken over", "it has more than one rule or path", "Split it first")
    backend = paths[0]["backend"]["service"]
    service = objects.find("Service", namespace, backend["name"])
    if service is None:
        raise Refused(f"{place} cannot be taken over", f"its Service {clean(backend['name'])} is not there")
    ports = (service.get("spec") or {}).get("ports") or []
    if len(ports) != 1:
        raise Refused(f"{place} cannot be taken over", f"Service {clean(backend['name'])} has {len(ports)} ports")
    slices = [
        s["metadata"]["name"]
        for s in objects.all("EndpointSlice", namespace)
        if (s["metadata"].get("labels") or {}).get(SERVICE_OF) == backend["name"] and application_of(s) == owner
    ]
    tls = spec.get("tls") or []
    notes = ingress["metadata"].get("annotations") or {}
    return OldRoute(
        application=owner,
        namespace=namespace,
        ingress=ingress["metadata"]["name"],
        service=backend["name"],
        slices=tuple(sorted(slices)),
        port_name=str(ports[0].get("name") or ""),
        port=int(ports[0]["port"]),
        class_name=str(spec.get("ingressClassName") or ""),
        tls_secret=str(tls[0].get("secretName") or "") if tls else "",
        annotations={k: str(v) for k, v in notes.items() if k.startswith(_OWN_LABELS)},
    )


def taken_over(values: Mapping[str, Any], route: OldRoute) -> dict[str, Any]:
    """The stack's values, so that they render the same Service, EndpointSlice and Ingress, of the same names and ports.

    The component that the Ingress leads to takes the old Service's name, and keeps its own as a further one: an Ingress that
    led to another Service would be there before that Service's EndpointSlice is.
    """
    found: dict[str, Any] = copy.deepcopy(plain(values))
    components = found.get("components") or {}
    ingress = found.setdefault("ingress", {})
    name = ingress.get("component") or (next(iter(components)) if len(components) == 1 else "")
    if name not in components or not components[name].get("ports"):
        raise Refused("The route of today cannot be taken over", "no component of the plan serves the Ingress")
    component = components[name]
    wanted = ingress.get("port")
    port = next((p for p in component["ports"] if p["name"] == wanted), component["ports"][0])
    old = port["name"]
    if route.port_name and route.port_name != old:
        if any(p["name"] == route.port_name for p in component["ports"]):
            raise Refused("The route of today cannot be taken over", f"two ports would be called {route.port_name}")
        port["name"] = route.port_name
        _renamed(component, old, route.port_name)
    port["servicePort"] = route.port
    ingress |= {"enabled": True, "component": route.service, "port": port["name"], "name": route.ingress}
    if route.service != name:
        if route.service in components:
            raise Refused(
                "The route of today cannot be taken over", f"{clean(route.service)} is another component's name"
            )
        service = component.setdefault("service", {})
        aliases = dict.fromkeys([name, *(service.get("aliases") or ())])
        service["aliases"] = [alias for alias in aliases if alias != route.service]
        found["components"] = {route.service if key == name else key: value for key, value in components.items()}
        for other in components.values():
            for wait in other.get("waitFor") or ():
                wait["component"] = route.service if wait["component"] == name else wait["component"]
    if route.class_name:
        ingress["className"] = route.class_name
    if route.tls_secret:
        ingress["tlsSecret"] = route.tls_secret
    notes = dict(route.annotations or {})
    issuer = notes.pop("cert-manager.io/cluster-issuer", "")
    if issuer and route.tls_secret:
        ingress["issuer"] = issuer
    ingress["annotations"] = {**notes, **(ingress.get("annotations") or {})}
    if not {f"{route.service}-docker"}.issuperset(route.slices):
        words = f"its slices are {', '.join(map(clean, route.slices))}, and would be {clean(route.service)}-docker"
        raise Refused("The route of today cannot be taken over without a gap", words)
    return found


def _renamed(component: dict[str, Any], old: str, new: str) -> None:
    """What names a port by its name."""
    published = (component.get("docker") or {}).get("ports") or {}
    if old in published:
        published[new] = published.pop(old)
    for probe in (component.get("probes") or {}).values():
        for way in ("httpGet", "tcpSocket"):
            if isinstance(probe, dict) and (probe.get(way) or {}).get("port") == old:
                probe[way]["port"] = new


# The older application's files


def _places(node: Any, name: str, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something of this name is described: a mapping under the key, or a list's item with that `name`."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == name and isinstance(value, Mapping):
                yield (*path, key)
            yield from _places(value, name, (*path, key))
    elif isinstance(node, list):
        for number, item in enumerate(node):
            if isinstance(item, Mapping) and item.get("name") == name:
                yield (*path, number)
            yield from _places(item, name, (*path, number))


def described(text: str, file: str, name: str) -> tuple[Any, ...] | None:
    """The one place of a values file that describes a service; None: there is none. Raises Refused for several."""
    found = [p for p in _places(read_values(text, file), name)]
    found = [p for p in found if not any(p != q and p[: len(q)] == q for q in found)]
    if len(found) > 1:
        places = ", ".join(".".join(map(str, p)) for p in found)
        raise Refused(
            f"{file} describes {clean(name)} in several places", places, "Take it out by hand, then migrate again"
        )
    return found[0] if found else None


def protected(text: str, file: str, name: str) -> str:
    """A values file whose service has the annotation that keeps its objects."""
    values = copy.deepcopy(read_values(text, file))
    entry = _at(values, described(text, file, name) or ())
    notes = entry.setdefault("annotations", {})
    options = [o.strip() for o in str(notes.get(SYNC_OPTIONS, "")).split(",") if o.strip()]
    if KEPT not in options:
        notes[SYNC_OPTIONS] = ",".join([*options, KEPT])
    return rewrite(text, values, "", file)


def taken_out(text: str, file: str, name: str) -> str:
    """A values file without a service."""
    place = described(text, file, name)
    if place is None:
        return text
    values = copy.deepcopy(read_values(text, file))
    del _at(values, place[:-1])[place[-1]]
    return rewrite(text, values, "", file)


def _at(values: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        values = values[key]
    return values


_METADATA = re.compile(r"^metadata:[ \t]*(#.*)?$")


def protected_template(text: str) -> str:
    """A template (or a plain manifest) whose objects all have the annotation: for charts that take no annotations."""
    lines = text.splitlines(keepends=True)
    found: list[str] = []
    for number, line in enumerate(lines):
        found.append(line)
        if not _METADATA.match(line.rstrip("\r\n")):
            continue
        block = _block(lines, number + 1)
        indent = next((len(b) - len(b.lstrip()) for b in block if b.strip() and not b.lstrip().startswith("{{")), 2)
        if any(SYNC_OPTIONS in b for b in block):
            continue
        if not any(b.strip() == "annotations:" for b in block):
            found.append(f"{' ' * indent}annotations:\n{' ' * indent * 2}{SYNC_OPTIONS}: {KEPT}\n")
    return _under_annotations("".join(found))


def _under_annotations(text: str) -> str:
    """The annotation first under an `annotations:` that is there already."""
    lines = text.splitlines(keepends=True)
    found: list[str] = []
    block: list[str] = []
    for number, line in enumerate(lines):
        if _METADATA.match(line.rstrip("\r\n")):
            block = _block(lines, number + 1)
        found.append(line)
        if block and line.strip() == "annotations:" and not any(SYNC_OPTIONS in b for b in block):
            indent = len(line) - len(line.lstrip())
            found.append(f"{' ' * (indent + 2)}{SYNC_OPTIONS}: {KEPT}\n")
            block = []
    return "".join(found)


def _block(lines: list[str], start: int) -> list[str]:
    """The lines that belong to a key at the left margin; template actions may stand there too."""
    found = []
    for line in lines[start:]:
        if line.strip() and not line.startswith((" ", "\t", "{{", "#")):
            break
        found.append(line)
    return found
