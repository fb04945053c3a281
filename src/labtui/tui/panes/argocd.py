"""Argo CD applications."""

from __future__ import annotations

from datetime import datetime

from labtui.domain.planning import shorts
from labtui.domain.ref import SourceKind
from labtui.domain.resources.argocd import Application
from labtui.domain.text import age
from labtui.tui.cells import Cell, Column, Row, Token, row
from labtui.tui.panes.spec import PaneSpec

USUAL_NAMESPACE = "argocd"  # where Argo CD's manifests put it; applications elsewhere show their namespace

COLUMNS = (
    Column("name", "NAME", min_width=14, comfort=21, max_width=44),
    Column("sync", "SYNC", 11),
    Column("health", "HEALTH", 11),
    Column("revision", "REVISION", 9, priority=2),
    Column("namespace", "NAMESPACE", min_width=10, max_width=20, priority=4),
    Column("auto", "AUTO-SYNC", 9, priority=3),
    Column("age", "AGE", 4, align="right", quiet=True, priority=1),
)

HEALTH_STYLES: dict[str, Token] = {
    "Degraded": "broken",
    "Missing": "broken",
    "Progressing": "moving",
    "Suspended": "off",
    "Unknown": "unknown",
}
SYNC_STYLES: dict[str, Token] = {"OutOfSync": "drifted", "Unknown": "unknown"}


def sync_cell(app: Application) -> Cell:
    """The sync status; while an operation runs what it does, after a rollback that it is one."""
    operation = app.operation
    if app.deleting:
        return Cell("deleting", "moving")
    if operation and operation.phase == "Terminating":
        return Cell("terminating", "moving")
    if operation and operation.running and operation.finished:
        return Cell("retrying", "moving")
    if app.busy:
        return Cell("Syncing", "moving")
    if app.rollback is not None:
        return Cell("rolled back", "drifted")
    if operation and operation.phase in ("Failed", "Error") and app.sync != "Synced":
        return Cell("sync failed", "broken")
    if app.auto_sync.paused and app.sync != "OutOfSync":
        return Cell("paused", "muted")
    return Cell(app.sync, SYNC_STYLES.get(app.sync, ""))


def to_row(app: Application, now: datetime) -> Row:
    """An application as a row."""
    name, namespace = app.ref.name, app.ref.namespace
    since = app.changed
    auto = app.auto_sync
    cells = (
        Cell(name if namespace == USUAL_NAMESPACE else f"{namespace}/{name}"),
        sync_cell(app),
        Cell(app.health, HEALTH_STYLES.get(app.health, "")),
        Cell(shorts(app.revisions) if app.revisions else ""),
        Cell(app.destination_namespace),
        Cell("paused" if auto.paused else "on" if auto.on else "off", "muted"),
        Cell(age(since, now), "muted", sort=-since.timestamp() if since else None),
    )
    also = (app.project, app.sync, *(s.repo_url for s in app.sources), *app.images)
    return row(app.ref, app.level, cells, sort_key=(name, namespace), also=also)


PANE = PaneSpec(
    id="argocd",
    title="Argo CD",
    source=SourceKind.ARGOCD,
    kinds=frozenset({"Application"}),
    type=Application,
    columns=COLUMNS,
    to_row=to_row,
    empty="no applications",
)
