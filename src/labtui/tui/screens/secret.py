"""The keys of a secret; its values only when asked for, and only until the dialog is closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from labtui.domain.errors import LabError
from labtui.domain.resources.vault import SecretPath
from labtui.domain.text import clean
from labtui.ports import Secrets
from labtui.tui.background import in_background
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import Page, Row, Tone, styled

MASK = "••••••••"  # the same for every value: it does not tell the length
WIDEST_KEY = 32


class SecretScreen(Dialog[None]):
    """Keys at first, values masked and not even fetched. `v` fetches and shows them; closing forgets them."""

    DEFAULT_CSS = """
    SecretScreen OptionList > .option-list--option { text-wrap: wrap; }
    SecretScreen #state { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", key_display="esc"),
        Binding("v", "show", "Show or hide values"),
        Binding("c", "copy", "Copy the value"),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(self, secret: SecretPath, keys: tuple[str, ...], secrets: Secrets) -> None:
        super().__init__(secret.path)
        self._secret = secret
        self._keys = keys
        self._secrets = secrets
        self._values: dict[str, str] = {}
        self._asking = False
        self._left = False
        self.shown = False

    def head(self) -> ComposeResult:
        """Which version."""
        version = f"version {self._secret.version}" if self._secret.version else "version unknown"
        count = "1 key" if len(self._keys) == 1 else f"{len(self._keys)} keys"
        yield Page((Row("", f"{version}, {count}", "muted", width=0), Row(width=0)))

    def content(self) -> ComposeResult:
        """The keys."""
        yield OptionList(*(self._option(key) for key in self._keys), id="body", markup=False, compact=True)

    def foot(self) -> ComposeResult:
        """What happens, and buttons."""
        yield Page(
            (Row("", "v shows the values, c copies the one under the cursor.", "muted", width=0),), css_id="state"
        )
        with Horizontal(classes="buttons"):
            yield Button("Close", compact=True, action="screen.close")
            yield Button("Show values (v)", id="show", compact=True, action="screen.show")

    def _option(self, key: str) -> Option:
        width = min(WIDEST_KEY, max((len(clean(k)) for k in self._keys), default=0))
        value = self._values.get(key)
        if not self.shown or value is None:
            return Option(styled(((f"{clean(key, WIDEST_KEY):<{width}}  ", ""), (MASK, "muted"))))
        lines = value.splitlines() or [""]
        text = ("\n" + " " * (width + 2)).join(clean(line.expandtabs(4), 2000) for line in lines[:40])
        return Option(styled(((f"{clean(key, WIDEST_KEY):<{width}}  ", ""), (text, "strong"))))

    def _draw(self) -> None:
        options = self.query_one(OptionList)
        at = options.highlighted
        options.set_options([self._option(key) for key in self._keys])
        options.highlighted = at
        self.relabel("show", "Hide values (v)" if self.shown else "Show values (v)")

    def _say(self, text: str, sign: str = "") -> None:
        tone: Tone = "broken" if sign == "✗" else "well" if sign == "●" else "moving"
        self.query_one("#state", Page).rows = (Row(sign, text, "", tone, width=2 if sign else 0),)

    def action_show(self) -> None:
        """Show the values, or mask them again."""
        if self.shown:
            self.shown = False
            self._forget()
            self._draw()
            self._say("The values are masked again and forgotten.")
        else:
            self._fetch(copy=False)

    def action_copy(self) -> None:
        """Copy the value under the cursor to the terminal's clipboard (OSC 52)."""
        key = self._current()
        if key is None:
            return
        if key in self._values:
            self._copy(key)
        else:
            self._fetch(copy=True)

    def _current(self) -> str | None:
        at = self.query_one(OptionList).highlighted
        return None if at is None else self._keys[at]

    def _fetch(self, *, copy: bool) -> None:
        if self._asking:
            return
        self._asking = True
        self._say("Asking Vault …", "⇄")

        def done(answer: Mapping[str, str] | LabError) -> None:
            self._asking = False
            if self._left:
                return  # the answer is not kept
            if isinstance(answer, LabError):
                self._say(f"{answer}", "✗")
            else:
                self._arrived(answer, copy=copy)

        in_background(self.app, lambda: self._secrets.reveal(self._secret.ref), done, "reveal")

    def _arrived(self, values: Mapping[str, str], *, copy: bool) -> None:
        if copy:
            key = self._current()
            if key is not None and key in values:
                self.app.copy_to_clipboard(values[key])
                self._say(f"Copied the value of {key} to the clipboard; it was not shown.", "●")
            return
        self._values = dict(values)
        self._keys = tuple(dict.fromkeys((*self._keys, *values)))
        self.shown = True
        self._draw()
        self._say("Closing this dialog forgets the values.")

    def _copy(self, key: str) -> None:
        self.app.copy_to_clipboard(self._values[key])
        self._say(f"Copied the value of {key} to the clipboard.", "●")

    def _forget(self) -> None:
        self._values.clear()

    def action_close(self) -> None:
        """Forget, then close."""
        self._left = True
        self.shown = False
        self._forget()
        self.query_one(OptionList).clear_options()
        super().action_close()

    def on_unmount(self) -> None:
        """However it was closed."""
        self._left = True
        self._forget()
