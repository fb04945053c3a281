"""A line of words, some of which can be clicked: the base of the source bar, the tabs and the footer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Part:
    """Some words. `tone` names a component class (`line--tone`); a click on a part with a `target` posts `Line.Chosen`."""

    text: str
    tone: str = "plain"
    target: object = None


def width(parts: Sequence[Part]) -> int:
    """Cells that the parts take."""
    return sum(cell_len(part.text) for part in parts)


class Line(Widget, can_focus=False):
    """One line: parts on the left and parts on the right. Painted only when they change."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"line--{tone}" for tone in ("plain", "title", "dim", "key", "good", "attention", "bad", "chosen", "off")
    }
    DEFAULT_CSS = "Line { height: 1; width: 1fr; }"

    @dataclass
    class Chosen(Message):
        """A part of the line was clicked."""

        line: Line
        target: object

    def __init__(self, *, css_id: str) -> None:
        super().__init__(id=css_id)
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()

    def show(self, left: Sequence[Part], right: Sequence[Part] = ()) -> bool:
        """Show these parts; says whether anything is different from before."""
        new = (tuple(left), tuple(right))
        if new == (self._left, self._right):
            return False
        self._left, self._right = new
        self.refresh()
        return True

    @property
    def text(self) -> str:
        """What stands on the line, as far as it has room."""
        return "".join(part.text for part in self._placed())

    def _placed(self) -> list[Part]:
        gap = self.size.width - width(self._left) - width(self._right)
        if gap < 0:  # what is on the right stays whole
            return [*self._left, Part("")] if not self._right else self._cut()
        return [*self._left, Part(" " * gap), *self._right]

    def _cut(self) -> list[Part]:
        room = max(0, self.size.width - width(self._right) - 2)
        kept: list[Part] = []
        for part in self._left:
            if width(kept) + cell_len(part.text) > room:
                break
            kept.append(part)
        space = self.size.width - width(kept) - width(self._right)
        return [*kept, Part("… ".ljust(max(0, space)), "dim"), *self._right]

    def render_line(self, y: int) -> Strip:
        """The line as a strip of exactly the widget's width."""
        cells, segments = 0, []
        for part in self._placed():
            text, room = part.text, self.size.width - cells
            if cell_len(text) > room:
                text = set_cell_size(text, room)
            segments.append(Segment(text, self.get_component_rich_style(f"line--{part.tone}")))
            cells += cell_len(text)
        return Strip(segments, cells).adjust_cell_length(self.size.width, self.get_component_rich_style("line--plain"))

    def on_click(self, event: Click) -> None:
        """Find the part under the pointer."""
        x = 0
        for part in self._placed():
            x += cell_len(part.text)
            if event.x < x:
                if part.target is not None:
                    event.stop()
                    self.post_message(self.Chosen(self, part.target))
                return
