"""A pane: the things of one source in a table; in its frame how many, how many need the operator, how well they are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual.content import Content

from labtui.core.inventory import Delta
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import Resource
from labtui.domain.states import FeedState, FeedStatus
from labtui.domain.text import clean
from labtui.ports import Clock
from labtui.tui.cells import Column, Row
from labtui.tui.keymap import Keymap
from labtui.tui.widgets.row_table import RowTable
from labtui.tui.widgets.source_bar import SIGNS
from labtui.tui.widgets.tab_line import Tab

FRAME = 2  # lines of the border
HEAD = 1  # line of the column titles
MESSAGE = 4  # lines that a pane without rows needs for its words
# The states that the stylesheet knows. Not those of a start: each change of a class styles a pane and its components anew.
STATES = {
    state: f"-{state.value.replace(' ', '-')}"
    for state in (FeedState.STALE, FeedState.SIGNED_OUT, FeedState.DENIED, FeedState.DOWN)
}
UNKNOWN = (FeedState.CONNECTING, FeedState.DENIED, FeedState.SIGNED_OUT, FeedState.DOWN)


class Pane(RowTable):
    """A framed `RowTable`. Only what is visible is painted; nothing unknown is ever shown as an empty table."""

    DEFAULT_CSS = """
    Pane { border: round $pane-border; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = set()

    def __init__(
        self,
        number: int,
        title: str,
        short: str,
        columns: Sequence[Column],
        clock: Clock,
        *,
        nothing: str,
        noun: str = "need you",
        column: int = 0,
        sign_in: bool = False,
    ) -> None:
        """`column` says where it stands on a wide screen: 0 left, 1 right; `short` is for a small screen's tab; `nothing`
        is what a live source without rows says; `noun` counts those that need the operator; `sign_in`: its source takes a
        user name and a password."""
        super().__init__(columns, empty=nothing, id=f"pane-{number}")
        self.clock = clock
        self.nothing = nothing
        self.noun = noun
        self.sign_in = sign_in
        self.number = number
        self.title = title
        self.short = short
        self.column = column
        self.source: SourceId | None = None
        self.status: FeedStatus | None = None
        self.key_of: Callable[[str], str] = Keymap({}).of  # the keys of the user replace it
        self._needing = 0
        self._count = 0
        self._framed: tuple[str, str] = ("", "")

    # What is in it

    def wanted_height(self) -> int:
        """Lines that would show everything."""
        return FRAME + (HEAD + len(self.shown) if self.shown else MESSAGE)

    def needing(self) -> int:
        """How many rows need the operator."""
        return self._needing

    def _counted(self) -> str:
        """How many things there are, and how many of them pass the filter; `?` when that is not known."""
        if not self.known:
            return "?"
        if not self.filter:
            return str(self._count)
        shown = sum(1 for ref in self.shown if (row := self.row(ref)) and row.counts)
        return f"{shown} of {self._count}"

    @property
    def known(self) -> bool:
        """Do the rows say what is, or what was last known?"""
        return (
            self.source is None or (self.status is not None and self.status.state not in UNKNOWN) or self.row_count > 0
        )

    def tab(self) -> Tab:
        """What its tab says."""
        sign = ""
        if self.status is not None and self.status.state not in (FeedState.LIVE, FeedState.CONNECTING):
            sign = SIGNS[self.status.state]
        elif self.needing():
            sign = "▲"
        return Tab(self.number, self.title, self.short, str(self._count) if self.known else "?", sign)

    # What changes it

    def take(self, delta: Delta) -> None:
        """Facts have changed; those that are not its own do not concern it."""

    def tick(self) -> None:
        """Time has passed: ages may read differently."""

    def belongs(self, ref: Ref) -> bool:
        """Is this one of the resources that it shows?"""
        return False

    def resources(self) -> list[Resource]:
        """The resources that it shows, as they are known."""
        return []

    def resource_ref(self, ref: Ref) -> Ref:
        """The thing that a row is about."""
        return ref

    def put(self, rows: Sequence[Row], removed: Sequence[Ref] = (), *, whole: bool = False) -> None:
        """Rows have changed, or with `whole` are all there is."""
        if whole:
            self.set_rows(rows)
        else:
            self.apply(rows, removed)
        self._needing = sum(1 for row in self.rows if row.level.needs_operator)
        self._count = sum(1 for row in self.rows if row.counts)
        self.reframe()

    def filter_by(self, text: str) -> None:
        """Show the rows that match, and say so."""
        self.set_filter(text)
        self.reframe()

    def sort_by(self, column: str | None, *, reverse: bool = False) -> None:
        """Order by a column, and say so in the frame."""
        super().sort_by(column, reverse=reverse)
        self.reframe()

    def sort_by_next(self) -> None:
        """Order by the next column; after the last one by what needs the operator."""
        keys = [None, *(column.key for column in self.columns)]
        self.sort_by(keys[(keys.index(self.sort_column) + 1) % len(keys)])

    # Its frame

    def frame_title(self) -> str:
        """`1 Argo CD ── 14 · 2 need you`; with a filter or an order of its own, these too."""
        parts = [self._counted()]
        if needing := self.needing():
            parts.append("1 needs you" if (needing, self.noun) == (1, "need you") else f"{needing} {self.noun}")
        if self.filter:
            parts.append(f"filter: {clean(self.filter, 40)}")
        if self.sort_column:
            titles = {column.key: column.title for column in self.columns}
            parts.append(f"by {titles.get(self.sort_column, '')} {'↑' if self.sort_reverse else '↓'}")
        elif self.sort_reverse:
            parts.append("reversed")
        if self.marked:
            parts.append(f"{len(self.marked)} marked")
        return f"{self.number} {self.title} ── {' · '.join(parts)}"

    def frame_note(self) -> str:
        """`stale since 14:02 · connection refused`, or the notes of a live source; empty when all is well."""
        status = self.status
        if status is None:
            return ""
        if status.state is FeedState.LIVE:
            return " · ".join(clean(note, 60) for note in status.notes)
        if status.state is FeedState.CONNECTING:
            return "connecting"
        since = f"{status.state.value} since {clock_time(status.since, self.clock.now())}"
        # without rows the reason stands where they would be
        reason = f" · {clean(status.detail, 120)}" if status.detail and self.row_count else ""
        return f"{SIGNS[status.state]} {since}{reason}"

    def reframe(self) -> None:
        """Write the frame anew if it reads differently."""
        frame = (self.frame_title(), self.frame_note())
        if frame == self._framed:
            return
        self._framed = frame
        # Content, because Textual reads a text as markup
        self.set_frame(Content(frame[0]), Content(frame[1]) if frame[1] else None)

    def use_keys(self, key_of: Callable[[str], str]) -> None:
        """Name these keys from now on."""
        self.key_of = key_of
        self.set_empty(self.words())

    def show_status(self, status: FeedStatus | None) -> None:
        """The state of its source has changed."""
        self.status = status
        state = status.state if status else FeedState.CONNECTING
        classes = {STATES[state]} if self.source is not None and state in STATES else set()
        if self.classes != classes:
            self.set_classes(classes)
        self.stale = self.source is not None and state not in (FeedState.LIVE, FeedState.CONNECTING)
        self.set_empty(self.words())
        self.reframe()

    def words(self) -> str:
        """What stands where rows would be."""
        status = self.status
        if self.source is None:
            return self.nothing
        if status is None or status.state is FeedState.CONNECTING:
            return f"{SIGNS[FeedState.CONNECTING]} connecting …"
        if status.state is FeedState.LIVE:
            return self.nothing
        lines = [f"{SIGNS[status.state]} {status.state.value}: {clean(status.detail or 'no reason given', 400)}"]
        if status.hint:
            lines.append(clean(status.hint, 400))
        if status.state is FeedState.SIGNED_OUT and self.sign_in:
            lines.append(f"Press {self.key_of('app.sign_in')} to sign in")
        elif status.state in (FeedState.DOWN, FeedState.STALE):
            lines.append(f"labtui goes on trying by itself; {self.key_of('argocd.refresh')} tries now")
        return "\n".join(lines)


def clock_time(moment: datetime, now: datetime) -> str:
    """The time of day in the zone of this machine; the day too if it is not today."""
    local = moment.astimezone()
    today = local.date() == now.astimezone().date()
    return local.strftime("%H:%M" if today else "%d %b %H:%M")
