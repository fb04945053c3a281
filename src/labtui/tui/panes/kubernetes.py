"""Kubernetes workloads."""

from __future__ import annotations

from datetime import datetime

from labtui.domain.ref import SourceKind
from labtui.domain.resources.kubernetes import WORKLOAD_KINDS, Workload
from labtui.domain.states import Level
from labtui.domain.text import age, size
from labtui.tui.cells import Cell, Column, Row, alarm, row
from labtui.tui.panes.spec import PaneSpec

SHORT_KINDS = {"Deployment": "Deploy", "StatefulSet": "StS", "DaemonSet": "DS", "Job": "Job", "CronJob": "Cron"}

COLUMNS = (
    Column("namespace", "NAMESPACE", min_width=9, comfort=14, max_width=20),
    Column("name", "NAME", min_width=13, comfort=24, max_width=40),
    Column("kind", "KIND", 6, priority=4),
    Column("ready", "READY", 5, align="right"),
    Column("status", "STATUS", min_width=10, comfort=16, max_width=18, priority=2),
    Column("restarts", "RESTARTS", 8, align="right", priority=3),
    Column("cpu", "CPU", 5, align="right", quiet=True, priority=6),
    Column("memory", "MEM", 5, align="right", quiet=True, priority=5),
    Column("age", "AGE", 4, align="right", quiet=True, priority=1),
)


def cores(value: float | None) -> str:
    """CPU as a share of one core: `0%`, `4%`, `250%`."""
    return "" if value is None else f"{value * 100:.0f}%"


def to_row(workload: Workload, now: datetime) -> Row:
    """A workload as a row. The status word is there only when it says more than READY."""
    kind, namespace, name = workload.ref.kind, workload.ref.namespace, workload.ref.name
    level = workload.level
    word = workload.problem or workload.status
    if level is Level.WELL and kind != "Job":
        word = ""
    counted = kind != "CronJob"
    usage = workload.usage
    since = workload.last_scheduled or workload.created if kind == "CronJob" else workload.created
    cells = (
        Cell(namespace),
        Cell(name),
        Cell(SHORT_KINDS.get(kind, kind)),
        Cell(
            f"{workload.ready}/{workload.desired}" if counted else f"{workload.desired} run",
            alarm(level) if counted and workload.ready < workload.desired else "" if counted else "muted",
            sort=workload.ready / workload.desired if workload.desired else 1.0,
        ),
        Cell(word, alarm(level)),
        Cell(
            str(workload.restarts) if workload.restarts else "0",
            "" if workload.restarts else "muted",
            workload.restarts,
        ),
        Cell(cores(usage.cpu) if usage else "", "muted", sort=-usage.cpu if usage else None),
        Cell(size(usage.memory) if usage else "", "muted", sort=-usage.memory if usage else None),
        Cell(age(since, now), "muted", sort=-since.timestamp() if since else None),
    )
    labels = tuple(f"{key}={value}" for key, value in workload.labels)
    also = (kind, workload.status, workload.application, *workload.images, *labels)
    return row(workload.ref, level, cells, sort_key=(namespace, name, kind), also=also)


PANE = PaneSpec(
    id="kubernetes",
    title="Kubernetes",
    source=SourceKind.KUBERNETES,
    kinds=frozenset(WORKLOAD_KINDS),
    type=Workload,
    columns=COLUMNS,
    to_row=to_row,
    empty="no workloads",
    noun="not ready",
)
