"""From what the engine answers (`GET /containers/{id}/json`, Docker Engine API) to `Container`, and where it belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.docker import Container, Port

COMPOSE_SERVICE = "ComposeService"
STRAY = "Container"

# docker/compose, pkg/api/labels.go
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
NUMBER = "com.docker.compose.container-number"
CONFIG_FILES = "com.docker.compose.project.config_files"
WORKING_DIR = "com.docker.compose.project.working_dir"
DEPENDS_ON = "com.docker.compose.depends_on"


@dataclass(frozen=True, slots=True)
class Placed:
    """A container and the service that it belongs to, with what its labels say of that service."""

    container: Container
    ref: Ref
    config_files: tuple[str, ...] = ()
    working_dir: str = ""
    depends_on: tuple[str, ...] = ()


def placed(doc: Mapping[str, Any], source: SourceId) -> Placed:
    """Read one inspected container."""
    labels: Mapping[str, str] = (doc.get("Config") or {}).get("Labels") or {}
    container = _container(doc, labels)
    project, service = labels.get(PROJECT, ""), labels.get(SERVICE, "")
    if not project or not service or labels.get(ONE_OFF, "").lower() == "true":
        return Placed(container, Ref(source, STRAY, "", container.name))
    return Placed(
        container,
        Ref(source, COMPOSE_SERVICE, project, service),
        config_files=_listed(labels.get(CONFIG_FILES, "")),
        working_dir=labels.get(WORKING_DIR, ""),
        # `cache:service_started:false,db:service_healthy:true`
        depends_on=tuple(part.partition(":")[0] for part in _listed(labels.get(DEPENDS_ON, ""))),
    )


def moment(text: object) -> datetime | None:
    """A time as the engine writes it (RFC 3339, nanoseconds); None for its zero time and for what is not a time."""
    if not isinstance(text, str) or text.startswith("0001-"):
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _container(doc: Mapping[str, Any], labels: Mapping[str, str]) -> Container:
    state = doc.get("State") or {}
    status = state.get("Status") or "unknown"
    network = doc.get("NetworkSettings") or {}
    health = (state.get("Health") or {}).get("Status") or ""
    ended = status in ("exited", "dead", "restarting")
    number = labels.get(NUMBER, "")
    return Container(
        id=doc["Id"],
        name=(doc.get("Name") or doc["Id"][:12]).removeprefix("/"),
        image=(doc.get("Config") or {}).get("Image") or doc.get("Image") or "",
        state=status,
        # a stopped container's last health says nothing about now
        health=health if status == "running" and health != "none" else "",
        ports=_ports(network.get("Ports") or {}),
        created=moment(doc.get("Created")),
        started=moment(state.get("StartedAt")),
        finished=moment(state.get("FinishedAt")),
        exit_code=state.get("ExitCode") if ended else None,
        restarts=doc.get("RestartCount") or 0,
        number=int(number) if number.isascii() and number.isdecimal() else 1,
        networks=tuple(sorted(network.get("Networks") or {})),
        mounts=tuple(_mount(m) for m in doc.get("Mounts") or ()),
    )


def _ports(ports: Mapping[str, Any]) -> tuple[Port, ...]:
    """`{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", …}], "443/tcp": null}`, one per family once."""
    found: dict[tuple[int, str, int | None, str], Port] = {}
    for key, bindings in ports.items():
        number, _, protocol = key.partition("/")
        if not number.isdecimal():
            continue
        each: list[Mapping[str, Any]] = bindings or [{}]
        for binding in each:
            host = binding.get("HostPort") or ""
            host_port = int(host) if host.isdecimal() else None
            ip = binding.get("HostIp") or ""
            place = "" if ip in ("", "0.0.0.0", "::") else ip
            port = Port(int(number), protocol or "tcp", host_port, ip if host_port else "")
            found.setdefault((port.container_port, port.protocol, host_port, place), port)
    return tuple(found[key] for key in sorted(found, key=lambda k: (k[0], k[1], k[2] or 0, k[3])))


def _mount(mount: Mapping[str, Any]) -> str:
    """As Compose's short syntax writes it: `source:target` or `source:target:ro`."""
    source = mount.get("Name") or mount.get("Source") or mount.get("Type") or ""
    return f"{source}:{mount.get('Destination', '')}" + ("" if mount.get("RW", True) else ":ro")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)
