"""`labtui status`: the estate, once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from labtui.cli.collect import look
from labtui.cli.output import Exit, join, print_json, print_table
from labtui.core.lab import Lab
from labtui.domain.checks import Verdict
from labtui.domain.planning import shorts
from labtui.domain.ref import SourceId, SourceKind
from labtui.domain.resources import Application, DockerService, SecretPath, Workload
from labtui.domain.resources.docker import Port
from labtui.domain.states import FeedState
from labtui.domain.text import age

T = TypeVar("T")


def status(lab: Lab, *, as_json: bool, seconds: float) -> Exit:
    """Print every source and what is in it. UNREACHABLE when a source did not become live."""
    look(lab, seconds)
    if as_json:
        print_json(document(lab))
    else:
        _print(lab)
    states = [lab.inventory.status(source) for source in lab.sources]
    live = all(s is not None and s.state is FeedState.LIVE for s in states)
    return Exit.DONE if live and not any(p.unreachable for p in lab.problems) else Exit.UNREACHABLE


def document(lab: Lab) -> dict[str, object]:
    """The estate as the command line's contract has it. Never a secret value."""
    everything = [r for source in lab.sources for r in lab.inventory.of(source)]
    return {
        "estate": lab.name,
        "sources": [_source(lab, s) for s in lab.sources]
        + [
            {"name": p.subject, "kind": "", "state": "down", "since": lab.clock.now(), "detail": p.detail}
            for p in lab.problems
            if p.unreachable
        ],
        "apps": [_app(r) for r in lab.inventory.applications()],
        "workloads": [_workload(r) for r in sorted(_only(everything, Workload), key=_workload_key)],
        "services": [_service(r) for r in sorted(_only(everything, DockerService), key=lambda s: s.ref)],
        "secrets": [
            {"path": r.path, "version": r.version or None, "updated": r.updated}
            for r in sorted(_only(everything, SecretPath), key=lambda s: s.path)
            if not r.folder
        ],
    }


def _only(resources: Iterable[object], kind: type[T]) -> list[T]:
    return [r for r in resources if isinstance(r, kind)]


def _workload_key(workload: Workload) -> tuple[str, str, str]:
    return workload.ref.namespace, workload.ref.name, workload.ref.kind


def _source(lab: Lab, source: SourceId) -> dict[str, object]:
    now = lab.inventory.status(source)
    return {
        "name": source.label,
        "kind": source.kind.value,
        "state": now.state.value if now else FeedState.CONNECTING.value,
        "since": now.since if now else None,
        "detail": (now.detail or "; ".join(now.notes)) if now else "",
    }


def _app(app: Application) -> dict[str, object]:
    return {
        "name": app.ref.name,
        "namespace": app.ref.namespace,
        "sync": app.sync,
        "health": app.health,
        "revision": ",".join(app.revisions),
        "auto_sync": app.auto_sync.on,
        "operation": app.operation.phase if app.operation else None,
    }


def _workload(workload: Workload) -> dict[str, object]:
    return {
        "kind": workload.ref.kind,
        "namespace": workload.ref.namespace,
        "name": workload.ref.name,
        "ready": workload.ready,
        "desired": workload.desired,
        "status": workload.status,
        "restarts": workload.restarts,
        "images": list(workload.images),
    }


def _service(service: DockerService) -> dict[str, object]:
    container = service.worst
    ports = dict.fromkeys(_port(p) for c in service.containers for p in c.ports)
    return {
        "site": service.ref.source.scope,
        "stack": service.stack,
        "service": service.service,
        "state": container.state,
        "health": container.health,
        "image": service.image,
        "ports": list(ports),
        "runs_on": "docker",
    }


def _port(port: Port) -> str:
    """As the docker program writes it, without arrows: `8096:8096/tcp`, or `6379/tcp` when it is not published."""
    inside = f"{port.container_port}/{port.protocol}"
    return f"{port.host_port}:{inside}" if port.host_port else inside


