"""The theme that is worn, those to choose from, and what happens when a theme file changes while labtui runs.

Files are looked at when the terminal gets the focus, when the list of themes is opened, and every two seconds if the
user has a folder of themes: a few `stat` calls, less than a millisecond. Who has no such folder pays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from labtui.tui import settings, theming

if TYPE_CHECKING:
    from textual.theme import Theme

DEFAULT_THEME = "labtui-dark"
LOOK = 2.0  # seconds between two looks at the user's theme files


class ThemeChoice:
    """Belongs to one app and changes nothing of it but the theme."""

    def __init__(self, app: App[Any], dirs: Iterable[Path]) -> None:
        self.names: list[str] = []  # those to choose from: dark ones first, each family by name
        self.changed: Callable[[], None] = lambda: (
            None
        )  # called when `names`, `loaded` or a theme's colours have changed
        self.loaded = theming.Loaded()
        self._app = app
        self._dirs = tuple(dirs)
        self._stamps: frozenset[tuple[str, int, int]] = frozenset()
        self._missing = ""  # a theme that was asked for and is not there
        self._watching = False

    @property
    def complete(self) -> bool:
        """Have all files been read? They are after the first frame."""
        return bool(self._stamps)

    # At the start

    def dress(self, wanted: str | None) -> None:
        """Choose the theme before anything is styled: styling twice would cost a tenth of the first frame."""
        name = wanted or settings.remembered_theme() or DEFAULT_THEME
        path = theming.shipped_dir() / f"{name}.toml"
        alone = path.is_file() and not self._has_folder()  # then the others are read after the first frame
        loaded = theming.load_files([path]) if alone else theming.load_themes(self._dirs)
        if name not in loaded.themes:
            self._missing, name = name, DEFAULT_THEME
        self._take(loaded)
        self._app.set_reactive(App.theme, name)
        self._app.stylesheet.set_variables(self._app.get_css_variables())

    def load(self) -> None:
        """Read all theme files, say which cannot be used, and follow their changes from now on."""
        self._stamps = theming.stamps(self._dirs)
        loaded = theming.load_themes(self._dirs)
        self._take(loaded)
        if self._missing:
            text = f"There is no theme {self._missing}; {DEFAULT_THEME} is used"
            self._app.notify(text, title="Theme", severity="warning")
        self._tell(loaded.failed, "Themes that cannot be used", "")
        self._watch()

    def _has_folder(self) -> bool:
        return any(folder.is_dir() for folder in self._dirs)

    def _watch(self) -> None:
        if not self._watching and self._has_folder():
            self._watching = True
            self._app.set_interval(LOOK, self.look_again)

    # While it runs

    def look_again(self) -> None:
        """Read the theme files if one of them has changed. A file that is wrong now keeps the theme that it gave before."""
        if not self.complete:
            return
        self._watch()
        stamps = theming.stamps(self._dirs)
        if stamps == self._stamps:
            return
        self._stamps = stamps
        before, loaded = self.loaded, theming.load_themes(self._dirs)
        wrong = {path for path, _ in loaded.failed}
        for name, path in before.files.items():
            if path in wrong or (name == self._app.theme and name not in loaded.themes):
                loaded.themes[name] = before.themes[name]
                loaded.files[name] = path
                loaded.about[name] = before.about[name]
        self._take(loaded)
        if before.themes.get(self._app.theme) != loaded.themes.get(self._app.theme):
            self._app.mutate_reactive(App.theme)  # the name is the same, the colours are not
        news = [failed for failed in loaded.failed if failed not in before.failed]
        self._tell(news, "Theme file not taken over", "\nThe colours stay as they were.")
        self.changed()

    def _take(self, loaded: theming.Loaded) -> None:
        """Make these the themes to choose from. Textual's own are not among them: they lack our colours."""
        self.loaded = loaded
        for theme in loaded.themes.values():
            self._app.register_theme(theme)
        self.names = sorted(loaded.themes, key=lambda name: _rank(loaded.themes[name]))

    def _tell(self, failed: Iterable[tuple[Path, str]], title: str, then: str) -> None:
        text = "\n".join(f"{path.name}: {reason}" for path, reason in failed)
        if text:
            self._app.notify(text + then, title=title, severity="warning", timeout=12)

    # What the user chooses

    def try_on(self, name: str) -> None:
        """Wear a theme without remembering it."""
        if name in self.loaded.themes:
            self._app.theme = name

    def choose(self, name: str) -> None:
        """Use a theme from now on, also next time."""
        self.try_on(name)
        settings.remember_theme(name)


def _rank(theme: Theme) -> tuple[bool, bool, str]:
    """Dark before light, labtui's own before the user's, then by name."""
    return not theme.dark, not theme.name.startswith("labtui"), theme.name
