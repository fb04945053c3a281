"""Asking servers behind a dialog: what every flow of the screen shares.

Every server is asked in a daemon thread (`tui.background`); every answer comes back on the screen's thread as a posted
message. An answer whose question was given up finds its WaitScreen gone and is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar

from textual.app import App
from textual.screen import Screen

from labtui.core.lab import Lab
from labtui.domain.errors import LabError
from labtui.domain.text import clean
from labtui.tui.background import in_background
from labtui.tui.screens.problem import ProblemScreen
from labtui.tui.screens.wait import WaitScreen

T = TypeVar("T")
Severity = Literal["information", "warning", "error"]


class Asking:
    """Questions, problems and toasts on an app."""

    def __init__(self, app: App[Any], lab: Lab) -> None:
        self.app = app
        self.lab = lab

    def ask(self, title: str, what: str, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do `work` behind a WaitScreen; its errors become a ProblemScreen, its answer goes to `then` unless given up."""
        wait = WaitScreen(title, what)

        def answered(answer: T | LabError) -> None:
            if isinstance(answer, LabError):
                wait.finish(partial(self.problem, answer, title))
            else:
                wait.finish(partial(then, answer))

        def ask() -> None:
            self.app.push_screen(wait)
            in_background(self.app, work, answered, f"ask for {title}")

        self.app.call_later(ask)

    def problem(self, error: LabError, title: str) -> None:
        self.push(ProblemScreen.of(error, title))

    def push(self, screen: Screen[T], callback: Callable[[T | None], None] | None = None) -> None:
        # in the app's own context: the callback of a screen is called in the context that pushed it, and one that is
        # being closed would never call it
        self.app.call_later(self.app.push_screen, screen, callback)

    def toast(self, title: str, text: str, severity: Severity = "information") -> None:
        self.app.notify(clean(text, 400), title=clean(title, 100), severity=severity, markup=False)
