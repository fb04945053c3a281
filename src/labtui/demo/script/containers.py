"""How the containers of the simulated sites are doing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Running:
    """A container: up for `days`, `cpu` as a share of one core, `memory` in MiB; `exit_code` given: it has ended."""

    days: float = 3
    cpu: float = 0.01
    memory: int = 32
    health: str = "healthy"  # where the service has a health check
    restarts: int = 0
    exit_code: int | None = None


# site, stack, service. What is not here is running and well.
CONTAINERS: dict[tuple[str, str, str], Running] = {
    ("wroclaw", "authelia", "authelia"): Running(3, 0.01, 48),
    ("wroclaw", "authelia", "redis"): Running(3, 0.004, 9),
    # ingress-nginx has taken over; the stack is kept, stopped
    ("wroclaw", "caddy", "caddy"): Running(19, exit_code=0),
    ("wroclaw", "emby", "emby"): Running(9, 0.04, 310),
    ("wroclaw", "immich", "server"): Running(3, 0.02, 610),
    ("wroclaw", "immich", "machine-learning"): Running(3, 0.31, 1480, health="unhealthy"),
    ("wroclaw", "immich", "redis"): Running(3, 0.005, 11),
    ("wroclaw", "immich", "database"): Running(3, 0.01, 187),
    ("wroclaw", "monitoring", "alloy"): Running(13, 0.03, 164),
    ("wroclaw", "monitoring", "victoriametrics"): Running(13, 0.05, 412),
    ("wroclaw", "monitoring", "victorialogs"): Running(13, 0.02, 203),
    ("wroclaw", "monitoring", "grafana"): Running(13, 0.01, 121),
    ("wroclaw", "monitoring", "mikrotik-exporter"): Running(13, 0.003, 27, restarts=2),
    ("kyiv", "monitoring", "alloy"): Running(26, 0.07, 142),
    ("kyiv", "monitoring", "mikrotik-exporter"): Running(26, 0.006, 25),
    ("kyiv", "transmission", "gluetun"): Running(3, 0.02, 88),
    ("kyiv", "transmission", "transmission"): Running(3, 0.05, 64),
}

# Of the stacks that only the demo has: they keep nothing, so that they can be moved.
EXTRA_CONTAINERS: dict[tuple[str, str, str], Running] = {
    ("wroclaw", "searxng", "searxng"): Running(6, 0.02, 143),
    ("wroclaw", "searxng", "valkey"): Running(6, 0.003, 8),
    ("wroclaw", "tools", "it-tools"): Running(17, 0.001, 6),
}

# Containers that no Compose file knows. Names of the outside world are hostile: this one holds an escape sequence and markup.
HOSTILE_NAME = "old\x1b[31m-[bold]backup[/bold]"
STRAYS: dict[str, tuple[tuple[str, str, Running], ...]] = {
    "wroclaw": ((HOSTILE_NAME, "busybox:1.37.0", Running(41, exit_code=0)),),
    "kyiv": (("debug-shell", "alpine:3.21.3", Running(1.2, 0.0, 2)),),
}
