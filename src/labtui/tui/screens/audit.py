"""The Audit screen: who did what, when, and how it ended, from the log that is on disk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from labtui.core.audit_records import DONE, UNFINISHED, Looked, Record, Wanted, look
from labtui.core.lab import Lab
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.states import Level
from labtui.domain.text import clean, clean_lines, duration
from labtui.tui import cells, keymap
from labtui.tui.acting import LabScreen
from labtui.tui.background import in_background
from labtui.tui.cells import Cell, Column
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.footer import FooterLine, Hint
from labtui.tui.widgets.line import Line, Part
from labtui.tui.widgets.page import BLANK, Page, Row, heading, item, paragraph, tone_of
from labtui.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from labtui.tui.widgets.filter_line import FilterLine

SHOWN = 1000  # the newest records; `labtui audit --last 0` prints all
COLUMNS = (
    Column("when", "WHEN", 19),
    Column("who", "WHO", min_width=8, max_width=20, priority=2),
    Column("what", "WHAT", min_width=18, comfort=24, max_width=44),
    Column("result", "RESULT", 10),
    Column("how", "HOW", min_width=10, comfort=14, priority=1),
)
LEVELS = {DONE: Level.WELL, "failed": Level.BROKEN, "refused": Level.OFF, "running": Level.MOVING}
KEYS = ("estate.filter", "estate.sort", "estate.reverse", "estate.back")


class AuditScreen(LabScreen):
    """A table, newest first, with filter and order; enter opens a record."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(k for k in keymap.ESTATE_KEYS if k.id in KEYS)]

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab
        self.table = RowTable(COLUMNS, empty="Reading the audit log …", tint=False, id="records")
        self.head = Line(css_id="head")
        self.footer = FooterLine(css_id="footer")
        self._records: dict[Ref, Record] = {}
        self._looked = Looked(())
        self._asked = 0  # the number of the last question: an older answer is not wanted any more
        self._known: object = None  # the operations of this labtui when the log was last read

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.head
        yield self.table
        yield self.footer

    def on_mount(self) -> None:
        """Newest first."""
        self.table.sort_by("when", reverse=True)
        self.table.focus()
        self._show_head()
        self.show_hints()
        self._read()

    def on_resize(self) -> None:
        """Another number of keys fits."""
        self.show_hints()

    # What it shows

    def operations_changed(self) -> None:
        """An operation has begun or ended: then there is a new line in the log."""
        if self._operations() != self._known:
            self._read()

    def _operations(self) -> object:
        executor = self.lab.executor
        return [one.id for one in executor.running()], [one.id for one in executor.ended()]

    def _read(self) -> None:
        self._asked += 1
        self._known = self._operations()
        number = self._asked

        def done(answer: Looked | LabError) -> None:
            if number != self._asked or not self.is_attached:
                return
            if isinstance(answer, LabError):
                self.table.set_rows(())
                self.table.set_empty(clean_lines(f"✗ {answer}\n{answer.hint}".rstrip()))
            else:
                self._show(answer)
            self._show_head()
            self.show_hints()

        in_background(self.app, lambda: look(self.lab.executor.audit, Wanted(last=SHOWN)), done, "audit")

    def _show(self, looked: Looked) -> None:
        running = {one.id for one in self.lab.executor.running()}
        self._looked = looked
        self._records = {_ref(record): record for record in looked.records}
        self.table.set_empty("Nothing was done yet.\nEvery change shows here: before it is made, and how it ended.")
        self.table.set_rows(_row(ref, record, record.id in running) for ref, record in self._records.items())

    def _show_head(self) -> None:
        records = self._looked.records
        bad = sum(1 for record in records if record.result != DONE)
        counted = f"{len(self.table.shown)} of {len(records)}" if self.table.filter else f"{len(records)}"
        left = [Part(" Audit ", "title"), Part(f" {counted}")]
        if bad:
            left.append(Part(f" · {bad} not done", "attention"))
        if len(records) >= SHOWN or not self._looked.whole:
            left.append(Part(" · older ones: labtui audit --last 0", "dim"))
        if self._looked.damaged:
            count = len(self._looked.damaged)
            words = "1 line of the log is damaged" if count == 1 else f"{count} lines of the log are damaged"
            left.append(Part(f" · {words} and skipped", "attention"))
        if self.table.filter:
            left.append(Part(f" · filter: {clean(self.table.filter, 40)}", "dim"))
        self.head.show(left)

    def show_hints(self) -> None:
        """Keys that do something now."""
        of = self.lab_app.keymap.of
        row = [Hint(of("table.open"), "Open", "table.open")] if self.table.cursor else []
        row += [Hint(of("estate.back"), "Back", "estate.back"), Hint(of("estate.sort"), "Sort", "estate.sort")]
        always = [Hint(of("app.help"), "Help", "app.help"), Hint(of("estate.filter"), "Filter", "estate.filter")]
        self.footer.show_hints(row, always)

    # Keys

    def action_open_chosen(self) -> None:
        """The footer's way to open a record."""
        self.table.action_open()

    def action_back(self) -> None:
        """Take away the filter, then go back."""
        if self.table.filter:
            self._filter_by("")
        elif self.is_current:
            self.dismiss()

    def action_sort(self) -> None:
        """Order by the next column."""
        keys = [column.key for column in COLUMNS]
        at = keys.index(self.table.sort_column) if self.table.sort_column in keys else -1
        key = keys[(at + 1) % len(keys)]
        self.table.sort_by(key, reverse=key == "when")

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.table.sort_by(self.table.sort_column, reverse=not self.table.sort_reverse)

    async def action_filter(self) -> None:
        """Ask for a filter; it works while it is typed."""
        from textual.widgets import Input

        from labtui.tui.widgets.filter_line import FilterLine

        line = FilterLine(self.table.filter)
        self.footer.display = False
        await self.mount(line, after=self.footer)
        self.set_focus(line.query_one(Input))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a filter is typed, its key is a letter of it."""
        return not (action == "filter" and self.query("FilterLine"))

    def _filter_by(self, text: str) -> None:
        self.table.set_filter(text)
        self._show_head()
        self.show_hints()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        """The filter is being typed."""
        self._filter_by(event.text)

    def on_filter_line_closed(self) -> None:
        """The filter has been typed."""
        self.query("FilterLine").remove()
        self.footer.display = True
        self.table.focus()
        self.show_hints()

    def on_row_table_highlighted(self) -> None:
        """There is a row to open, or none any more."""
        self.show_hints()

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        """Everything that the log says about it."""
        self.app.push_screen(RecordScreen(self._records[event.ref]))

    async def on_line_chosen(self, event: Line.Chosen) -> None:
        """A click on a key of the footer."""
        if isinstance(event.target, str):
            await self.run_hint(event.target)


class RecordScreen(Dialog[None]):
    """One record in full."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "close", "Close", key_display="esc")]

    def __init__(self, record: Record) -> None:
        super().__init__(record.title or record.action)
        self._record = record

    def content(self) -> ComposeResult:
        """One page."""
        with VerticalScroll(id="body", can_focus=False):
            yield Page(record_rows(self._record))


