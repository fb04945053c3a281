"""Documents as the engine writes them."""

from __future__ import annotations

from typing import Any

from labtui.domain.ref import SourceId, SourceKind

SITE = SourceId(SourceKind.DOCKER, "kyiv")


def inspected(
    ident: str = "c1",
    name: str = "media-web-1",
    *,
    state: str = "running",
    health: str = "",
    code: int = 0,
    project: str = "media",
    service: str = "web",
    started: str = "2026-01-02T03:04:05.123456789Z",
    **labels: str,
) -> dict[str, Any]:
    """`GET /containers/{id}/json`, what labtui reads of it. `labels` are Compose's, `_` for `-` and without their prefix."""
    found = {f"com.docker.compose.{key.replace('_', '-')}": value for key, value in labels.items()}
    if project:
        found["com.docker.compose.project"] = project
    if service:
        found["com.docker.compose.service"] = service
    status: dict[str, Any] = {
        "Status": state,
        "ExitCode": code,
        "StartedAt": started,
        "FinishedAt": "0001-01-01T00:00:00Z" if state == "running" else "2026-01-02T04:00:00Z",
    }
    if health:
        status["Health"] = {"Status": health, "FailingStreak": 0, "Log": []}
    return {
        "Id": ident,
        "Name": f"/{name}",
        "Created": "2026-01-01T00:00:00Z",
        "RestartCount": 2,
        "State": status,
        "Config": {"Image": "registry.example/web:1", "Labels": found or None},
        "NetworkSettings": {"Ports": {}, "Networks": {"media_default": {}}},
        "Mounts": [],
    }


def sampled(read: str, total: int, usage: int = 0, **stats: int) -> dict[str, Any]:
    """`GET /containers/{id}/stats`: when, CPU time in ns, memory in bytes."""
    return {
        "read": read,
        "cpu_stats": {"cpu_usage": {"total_usage": total}},
        "memory_stats": {"usage": usage, "stats": stats},
    }
