"""A question is on its way to a server: say so, and let it be given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import Page, Row

SHOW_AFTER = (
    0.25  # seconds: an answer that comes sooner must not flash a dialog at the user; keys are held back at once
)


class WaitScreen(Dialog[None]):
    """Holds the keys while a server is asked; `esc` gives up. `finish` closes it and goes on, unless it was given up."""

    DEFAULT_CSS = """
    WaitScreen { background: transparent; }
    WaitScreen.-shown { background: $background 60%; }
    WaitScreen > #dialog { display: none; max-width: 64; }
    WaitScreen.-shown > #dialog { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Give up")]

    def __init__(self, heading: str, what: str) -> None:
        super().__init__(heading)
        self._what = what
        self._answered: Callable[[], None] | None = None

    def content(self) -> ComposeResult:
        """What is being asked."""
        yield Page((Row("⇄", self._what, "", "moving", width=2), Row("", "Nothing is changed yet.", "muted", width=2)))

    def on_mount(self) -> None:
        """Appear only when it takes long enough to be noticed."""
        super().on_mount()
        self.set_timer(SHOW_AFTER, lambda: self.add_class("-shown"))

    def finish(self, then: Callable[[], None]) -> None:
        """The answer is here: close and go on. If another screen lies on top, wait until it has gone."""
        if self.is_current:
            self.leave()
            then()
        else:  # given up (then it never resumes), or covered
            self._answered = then

    def on_screen_resume(self) -> None:
        """What lay on top has gone."""
        if self._answered is not None:
            then, self._answered = self._answered, None
            self.call_after_refresh(self.finish, then)
