"""What the tests of tables share: an app with one table, and a driver that counts what goes to the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver

from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.states import Level
from labtui.tui import theming
from labtui.tui.cells import Cell, Column, Row, alarm, row
from labtui.tui.widgets.row_table import RowTable

CLUSTER = SourceId(SourceKind.KUBERNETES, "homelab")
COLUMNS = (
    Column("name", "NAME", min_width=12, max_width=48),
    Column("sync", "SYNC", 11),
    Column("health", "HEALTH", 11),
    Column("age", "AGE", 4, align="right", quiet=True),
)


class CountingDriver(HeadlessDriver):
    """Keeps what would be written to a terminal; not headless for Textual, which writes nothing to headless drivers."""

    written: list[str]

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        if not hasattr(self, "written"):
            self.written = []
        self.written.append(data)


class TableApp(App[None]):
    """One table that fills the screen."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, columns: tuple[Column, ...] = COLUMNS, *, tint: bool = False, empty: str = "") -> None:
        super().__init__(driver_class=CountingDriver)
        self.table = RowTable(columns, tint=tint, empty=empty, id="table")
        self.heard: list[RowTable.Opened | RowTable.Highlighted | RowTable.MarksChanged] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theming.VARIABLE_DEFAULTS

    def compose(self) -> ComposeResult:
        yield self.table

    def on_row_table_opened(self, message: RowTable.Opened) -> None:
        self.heard.append(message)

    def on_row_table_highlighted(self, message: RowTable.Highlighted) -> None:
        self.heard.append(message)

    def on_row_table_marks_changed(self, message: RowTable.MarksChanged) -> None:
        self.heard.append(message)

    def lines(self) -> list[str]:
        """The table as text, line by line, as it is rendered now."""
        return [self.table.render_line(y).text for y in range(self.table.size.height)]

    async def written_by(self, change: Callable[[], object]) -> str:
        """What `change` makes the app write to the terminal, until nothing is left to be painted."""
        await self.settled()
        self.driver.written = []
        change()
        await self.settled()
        return self.written()

    @property
    def driver(self) -> CountingDriver:
        """The driver of a running app."""
        assert isinstance(self._driver, CountingDriver)
        return self._driver

    def written(self) -> str:
        """What was written since `written_by` last began."""
        return "".join(self.driver.written)

    async def settled(self) -> None:
        """Wait until messages are handled and one whole paint that was asked for afterwards is done."""
        for node in (self.table, self.screen, self.table, self.screen):
            done = asyncio.Event()
            node.call_after_refresh(done.set)
            await asyncio.wait_for(done.wait(), 5)


def ref(name: str, namespace: str = "argocd") -> Ref:
    """An identity."""
    return Ref(CLUSTER, "Application", namespace, name)


def item(
    name: str, level: Level = Level.WELL, *, sync: str = "Synced", age: str = "3m", namespace: str = "argocd"
) -> Row:
    """A row of COLUMNS."""
    health = "Degraded" if level is Level.BROKEN else "Healthy"
    cells = (
        Cell(name),
        Cell(sync, "drifted" if sync == "OutOfSync" else ""),
        Cell(health, alarm(level) if level is Level.BROKEN else ""),
        Cell(age, "muted"),
    )
    return row(ref(name, namespace), level, cells, sort_key=(name, namespace))
