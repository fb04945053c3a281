"""The steps of a migration with a cursor: one line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message

from labtui.domain.migration.steps import ORDER, StepName
from labtui.tui.migration.steps import StepLine
from labtui.tui.widgets.live_lines import LiveLines
from labtui.tui.widgets.page import Spans, tone_of

STEP = max(len(name) for name in ORDER) + 2
WORD = len("not needed") + 2
TOOK = 7  # cells of the time at the right


class StepList(LiveLines, can_focus=True):
    """Always shows all of the steps; the cursor stands on one of them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("home,g", "move(-99)", show=False),
        Binding("end,G", "move(99)", show=False),
        Binding("enter", "open", show=False),
    ]

    class Opened(Message):
        """Enter or a double click on a step."""

    class Moved(Message):
        """The cursor was moved by hand."""

    def __init__(self, *, css_id: str) -> None:
        super().__init__(css_id=css_id)
        self._at = 0
        self._steps: tuple[StepLine, ...] = ()

    @property
    def chosen(self) -> StepName:
        """The step under the cursor."""
        return ORDER[self._at]

    def choose(self, step: StepName, *, follow: bool = False) -> None:
        """Put the cursor on a step; `follow`: nobody has asked for that."""
        at = ORDER.index(step)
        if at != self._at:
            self._at = at
            self.scroll_to_line(at)
            self.refresh()
        if not follow:
            self.post_message(self.Moved())

    def scroll_to_line(self, at: int) -> None:
        """Show the step of this number, where there is no room for all."""
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= at < top + height:
            self.scroll_to(y=at if at < top else at - height + 1, animate=False)

    def show_steps(self, steps: Sequence[StepLine]) -> None:
        """Show the steps as they stand now."""
        self._steps = tuple(steps)
        width = max(20, self.room)
        self.show([_spans(step, width) for step in steps])

    def on_resize(self, event: object) -> None:
        """Another room for the words."""
        self._strips.clear()
        self.show_steps(self._steps)

    def ground(self, number: int) -> str:
        """The line under the cursor."""
        if number != self._at:
            return ""
        return "row-cursor" if self.has_focus else "row-cursor-blurred"

    def on_focus(self) -> None:
        """The cursor looks different."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """Choose the step under the pointer; twice: open it."""
        place = event.get_content_offset(self)
        if place is None:
            return
        number = place.y + self.scroll_offset.y
        if 0 <= number < len(ORDER):
            self.choose(ORDER[number])
            if event.chain == 2:
                self.action_open()

    def action_move(self, by: int) -> None:
        """Up or down."""
        self.choose(ORDER[max(0, min(len(ORDER) - 1, self._at + by))])

    def action_open(self) -> None:
        """Its details."""
        self.post_message(self.Opened())


def _spans(line: StepLine, width: int) -> Spans:
    tone = tone_of(line.level)
    room = max(8, width - 2 - STEP - WORD - TOOK)
    text = line.text if cell_len(line.text) <= room else set_cell_size(line.text, room - 1) + "…"
    return (
        (f"{line.level.sign} ", tone),
        (f"{line.step:<{STEP}}", "muted" if line.quiet else "strong"),
        (f"{line.word:<{WORD}}", "muted" if line.quiet else tone),
        (set_cell_size(text, room), "muted" if line.quiet else ""),
        (f"{line.took:>{TOOK}}", "muted"),
    )
