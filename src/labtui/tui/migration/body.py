"""Where the parts of a migration's screen stand: steps, both sides, the words, the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from labtui.domain.migration.steps import ORDER
from labtui.tui.widgets.page import Row, page_lines

WIDE = 110  # cells from which both sides stand beside the steps; below, they share their place with the log
STEPS = len(ORDER) + 2  # lines of the steps in their frame
LEAST_LOG = 4  # lines of what stands at the foot
LEAST_TEXT = 40  # letters that are left of a sentence at least


@dataclass(frozen=True, slots=True)
class Places:
    """A region for each part; None for one that is not shown."""

    steps: Region
    sides: Region | None
    words: Region
    log: Region | None


def places(size: Size, words: int, *, turned: bool) -> Places:
    """Where everything stands, when the words take `words` lines. `turned`: on a narrow screen the log instead of both sides."""
    width, height = size
    steps = min(STEPS, max(3, height - words - LEAST_LOG))
    words = max(0, min(words, height - steps))
    rest = Region(0, steps + words, width, max(0, height - steps - words))
    between = Region(0, steps, width, words)
    if width < WIDE:
        whole = Region(0, 0, width, steps)
        return Places(whole, None if turned else rest, between, rest if turned else None)
    left = width * 3 // 5
    return Places(Region(0, 0, left, steps), Region(left, 0, width - left, steps), between, rest)


def fitted(rows: Sequence[Row], width: int, lines: int) -> tuple[Row, ...]:
    """The rows in at most `lines` lines, if that can be had by cutting sentences; the last row stays whole."""
    found = list(rows)
    while len(page_lines(found, width)) > lines:
        longest = max(range(len(found) - 1), key=lambda n: len(found[n].text), default=None)
        if longest is None or len(found[longest].text) <= LEAST_TEXT:
            break
        text = found[longest].text.removesuffix("…")
        found[longest] = replace(found[longest], text=text[: max(LEAST_TEXT, len(text) - 12)] + "…")
        if len(text) <= LEAST_TEXT:
            break
    return tuple(found)


class MigrationBody(Widget):
    """Steps, both sides, words, log, in this order."""

    def __init__(self, steps: Widget, sides: Widget, words: Widget, log: Widget) -> None:
        super().__init__(steps, sides, words, log, id="body")
        self.turned = False
        self.lines = 1  # that the words take
        self._own = _BodyLayout(self)

    @property
    def layout(self) -> Layout:
        """Ours."""
        return self._own

    @property
    def narrow(self) -> bool:
        """Do both sides and the log share one place?"""
        return self.size.width < WIDE

    def most_words(self) -> int:
        """Lines that the words may take."""
        return max(2, self.size.height - STEPS - LEAST_LOG)

    def turn(self) -> None:
        """The other one of both sides and the log."""
        self.turned = not self.turned
        self._arrange_anew()

    def want(self, lines: int) -> None:
        """The words need so many lines."""
        if lines != self.lines:
            self.lines = lines
            self._arrange_anew()

    def _arrange_anew(self) -> None:
        """Textual keeps an arrangement until a child asks for another one."""
        self.children[0].refresh(repaint=False, layout=True)


class _BodyLayout(Layout):
    name = "migration"

    def __init__(self, body: MigrationBody) -> None:
        self._body = body

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Place what is shown."""
        found = places(size, self._body.lines, turned=self._body.turned)
        regions = (found.steps, found.sides, found.words, found.log)
        return [
            WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child)
            for child, region in zip(children, regions, strict=False)
            if region is not None and region.area
        ]
