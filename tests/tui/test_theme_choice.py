"""Choosing a theme with a look at it, and theme files that change while labtui runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.events import AppFocus
from textual.pilot import Pilot
from textual.widgets import OptionList

from labtui.tui import theme_choice
from labtui.tui.app import LabApp
from labtui.tui.widgets.page import Page
from tests.tui.fakes import FakeLab
from tests.tui.waiting import running, screen_text, toasts, until

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of themes. It is looked at when the terminal gets the focus; only one test waits for the clock."""
    monkeypatch.setattr(theme_choice, "LOOK", 3600.0)
    made = tmp_path / "themes"
    made.mkdir()
    return made


@asynccontextmanager
async def wearing(folder: Path, theme: str | None = None) -> AsyncIterator[tuple[LabApp, Pilot[int]]]:
    """The app with the sample estate and these themes, all of them read."""
    fake = FakeLab()
    fake.lab.theme_dirs = (folder,)
    fake.fill()
    async with running(fake, seen="grafana", theme=theme) as (app, pilot):
        await until(lambda: app.themes.complete, "the themes")
        yield app, pilot


def write(file: Path, primary: str, more: str = "") -> None:
    file.write_text(f'primary = "{primary}"\n{more}', encoding="utf-8")


def colour(app: LabApp) -> str:
    """The colour of the focused pane's title, to the nearest like #115577: Textual rounds."""
    return "#" + "".join(f"{round(part / 17):x}" * 2 for part in app.estate.pane.styles.border_title_color.rgb)


async def test_the_theme_under_the_cursor_is_worn_and_esc_brings_the_former_one_back(folder: Path) -> None:
    async with wearing(folder) as (app, pilot):
        assert app.theme == "labtui-dark"
        before = colour(app)
        await pilot.press("T")
        await until(lambda: "labtui-paper" in screen_text(app), "the list")
        assert "grafana" in screen_text(app)  # what is below can be seen
        options = app.screen.query_one(OptionList)
        assert options.highlighted == app.themes.names.index("labtui-dark")
        await pilot.press("end")
        await until(lambda: app.theme == "labtui-paper")
        await until(lambda: colour(app) == "#115577")
        assert "like print on paper" in screen_text(app)
        await pilot.press("escape")
        await until(lambda: app.screen is app.estate)
        await until(lambda: colour(app) == before)
    assert LabApp(FakeLab().lab).theme == "labtui-dark"


async def test_enter_keeps_the_theme_and_the_next_start_has_it(folder: Path) -> None:
    async with wearing(folder) as (app, pilot):
        await pilot.press("T")
        await until(lambda: "labtui-paper" in screen_text(app), "the list")
        await pilot.press("end", "enter")
        await until(lambda: app.screen is app.estate)
        assert app.theme == "labtui-paper"
    assert LabApp(FakeLab().lab).theme == "labtui-paper"


async def test_every_line_wears_the_new_theme_at_once(folder: Path) -> None:
    """Textual tells widgets of a new theme before it has made the styles of their parts."""
    async with wearing(folder, "labtui-light") as (app, _):
        app.themes.try_on("labtui-dusk")
        wanted = app.themes.loaded.themes["labtui-dusk"].variables
        painted: set[str] = set()

        def arrived() -> bool:
            strips = [app.estate.pane.render_line(y) for y in range(1, 6)]
            colours = [s.style.color for strip in strips for s in strip if s.style and s.style.color]
            painted.update(c.name for c in colours)
            return wanted["level-broken"] in {c.name for c in colours}

        await until(arrived, f"{wanted['level-broken']} among {painted}")


async def test_a_changed_file_changes_the_screen_when_the_terminal_gets_the_focus(folder: Path) -> None:
    write(folder / "mine.toml", "#ff0000")
    async with wearing(folder, "mine") as (app, _):
        assert colour(app) == "#ff0000"
        write(folder / "mine.toml", "#00ff00", "# changed")
        app.post_message(AppFocus())
        await until(lambda: colour(app) == "#00ff00")
        assert toasts(app) == []


async def test_a_changed_file_is_seen_without_the_focus_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme_choice, "LOOK", 0.05)
    write(folder / "mine.toml", "#ff0000")
    async with wearing(folder, "mine") as (app, _):
        write(folder / "mine.toml", "#00ff00", "# changed")
        await until(lambda: colour(app) == "#00ff00")


async def test_a_file_that_is_wrong_now_is_named_once_and_the_colours_stay(folder: Path) -> None:
    write(folder / "mine.toml", "#ff0000")
    async with wearing(folder, "mine") as (app, _):
        write(folder / "mine.toml", "#00ff00", 'acent = "#fff"')
        app.post_message(AppFocus())
        await until(lambda: toasts(app), "a word about it")
        said = "Theme file not taken over: mine.toml: acent: no such key; did you mean accent?\nThe colours stay as they were."
        assert toasts(app) == [said]
        assert (app.theme, colour(app)) == ("mine", "#ff0000")
        write(folder / "other.toml", "#0000ff")
        app.post_message(AppFocus())
        await until(lambda: "other" in app.themes.names)
        assert toasts(app) == [said]  # not again
        assert colour(app) == "#ff0000"
        write(folder / "mine.toml", "#00ff00")
        app.post_message(AppFocus())
        await until(lambda: colour(app) == "#00ff00")


async def test_a_removed_file_takes_no_colours_away(folder: Path) -> None:
    write(folder / "mine.toml", "#ff0000")
    async with wearing(folder, "mine") as (app, _):
        (folder / "mine.toml").unlink()
        write(folder / "other.toml", "#0000ff")
        app.post_message(AppFocus())
        await until(lambda: "other" in app.themes.names)
        assert (app.theme, colour(app)) == ("mine", "#ff0000")


async def test_the_list_names_files_that_cannot_be_used_and_follows_them(folder: Path) -> None:
    write(folder / "bad.toml", "#ff0000", "dark = 3")
    async with wearing(folder) as (app, pilot):
        await pilot.press("T")
        await until(lambda: "dark: 3 is not true or false" in " ".join(screen_text(app).split()), "the reason")
        assert len(app.screen.query_one(OptionList).options) == 8
        write(folder / "bad.toml", "#ff0000", "dark = true")
        app.post_message(AppFocus())
        await until(lambda: len(app.screen.query_one(OptionList).options) == 9)
        rows = app.screen.query_one("#about", Page).rows
        assert not any("dark: 3" in row.text for row in rows)
        assert app.theme == "labtui-dark"


async def test_without_a_folder_of_themes_nothing_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theme_choice, "LOOK", 0.01)
    looked: list[object] = []
    monkeypatch.setattr(theme_choice.ThemeChoice, "look_again", lambda self: looked.append(self))
    async with wearing(tmp_path / "not-there") as (app, pilot):
        await pilot.pause(0.1)
        assert app.themes.names and looked == []
