"""What is being done, in words with their times; and everything that is kept of one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from textual.content import Content

from labtui.domain.migration.progress import Event
from labtui.domain.text import clean
from labtui.tui.migration.track import Said
from labtui.tui.widgets.page import Spans, Tone

LEFT = 12  # cells of the time and the sign
_SIGNS: dict[Event, tuple[str, Tone]] = {
    Event.BEGUN: ("⇄", "moving"),
    Event.DONE: ("●", "well"),
    Event.ADOPTED: ("●", "well"),
    Event.FAILED: ("✗", "broken"),
    Event.UNDOING: ("⇄", "moving"),
    Event.UNDONE: ("○", "off"),
    Event.WAITING: ("▲", "drifted"),
    Event.PAUSED: ("▲", "drifted"),
    Event.REACHED: ("●", "well"),
}


def log_lines(log: Sequence[Said], now: datetime, width: int) -> list[Spans]:
    """`14:08:12  ● pushed 8c11e0d`, in local time; the day is said where another one begins. Long texts are wrapped."""
    lines: list[Spans] = []
    day = now.astimezone().date()
    for said in log:
        local = said.at.astimezone()
        if local.date() != day:
            day = local.date()
            lines.append(((f"{local:%A, %d %B %Y}", "muted"),))
        sign, tone = _SIGNS.get(said.event, (" ", ""))
        first, *more = _wrapped(clean(said.text, 1000), max(20, width - LEFT)) or ("",)
        lines.append(((f"{local:%H:%M:%S}  ", "muted"), (f"{sign} ", tone), (first, "")))
        lines += [((" " * LEFT + part, ""),) for part in more]
    if not lines:
        return [(("Nothing has been done yet.", "muted"),)]
    return lines


@lru_cache(maxsize=4096)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    return tuple(line.plain.rstrip() for line in Content(text).wrap(width)) if text else ()
