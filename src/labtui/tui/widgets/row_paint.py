"""The lines of a RowTable as strips: few runs of style each, because every run costs 40 bytes on the wire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from rich.style import Style
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from labtui.domain.states import Level
from labtui.domain.text import clean_lines
from labtui.tui.cells import TOKENS, Cell, Column, token
from labtui.tui.widgets.row_line import GUTTER, Layout, fit, segments

COMPONENTS = frozenset(
    f"row-table--{name}" for name in (*TOKENS, "header", "empty", "stale", "marked", "cursor", "cursor-blurred", "tint")
)
CSS = """
RowView {
    background: $background;
    color: $foreground;
    & > .row-table--header { color: $row-header; text-style: bold; }
    & > .row-table--empty { color: $row-muted; }
    & > .row-table--stale { color: $row-stale; }
    & > .row-table--marked { color: $row-mark; text-style: bold; }
    & > .row-table--cursor { background: $row-cursor; }
    & > .row-table--cursor-blurred { background: $row-cursor-blurred; }
    & > .row-table--tint { background: $row-tint; }
    & > .row-table--broken { color: $level-broken; }
    & > .row-table--drifted { color: $level-drifted; }
    & > .row-table--moving { color: $level-moving; }
    & > .row-table--unknown { color: $level-unknown; }
    & > .row-table--well { color: $level-well; }
    & > .row-table--off { color: $level-off; }
    & > .row-table--muted { color: $row-muted; }
}
"""


class Cursor(Enum):
    """Where the cursor is, as far as one line is concerned."""

    NONE = ""
    HERE = "cursor"
    HERE_BLURRED = "cursor-blurred"


@dataclass(frozen=True, slots=True)
class Look:
    """All that decides how a row looks."""

    cells: tuple[Cell, ...]
    level: Level
    follows: bool = False  # continues the group of the row above
    cursor: Cursor = Cursor.NONE
    marked: bool = False
    tinted: bool = False


@lru_cache(maxsize=64)
def _wrapped(text: str, width: int) -> tuple[str, ...]:
    """The lines of a text for no rows: asked for once a line, so wrapped once a text."""
    return tuple(line.plain.rstrip() for line in Content(clean_lines(text)).wrap(width)) if text else ()


class Painter:
    """Makes the strips of one table and keeps the last few hundred."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[tuple[str, str], Style] = {}
        self._strips: LRUCache[tuple[Look, Layout, int, bool], Strip] = LRUCache(512)
        self._empty: tuple[str, int, list[str]] = ("", 0, [])  # a text, wrapped for a width

    def forget(self) -> None:
        """The colours have changed."""
        self._styles.clear()
        self._strips.clear()

    def row(self, look: Look, columns: Sequence[Column], layout: Layout, width: int, *, stale: bool) -> Strip:
        """One row in exactly `width` cells."""
        key = (look, layout, width, stale)
        strip = self._strips.get(key)
        if strip is None:
            parts = self._row_parts(look, columns, layout, stale)
            line = segments(parts, width, self._style("", look.cursor.value))
            strip = self._strips[key] = Strip(line).crop(0, width)
        return strip

    def _row_parts(
        self, look: Look, columns: Sequence[Column], layout: Layout, stale: bool
    ) -> Iterator[tuple[str, Style]]:
        line = look.cursor.value
        gutter = "tint" if look.tinted and not line else line

        def style(name: str, ground: str = line) -> Style:
            return self._style("stale" if stale and name != "marked" else name, ground)

        if look.marked:
            yield "*", style("marked", gutter)
        yield look.level.sign if look.marked else f" {look.level.sign}", style(token(look.level), gutter)
        yield " ", style("", gutter)
        for number, slot in enumerate(layout.slots):
            column, cell = columns[slot.place], look.cells[slot.place]
            text = "▸" if column.group and look.follows else cell.text
            gap = " " * layout.gap if number else ""
            yield gap + fit(text, slot.width, column.align, keep_end=column.keep_end), style(cell.style)

    def header(self, columns: Sequence[Column], layout: Layout, width: int, sorted_by: str | None, mark: str) -> Strip:
        """The titles of the columns, `mark` beside the one that decides the order."""
        style = self._style("header", "")
        line = " " * GUTTER
        for number, slot in enumerate(layout.slots):
            column = columns[slot.place]
            title = column.title
            if column.key == sorted_by:
                title = title[: slot.width - 1] + mark
            line += (" " * layout.gap if number else "") + fit(title, slot.width, column.align)
        return Strip(segments([(line, style)], width, style)).crop(0, width)

    def empty(self, text: str, y: int, size: Size) -> Strip:
        """Line `y` of a text in the middle of the table."""
        style = self._style("empty", "")
        width = size.width
        lines = _wrapped(text, max(2, width - 4))
        number = y - max(0, (size.height - len(lines)) // 2)
        if not 0 <= number < len(lines):
            return Strip.blank(width, style)
        words = lines[number]
        left = max(0, width - Content(words).cell_length) // 2
        return Strip(segments([(" " * left + words, style)], width, style)).crop(0, width)

    def blank(self, width: int) -> Strip:
        """A line below the last row."""
        return Strip.blank(width, self._style("", ""))

    def _style(self, name: str, ground: str) -> Style:
        """The colour of `name` on the background of `ground` (component names without their prefix, or empty)."""
        style = self._styles.get((name, ground))
        if style is None:
            style = self._styles[name, ground] = self._make_style(name, ground)
        return style

    def _make_style(self, name: str, ground: str) -> Style:
        base = self._widget.visual_style.rich_style
        back = self._widget.get_component_rich_style(f"row-table--{ground}") if ground else base
        if self._widget.app.no_color and (ground.startswith("cursor") or name in ("broken", "drifted", "moving")):
            # Without colour Textual makes greys of them: too weak for a cursor, and weaker for an alarm than for plain
            # text. The whole cursor line is of one style, because a reversed line of several greys is a patchwork.
            alarm = name in ("broken", "drifted")
            here, blurred = ground == "cursor", ground == "cursor-blurred"
            return Style(color=base.color, bgcolor=back.bgcolor, reverse=here, underline=blurred, bold=here or alarm)
        if f"row-table--{name}" not in COMPONENTS:
            return Style(color=base.color, bgcolor=back.bgcolor)
        front = self._widget.get_component_rich_style(f"row-table--{name}")
        return Style(color=front.color, bgcolor=back.bgcolor, bold=front.bold)
