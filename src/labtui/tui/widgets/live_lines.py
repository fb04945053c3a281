"""Lines of toned text in a frame that change while one looks: only those that look different are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.strip import Strip
from textual.visual import Visual

from labtui.tui.widgets.line_view import LineView
from labtui.tui.widgets.page import Spans, styled


class LiveLines(LineView, can_focus=False):
    """Shows what it is given; too long lines are cut. Texts must be clean (`domain.text`)."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LiveLines {
        border: round $foreground 30%; border-title-color: $foreground; border-title-style: bold;
        border-subtitle-color: $foreground 70%; border-subtitle-align: left;
        background: $background; padding: 0 0 0 1;
    }
    LiveLines:focus { border: heavy $primary; border-title-color: $primary; }
    """

    class Resized(Message):
        """There is another room for lines."""

    def __init__(self, *, css_id: str, follow: bool = False) -> None:
        """`follow`: stay at the last line when lines are added, unless one has scrolled away from it."""
        super().__init__(id=css_id)
        self._lines: list[Spans] = []
        self._strips: dict[tuple[Spans, int, str], Strip] = {}
        self._follow = follow

    def show(self, lines: Sequence[Spans]) -> None:
        """Show these lines instead."""
        if list(lines) == self._lines:
            return
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._lines = list(lines)
        if len(self._strips) > 4 * len(self._lines) + 200:
            self._strips.clear()
        self.set_line_count(len(self._lines))
        if self._follow and at_end:
            self.scroll_to(y=max(0, len(self._lines) - self.size.height), animate=False, force=True)
        self.refresh()

    def title(self, text: str, note: str = "") -> None:
        """The words in the frame."""
        if str(self.border_title) != text:
            self.border_title = Content(text)
        if str(self.border_subtitle or "") != note:
            self.border_subtitle = Content(note)

    @property
    def text(self) -> str:
        """All of it, also what is out of view."""
        return "\n".join("".join(part for part, _ in line).rstrip() for line in self._lines)

    @property
    def room(self) -> int:
        """Cells of a line; the scroll bar's own are not among them."""
        return self.scrollable_content_region.width

    def on_resize(self, event: Resize) -> None:
        """Other lines may fit."""
        self._strips.clear()
        if self._follow:
            self.scroll_to(y=max(0, len(self._lines) - self.size.height), animate=False, force=True)
        self.post_message(self.Resized())
        self.refresh()

    def forget_styles(self) -> None:
        """Colours have changed."""
        self._strips.clear()

    def ground(self, number: int) -> str:
        """The token of the colour behind a line; empty for the widget's own."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        number, width, style = self.scroll_offset.y + y, self.size.width, self.visual_style
        if number >= len(self._lines):
            return Strip.blank(width, style.rich_style)
        key = self._lines[number], width, self.ground(number)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._made(*key)
        return strip

    def _made(self, line: Spans, width: int, ground: str) -> Strip:
        style = self.visual_style
        content = styled(line, ground).truncate(self.room, ellipsis=True)
        if ground and content.cell_length < self.room:
            content = content + styled(((" " * (self.room - content.cell_length), ""),), ground)
        found = Visual.to_strips(self, content, width, 1, style, apply_selection=False, pad=True)
        strip = found[0] if found else Strip.blank(width, style.rich_style)
        return strip.adjust_cell_length(width, style.rich_style).simplify()


class ScrollLines(LiveLines, can_focus=True):
    """The same, to be scrolled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", show=False),
        Binding("down,j", "scroll_down", show=False),
        Binding("home,g", "scroll_home", show=False),
        Binding("end,G", "scroll_end", show=False),
        Binding("pageup,ctrl+b", "page_up", show=False),
        Binding("pagedown,ctrl+f", "page_down", show=False),
    ]
