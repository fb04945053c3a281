"""Leaving labtui while it migrates something: what that means, and three ways to answer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from labtui.domain.migration.journal import About
from labtui.domain.text import clean
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import BLANK, Page, Row, item


class Leaving(Enum):
    """How to leave."""

    PAUSED = "when the action that runs has ended"
    NOW = "at once"


class LeaveScreen(Dialog[Leaving]):
    """Answers how to leave; None to stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Stay"),
        Binding("p", "pause", "Pause and leave"),
        Binding("l", "now", "Leave now"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    AUTO_FOCUS = "#stay"

    def __init__(self, running: Sequence[About]) -> None:
        super().__init__("A migration runs in this labtui")
        self._moves = tuple(running)

    def content(self) -> ComposeResult:
        """What runs, and what leaving means for it."""
        rows = [item("⇄", f"{clean(about.site)}/{clean(about.stack)}", "moving") for about in self._moves]
        rows += [
            BLANK,
            Row("", "It stops when labtui ends. Nothing is lost: it can be gone on with, here or elsewhere:", width=0),
            *(item("", _command(about), text_tone="strong", width=0) for about in self._moves),
            BLANK,
            Row("p", "lets the action that runs end, then leaves", "", "strong", width=4),
            Row(
                "l",
                "leaves at once, in the middle of that action; going on looks first what it did",
                "",
                "strong",
                width=4,
            ),
        ]
        with VerticalScroll(id="body", can_focus=False):
            yield Page(rows)

    def foot(self) -> ComposeResult:
        """The ways."""
        with Horizontal(classes="buttons"):
            yield Button("Stay", id="stay", compact=True, action="screen.close")
            yield Button("Pause and leave (p)", id="pause", compact=True, action="screen.pause")
            yield Button("Leave now (l)", id="now", compact=True, action="screen.now")

    def action_pause(self) -> None:
        """Leave when the action has ended."""
        self.leave(Leaving.PAUSED)

    def action_now(self) -> None:
        """Leave at once."""
        self.leave(Leaving.NOW)


def _command(about: About) -> str:
    return f"labtui migration resume {about.id}" if about.id else f"labtui migrate {about.site}/{about.stack}"
