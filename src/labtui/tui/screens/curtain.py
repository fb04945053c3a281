"""What stands on the screen for the moment between the first frame and the opened estate."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from labtui.domain.text import clean
from labtui.tui.widgets.line import Line, Part


class Curtain(Screen[None]):
    """The name of the estate where it will stay."""

    def __init__(self, estate: str) -> None:
        super().__init__()
        self._line = Line(css_id="sources")
        self._estate = estate

    def compose(self) -> ComposeResult:
        """The header line."""
        yield self._line

    def on_mount(self) -> None:
        """Name the estate."""
        self._line.show([Part(" labtui", "title"), Part(f"  {clean(self._estate, 24)}", "plain")])
