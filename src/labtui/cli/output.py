"""What the command line prints: plain text for people, one JSON document for programs, progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum

from labtui.domain.errors import Denied, Invalid, LabError, NotFound, Refused, SignedOut, Unreachable
from labtui.domain.plan import Plan, Result
from labtui.domain.text import clean


class Exit(IntEnum):
    """The exit statuses; a promise to scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4


EXIT_OF_RESULT = {
    Result.DONE: Exit.DONE,
    Result.FAILED: Exit.FAILED,
    Result.UNKNOWN: Exit.FAILED,
    Result.REFUSED: Exit.REFUSED,
}


def exit_of(error: LabError) -> Exit:
    """The exit status of an error that ends a command."""
    match error:
        case Invalid() | NotFound():
            return Exit.USAGE
        case Refused() | Denied():
            return Exit.REFUSED
        case Unreachable() | SignedOut():
            return Exit.UNREACHABLE
        case _:
            return Exit.FAILED


def print_json(document: object) -> None:
    """One JSON document. ASCII only: no text of the outside world can reach the terminal as a control character."""
    print(json.dumps(document, indent=2, ensure_ascii=True, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def print_error(error: LabError, *, as_json: bool) -> None:
    """Say what went wrong, why, and what to do."""
    if as_json:
        print_json({"error": {"title": error.title, "detail": error.detail, "hint": error.hint}})
    print(f"labtui: {clean(error.title)}", file=sys.stderr)
    for line in error.detail.splitlines():
        print(f"  {clean(line)}", file=sys.stderr)
    if error.hint:
        print(f"  → {clean(error.hint)}", file=sys.stderr)


def print_table(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Columns as wide as their widest cell, the last one as long as it is. The first row is the heading."""
    cleaned = [[clean(cell) for cell in row] for row in rows]
    widths = [max((len(row[i]) for row in cleaned), default=0) for i in range(len(cleaned[0]) if cleaned else 0)]
    for row in cleaned:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        print((indent + "  ".join([*cells, row[-1]])).rstrip())


def print_plan(plan: Plan, *, with_diff: bool = True) -> None:
    """The plan as a page to read, on stderr: stdout is for the result."""
    say = _to_stderr
    say(plan.title)
    width = max((len(label) for label, _ in plan.summary), default=0)
    for label, text in plan.summary:
        say(f"  {label.ljust(width)}  {text}")
    for number, step in enumerate(plan.steps, 1):
        say(f"  {number}. {step.title}")
    for warning in plan.warnings:
        say(f"  ▲ {warning}")
    for refusal in plan.refusals:
        say(f"  ✗ {refusal}")
    if plan.undo and not plan.refusals:
        say(f"  to get back: {plan.undo}")
    if with_diff:
        for item in plan.diff:
            say(f"  --- {item.kind} {f'{item.namespace}/' if item.namespace else ''}{item.name} {item.note}".rstrip())
            for line in item.lines:
                say(f"  {line}")


def _to_stderr(line: str) -> None:
    print(clean(line, 2000), file=sys.stderr)


def plan_json(plan: Plan) -> dict[str, object]:
    """A plan for programs."""
    return {
        "action": plan.action,
        "target": {"kind": plan.target.kind, "namespace": plan.target.namespace, "name": plan.target.name},
        "steps": [{"title": s.title, "call": s.call} for s in plan.steps],
        "warnings": list(plan.warnings),
        "refusals": list(plan.refusals),
        "facts": dict(plan.facts),
        "diff": [
            {"kind": d.kind, "namespace": d.namespace, "name": d.name, "diff": list(d.lines), "note": d.note}
            for d in plan.diff
        ],
        "undo": plan.undo,
    }


def progress(phase: str, text: str) -> None:
    """A line of what is happening, on stderr."""
    print(f"{datetime.now():%H:%M:%S} {clean(phase):<12} {clean(text)}", file=sys.stderr, flush=True)


def join(parts: Iterable[str]) -> str:
    """`a, b`, or `-` for nothing."""
    return ", ".join(parts) or "-"
