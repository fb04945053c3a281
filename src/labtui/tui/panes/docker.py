"""Docker Compose services and stray containers of one site."""

from __future__ import annotations

from datetime import datetime

from labtui.domain.ref import SourceKind
from labtui.domain.resources.docker import Container, DockerService
from labtui.domain.text import age, size
from labtui.tui.cells import Cell, Column, Row, alarm, row
from labtui.tui.panes.kubernetes import cores
from labtui.tui.panes.spec import PaneSpec

COLUMNS = (
    Column("stack", "STACK", min_width=9, comfort=12, max_width=20, group=True),
    Column("service", "SERVICE", min_width=12, comfort=17, max_width=32),
    Column("state", "STATE", 13),
    Column("cpu", "CPU", 5, align="right", quiet=True, priority=2),
    Column("memory", "MEM", 5, align="right", quiet=True, priority=1),
    Column("ports", "PORTS", min_width=12, comfort=18, max_width=28, priority=3),
    Column("image", "IMAGE", min_width=16, comfort=28, max_width=44, priority=4),
)


def describe_state(container: Container, now: datetime) -> str:
    """`up 3d`, `healthy 3d`, `unhealthy 3d`, `starting`, `exited 137`, else Docker's own word."""
    if container.state == "running":
        if container.health == "starting":
            return "starting"
        return f"{container.health or 'up'} {age(container.started, now)}".rstrip()
    if container.state == "exited" and container.exit_code:
        return f"exited {container.exit_code}"
    return container.state


def state_cell(service: DockerService, now: datetime) -> Cell:
    """The state of the worst container; `1/3 up 2d` where only some of several run."""
    text = describe_state(service.worst, now)
    running = sum(c.state == "running" for c in service.containers)
    if len(service.containers) > 1:
        text = f"{running}/{len(service.containers)} {text}"
    return Cell(text, alarm(service.level), sort=f"{service.level.value} {text}")


def ports_text(service: DockerService) -> str:
    """The published ports; an address that Docker publishes on twice (IPv4 and IPv6) counts once."""
    ports = (str(p) for c in service.containers for p in c.ports if p.host_port)
    return " ".join(dict.fromkeys(ports))


def to_row(service: DockerService, now: datetime) -> Row:
    """A service as a row. A stray container has no stack."""
    cells = (
        Cell(service.stack or "–", "" if service.stack else "muted", sort=service.stack),
        Cell(service.service),
        state_cell(service, now),
        Cell(cores(service.cpu), "muted", sort=-service.cpu if service.cpu is not None else None),
        Cell(size(service.memory), "muted", sort=-service.memory if service.memory is not None else None),
        Cell(ports_text(service)),
        Cell(service.image, "muted"),
    )
    also = tuple(c.name for c in service.containers)
    return row(
        service.ref, service.level, cells, sort_key=(service.stack, service.service), also=also, group=service.stack
    )


PANE = PaneSpec(
    id="docker",
    title="Docker",
    source=SourceKind.DOCKER,
    kinds=frozenset({"ComposeService", "Container"}),
    type=DockerService,
    columns=COLUMNS,
    to_row=to_row,
    empty="no containers",
    noun="broken",
)
