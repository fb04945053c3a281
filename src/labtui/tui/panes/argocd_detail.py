"""Everything about an Argo CD application."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from labtui.domain.planning import describe_auto_sync, short, shorts
from labtui.domain.resources.argocd import Application, Operation
from labtui.domain.text import duration
from labtui.tui.cells import Token, alarm
from labtui.tui.panes.argocd import HEALTH_STYLES, SYNC_STYLES, sync_cell
from labtui.tui.panes.sections import Line, Section, ago, joined, line, listed, section

_PHASE_STYLES: dict[str, Token] = {"Running": "moving", "Terminating": "moving", "Failed": "broken", "Error": "broken"}
_MOST_HISTORY = 10


def describe_application(app: Application, now: datetime) -> tuple[Section, ...]:
    """State, sources, operation, what is not in order, history."""
    return (
        *section("Application", _state(app, now)),
        *section("Rolled back", _rollback(app, now)),
        *section(
            "Conditions",
            (line(c.type, c.message, "broken" if "Error" in c.type else "drifted") for c in app.conditions),
        ),
        *section("Operation", _operation(app.operation, now)),
        *section("Not in order", _not_in_order(app)),
        *section("Sources", _sources(app)),
        *section("History", _history(app, now)),
    )


def _state(app: Application, now: datetime) -> Iterator[Line]:
    word = sync_cell(app)
    yield line("Sync", app.sync if word.text == app.sync else f"{app.sync} · {word.text}", word.style)
    yield line("Health", joined(app.health, app.health_message), HEALTH_STYLES.get(app.health, ""))
    yield line("Since", ago(app.changed, now))
    yield line("Revision", shorts(app.revisions) if app.revisions else "")
    yield line("Auto-sync", describe_auto_sync(app), "drifted" if app.auto_sync.paused else "")
    yield line("Namespace", app.ref.namespace)
    yield line("Deploys to", joined(app.destination_namespace, app.destination_server))
    yield line("Project", app.project)
    yield line("Parent", app.parent.name if app.parent else "")
    yield line("ApplicationSet", app.appset)
    yield line("Options", ", ".join(app.sync_options))
    yield from listed("Address", app.external_urls)
    yield from listed("Images", app.images)
    yield line("Compared", ago(app.reconciled, now))
    yield line("Created", ago(app.created, now))


def _rollback(app: Application, now: datetime) -> Iterator[Line]:
    record = app.rollback
    if record is None:
        return
    yield line("To", f"history {record.to_id}: {shorts(record.to_revisions)}", "drifted")
    yield line("Git still has", shorts(record.from_revisions), "drifted")
    yield line("When", joined(ago(record.at, now), f"by {record.by}" if record.by else ""))
    if record.paused:
        yield line("Auto-sync", "paused by labtui; it goes on again when git agrees")


def _operation(operation: Operation | None, now: datetime) -> Iterator[Line]:
    if operation is None:
        return
    yield line(
        "Phase", joined(operation.phase, "dry run" if operation.dry_run else ""), _PHASE_STYLES.get(operation.phase, "")
    )
    yield line("Message", operation.message)
    yield line("Revision", shorts(operation.revisions) if operation.revisions else "")
    yield line("Started", joined(ago(operation.started, now), _starter(operation)))
    if operation.started and operation.finished:
        yield line("Took", duration(operation.finished - operation.started))
    yield line("Retries", str(operation.retries) if operation.retries else "")
    for result in operation.results:
        status = result.hook_phase if result.hook else result.status
        kind = f"{result.hook} hook {result.kind}" if result.hook else result.kind
        bad = status in ("SyncFailed", "Failed", "Error")
        text = joined(f"{_place(result.namespace, result.name)}", status, result.message)
        yield line(kind, text, "broken" if bad else "moving" if status == "Running" else "")


def _starter(operation: Operation) -> str:
    return "by auto-sync" if operation.automated else f"by {operation.by}" if operation.by else ""


def _not_in_order(app: Application) -> Iterator[Line]:
    for resource in app.resources:
        if resource.hook:
            continue
        synced = resource.sync in ("", "Synced")
        healthy = resource.health in ("", "Healthy", "Suspended")
        if synced and healthy and not resource.requires_pruning:
            continue
        text = joined(
            _place(resource.namespace, resource.name),
            "" if synced else resource.sync,
            "" if healthy else resource.health,
            "git no longer has it" if resource.requires_pruning else "",
            resource.health_message,
        )
        style = HEALTH_STYLES.get(resource.health, "") if not healthy else SYNC_STYLES.get(resource.sync, "drifted")
        yield line(resource.kind, text, style or alarm(app.level))


def _sources(app: Application) -> Iterator[Line]:
    for source in app.sources:
        yield line("Repository", source.repo_url)
        yield line("Chart" if source.chart and not source.path else "Path", source.path or source.chart)
        yield line("Target", source.target_revision or "HEAD")
        yield line("Name", source.ref)
        yield from listed("Values", source.value_files)


def _history(app: Application, now: datetime) -> Iterator[Line]:
    for place, entry in enumerate(reversed(app.history[-_MOST_HISTORY:])):
        text = joined(
            ", ".join(short(r) for r in entry.revisions),
            ago(entry.deployed, now),
            f"by {entry.by}" if entry.by else "",
            "" if place else "deployed now",
        )
        yield line(str(entry.id), text)


def _place(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name
