"""Everything about a Kubernetes workload: its pods, who sends traffic to them, its storage, what happened to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from labtui.domain.resources.kubernetes import Service, Usage, Workload
from labtui.domain.text import age, size
from labtui.tui.cells import Token, alarm
from labtui.tui.panes.kubernetes import cores
from labtui.tui.panes.sections import Line, Related, Section, ago, joined, line, listed, section

_MOST_EVENTS = 12
_MOST_PODS = 50


def describe_workload(workload: Workload, related: Related, now: datetime) -> tuple[Section, ...]:
    """State, pods, network, storage, events."""
    return (
        *section(workload.ref.kind, _state(workload, now)),
        *section("Pods", _pods(workload, related, now)),
        *section("Network", _network(workload, related)),
        *section("Storage of the namespace", _claims(workload, related)),
        *section("Events", _events(workload, related, now)),
    )


def _state(workload: Workload, now: datetime) -> Iterator[Line]:
    style = alarm(workload.level)
    yield line("Status", joined(workload.status, workload.problem), style)
    yield line("Message", workload.message, style)
    if workload.ref.kind == "CronJob":
        yield line("Schedule", workload.schedule)
        yield line("Last run", ago(workload.last_scheduled, now))
        yield line("Running", str(workload.desired))
    else:
        yield line("Ready", f"{workload.ready} of {workload.desired}")
    if workload.ref.kind in ("Deployment", "StatefulSet", "DaemonSet"):
        yield line("Updated", f"{workload.updated} of {workload.desired}")
    yield line("Restarts", str(workload.restarts) if workload.restarts else "")
    yield line("Uses", usage_text(workload.usage))
    yield line("Namespace", workload.ref.namespace)
    yield line("Application", workload.application)
    yield from listed("Images", workload.images)
    yield line("Changed", ago(workload.changed, now))
    yield line("Created", ago(workload.created, now))
    yield from listed("Selector", (f"{key}={value}" for key, value in workload.selector))
    yield from listed("Labels", (f"{key}={value}" for key, value in workload.labels), "muted")


def usage_text(usage: Usage | None) -> str:
    """`4% of a core, 310M`."""
    return f"{cores(usage.cpu)} of a core, {size(usage.memory)}" if usage else ""


def _pods(workload: Workload, related: Related, now: datetime) -> Iterator[Line]:
    pods = sorted(related.pods_of(workload), key=lambda p: (p.level, p.ref.name))
    for pod in pods[:_MOST_PODS]:
        restarts = f"{pod.restarts} restarts" if pod.restarts else ""
        text = joined(
            f"{pod.ready}/{pod.containers} {pod.status}",
            restarts,
            age(pod.created, now),
            pod.node,
            pod.ip,
            usage_text(pod.usage),
            pod.message,
        )
        yield line(pod.ref.name, text, alarm(pod.level))
    if len(pods) > _MOST_PODS:
        yield line("…", f"{len(pods) - _MOST_PODS} more", "muted")


def _network(workload: Workload, related: Related) -> Iterator[Line]:
    for service in related.services_of(workload):
        yield line(f"Service {service.ref.name}", _service_text(service))
        for endpoints in related.slices_of(service):
            ports = ",".join(str(port) for port in endpoints.ports)
            ready = f"ready {', '.join(endpoints.ready)}" if endpoints.ready else ""
            waiting = f"not ready {', '.join(endpoints.not_ready)}" if endpoints.not_ready else ""
            text = joined(ready, waiting, f"port {ports}" if ports else "") or "no address"
            style: Token = "" if endpoints.ready and not waiting else "drifted" if endpoints.ready else "broken"
            yield line("Endpoints", text, style)
        for ingress in related.ingresses_of(service):
            tls = "TLS" if ingress.tls_hosts else "no TLS"
            text = joined(", ".join(ingress.hosts) or "any host", tls, ingress.class_name, ", ".join(ingress.addresses))
            yield line(f"Ingress {ingress.ref.name}", text)


def _service_text(service: Service) -> str:
    ports = ", ".join(
        f"{p.port}→{p.target}"
        + (f" node {p.node_port}" if p.node_port else "")
        + ("" if p.protocol == "TCP" else f"/{p.protocol}")
        for p in service.ports
    )
    return joined(service.type, service.cluster_ip, ", ".join(service.external), ports)


def _claims(workload: Workload, related: Related) -> Iterator[Line]:
    for claim in related.claims_in(workload.ref.source, workload.ref.namespace):
        text = joined(claim.phase, claim.capacity, claim.storage_class, ", ".join(claim.access_modes), claim.volume)
        yield line(claim.ref.name, text, "" if claim.phase == "Bound" else "drifted")


def _events(workload: Workload, related: Related, now: datetime) -> Iterator[Line]:
    about = (workload.ref, *(pod.ref for pod in related.pods_of(workload)))
    for event in related.events_about(*about)[:_MOST_EVENTS]:
        times = f"×{event.count}" if event.count > 1 else ""
        pod = event.about.name if event.about.kind == "Pod" else ""
        text = joined(age(event.seen, now), times, pod, event.message)
        yield line(event.reason, text, "drifted" if event.type == "Warning" else "")
