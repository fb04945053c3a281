"""One source: its state, since when, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from labtui.core.lab import Lab
from labtui.domain.ref import SourceId
from labtui.domain.states import FeedState, FeedStatus
from labtui.domain.text import age
from labtui.tui.screens.dialog import Dialog
from labtui.tui.screens.login import LoginScreen
from labtui.tui.widgets.page import BLANK, Page, Row, Tone, heading, item, paragraph

_MEANING: dict[FeedState, tuple[str, Tone, str]] = {
    FeedState.CONNECTING: ("⇄", "moving", "It is asked for the first time."),
    FeedState.LIVE: ("●", "well", "It is followed: what you see is what is."),
    FeedState.STALE: ("▲", "drifted", "The connection is lost: you see what was known last. labtui keeps trying."),
    FeedState.DENIED: ("✗", "broken", "It answers, but does not allow what labtui asks for."),
    FeedState.SIGNED_OUT: ("✗", "broken", "It answers, but takes no credentials of yours."),
    FeedState.DOWN: ("✗", "broken", "It has not answered since the start. labtui keeps trying."),
}
_KINDS = {"argocd": "Argo CD", "kubernetes": "Kubernetes cluster", "docker": "Docker engine", "vault": "Vault"}


class SourceScreen(Dialog[None]):
    """`address` is where it is, in words; `retry` connects anew now (without it there is no key for that)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", key_display="esc"),
        Binding("r", "retry", "Connect again now"),
        Binding("L", "sign_in", "Sign in"),
    ]
    AUTO_FOCUS = "#close"

    def __init__(
        self,
        source: SourceId,
        status: FeedStatus | None,
        address: str,
        lab: Lab,
        retry: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(f"{_KINDS[source.kind.value]} · {source.label}")
        self.source = source
        self._status = status
        self._address = address
        self._lab = lab
        self._retry = retry

    def content(self) -> ComposeResult:
        """State, reason, advice, buttons for what can be done."""
        with VerticalScroll(id="body", can_focus=False):
            yield Page(self._rows(), css_id="page")

    def foot(self) -> ComposeResult:
        """Buttons for what can be done."""
        with Horizontal(classes="buttons"):
            yield Button("Close", id="close", compact=True, action="screen.close")
            if self._retry is not None:
                yield Button("Connect again now (r)", id="retry", compact=True, action="screen.retry")
            if self.source in self._lab.logins:
                yield Button("Sign in (L)", id="sign-in", compact=True, action="screen.sign_in")

    def show_status(self, status: FeedStatus) -> None:
        """The state has changed while this is open."""
        self._status = status
        if self.is_mounted:
            self.query_one("#page", Page).rows = tuple(self._rows())

    def _rows(self) -> list[Row]:
        status = self._status
        if status is None:
            return [
                Row("?", "It has not been asked yet.", "", "unknown", width=2),
                BLANK,
                Row("Address", self._address),
            ]
        sign, tone, meaning = _MEANING[status.state]
        ago = age(status.since, self._lab.clock.now())
        since = f"{status.since.astimezone():%Y-%m-%d %H:%M:%S}" + (f", for {ago}" if ago else "")
        rows = [Row(f"{sign} {status.state.value}", meaning, "", tone, width=len(status.state.value) + 4), BLANK]
        rows += [Row("Address", self._address or "unknown"), Row("Since", since)]
        if status.latency is not None:
            rows.append(Row("Last answer", f"{status.latency * 1000:.0f} ms"))
        if status.detail:
            rows += [BLANK, heading("Why"), *paragraph(status.detail)]
        if status.hint:
            rows += [BLANK, heading("What to do"), *paragraph(status.hint)]
        if status.notes:
            rows += [BLANK, heading("Worth knowing"), *(item("▲", note, "drifted") for note in status.notes)]
        return rows

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done."""
        if action == "retry":
            return self._retry is not None
        return self.source in self._lab.logins if action == "sign_in" else True

    def action_retry(self) -> None:
        """Connect anew now."""
        if self._retry is not None:
            self._retry()
            self.leave()

    def action_sign_in(self) -> None:
        """Ask for user name and password, then connect anew."""
        screen = LoginScreen(self._lab.logins[self.source], self.source.label, self._retry or (lambda: None))
        self.app.push_screen(screen, lambda done: self.leave() if done else None)
