"""The rows of a table in their order: sorting, grouping, filtering. Knows nothing of the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from labtui.domain.ref import Ref
from labtui.domain.states import Level
from labtui.tui.cells import Column, Row
from labtui.tui.widgets.row_filter import RowFilter

_LAST = "\U0010ffff"  # after every name: things without a group follow the groups of their level


class RowModel:
    """Rows by Ref, and `shown`, the Refs that pass the filter in the order of the screen.

    Without a sort column the order is "needs you first": level, then name; a group stands where its worst row belongs, and
    begins with it.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.rows: dict[Ref, Row] = {}
        self.shown: list[Ref] = []
        self.index: dict[Ref, int] = {}  # Ref -> place in `shown`
        self.filter = RowFilter()
        self.sort_column: str | None = None
        self.reverse = False
        self.marked: frozenset[Ref] = frozenset()
        self._last_mark: Ref | None = None
        self._order: list[Ref] = []
        self._keys: dict[Ref, tuple[Any, ...]] = {}
        self._worst: dict[str, Level] = {}
        self._membership_changed = False

    def replace(self, rows: Iterable[Row]) -> None:
        """Take `rows` for all there is."""
        self.rows = {row.ref: row for row in rows}
        self.marked = self.marked.intersection(self.rows)
        self._membership_changed = True
        self.reorder()

    def update(self, changed: Iterable[Row], removed: Iterable[Ref]) -> tuple[tuple[Row | None, Row], ...]:
        """Take changes in; returns what is really different: the row before (None: new) and now."""
        different: list[tuple[Row | None, Row]] = []
        moved = False
        for ref in removed:
            if self.rows.pop(ref, None) is not None:
                self._keys.pop(ref, None)
                self.marked -= {ref}
                moved = self._membership_changed = True
        for row in changed:
            old = self.rows.get(row.ref)
            if old != row:
                different.append((old, row))
            self._membership_changed |= old is None
            self.rows[row.ref] = row  # also when equal: the hidden sort values may differ
            moved = moved or old is None or self._place(old) != self._place(row)
        if moved:
            self._rekey(row for _, row in different)
            self._arrange()
        elif not self.filter.passes_all and different:
            self._show()
        return tuple(different)

    def reorder(self) -> None:
        """Build order and filter anew, after the way of sorting or the filter has changed."""
        self._worst = self._worst_levels()
        self._keys = {ref: self._key(row) for ref, row in self.rows.items()}
        self._arrange()

    def set_filter(self, text: str) -> None:
        """Show only the rows that match."""
        self.filter = RowFilter.parse(text)
        self._show()

    def toggle_mark(self, ref: Ref) -> None:
        """Mark a row, or unmark it."""
        self.marked ^= {ref}
        self._last_mark = ref

    def mark_up_to(self, ref: Ref) -> None:
        """Mark all shown rows from the last one that was marked to this one."""
        here = self.index[ref]
        start = self.index.get(self._last_mark, here) if self._last_mark else here
        self.marked |= set(self.shown[min(start, here) : max(start, here) + 1])

    def follows_group(self, place: int) -> bool:
        """Does the row at `place` of `shown` continue the group of the row above?"""
        if place == 0:
            return False
        group = self.rows[self.shown[place]].group
        return bool(group) and self.rows[self.shown[place - 1]].group == group

    def _place(self, row: Row) -> tuple[Any, ...]:
        return (row.level, row.group, row.sort_key, self._column_value(row))

    def _rekey(self, different: Iterable[Row]) -> None:
        worst = self._worst_levels()
        if worst != self._worst:
            self._worst = worst
            self._keys.update((ref, self._key(row)) for ref, row in self.rows.items() if row.group)
        # A column's hidden values may have changed in equal rows too, so with a sort column all keys are made again.
        again = different if self.sort_column is None else self.rows.values()
        self._keys.update((row.ref, self._key(row)) for row in again)

    def _worst_levels(self) -> dict[str, Level]:
        worst: dict[str, Level] = {}
        for row in self.rows.values():
            if row.group:
                worst[row.group] = min(row.level, worst.get(row.group, row.level))
        return worst

    def _key(self, row: Row) -> tuple[Any, ...]:
        name = (row.sort_key, row.ref)  # the Ref makes the order total: equal names in two places never swap
        if self.sort_column is not None:
            return (*self._column_value(row), *name)
        return (self._worst.get(row.group, row.level), row.group.casefold() or _LAST, row.level, *name)

    def _column_value(self, row: Row) -> tuple[Any, ...]:
        """(rank, value): numbers before texts before nothing, so that values of two kinds are never compared."""
        for column, cell in zip(self.columns, row.cells, strict=False):
            if column.key != self.sort_column:
                continue
            if isinstance(cell.sort, (int, float)):
                return (0, cell.sort)
            text = cell.text.casefold() if cell.sort is None else cell.sort
            return (1, text) if text else (2, "")
        return (2, "")

    def _arrange(self) -> None:
        keys = self._keys
        known = list(self._order)  # nearly sorted, which makes sorting it cheap
        if self._membership_changed:
            known = [ref for ref in known if ref in self.rows]
            if len(known) < len(self.rows):
                have = set(known)
                known += [ref for ref in self.rows if ref not in have]
            self._membership_changed = False
        known.sort(key=keys.__getitem__, reverse=self.reverse)
        if self.reverse and self.sort_column is not None:
            known.sort(key=lambda ref: keys[ref][0] == 2)  # nothing to sort by: last in either direction
        self._order = known
        self._show()

    def _show(self) -> None:
        if self.filter.passes_all:
            self.shown = self._order  # both are replaced, never changed in place
        else:
            matches = self.filter.matches
            self.shown = [ref for ref in self._order if matches(self.rows[ref].search)]
        self.index = {ref: place for place, ref in enumerate(self.shown)}
