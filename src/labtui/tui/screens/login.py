"""Signing in to a server with a user name and a password."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Label

from labtui.domain.errors import LabError
from labtui.ports import Login
from labtui.tui.background import in_background
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import Page, Row


class LoginScreen(Dialog[bool]):
    """Answers True once signed in, after `signed_in` was called. The password is in its field only, and only until it is sent."""

    DEFAULT_CSS = """
    LoginScreen > #dialog { max-width: 70; }
    LoginScreen .field Label { width: 12; }
    LoginScreen #state { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel"),
        Binding("enter", "submit", "Sign in"),
    ]
    AUTO_FOCUS = "#user"

    def __init__(self, login: Login, label: str, signed_in: Callable[[], None] = lambda: None) -> None:
        super().__init__(f"Sign in to {label}")
        self._login = login
        self._label = label
        self._signed_in = signed_in
        self._asking = False

    def content(self) -> ComposeResult:
        """User name and password."""
        yield Page((Row("", "The token is kept in this labtui only, until you leave it.", "muted", width=0),))
        with Horizontal(classes="field"):
            yield Label("User name")
            yield Input(id="user", compact=True)
        with Horizontal(classes="field"):
            yield Label("Password")
            yield Input(id="password", password=True, compact=True)

    def foot(self) -> ComposeResult:
        """What happens, and buttons."""
        yield Page(css_id="state")
        with Horizontal(classes="buttons"):
            yield Button("Cancel", compact=True, action="screen.close")
            yield Button("Sign in", id="submit", compact=True, action="screen.submit")

    @on(Input.Submitted, "#user")
    def _to_password(self) -> None:
        self.query_one("#password").focus()

    @on(Input.Submitted, "#password")
    def action_submit(self) -> None:
        """Send it."""
        user, field = self.query_one("#user", Input).value.strip(), self.query_one("#password", Input)
        if self._asking:
            return
        if not user or not field.value:
            self._say("Both the user name and the password are needed.", "▲")
            self.query_one("#password" if user else "#user").focus()
            return
        password = field.value
        field.value = ""
        self._asking = True
        self._say(f"Signing in to {self._label} …", "⇄")
        login = self._login

        def done(answer: LabError | None) -> None:
            self._asking = False
            if not isinstance(answer, LabError):
                self._signed_in()
                self.leave(True)
            elif self.is_attached:
                self._say(str(answer), "✗")
                self.query_one("#password").focus()

        in_background(self.app, lambda: login.login(user, password), done, f"sign in to {self._label}")

    def _say(self, text: str, sign: str) -> None:
        self.query_one("#state", Page).rows = (Row(sign, text, "", "moving" if sign == "⇄" else "broken", width=2),)

    def action_close(self) -> None:
        """Leave without signing in."""
        self.leave(False)