def _print(lab: Lab) -> None:
    now = lab.clock.now()
    print(f"estate {lab.name}")
    rows = [("SOURCE", "STATE", "SINCE", "")]
    for source in lab.sources:
        known = lab.inventory.status(source)
        if known is None:
            continue
        words = known.detail or ", ".join(known.notes)
        rows.append((source.label, known.state.value, age(known.since, now), words))
    shown = {source.label for source in lab.sources}  # a source that cannot be tried has said so above
    problems = [p for p in lab.problems if p.verdict is not Verdict.FAIL or p.subject not in shown]
    rows += [(p.subject, p.verdict.value, "", f"{p.detail}. {p.remedy}") for p in problems]
    print_table(rows, "  ")
    document_rows: list[tuple[str, list[tuple[str, ...]]]] = [
        ("Argo CD applications", _app_rows(lab)),
        ("Kubernetes workloads", _workload_rows(lab)),
        ("Docker services", _service_rows(lab)),
        ("Vault paths", _secret_rows(lab)),
    ]
    for title, table in document_rows:
        if len(table) > 1:
            print(f"\n{title}")
            print_table(table, "  ")


def _app_rows(lab: Lab) -> list[tuple[str, ...]]:
    now = lab.clock.now()
    rows: list[tuple[str, ...]] = [("", "NAME", "SYNC", "HEALTH", "REVISION", "AUTO-SYNC", "AGE")]
    for a in sorted(lab.inventory.applications(), key=lambda a: (a.level, a.ref)):
        auto = "paused" if a.auto_sync.paused else "on" if a.auto_sync.on else "off"
        rows.append((a.level.sign, a.ref.name, a.sync, a.health, shorts(a.revisions), auto, age(a.changed, now)))
    return rows


def _workload_rows(lab: Lab) -> list[tuple[str, ...]]:
    now = lab.clock.now()
    rows: list[tuple[str, ...]] = [("", "NAMESPACE", "NAME", "KIND", "READY", "RESTARTS", "AGE", "STATUS")]
    found = [w for s in lab.sources for w in lab.inventory.of(s) if isinstance(w, Workload)]
    for w in sorted(found, key=lambda w: (w.level, w.ref)):
        ready = f"{w.ready}/{w.desired}"
        words = " ".join(x for x in (w.status, w.problem) if x)
        rows.append(
            (w.level.sign, w.ref.namespace, w.ref.name, w.ref.kind, ready, str(w.restarts), age(w.created, now), words)
        )
    return rows


def _service_rows(lab: Lab) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "SITE", "STACK", "SERVICE", "STATE", "PORTS", "IMAGE")]
    sites = [s for s in lab.sources if s.kind is SourceKind.DOCKER]
    found = [d for s in sites for d in lab.inventory.of(s) if isinstance(d, DockerService)]
    for d in sorted(found, key=lambda d: (d.level, d.ref)):
        state = f"{d.worst.state} {d.worst.health}".strip()
        ports = join(dict.fromkeys(_port(p) for c in d.containers for p in c.ports if p.host_port))
        rows.append((d.level.sign, d.ref.source.scope, d.stack, d.service, state, ports, d.image))
    return rows


def _secret_rows(lab: Lab) -> list[tuple[str, ...]]:
    now = lab.clock.now()
    rows: list[tuple[str, ...]] = [("", "PATH", "VERSION", "UPDATED", "")]
    found = [p for s in lab.sources for p in lab.inventory.of(s) if isinstance(p, SecretPath)]
    for p in sorted(found, key=lambda p: (p.level, p.ref)):
        version = f"v{p.version}" if p.version else ""
        words = f"denied: {p.denied}" if p.denied else "not read" if p.folder and not p.open else ""
        if not p.folder or words:
            rows.append((p.level.sign, p.path, version, age(p.updated, now), words))
    return rows
