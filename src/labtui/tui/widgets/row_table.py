"""A table of keyed rows for keyboard and mouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message

from labtui.domain.ref import Ref
from labtui.tui.cells import Cell, Column, Row
from labtui.tui.widgets.row_line import GUTTER
from labtui.tui.widgets.row_view import RowView

__all__ = ["Cell", "Column", "Row", "RowTable"]


class RowTable(RowView, can_focus=True, inherit_bindings=False):
    """Rows by Ref, with cursor, sorting, filter and marks.

    The caller owns the facts: it gives rows with `set_rows` and `apply` and reacts to `Opened` and `Highlighted`. The
    cursor stays on its Ref; until the table first has the focus it stays at the top instead, so that a start shows
    what needs the operator.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "cursor(1)", "Down", show=False, id="table.down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="table.page-up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="table.page-down"),
        Binding("home,g", "edge(-1)", "First row", show=False, id="table.first"),
        Binding("end,G", "edge(1)", "Last row", show=False, id="table.last"),
        Binding("enter", "open", "Open", show=False, id="table.open"),
        Binding("space", "mark", "Mark", show=False, id="table.mark"),
        Binding("ctrl+@,ctrl+space", "mark_range", "Mark up to here", show=False, id="table.mark-range"),
    ]

    @dataclass
    class _About(Message):
        """Something happened in a table."""

        table: RowTable

        @property
        def control(self) -> RowTable:
            """The table."""
            return self.table

    @dataclass
    class Opened(_About):
        """Enter or a double click on a row."""

        ref: Ref

    @dataclass
    class Highlighted(_About):
        """The cursor stands on another row now; `ref` is None when there is none."""

        ref: Ref | None

    @dataclass
    class MarksChanged(_About):
        """Rows were marked or unmarked."""

    def announce(self, *, cursor: bool, marks: bool) -> None:
        """Tell the parents."""
        if cursor:
            self.post_message(self.Highlighted(self, self.cursor))
        if marks:
            self.post_message(self.MarksChanged(self))

    def _select_place(self, place: int) -> None:
        if self._model.shown:
            self.select(self._model.shown[max(0, min(place, len(self._model.shown) - 1))])

    def action_cursor(self, step: int) -> None:
        """Move the cursor by `step` rows."""
        self._select_place(self._place() + step)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a screen of rows."""
        self._select_place(self._place() + direction * max(1, self._room - 1))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or the last row."""
        self._select_place(0 if direction < 0 else len(self._model.shown) - 1)

    def action_open(self) -> None:
        """Open the row of the cursor."""
        if self._cursor:
            self.post_message(self.Opened(self, self._cursor))

    # Marks

    @property
    def marked(self) -> frozenset[Ref]:
        """The marked rows."""
        return self._model.marked

    def clear_marks(self) -> None:
        """Unmark all rows."""
        with self._repainting():
            self._model.marked = frozenset()

    def action_mark(self) -> None:
        """Mark or unmark the row of the cursor, and go to the next."""
        if self._cursor:
            with self._repainting():
                self._model.toggle_mark(self._cursor)
            self.action_cursor(1)

    def action_mark_range(self) -> None:
        """Mark all rows from the last one that was marked to the cursor."""
        if self._cursor:
            with self._repainting():
                self._model.mark_up_to(self._cursor)

    # Mouse

    def on_click(self, event: Click) -> None:
        """A row: select it, twice: open it. A title: sort by it, again: the other way round, again: not at all."""
        offset = event.get_content_offset(self)
        if offset is None or not self._model.shown:
            return
        if offset.y == 0:
            self._click_title(offset.x)
            return
        place = self.scroll_offset.y + offset.y - 1
        if place < len(self._model.shown):
            self._select_place(place)
            if event.chain == 2:
                self.action_open()

    def _click_title(self, x: int) -> None:
        left = GUTTER
        layout = self._columns_now()
        for slot in layout.slots:
            if left <= x < left + slot.width:
                key = self.columns[slot.place].key
                if self.sort_column != key:
                    self.sort_by(key)
                else:
                    self.sort_by(None if self.sort_reverse else key, reverse=not self.sort_reverse)
                return
            left += slot.width + layout.gap
