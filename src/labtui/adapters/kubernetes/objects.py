"""Services, EndpointSlices, Ingresses, claims, events and nodes as values."""

from __future__ import annotations

from labtui.adapters.kubernetes.pods import condition
from labtui.adapters.kubernetes.reading import Json, moment, number, pairs, quantity, rows, sub, text, value, words
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import EndpointSlice, Ingress, KubeEvent, Node, PersistentVolumeClaim, Service
from labtui.domain.resources.kubernetes import ServicePort


def ref_of(kind: str, obj: Json, source: SourceId) -> Ref | None:
    """The identity of an object, None when it has no name."""
    name = text(obj, "metadata", "name")
    return Ref(source, kind, text(obj, "metadata", "namespace"), name) if name else None


def parse_service(obj: Json, source: SourceId) -> Service | None:
    """A Service."""
    ref = ref_of("Service", obj, source)
    if ref is None:
        return None
    balancers = rows(obj, "status", "loadBalancer", "ingress")
    external = [text(b, "ip") or text(b, "hostname") for b in balancers]
    external += [*words(obj, "spec", "externalIPs"), text(obj, "spec", "externalName")]
    ports = tuple(
        ServicePort(
            name=text(p, "name"),
            port=number(p, "port"),
            target=text(p, "targetPort") or text(p, "port"),
            protocol=text(p, "protocol") or "TCP",
            node_port=number(p, "nodePort") or None,
        )
        for p in rows(obj, "spec", "ports")
    )
    return Service(
        ref=ref,
        type=text(obj, "spec", "type") or "ClusterIP",
        cluster_ip=text(obj, "spec", "clusterIP"),
        ports=ports,
        selector=pairs(obj, "spec", "selector"),
        external=tuple(dict.fromkeys(e for e in external if e)),
        created=moment(obj, "metadata", "creationTimestamp"),
        labels=pairs(obj, "metadata", "labels"),
    )


def parse_slice(obj: Json, source: SourceId) -> EndpointSlice | None:
    """An EndpointSlice; an endpoint without conditions is ready (discovery.k8s.io/v1, EndpointConditions.ready)."""
    ref = ref_of("EndpointSlice", obj, source)
    if ref is None:
        return None
    ready: list[str] = []
    not_ready: list[str] = []
    for endpoint in rows(obj, "endpoints"):
        up = sub(endpoint, "conditions").get("ready")
        (not_ready if up is False else ready).extend(words(endpoint, "addresses"))
    return EndpointSlice(
        ref=ref,
        service=text(obj, "metadata", "labels", "kubernetes.io/service-name"),
        ready=tuple(ready),
        not_ready=tuple(not_ready),
        ports=tuple(number(p, "port") for p in rows(obj, "ports") if number(p, "port")),
        managed_by=text(obj, "metadata", "labels", "endpointslice.kubernetes.io/managed-by"),
    )


def _backend(backend: Json) -> str:
    service = sub(backend, "service")
    if service:
        return f"{text(service, 'name')}:{text(service, 'port', 'number') or text(service, 'port', 'name')}"
    return f"{text(backend, 'resource', 'kind')}/{text(backend, 'resource', 'name')}"


def parse_ingress(obj: Json, source: SourceId) -> Ingress | None:
    """An Ingress; the default backend is the rule `*`."""
    ref = ref_of("Ingress", obj, source)
    if ref is None:
        return None
    rules = [
        (f"{text(rule, 'host') or '*'}{text(path, 'path') or '/'}", _backend(sub(path, "backend")))
        for rule in rows(obj, "spec", "rules")
        for path in rows(rule, "http", "paths")
    ]
    default = sub(obj, "spec", "defaultBackend")
    if default:
        rules.append(("*", _backend(default)))
    hosts = (text(rule, "host") for rule in rows(obj, "spec", "rules"))
    addresses = (text(a, "ip") or text(a, "hostname") for a in rows(obj, "status", "loadBalancer", "ingress"))
    tls = (host for entry in rows(obj, "spec", "tls") for host in words(entry, "hosts"))
    return Ingress(
        ref=ref,
        hosts=tuple(dict.fromkeys(h for h in hosts if h)),
        rules=tuple(rules),
        class_name=text(obj, "spec", "ingressClassName")
        or text(obj, "metadata", "annotations", "kubernetes.io/ingress.class"),
        addresses=tuple(a for a in addresses if a),
        tls_hosts=tuple(dict.fromkeys(tls)),
        created=moment(obj, "metadata", "creationTimestamp"),
    )


def parse_claim(obj: Json, source: SourceId) -> PersistentVolumeClaim | None:
    """A PersistentVolumeClaim; before it is bound its capacity is what it asks for."""
    ref = ref_of("PersistentVolumeClaim", obj, source)
    if ref is None:
        return None
    asked = text(obj, "spec", "resources", "requests", "storage")
    leaving = bool(text(obj, "metadata", "deletionTimestamp"))
    return PersistentVolumeClaim(
        ref=ref,
        phase="Terminating" if leaving else text(obj, "status", "phase") or "Pending",
        capacity=text(obj, "status", "capacity", "storage") or asked,
        storage_class=text(obj, "spec", "storageClassName"),
        volume=text(obj, "spec", "volumeName"),
        access_modes=words(obj, "spec", "accessModes"),
        created=moment(obj, "metadata", "creationTimestamp"),
    )


def parse_event(obj: Json, source: SourceId) -> KubeEvent | None:
    """An event; newer components write `series` and `eventTime` instead of `count` and `lastTimestamp` (core/v1 Event)."""
    ref = ref_of("Event", obj, source)
    if ref is None:
        return None
    about = sub(obj, "involvedObject")
    seen = next(
        (
            when
            for path in (
                ("series", "lastObservedTime"),
                ("lastTimestamp",),
                ("eventTime",),
                ("firstTimestamp",),
                ("metadata", "creationTimestamp"),
            )
            if (when := moment(obj, *path))
        ),
        None,
    )
    return KubeEvent(
        ref=ref,
        about=Ref(source, text(about, "kind"), text(about, "namespace"), text(about, "name")),
        type=text(obj, "type") or "Normal",
        reason=text(obj, "reason"),
        message=text(obj, "message")[:2000],
        count=number(obj, "series", "count") or number(obj, "count") or 1,
        seen=seen,
    )


def parse_node(obj: Json, source: SourceId) -> Node | None:
    """A node, STATUS as kubectl prints it."""
    name = text(obj, "metadata", "name")
    if not name:
        return None
    readiness = text(condition(obj, "Ready"), "status")
    status = {"True": "Ready", "False": "NotReady"}.get(readiness, "Unknown")
    closed = value(obj, "spec", "unschedulable") is True
    return Node(
        ref=Ref(source, "Node", "", name),
        ready=readiness == "True",
        status=status + (",SchedulingDisabled" if closed else ""),
        version=text(obj, "status", "nodeInfo", "kubeletVersion"),
        architecture=text(obj, "status", "nodeInfo", "architecture"),
        cpu=quantity(obj, "status", "capacity", "cpu"),
        memory=int(quantity(obj, "status", "capacity", "memory")),
        unschedulable=closed,
    )
