"""Everything about a Compose service or a stray container."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from labtui.domain.resources.docker import Container, DockerService, container_level
from labtui.domain.text import size
from labtui.tui.cells import alarm
from labtui.tui.panes.docker import describe_state
from labtui.tui.panes.kubernetes import cores
from labtui.tui.panes.sections import Line, Section, ago, joined, line, listed, section


def describe_service(service: DockerService, now: datetime) -> tuple[Section, ...]:
    """The service, then each of its containers."""
    sections = [*section("Service" if service.stack else "Container outside of Compose", _service(service))]
    for container in sorted(service.containers, key=lambda c: (container_level(c), c.number)):
        sections += section(f"Container {container.name}", _container(container, now))
    return tuple(sections)


def _service(service: DockerService) -> Iterator[Line]:
    running = sum(c.state == "running" for c in service.containers)
    yield line("Site", service.ref.source.scope)
    yield line("Stack", service.stack)
    yield line("Service", service.service if service.stack else "")
    yield line("Running", f"{running} of {len(service.containers)}", alarm(service.level))
    if service.cpu is not None and service.memory is not None:
        yield line("Uses", f"{cores(service.cpu)} of a core, {size(service.memory)}")
    yield line("Depends on", ", ".join(service.depends_on))
    yield from listed("Files", service.config_files)
    yield line("Folder", service.working_dir)


def _container(container: Container, now: datetime) -> Iterator[Line]:
    style = alarm(container_level(container))
    yield line("State", describe_state(container, now), style)
    yield line("Health", container.health, style if container.health else "")
    if container.state == "exited" and container.exit_code is not None:
        yield line("Exit code", joined(str(container.exit_code), _signal(container.exit_code)), style)
    yield line("Image", container.image)
    yield from listed("Ports", dict.fromkeys(_port(container, i) for i in range(len(container.ports))))
    if container.cpu is not None and container.memory is not None:
        yield line("Uses", f"{cores(container.cpu)} of a core, {size(container.memory)}")
    yield line("Started", ago(container.started, now))
    if container.state != "running":
        yield line("Ended", ago(container.finished, now))
    yield line("Created", ago(container.created, now))
    yield line("Restarts", str(container.restarts) if container.restarts else "", "drifted")
    yield line("Networks", ", ".join(container.networks))
    yield from listed("Mounts", container.mounts)
    yield line("Id", container.id[:12], "muted")


def _port(container: Container, place: int) -> str:
    port = container.ports[place]
    return f"{port.host_ip}:{port}" if port.host_ip not in ("", "0.0.0.0", "::") else str(port)


def _signal(code: int) -> str:
    return {137: "killed (SIGKILL)", 143: "ended by SIGTERM", 139: "crashed (SIGSEGV)"}.get(code, "")
