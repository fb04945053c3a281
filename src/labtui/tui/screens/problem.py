"""Something could not be done: what, why in the server's own words, what to do."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from labtui.domain.errors import LabError
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import BLANK, Page, Row, heading, paragraph


class ProblemScreen(Dialog[None]):
    """An error that a person can act on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "close", show=False)]

    def __init__(self, title: str, detail: str = "", hint: str = "", *, heading: str = "That did not work") -> None:
        super().__init__(heading)
        self._title, self._detail, self._hint = title, detail, hint

    @classmethod
    def of(cls, error: LabError, heading: str) -> ProblemScreen:
        """The screen of an error; `heading` says what was tried."""
        return cls(error.title, error.detail, error.hint, heading=heading)

    def content(self) -> ComposeResult:
        """Title, reason, advice."""
        rows = [Row("✗", self._title, "strong", "broken", width=2)]
        if self._detail:
            rows += [BLANK, heading("Why"), *paragraph(self._detail)]
        if self._hint:
            rows += [BLANK, heading("What to do"), *paragraph(self._hint)]
        with VerticalScroll(id="body", can_focus=False):
            yield Page(rows)

    def foot(self) -> ComposeResult:
        """One button."""
        with Horizontal(classes="buttons"):
            yield Button("Close", id="close", compact=True, action="screen.close")
