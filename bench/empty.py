"""An empty Textual app: what the screen is measured against."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class Empty(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """The line that a measurement waits for."""
        yield Static("empty app")


if __name__ == "__main__":
    Empty().run()
