"""Where a filter is typed: in the place of the footer, while the rows above already follow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class FilterLine(Horizontal):
    """`/ text`; every letter posts `Changed`, enter posts `Closed`; esc posts `Changed` with an empty text, then `Closed`."""

    DEFAULT_CSS = """
    FilterLine { height: 1; background: $panel; }
    FilterLine Static { width: auto; color: $accent; }
    FilterLine #how { color: $row-muted; }
    FilterLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    FilterLine Input:focus { border: none; background: $panel; background-tint: transparent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear", "Show all", show=False)]

    @dataclass
    class Changed(Message):
        """The text is another one."""

        text: str

    class Closed(Message):
        """The user is done."""

    def __init__(self, text: str) -> None:
        super().__init__(id="filter")
        self._text = text

    def compose(self) -> ComposeResult:
        """Sign, field, help."""
        yield Static(" / ", markup=False)
        field = Input(self._text, select_on_focus=False, compact=True)
        field.cursor_blink = False
        yield field
        yield Static("  word  !not  /regex/   enter keeps it · esc shows all ", id="how", markup=False)

    def on_mount(self) -> None:
        """Ready to be typed into."""
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep it."""
        event.stop()
        self.post_message(self.Closed())

    def action_clear(self) -> None:
        """Show all."""
        self.post_message(self.Changed(""))
        self.post_message(self.Closed())
