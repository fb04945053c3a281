"""Everything that is known about one thing, to be read and scrolled. Written anew only when it reads differently."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.strip import Strip
from textual.visual import Visual

from labtui.core.lab import Lab
from labtui.domain.ref import Ref
from labtui.domain.resources import Resource
from labtui.domain.text import clean
from labtui.tui.widgets.line_view import LineView
from labtui.tui.widgets.page import BLANK, Row, Tone, heading, page_lines

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


class DetailView(LineView, can_focus=True):
    """The details of a resource; stays at its place while they change, goes to the top for another resource."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", show=False),
        Binding("down,j", "scroll_down", show=False),
        Binding("home,g", "scroll_home", show=False),
        Binding("end,G", "scroll_end", show=False),
        Binding("pageup,ctrl+b", "page_up", show=False),
        Binding("pagedown,ctrl+f", "page_down", show=False),
    ]

    def __init__(self, lab: Lab, *, css_id: str) -> None:
        super().__init__(id=css_id)
        self.lab = lab
        self.ref: Ref | None = None
        self._page: tuple[Row, ...] = ()
        self._lines: list[Content] = []
        self._strips: dict[int, Strip] = {}  # by number of the line
        self._titled = ""

    def on_resize(self, event: Resize) -> None:
        """Wrap for the new width."""
        self._wrap()

    def show(self, ref: Ref | None) -> None:
        """Show this resource as it is known now."""
        if ref != self.ref:
            self.ref = ref
            self.scroll_to(y=0, animate=False)
        rows, title = self._rows()
        if tuple(rows) != self._page:
            self._page = tuple(rows)
            self._wrap()
        if title != self._titled:
            self._titled = title
            self.border_title = Content(title)

    @property
    def text(self) -> str:
        """All of it, also what is out of view."""
        return "\n".join(line.plain.rstrip() for line in self._lines)

    def _wrap(self) -> None:
        self._lines = page_lines(self._page, max(1, self.scrollable_content_region.width))
        self._strips.clear()
        self.set_line_count(len(self._lines))
        self.refresh()

    def forget_styles(self) -> None:
        """Colours have changed."""
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        number, width, style = self.scroll_offset.y + y, self.size.width, self.visual_style
        if number >= len(self._lines):
            return Strip.blank(width, style.rich_style)
        strip = self._strips.get(number)
        if strip is None or strip.cell_length != width:
            found = Visual.to_strips(self, self._lines[number], width, 1, style, apply_selection=False, pad=True)
            strip = found[0] if found else Strip.blank(width, style.rich_style)
            strip = self._strips[number] = strip.adjust_cell_length(width, style.rich_style).simplify()
        return strip

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
