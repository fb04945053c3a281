"""Choosing a theme: the whole screen wears the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from labtui.domain.states import Level
from labtui.domain.text import clean
from labtui.tui.screens.dialog import Dialog
from labtui.tui.theme_choice import ThemeChoice
from labtui.tui.widgets.page import Page, Row, Tone, styled, tone_of

WIDEST_NAME = 24


class ThemeScreen(Dialog[None]):
    """Enter keeps the theme and remembers it, esc brings the former one back. Theme files that are wrong are named."""

    DEFAULT_CSS = """
    ThemeScreen { align: right bottom; }
    ThemeScreen > #dialog { max-width: 50; }
    ThemeScreen #signs { margin-top: 1; }
    ThemeScreen #about { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,T", "close", "Back", key_display="esc"),
        Binding("enter", "keep", "Use it"),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(self, themes: ThemeChoice) -> None:
        super().__init__("Theme")
        self._themes = themes
        self._before = ""  # the theme to go back to

    def content(self) -> ComposeResult:
        """The names."""
        yield OptionList(id="body", markup=False, compact=True)

    def foot(self) -> ComposeResult:
        """What it is for, the signs in its colours, and files that cannot be used."""
        yield Static(styled(_signs()), id="signs")
        yield Page(css_id="about")
        with Horizontal(classes="buttons"):
            yield Button("Use it (enter)", compact=True, action="screen.keep")
            yield Button("Back", compact=True, action="screen.close")

    def on_mount(self) -> None:
        """Stand on the theme that is worn."""
        super().on_mount()
        self._before = self.app.theme
        self._themes.changed = self.fill
        self.fill()

    def on_unmount(self) -> None:
        """Changes of files are no more its business."""
        self._themes.changed = lambda: None

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def fill(self) -> None:
        """The names as they are now: a file may have come, gone, or been mended."""
        names = self._themes.names
        options = self._list
        with self.prevent(OptionList.OptionHighlighted):
            options.set_options([self._option(name) for name in names])
            options.highlighted = names.index(self.app.theme) if self.app.theme in names else None
        self._tell()

    def _option(self, name: str) -> Option:
        theme = self._themes.loaded.themes[name]
        now = "● " if name == self._before else "  "
        family = "dark" if theme.dark else "light"
        return Option(
            styled(((now, "well"), (f"{clean(name, WIDEST_NAME):<{WIDEST_NAME}} ", ""), (family, "muted"))), name
        )

    def _tell(self) -> None:
        name, loaded = self.app.theme, self._themes.loaded
        about = loaded.about.get(name) or (f"from {loaded.files[name].name}" if name in loaded.files else "")
        rows = [Row("", about, "muted", width=0)]
        for path, reason in loaded.failed:
            rows += [Row(width=0), Row("✗", f"{path}: {reason}", "", "broken", width=2)]
        self.query_one("#about", Page).rows = tuple(rows)

    @on(OptionList.OptionHighlighted)
    def _try_on(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_id is not None:
            self._themes.try_on(event.option_id)
            self._tell()

    @on(OptionList.OptionSelected)
    def action_keep(self) -> None:
        """Wear it from now on, also next time."""
        self._themes.choose(self.app.theme)
        self.leave()

    def action_close(self) -> None:
        """The former theme again."""
        self._themes.try_on(self._before)
        super().action_close()


def _signs() -> list[tuple[str, Tone]]:
    """Every level in its colour, on two lines."""
    words: list[tuple[str, Tone]] = [(f"{level.sign} {level.name.lower():<9}", tone_of(level)) for level in Level]
    return [*words[:3], ("\n", ""), *words[3:]]
