"""The first line of the screen: where we are, and how well every source is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from labtui.domain.ref import SourceId
from labtui.domain.states import FeedState, FeedStatus
from labtui.domain.text import age, clean
from labtui.tui.widgets.line import Line, Part, width

SIGNS = {
    FeedState.CONNECTING: "◌",
    FeedState.LIVE: "●",
    FeedState.STALE: "✗",
    FeedState.DENIED: "✗",
    FeedState.SIGNED_OUT: "✗",
    FeedState.DOWN: "✗",
}
TONES = {
    FeedState.CONNECTING: "dim",
    FeedState.LIVE: "good",
    FeedState.SIGNED_OUT: "attention",
    FeedState.STALE: "attention",
}


def source_parts(source: SourceId, status: FeedStatus | None, now: datetime, detail: int) -> list[Part]:
    """A source in one of three lengths: 2 = sign, word, age and notes; 1 = sign and word; 0 = the sign."""
    label = clean(source.label, 24)
    if status is None:
        return [Part(f"{label} ◌", "dim", source)]
    if status.state is FeedState.LIVE:
        if not status.notes:
            return [Part(f"{label} ", "plain", source), Part("●", "good", source)]
        note = f"◐ {clean(status.notes[0], 28)}" if detail == 2 else "◐"
        return [Part(f"{label} ", "plain", source), Part(note, "attention", source)]
    words = SIGNS[status.state]
    if detail:
        words += f" {status.state.value}"
    if detail == 2 and status.state is not FeedState.CONNECTING:
        words += f" {age(status.since, now)}"
    return [Part(f"{label} ", "plain", source), Part(words, TONES.get(status.state, "bad"), source)]


class SourceBar(Line):
    """` labtui  homelab   wroclaw ●  kyiv ✗ stale 2m  cluster ●          READ-ONLY DEMO`."""

    def show_sources(
        self,
        estate: str,
        sources: Sequence[tuple[SourceId, FeedStatus | None]],
        now: datetime,
        marks: Sequence[str] = (),
    ) -> bool:
        """Show as much as the line has room for: words give way before signs, the estate's name before the words."""
        room = self.app.size.width
        right = [Part(f" {mark} ", "chosen") for mark in marks]
        for named, detail in ((True, 2), (False, 2), (True, 1), (False, 1), (False, 0)):
            left = [Part(" labtui", "title")]
            if named and estate:
                left.append(Part(f"  {clean(estate, 24)}", "plain"))
            left.append(Part("  "))
            for source, status in sources:
                left += [Part("  " if room >= 100 else " "), *source_parts(source, status, now, detail)]
            if width(left) + width(right) < room:
                break
        return self.show(left, right)
