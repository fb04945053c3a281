"""What a journal tells of its migration, as plain JSON: who, each step with its times, each action with what it left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from labtui.domain.migration.journal import Entry, Mark, about_of, last_entries, state_of
from labtui.domain.migration.standing import standing
from labtui.domain.migration.steps import ORDER, StepName

_BEGINS = frozenset({Mark.BEGUN, Mark.UNDOING})


def history(entries: Iterable[Entry]) -> dict[str, Any]:
    """All of it; empty values when there is no entry yet."""
    known = tuple(entries)
    about = about_of(known)
    return {
        "migration": known[0].migration if known else "",
        "site": about.site if about else "",
        "stack": about.stack if about else "",
        "state": state_of(known).value,
        "words": standing(known),
        "began": known[0].at.isoformat() if known else None,
        "ended": known[-1].at.isoformat() if known else None,
        "by": sorted({entry.by for entry in known if entry.by}),
        "steps": [_step(step, known) for step in ORDER if any(entry.step is step for entry in known)],
    }


def _step(step: StepName, entries: tuple[Entry, ...]) -> dict[str, Any]:
    of_step = [entry for entry in entries if entry.step is step]
    last = {key: entry for key, entry in last_entries(of_step).items()}
    actions = [
        {
            "name": key.action,
            "state": entry.mark.value,
            "text": entry.text,
            "at": entry.at.isoformat(),
            "by": entry.by,
            "data": dict(entry.data),
        }
        for key, entry in last.items()
    ]
    return {
        "step": step.value,
        "state": _state({entry.mark for entry in last.values()}),
        "began": of_step[0].at.isoformat(),
        "ended": of_step[-1].at.isoformat(),
        "seconds": round(_seconds(of_step), 3),
        "actions": actions,
    }


def _state(marks: set[Mark]) -> str:
    """One word for a step, the one that most needs to be seen."""
    order = (Mark.FAILED, Mark.UNDOING, Mark.BEGUN, Mark.DONE, Mark.UNDONE)
    return next((mark.value for mark in order if mark in marks), "")


def _seconds(entries: list[Entry]) -> float:
    """How long its actions worked; the time in between, when nobody did anything, is not counted."""
    begun: dict[str, datetime] = {}
    total = 0.0
    for entry in entries:
        if entry.mark in _BEGINS:
            begun[entry.action] = entry.at
        elif entry.mark is not Mark.NOTE and entry.action in begun:
            total += max(0.0, (entry.at - begun.pop(entry.action)).total_seconds())  # clocks of two machines differ
    return total
