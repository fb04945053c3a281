"""CPU and memory of containers from the engine's `stats` documents (Docker Engine API, ContainerStats)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labtui.adapters.docker.parse import moment

CPU_POINTS = 0.02
CPU_SHARE = 0.20
MEMORY_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu` is a share of one core, `memory` bytes without the page cache that can be dropped; None when not known."""

    cpu: float | None = None
    memory: int | None = None


class Meter:
    """Turns samples into usage. The engine counts CPU time, so a share needs two samples of the same run."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int]] = {}  # container: when (seconds, the engine's clock), CPU time (ns)

    def add(self, container: str, stats: Mapping[str, Any]) -> Usage:
        """Take a sample."""
        read = moment(stats.get("read"))
        total = ((stats.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
        if read is None or not isinstance(total, int):
            return Usage(memory=memory(stats))
        now = read.timestamp()
        last = self._last.get(container)
        self._last[container] = (now, total)
        if last is None or now <= last[0] or total < last[1]:
            return Usage(memory=memory(stats))
        return Usage((total - last[1]) / 1e9 / (now - last[0]), memory(stats))

    def forget(self, container: str) -> None:
        """It has stopped or is gone."""
        self._last.pop(container, None)


def memory(stats: Mapping[str, Any]) -> int | None:
    """Bytes in use as `docker stats` shows them: usage without the inactive file cache.

    docker/cli, cli/command/container/stats_helpers.go: `total_inactive_file` on cgroup v1, `inactive_file` on v2.
    """
    found = stats.get("memory_stats") or {}
    usage = found.get("usage")
    if not isinstance(usage, int):
        return None
    details = found.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return usage - cache if isinstance(cache, int) and cache < usage else usage


def steady(shown: Usage, new: Usage) -> Usage:
    """What to show next: `shown` unless `new` differs enough to matter, so that an idle row stays still."""
    cpu = new.cpu if new.cpu is not None and _cpu_moved(shown.cpu, new.cpu) else shown.cpu
    bytes_ = new.memory if new.memory is not None and _memory_moved(shown.memory, new.memory) else shown.memory
    return Usage(cpu, bytes_)


def _cpu_moved(old: float | None, new: float) -> bool:
    if old is None:
        return True
    step = round(abs(new - old), 6)  # 0.03 - 0.01 is a little less than 0.02
    return step >= CPU_POINTS and step >= round(CPU_SHARE * old, 6)


def _memory_moved(old: int | None, new: int) -> bool:
    return old is None or (new != old and abs(new - old) >= MEMORY_SHARE * old)
