"""From manifests to the resources that have no life of their own: Services, slices, Ingresses, claims."""

from __future__ import annotations

import hashlib
from datetime import datetime

from labtui.demo.objects import Manifest, key_of, pairs
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import EndpointSlice, Ingress, PersistentVolumeClaim, Resource, Service
from labtui.domain.resources.kubernetes import ServicePort

INGRESS_ADDRESS = "198.19.249.2"


def simple_object(source: SourceId, manifest: Manifest, created: datetime) -> tuple[Resource, ...]:
    """The resource of a manifest; nothing for kinds that labtui does not follow."""
    _, kind, namespace, name = key_of(manifest)
    ref = Ref(source, kind, namespace, name)
    match kind:
        case "Service":
            return (_service(ref, manifest, created),)
        case "EndpointSlice":
            return (_slice(ref, manifest),)
        case "Ingress":
            return (_ingress(ref, manifest, created),)
        case "PersistentVolumeClaim":
            return (claim(ref, manifest["spec"], created),)
        case _:
            return ()


def claim(ref: Ref, spec: Manifest, created: datetime) -> PersistentVolumeClaim:
    """A bound claim."""
    volume = hashlib.sha256(str(ref).encode()).hexdigest()
    return PersistentVolumeClaim(
        ref,
        phase="Bound",
        capacity=spec["resources"]["requests"]["storage"],
        storage_class=spec.get("storageClassName", "local-path"),
        volume=f"pvc-{volume[:8]}-{volume[8:12]}-4{volume[13:16]}-a{volume[17:20]}-{volume[20:32]}",
        access_modes=tuple(spec["accessModes"]),
        created=created,
    )


def _service(ref: Ref, manifest: Manifest, created: datetime) -> Service:
    spec = manifest["spec"]
    balanced = spec.get("type") == "LoadBalancer"
    ports = tuple(
        ServicePort(
            p.get("name", ""),
            p["port"],
            str(p.get("targetPort", p["port"])),
            p.get("protocol", "TCP"),
            30000 + p["port"] % 2767 if balanced else None,
        )
        for p in spec["ports"]
    )
    digest = hashlib.sha256(str(ref).encode()).digest()
    return Service(
        ref,
        type=spec.get("type", "ClusterIP"),
        cluster_ip=f"192.168.194.{2 + digest[1] % 250}",
        ports=ports,
        selector=pairs(spec.get("selector")),
        external=(INGRESS_ADDRESS,) if balanced else (),
        created=created,
        labels=pairs(manifest["metadata"].get("labels")),
    )


def _slice(ref: Ref, manifest: Manifest) -> EndpointSlice:
    labels = manifest["metadata"].get("labels") or {}
    up = [e for e in manifest["endpoints"] if (e.get("conditions") or {}).get("ready", True)]
    down = [e for e in manifest["endpoints"] if e not in up]
    return EndpointSlice(
        ref,
        service=labels.get("kubernetes.io/service-name", ""),
        ready=tuple(a for e in up for a in e["addresses"]),
        not_ready=tuple(a for e in down for a in e["addresses"]),
        ports=tuple(p["port"] for p in manifest["ports"]),
        managed_by=labels.get("endpointslice.kubernetes.io/managed-by", ""),
    )


def _ingress(ref: Ref, manifest: Manifest, created: datetime) -> Ingress:
    spec = manifest["spec"]
    rules = []
    for rule in spec["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            port = backend["port"].get("number") or backend["port"].get("name")
            rules.append((f"{rule['host']}{path['path']}", f"{backend['name']}:{port}"))
    return Ingress(
        ref,
        hosts=tuple(rule["host"] for rule in spec["rules"]),
        rules=tuple(rules),
        class_name=spec.get("ingressClassName", ""),
        addresses=(INGRESS_ADDRESS,),
        tls_hosts=tuple(h for t in spec.get("tls", ()) for h in t["hosts"]),
        created=created,
    )
