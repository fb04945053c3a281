"""The rows of the Activity pane: what labtui is doing, what it has done since it was started, what remains to be done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from labtui.core.executor import Ended, Executor, Running
from labtui.domain.plan import Outcome, Plan, Result
from labtui.domain.ref import Ref
from labtui.domain.resources import Application
from labtui.domain.states import Level
from labtui.domain.text import age
from labtui.tui.cells import Cell, Column, Row, alarm, row, token

COLUMNS = (
    Column("what", "WHAT", min_width=18, comfort=24, max_width=32),
    Column("state", "STATE", min_width=8, max_width=11),
    Column("text", "HOW IT GOES", min_width=12, comfort=14, priority=1),
    Column("age", "AGE", 4, align="right", priority=2, quiet=True),
)
EMPTY = "Nothing is being done.\nSyncs and rollbacks show here while they run,\nand what a rollback leaves to be done."
OPERATION = "Operation"  # kind of a Ref: namespace is the operation's id
UNFINISHED = "Unfinished"  # kind of a Ref: a rolled back application; its name and namespace

_LEVELS = {
    Result.DONE: Level.WELL,
    Result.FAILED: Level.BROKEN,
    Result.UNKNOWN: Level.DRIFTED,
    Result.REFUSED: Level.OFF,
}


def activity_rows(executor: Executor, applications: Iterable[Application], now: datetime) -> list[Row]:
    """Operations that run, operations that have ended, rollbacks that git does not agree with yet."""
    rows = [_running(operation, now) for operation in executor.running() if _shown(operation.plan)]
    rows += [_unfinished(app, now) for app in applications if app.rollback is not None]
    rows += [_ended(operation, now) for operation in reversed(executor.ended()) if _shown(operation.plan)]
    return rows


def _shown(plan: Plan) -> bool:
    """Migrations have a pane of their own."""
    return not plan.action.startswith("migration.")


def _operation_ref(operation: Running | Ended) -> Ref:
    target = operation.plan.target
    return Ref(target.source, OPERATION, operation.id, target.name)


def _running(operation: Running, now: datetime) -> Row:
    last = operation.last
    return _row(
        _operation_ref(operation),
        Level.MOVING,
        operation.plan.title,
        last.phase if last else "starting",
        last.text if last else "",
        operation.since,
        now,
    )


def _ended(operation: Ended, now: datetime) -> Row:
    outcome = operation.outcome
    level = Level.DRIFTED if outcome.result is Result.DONE and outcome.remaining else _LEVELS[outcome.result]
    return _row(
        _operation_ref(operation), level, operation.plan.title, outcome.result.value, _words(outcome), operation.at, now
    )


def _words(outcome: Outcome) -> str:
    remaining = f"; remains: {', '.join(outcome.remaining)}" if outcome.remaining else ""
    return f"{outcome.message}{remaining}"


def _unfinished(app: Application, now: datetime) -> Row:
    record = app.rollback
    assert record is not None
    ref = Ref(app.ref.source, UNFINISHED, app.ref.namespace, app.ref.name)
    text = "git still has the newer revision" + ("; auto-sync is paused" if record.paused else "")
    return _row(ref, Level.DRIFTED, f"Finish rollback: {app.ref.name}", "to do", text, record.at, now)


def _row(ref: Ref, level: Level, what: str, state: str, text: str, at: datetime, now: datetime) -> Row:
    cells = (
        Cell(what),
        Cell(state, alarm(level) or token(level)),
        Cell(text, "muted"),
        Cell(age(at, now), "muted", sort=(now - at).total_seconds()),
    )
    # newest first within a level
    return row(ref, level, cells, sort_key=(f"{10**12 - int(at.timestamp()):013}", what))
