"""Where the panes stand: two columns, with details beside them where there is room, one at a time where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

TWO_COLUMNS = 110  # cells; narrower screens show one pane at a time under tabs
BESIDE = 160  # cells; from here on the chosen row's details stand beside
LOWEST_PANE = 5  # lines: two borders, the column heads, two rows
SHORTEST_COLUMNS = 18  # lines; lower screens show one pane at a time


@dataclass(frozen=True, slots=True)
class Box:
    """What the layout has to know about a pane: its column (0 left, 1 right) and the lines it would like, borders included."""

    column: int
    wanted: int


def one_at_a_time(size: Size) -> bool:
    """Is this too small for two columns?"""
    return size.width < TWO_COLUMNS or size.height < SHORTEST_COLUMNS


def detail_width(width: int) -> int:
    """Cells for the details beside the panes, 0 below `BESIDE`."""
    return 0 if width < BESIDE else max(46, min(80, width * 3 // 10))


def share(wanted: Sequence[int], height: int) -> list[int]:
    """Share `height` lines: small wishes are met in full, the others get equal parts; what is left over goes by size."""
    if not wanted:
        return []
    heights = [0] * len(wanted)
    left, open_ = height, sorted(range(len(wanted)), key=lambda i: wanted[i])
    while open_:
        fair = left // len(open_)
        first = open_.pop(0)
        heights[first] = min(wanted[first], max(fair, 0))
        left -= heights[first]
    if left > 0:
        total = sum(wanted) or 1
        extra = [left * w // total for w in wanted]
        extra[max(range(len(wanted)), key=lambda i: wanted[i])] += left - sum(extra)
        heights = [h + e for h, e in zip(heights, extra, strict=True)]
    return heights


def regions(size: Size, boxes: Sequence[Box], chosen: int, *, alone: bool) -> list[Region | None]:
    """A region for each pane, None for those that are not shown; with `alone` the chosen one has everything."""
    if alone or one_at_a_time(size):
        return [size.region if i == chosen else None for i in range(len(boxes))]
    width = size.width - detail_width(size.width)
    columns = sorted({box.column for box in boxes})
    found: list[Region | None] = [None] * len(boxes)
    for place, column in enumerate(columns):
        x = width * place // len(columns)
        right = width * (place + 1) // len(columns)
        mine = [i for i, box in enumerate(boxes) if box.column == column]
        y = 0
        for i, height in zip(mine, share([max(LOWEST_PANE, boxes[i].wanted) for i in mine], size.height), strict=True):
            found[i] = Region(x, y, right - x, height)
            y += height
    return found


class Panes(Protocol):
    """What `EstateLayout` asks of the widget that it arranges."""

    def boxes(self) -> list[Box]:
        """A box for each pane, in order."""

    @property
    def chosen(self) -> int:
        """Index of the pane that has the focus."""

    @property
    def alone(self) -> bool:
        """Is that one zoomed?"""


class EstateLayout(Layout):
    """Textual layout of `EstateBody`: its children are the panes, then the details."""

    name = "estate"

    def __init__(self, panes: Panes) -> None:
        self._panes = panes
        self.placed: list[Region | None] = []  # where the panes stand now

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Place the panes that are shown, and the details where there is room for them."""
        boxes = self._panes.boxes()
        alone = self._panes.alone
        self.placed = regions(size, boxes, self._panes.chosen, alone=alone)
        found = list(self.placed)
        beside = 0 if alone or one_at_a_time(size) else detail_width(size.width)
        if beside:
            found.append(Region(size.width - beside, 0, beside, size.height))
        return [
            WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child)
            for child, region in zip(children, found, strict=False)
            if region is not None
        ]
