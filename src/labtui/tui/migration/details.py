"""All that is known of one step: what it is for, its actions, what they left, every entry of the journal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labtui.domain.migration.journal import Entry, Mark, last_entries
from labtui.domain.migration.steps import STEPS, StepName
from labtui.domain.text import clean
from labtui.tui.widgets.page import Spans, Tone

_INFO = {info.name: info for info in STEPS}
_SIGNS: dict[Mark, tuple[str, Tone]] = {
    Mark.BEGUN: ("⇄", "moving"),
    Mark.DONE: ("●", "well"),
    Mark.FAILED: ("✗", "broken"),
    Mark.UNDOING: ("⇄", "moving"),
    Mark.UNDONE: ("○", "off"),
    Mark.NOTE: (" ", "muted"),
}
SHOWN = 160  # letters of a value
DEEPEST = 3  # levels of what an action left
MOST = 40  # values of an action


def detail_lines(step: StepName, entries: Sequence[Entry], identity: str) -> list[Spans]:
    """The page of a step."""
    info = _INFO[step]
    lines: list[Spans] = [
        (("What it does  ", "muted"), (info.does, "")),
        (("Way back      ", "muted"), (info.undo or "nothing to take back: it changes nothing", "")),
    ]
    mine = [entry for entry in entries if entry.step is step]
    if not mine:
        return [*lines, (), (("It has not done anything yet.", "muted"),)]
    lines += [(), (("Its actions", "heading"),)]
    for key, entry in last_entries(mine).items():
        sign, tone = _SIGNS[entry.mark]
        lines.append(
            (
                (f"  {sign} ", tone),
                (f"{clean(key.action)}  ", "strong"),
                (f"{entry.mark.value}  ", tone),
                (clean(entry.text, 1000), ""),
            )
        )
        lines += _left(entry.data)
    lines += [(), (("The journal", "heading"), (f"  {clean(identity)}", "muted"))]
    width = max(len(clean(entry.action, 40)) for entry in mine)
    for entry in mine:
        sign, tone = _SIGNS[entry.mark]
        at = entry.at.astimezone()
        lines.append(
            (
                (f"  {at:%Y-%m-%d %H:%M:%S}  ", "muted"),
                (f"{sign} {entry.mark.value:<8}", tone),
                (f"{clean(entry.action, 40):<{width}}  ", "muted"),
                (clean(entry.text, 1000), ""),
                (f"  {clean(entry.by, 60)}" if entry.by else "", "muted"),
            )
        )
    return lines


def _left(data: Mapping[str, Any]) -> list[Spans]:
    """What an action left for later runs: commits, versions, files."""
    found = [(name, words) for name, words in _flat("", data, 0) if name not in ("about.site", "about.stack")]
    lines: list[Spans] = [((f"      {name}: ", "muted"), (words, "")) for name, words in found[:MOST]]
    if len(found) > MOST:
        lines.append(((f"      and {len(found) - MOST} more", "muted"),))
    return lines


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value and depth < DEEPEST:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), inner, depth + 1)
    elif value not in ("", None, [], {}):
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        yield clean(name, 60), clean(words, SHOWN)
