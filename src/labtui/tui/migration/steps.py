"""The ten steps as lines: sign, step, word, result, time. By the journal, and by what a run tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from labtui.core.migration.overview import failure
from labtui.domain.migration.journal import Entry, Key, Mark, last_entries
from labtui.domain.migration.probes import Side
from labtui.domain.migration.steps import ORDER, STEPS, StepName
from labtui.domain.migration.tally import by_side
from labtui.domain.states import Level
from labtui.domain.text import clean, duration
from labtui.tui.migration.track import Said, Track

_DOES = {info.name: info.does for info in STEPS}
_BEGINS = (Mark.BEGUN, Mark.UNDOING)


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step as it stands now. `text` is clean; `took` is empty where nothing was done."""

    step: StepName
    level: Level
    word: str
    text: str = ""
    took: str = ""
    quiet: bool = False  # nothing has happened yet: its text says what it will do


def step_lines(track: Track, now: datetime) -> tuple[StepLine, ...]:
    """All steps, in their order."""
    last = last_entries(track.entries)
    return tuple(_line(track, step, {k: e for k, e in last.items() if k.step is step}, now) for step in ORDER)


def _line(track: Track, step: StepName, last: dict[Key, Entry], now: datetime) -> StepLine:
    marks = {entry.mark for entry in last.values()}
    begun = bool(track.entries)
    if not marks:
        furthest = max((ORDER.index(e.step) for e in track.entries if e.step is not None), default=-1)
        if track.looking is step:
            return StepLine(step, Level.MOVING, "looking", _DOES[step])
        if step is StepName.PLAN:
            return StepLine(step, Level.WELL, "done", "every key is decided")
        if (track.steps and step not in track.steps) or ORDER.index(step) < furthest:
            return StepLine(step, Level.OFF, "not needed", "nothing to do for this stack", quiet=True)
        return StepLine(step, Level.OFF, "waits" if begun or track.running else "to do", _DOES[step], quiet=True)
    mine = [entry for entry in track.entries if entry.step is step and entry.mark is not Mark.NOTE]
    level, word = _state(track, step, marks)
    live = level is Level.MOVING
    text = _soaking(track) if live and step is StepName.SOAK else ""
    text = text or (_latest(track.log, step) if live else "") or _words(mine)
    failed = failure(track.entries) if word == "undone" else None
    if failed is not None and failed.step is step:
        text = failed.text  # why it was taken back says more than that it was
    return StepLine(step, level, word, clean(text), _took(mine, now if live else None))


def _state(track: Track, step: StepName, marks: set[Mark]) -> tuple[Level, str]:
    running = bool(track.running) or bool(track.holder)
    if Mark.FAILED in marks:
        return Level.BROKEN, "failed"
    if Mark.UNDOING in marks:
        return (Level.MOVING, "undoing") if running else (Level.BROKEN, "cut off")
    if Mark.BEGUN in marks:
        return (Level.MOVING, "running") if running else (Level.BROKEN, "cut off")
    if marks == {Mark.UNDONE}:
        return Level.OFF, "undone"
    if Mark.UNDONE in marks:
        return (Level.MOVING, "undoing") if running else (Level.DRIFTED, "in part")
    if track.looking is step and running:
        return Level.MOVING, "running"
    return Level.WELL, "done"


def _words(mine: list[Entry]) -> str:
    """The last words of a step; what it was made of says less than how it ended."""
    ends = [entry.text for entry in mine if entry.text and entry.mark not in _BEGINS]
    words = ends[-1] if ends else next((entry.text for entry in reversed(mine) if entry.text), "")
    return words.removeprefix("Undone: ").removeprefix("Undo: ")


def _latest(log: Iterable[Said], step: StepName) -> str:
    found = [line.text for line in log if line.step is step]
    return found[-1] if found else ""


def _soaking(track: Track) -> str:
    seen = track.observation
    if seen is None:
        return ""
    users = next((side for side in by_side(seen.counts) if side.side is Side.INGRESS), None)
    lost = f" · {users.failed:,} of {users.sent:,} lost" if users is not None else ""
    return f"{duration(seen.left)} left{lost}"


def _took(mine: list[Entry], now: datetime | None) -> str:
    """How long its actions worked; the time in between, when nobody did anything, is not counted."""
    begun: dict[str, datetime] = {}
    total = timedelta(0)
    for entry in mine:
        if entry.mark in _BEGINS:
            begun[entry.action] = entry.at
        elif entry.action in begun:
            total += entry.at - begun.pop(entry.action)
    if now is not None:
        total += sum((now - at for at in begun.values()), timedelta(0))
    if not total and not now:
        return ""
    return "<1s" if total < timedelta(seconds=1) else duration(total)


def traffic(entries: Iterable[Entry]) -> tuple[str, bool]:
    """Where the users' requests go by the journal: `docker`, `both` or `kubernetes`; and is that being changed?"""
    last = {key.action: entry.mark for key, entry in last_entries(entries).items() if key.step is StepName.CUT_OVER}
    there = [action for action, mark in last.items() if mark is Mark.DONE]
    moving = any(mark in (Mark.BEGUN, Mark.UNDOING, Mark.FAILED) for mark in last.values())
    return ("kubernetes" if "kubernetes" in there else "both" if "both" in there else "docker"), moving
