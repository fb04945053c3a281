"""Docker containers, grouped into Compose stacks and services by the labels that Compose sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labtui.domain.ref import Ref
from labtui.domain.states import Level


@dataclass(frozen=True, slots=True)
class Port:
    """A published port (`host_port` None: only exposed to other containers)."""

    container_port: int
    protocol: str = "tcp"
    host_port: int | None = None
    host_ip: str = ""

    def __str__(self) -> str:
        proto = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"{self.host_port}→{self.container_port}{proto}" if self.host_port else f"{self.container_port}{proto}"


@dataclass(frozen=True, slots=True)
class Container:
    """One container. `state` is Docker's (`running`, `exited`, `restarting`, `paused`, `created`, `dead`, `removing`);
    `health` is `healthy`, `unhealthy`, `starting` or empty without a health check. `cpu` is a share of one core."""

    id: str
    name: str
    image: str
    state: str
    health: str = ""
    ports: tuple[Port, ...] = ()
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    exit_code: int | None = None
    restarts: int = 0
    number: int = 1
    cpu: float | None = None
    memory: int | None = None
    networks: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DockerService:
    """A Compose service with its containers, or a stray container (`ref.kind` ComposeService or Container).

    `ref.namespace` is the stack (Compose project), empty for a stray one. One-off containers (`docker compose run`) are stray.
    Stray or not, `containers` has at least one item. `config_files` are absolute paths on the machine that deployed it.
    """

    ref: Ref
    containers: tuple[Container, ...]
    config_files: tuple[str, ...] = ()
    working_dir: str = ""
    depends_on: tuple[str, ...] = ()

    @property
    def stack(self) -> str:
        """The Compose project, empty for a stray container."""
        return self.ref.namespace

    @property
    def service(self) -> str:
        """The Compose service, or the name of the stray container."""
        return self.ref.name

    @property
    def worst(self) -> Container:
        """The container that decides how the service is shown."""
        return min(self.containers, key=lambda c: (container_level(c), c.number))

    @property
    def level(self) -> Level:
        """The level of its worst container."""
        return container_level(self.worst)

    @property
    def image(self) -> str:
        """The image of the worst container."""
        return self.worst.image

    @property
    def cpu(self) -> float | None:
        """Sum over its containers; None when none is measured."""
        known = [c.cpu for c in self.containers if c.cpu is not None]
        return sum(known) if known else None

    @property
    def memory(self) -> int | None:
        """Sum over its containers; None when none is measured."""
        known = [c.memory for c in self.containers if c.memory is not None]
        return sum(known) if known else None


def container_level(container: Container) -> Level:
    """Exited with 0 is off, with another code broken; unhealthy or restarting is broken; health check starting moves.

    Exit codes 137 and 143 are SIGKILL and SIGTERM, which is how `docker stop` ends a program that does not catch it: off.
    """
    if container.state == "running":
        if container.health == "unhealthy":
            return Level.BROKEN
        return Level.MOVING if container.health == "starting" else Level.WELL
    if container.state in ("restarting", "dead"):
        return Level.BROKEN
    if container.state == "exited" and container.exit_code not in (None, 0, 137, 143):
        return Level.BROKEN
    return Level.MOVING if container.state == "removing" else Level.OFF
