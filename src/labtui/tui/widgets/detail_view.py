"""Everything that is known about one thing, to be read and scrolled. Written anew only when it reads differently."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from labtui.core.lab import Lab
from labtui.domain.ref import Ref
from labtui.domain.resources import Resource
from labtui.domain.text import clean
from labtui.tui.widgets.page import BLANK, Page, Row, Tone, heading

_TONES: dict[str, Tone] = {
    "broken": "broken",
    "drifted": "drifted",
    "moving": "moving",
    "unknown": "unknown",
    "well": "well",
    "off": "muted",
    "muted": "muted",
}


_NOTHING = Row("", "Choose a row to see its details here.", "muted", width=0)


class DetailView(VerticalScroll, can_focus=True):
    """The details of a resource; stays at its place while they change, goes to the top for another resource."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", show=False),
        Binding("j", "scroll_down", show=False),
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]

    def __init__(self, lab: Lab, *, css_id: str) -> None:
        super().__init__(id=css_id)
        self.lab = lab
        self.ref: Ref | None = None
        self._page = Page((_NOTHING,))
        self._titled = ""

    def compose(self) -> ComposeResult:
        """One page of text."""
        yield self._page

    def show(self, ref: Ref | None) -> None:
        """Show this resource as it is known now."""
        if ref != self.ref:
            self.ref = ref
            self.scroll_home(animate=False)
        rows, title = self._rows()
        self._page.rows = tuple(rows)
        if title != self._titled:
            self._titled = title
            self.border_title = Content(title)

    def tick(self) -> None:
        """Ages may read differently."""
        if self.size.width:
            self.show(self.ref)

    def _rows(self) -> tuple[list[Row], str]:
        if self.ref is None:
            return [_NOTHING], "Details"
        resource = self.lab.inventory.get(self.ref)
        title = f"{clean(self.ref.kind)} {clean(self.ref.name, 80)}"
        if resource is None:
            return [Row("", "It is gone.", "muted", width=0)], title
        return describe_rows(self.lab, resource), title


def describe_rows(lab: Lab, resource: Resource) -> list[Row]:
    """Details as rows of a page, labels of all sections in line."""
    from labtui.tui.panes.detail import describe  # first needed when details are

    sections = describe(resource, lab.inventory, lab.clock.now())
    width = 2 + max((cell_len(label) for section in sections for label, _, _ in section.lines), default=0)
    rows: list[Row] = []
    for section in sections:
        rows.append(heading(section.title))
        for label, text, token in section.lines:
            tone = _TONES.get(token, "")
            rows += [
                Row(label if n == 0 else "", part, tone, width=min(width, 24))
                for n, part in enumerate(text.split("\n"))
            ]
        rows.append(BLANK)
    return rows[:-1]
