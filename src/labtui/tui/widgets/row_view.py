"""The showing half of RowTable: rows in, lines out; `LineView` sends those that look different."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from textual.content import Content
from textual.events import Focus, Resize
from textual.strip import Strip
from textual.timer import Timer

from labtui.domain.ref import Ref
from labtui.tui.cells import Column, Row
from labtui.tui.widgets.line_view import LineView
from labtui.tui.widgets.row_line import Layout, lay_out
from labtui.tui.widgets.row_model import RowModel
from labtui.tui.widgets.row_paint import COMPONENTS, CSS, Cursor, Look, Painter

TINT_SECONDS = 2.0


class RowView(LineView, inherit_bindings=False):
    """Keyed rows with a cursor, sorting and a filter, painted line by line. RowTable adds keys, mouse and messages."""

    ALLOW_SELECT = False
    DEFAULT_CSS = CSS
    COMPONENT_CLASSES: ClassVar[set[str]] = set(COMPONENTS)

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "",
        tint: bool = True,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """`empty` is shown while there are no rows; `tint` False switches the marking of changed rows off."""
        super().__init__(id=id, classes=classes)
        self._model = RowModel(columns)
        self._laid_out: tuple[int, Layout] = (-1, lay_out(columns, 0))
        self._empty = empty
        self._stale = False
        self._cursor: Ref | None = None
        self._settled = False  # has the cursor a place of its own, given by its user?
        self._tint = tint
        self._tints: dict[Ref, float] = {}
        self._tint_timer: Timer | None = None
        self._painter = Painter(self)

    # What it shows

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, shown or not."""
        return self._model.columns

    @property
    def row_count(self) -> int:
        """How many rows there are, filtered or not."""
        return len(self._model.rows)

    @property
    def rows(self) -> Collection[Row]:
        """All rows, filtered or not, in no order."""
        return self._model.rows.values()

    @property
    def shown(self) -> Sequence[Ref]:
        """The rows that pass the filter, in the order of the screen. Do not change it."""
        return self._model.shown

    @property
    def in_view(self) -> tuple[Ref, ...]:
        """The rows that stand on the screen now."""
        return tuple(self._model.shown[place] for place in self._window())

    def row(self, ref: Ref) -> Row | None:
        """The row of this Ref as it was given."""
        return self._model.rows.get(ref)

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Take `rows` for all there is. Nothing is tinted: a first list or a reconnect is not news."""
        with self._repainting():
            self._model.replace(rows)
            self._tints.clear()

    def apply(self, changed: Iterable[Row], removed: Iterable[Ref] = ()) -> None:
        """Take changes in and paint the lines that look different; equal rows cost nothing."""
        with self._repainting():
            different = self._model.update(changed, removed)
            self._start_tints(row.ref for old, row in different if self._is_news(old, row))

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns; the rows must be set again."""
        self._model = RowModel(columns)
        self._laid_out = (-1, lay_out(columns, 0))
        self._repaint_all()

    def set_empty(self, text: str) -> None:
        """What to say while there are no rows: why, in words. Several lines are kept."""
        if text != self._empty:
            self._empty = text
            if not self._model.shown:
                self._repaint_all()

    @property
    def stale(self) -> bool:
        """Are the rows the last known instead of what is?"""
        return self._stale

    @stale.setter
    def stale(self, stale: bool) -> None:
        if stale != self._stale:
            self._stale = stale
            self._repaint_all()

    # Order and filter

    @property
    def sort_column(self) -> str | None:
        """The key of the column that decides the order; None: what needs the operator first."""
        return self._model.sort_column

    @property
    def sort_reverse(self) -> bool:
        """Is the order turned around?"""
        return self._model.reverse

    def sort_by(self, column: str | None, *, reverse: bool = False) -> None:
        """Order by a column's key, or by what needs the operator first (None)."""
        with self._repainting(follow=True):
            self._model.sort_column, self._model.reverse = column, reverse
            self._model.reorder()

    @property
    def filter(self) -> str:
        """The text of the filter, empty when all rows are shown."""
        return self._model.filter.text

    @property
    def filter_problem(self) -> str:
        """What is wrong with the filter, empty if nothing."""
        return self._model.filter.problem

    def set_filter(self, text: str) -> None:
        """Show the rows that have every word of `text`; `!word` without it; `/…/` is a regular expression."""
        with self._repainting(follow=True):
            self._model.set_filter(text)

    # Cursor

    @property
    def cursor(self) -> Ref | None:
        """The Ref that the cursor stands on."""
        return self._cursor

    @property
    def cursor_row(self) -> Row | None:
        """The row that the cursor stands on."""
        return self._model.rows.get(self._cursor) if self._cursor else None

    def select(self, ref: Ref) -> bool:
        """Put the cursor on `ref` and bring it into view; False if it is not shown."""
        if ref not in self._model.index:
            return False
        self._settled = True
        with self._repainting(follow=True):
            self._cursor = ref
        return True

    def _place(self) -> int:
        return self._model.index.get(self._cursor, 0) if self._cursor else 0

    def announce(self, *, cursor: bool, marks: bool) -> None:
        """Called after a change of the cursor's row or of the marks."""

    # News

    def _is_news(self, old: Row | None, new: Row) -> bool:
        if old is None or old.level != new.level:
            return True
        cells = zip(self.columns, old.cells, new.cells, strict=False)
        return any(before != after for column, before, after in cells if not column.quiet)

    def _start_tints(self, refs: Iterable[Ref]) -> None:
        if not self._tint or not self.is_mounted:
            return
        until = time.monotonic() + TINT_SECONDS
        self._tints.update(dict.fromkeys(refs, until))
        self._schedule_untint()

    def _schedule_untint(self) -> None:
        if self._tints and self._tint_timer is None:
            delay = max(0.01, min(self._tints.values()) - time.monotonic())
            self._tint_timer = self.set_timer(delay, self._untint)

    def _untint(self) -> None:
        self._tint_timer = None
        now = time.monotonic()
        with self._repainting():
            self._tints = {ref: until for ref, until in self._tints.items() if until > now}
        self._schedule_untint()

    # What has to be painted

    def _columns_now(self) -> Layout:
        """The columns that fit beside the scroll bar."""
        width = self.scrollable_content_region.width
        if self._laid_out[0] != width:
            self._laid_out = (width, lay_out(self.columns, width))
        return self._laid_out[1]

    @property
    def _room(self) -> int:
        """Lines for rows: the first one is the header's."""
        return max(0, self.size.height - 1)

    def _window(self) -> range:
        """The places of the rows on the screen."""
        top = self.scroll_offset.y
        return range(top, max(top, min(top + self._room, len(self._model.shown))))

    @contextmanager
    def _repainting(self, *, follow: bool = False) -> Iterator[None]:
        """Around anything that changes rows, order, cursor or marks: afterwards paints the lines that look different.

        `follow`: bring the cursor into view. Otherwise it stays in view if it was and data moves it.
        """
        top = self.scroll_offset.y
        shown, index, cursor, marked = self._model.shown, self._model.index, self._cursor, self._model.marked
        place = index.get(cursor, 0) if cursor else 0
        yield
        self._keep_cursor(shown, place)
        self._resize_content()
        if follow or (self._place() != place and place in range(top, top + max(1, self._room))):
            self._scroll_to_cursor()
        self.announce(cursor=self._cursor != cursor, marks=self._model.marked != marked)
        self.refresh()

    def _keep_cursor(self, shown: Sequence[Ref], place: int) -> None:
        """The cursor stays on its Ref; if that is gone, it goes to what stands in its place now."""
        now = self._model.index
        if not now:
            self._cursor = None
        elif self._cursor is None or not self._settled:
            self._cursor = self._model.shown[0]
        elif self._cursor not in now:
            # below what was above it: the next row, or what a folder that was opened has in it
            above = next((now[ref] for ref in reversed(shown[:place]) if ref in now), -1)
            self._cursor = self._model.shown[min(above + 1, len(now) - 1)]

    def _look(self, place: int) -> Look:
        ref = self._model.shown[place]
        row = self._model.rows[ref]
        here = Cursor.HERE if self.has_focus else Cursor.HERE_BLURRED
        return Look(
            row.cells,
            row.level,
            self._model.follows_group(place),
            here if ref == self._cursor else Cursor.NONE,
            ref in self._model.marked,
            ref in self._tints,
        )

    def set_frame(self, title: Content | None, subtitle: Content | None) -> None:
        """Write into the frame (the border, if there is one)."""
        self.border_title, self.border_subtitle = title, subtitle

    def _repaint_all(self) -> None:
        self._resize_content()
        self.refresh()

    def _resize_content(self) -> None:
        """Tell the scroll bar how many lines there are."""
        self.set_line_count(len(self._model.shown) + 1 if self._model.shown else 1)

    def _scroll_to_cursor(self) -> None:
        place, top = self._place(), self.scroll_offset.y
        if place < top:
            self.scroll_to(y=place, animate=False)
        elif self._room and place >= top + self._room:
            self.scroll_to(y=place - self._room + 1, animate=False)

    # Painting

    def forget_styles(self) -> None:
        """Colours have changed."""
        self._painter.forget()

    def on_resize(self, event: Resize) -> None:
        """Columns are laid out for the new width."""
        self._repaint_all()
        self._scroll_to_cursor()

    def on_focus(self, event: Focus) -> None:
        """From now on the cursor stays where it is."""
        self._settled = True

    def render_line(self, y: int) -> Strip:
        """One line of the widget: the header, a row, or a line of the text for no rows."""
        width = self.size.width
        if not self._model.shown:
            return self._painter.empty(self._empty_text(), y, self.size)
        if y == 0:
            mark = "▾" if self.sort_reverse else "▴"
            return self._painter.header(self.columns, self._columns_now(), width, self.sort_column, mark)
        place = self.scroll_offset.y + y - 1
        if place >= len(self._model.shown):
            return self._painter.blank(width)
        return self._painter.row(self._look(place), self.columns, self._columns_now(), width, stale=self._stale)

    def _empty_text(self) -> str:
        if not self._model.rows:
            return self._empty
        return f"Nothing matches “{self.filter}”."