def record_rows(record: Record) -> list[Row]:
    """A record as a page."""
    level = _level(record, running=False)
    took = f" after {duration(record.ended - record.at)}" if record.ended and record.at else ""
    rows = [
        Row("Result", f"{level.sign} {record.result}", tone_of(level)),
        Row("By", record.by or "unknown"),
        Row("Began", _full(record.at)),
        Row("Ended", f"{_full(record.ended)}{took}" if record.ended else "it is not written that it ended"),
        Row("What", f"{record.action} on {record.kind} {record.target}"),
        Row("Where", record.source or "unknown"),
    ]
    rows += [Row("Message" if n == 0 else "", text) for n, text in enumerate(_lines(record.message))]
    rows += [Row("State" if n == 0 else "", text) for n, text in enumerate(_lines(record.state))]
    if record.steps:
        rows += [BLANK, heading("Steps")]
        rows += [item(f"{number}.", text, width=4) for number, text in enumerate(record.steps, 1)]
    if record.facts:
        rows += [BLANK, heading("What the plan rested on")]
        width = 2 + min(30, max(len(clean(key)) for key, _ in record.facts))
        rows += [item(key, value or "–", "muted", width=width) for key, value in record.facts]
    if record.result == UNFINISHED:
        words = "It runs still, or it was cut off. Look at the state of things before you do it again."
        rows += [BLANK, *paragraph(words, "drifted", indent=0)]
    return rows


def _lines(text: str) -> Iterable[str]:
    return clean_lines(text).split("\n") if text else ()


def _full(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else "unknown"


def _ref(record: Record) -> Ref:
    return Ref(SourceId(SourceKind.DOCKER, record.source), "AuditRecord", record.id, record.name)


def _level(record: Record, *, running: bool) -> Level:
    return LEVELS.get("running" if running else record.result, Level.DRIFTED)


def _row(ref: Ref, record: Record, running: bool) -> cells.Row:
    level = _level(record, running=running)
    moment = record.at or record.ended
    row_cells = (
        Cell(_full(moment), sort=moment.timestamp() if moment else 0.0),
        Cell(record.by, "muted"),
        Cell(record.title),
        Cell("running" if running else record.result, cells.alarm(level)),
        Cell(record.message.partition("\n")[0], "muted"),
    )
    also = (record.target, record.kind, record.source, record.action)
    return cells.row(ref, level, row_cells, sort_key=(record.title, record.id), also=also)
