"""Long text, drawn line by line: only the lines in view are laid out, so a diff of 20,000 lines opens at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from labtui.domain.plan import DiffItem
from labtui.domain.text import clean, clean_lines
from labtui.tui.widgets.page import Spans, Tone, styled

DIFF_TONES: dict[str, Tone] = {"+": "added", "-": "removed", "@": "muted"}


class Lines(ScrollView, can_focus=True):
    """Lines of spans; does not wrap, scrolls both ways. What is put in must be clean (`domain.text`)."""

    DEFAULT_CSS = """
    Lines { height: 1fr; background: $surface; scrollbar-size: 1 1; }
    Lines:focus { background: $surface; background-tint: transparent; }
    """

    def __init__(self, lines: Sequence[Spans] = (), *, css_id: str | None = None) -> None:
        super().__init__(id=css_id)
        self._lines: list[Content] = []
        self._width = 0
        self._first = tuple(lines)

    def on_mount(self) -> None:
        """Lay out what was given at the start."""
        self.extend(self._first)
        self._first = ()

    def extend(self, lines: Iterable[Spans]) -> None:
        """Add lines; the view stays at the end if it was there."""
        at_end = self.is_vertical_scroll_end
        added = [styled(spans) for spans in lines]
        self._lines.extend(added)
        self._width = max([self._width, *(line.cell_length for line in added)])
        self.virtual_size = Size(self._width, len(self._lines))
        if at_end and self.max_scroll_y > 0 and self.scroll_y > 0:
            self.scroll_end(animate=False)
        self.refresh()

    def replace(self, lines: Iterable[Spans]) -> None:
        """Show these lines instead of the old ones."""
        self._lines, self._width = [], 0
        self.extend(lines)

    def follow_end(self) -> None:
        """To the last line."""
        self.scroll_end(animate=False)

    @property
    def text(self) -> str:
        """What is shown, without colours."""
        return "\n".join(line.plain for line in self._lines)

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        left, top = self.scroll_offset
        width, number = self.size.width, top + y
        style = self.visual_style
        if number >= len(self._lines):
            return Strip.blank(width, style.rich_style)
        line = self._lines[number]
        strips = Visual.to_strips(self, line, max(self._width, 1), 1, style, apply_selection=False, pad=True)
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.crop_extend(left, left + width, style.rich_style)


def diff_lines(items: Sequence[DiffItem], limit: int) -> list[Spans]:
    """Diffs as lines: a heading for each object, then its lines by their signs; at most `limit`, then how many are missing."""
    lines: list[Spans] = []
    for item in items:
        added, removed = count(item)
        place = f"{clean(item.namespace)}/" if item.namespace else ""
        counts = f"  +{added} -{removed}" if item.lines else ""
        title: Spans = ((f"{clean(item.kind)} {place}{clean(item.name)}", "strong"), (counts, "muted"))
        lines.append(title)
        if item.note:
            lines.extend(((f"  {line}", "muted"),) for line in clean_lines(item.note).split("\n"))
        lines.extend(((clean(line.expandtabs(4), 1000), DIFF_TONES.get(line[:1], "")),) for line in item.lines)
        lines.append(())
    if len(lines) > limit:
        missing = len(lines) - limit
        return [*lines[:limit], ((f"… {missing} more lines", "muted"),)]
    return lines[:-1]


def count(item: DiffItem) -> tuple[int, int]:
    """Lines added and removed; the file names of a unified diff are not counted."""
    added = sum(1 for x in item.lines if x.startswith("+") and not x.startswith("+++"))
    removed = sum(1 for x in item.lines if x.startswith("-") and not x.startswith("---"))
    return added, removed
