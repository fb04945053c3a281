"""Theme files: ours are readable, wrong ones are named and harmless."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color

from labtui.tui import theming
from tests.support.contrast import EYES, contrast, difference, seen_by

TEXTS = (
    "foreground",
    *(f"level-{level}" for level in ("broken", "drifted", "moving", "unknown", "well", "off")),
    *("row-header", "row-muted", "row-stale", "row-mark"),
)
TEXTS += ("primary", "secondary", "accent", "success", "warning", "error")
GROUNDS = ("background", "surface", "panel", "row-cursor", "row-cursor-blurred", "row-tint")
NAMES = sorted(theming.load_themes([]).themes)


def colours_of(name: str) -> dict[str, Color]:
    theme = theming.load_themes([]).themes[name]
    colours = {**theme.to_color_system().generate(), **theme.variables}
    return {token: Color.parse(colours[token]) for token in (*TEXTS, *GROUNDS, "pane-border", "pane-border-focus")}


@pytest.mark.parametrize("name", NAMES)
def test_texts_of_the_shipped_themes_can_be_read_on_every_background(name: str) -> None:
    colours, wanted = colours_of(name), 7.0 if "contrast" in name else 4.5
    weak = [
        f"{text} on {ground}: {ratio:.2f}"
        for text in TEXTS
        for ground in GROUNDS
        if (ratio := contrast(colours[text], colours[ground])) < wanted
    ]
    assert weak == []


@pytest.mark.parametrize("name", NAMES)
def test_the_focus_and_the_cursor_can_be_seen(name: str) -> None:
    colours = colours_of(name)
    assert contrast(colours["pane-border-focus"], colours["background"]) >= 3
    assert contrast(colours["pane-border-focus"], colours["pane-border"]) >= 1.5
    assert colours["row-cursor"] != colours["row-cursor-blurred"] != colours["background"]


def test_there_are_dark_and_light_ones_with_high_contrast_and_without_colour() -> None:
    themes = theming.load_themes([]).themes
    assert {name for name, theme in themes.items() if not theme.dark} == {
        "labtui-light",
        "labtui-paper",
        "labtui-contrast-light",
    }
    grey = {**themes["labtui-no-colour"].to_color_system().generate(), **themes["labtui-no-colour"].variables}
    coloured = {
        key: value for key, value in grey.items() if value.startswith("#") and len(set(Color.parse(value).rgb)) > 1
    }
    assert coloured == {}


@pytest.mark.parametrize("eyes", EYES)
def test_blue_and_orange_tells_the_levels_apart_for_eyes_without_red_or_green(eyes: str) -> None:
    def nearest(name: str) -> float:
        colours = colours_of(name)
        levels = [
            seen_by(eyes, colours[token]) for token in TEXTS if token.startswith("level-") and token != "level-off"
        ]
        return min(difference(one, other) for one, other in itertools.combinations(levels, 2))

    assert nearest("labtui-blue-orange") >= 20 > nearest("labtui-dark")


def test_each_level_has_a_colour_of_its_own() -> None:
    for theme in theming.load_themes([]).themes.values():
        levels = [theme.variables[name] for name in TEXTS if name.startswith("level-")]
        assert len(set(levels)) == len(levels)


def test_the_shipped_files_are_complete_and_agree_with_the_defaults() -> None:
    loaded = theming.load_themes([])
    assert loaded.failed == ()
    assert len(loaded.themes) == 8
    assert all(loaded.about[name] for name in loaded.themes)
    for name, defaults in (("labtui-dark", theming.DARK), ("labtui-light", theming.LIGHT)):
        assert {key: loaded.themes[name].variables[key] for key in defaults} == dict(defaults)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('primary = "#fff"\nbackgrund = "#000"', "backgrund: no such key; did you mean background?"),
        (
            'primary = "#fff"\n[variables]\nlevel-brokn = "#000"',
            "level-brokn: no such variable; did you mean level-broken?",
        ),
        ('primary = "reddish"', "primary: 'reddish' is not a colour"),
        ('primary = "#fff"\n[variables]\nlevel-broken = "bold"', "level-broken: 'bold' is not a colour"),
        ('primary = "#fff"\n[variables]\nborder = "nonsense 5%"', "border: 'nonsense' is not a colour"),
        ('primary = "#fff"\ndark = "yes"', "dark: 'yes' is not true or false"),
        ('primary = "#fff"\ntext_alpha = 3', "text_alpha: 3 is not a number from 0 to 1"),
        ('primary = "#fff"\nvariables = 3', "variables: must be a table"),
        ('primary = "#fff"\nabout = 3', "about: must be a text of at most 100 letters"),
        ("dark = true", "primary: a theme needs at least this colour"),
        ('primary = "#fff"\nname = "../x"', "name: '../x' is not a name"),
        ("primary =", "is not TOML: Invalid value (at end of document)"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason_and_stops_no_other(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a-wrong.toml").write_text(text)
    (tmp_path / "b-good.toml").write_text('primary = "#336699"')
    loaded = theming.load_themes([tmp_path, tmp_path / "not-there"])
    assert [path.name for path, _ in loaded.failed] == ["a-wrong.toml"]
    assert loaded.failed[0][1].startswith(reason)
    assert {"b-good", *NAMES} == set(loaded.themes)


def test_bytes_that_are_no_text_and_folders_are_reported(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.toml").mkdir()
    reasons = {path.name: reason for path, reason in theming.load_themes([tmp_path]).failed}
    assert reasons == {"bytes.toml": "is not UTF-8 text", "folder.toml": "cannot be read: Is a directory"}


def test_the_users_theme_wins_over_a_shipped_one_and_gets_the_tokens_it_left_out(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "labtui-light"\nprimary = "#112233"\ndark = false')
    theme = theming.load_themes([tmp_path]).themes["labtui-light"]
    assert theme.primary == "#112233"
    assert theme.variables["level-broken"] == theming.LIGHT["level-broken"]


def test_textual_variables_may_be_styles_and_opacities(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'primary = "#112233"\n[variables]\nblock-cursor-text-style = "bold underline"\n'
        'footer-foreground = "auto 87%"\ninput-selection-background = "#9399b2 30%"\n'
    )
    assert theming.load_themes([tmp_path]).failed == ()


async def wear(name: str, expected: str) -> None:
    """Put a theme on a bare app and wait until its colour has arrived in the styles."""

    class Bare(App[None]):
        CSS = "Screen { color: $level-broken; border: solid $pane-border-focus; }"

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return theming.VARIABLE_DEFAULTS

    app = Bare()
    async with app.run_test(), asyncio.timeout(5):
        for theme in theming.load_themes([]).themes.values():
            app.register_theme(theme)
        app.theme = name
        while app.screen.styles.color.hex.lower() != expected:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", [*NAMES, "textual-dark", "nord"])
def test_textual_wears_every_theme_with_our_tokens(name: str) -> None:
    theme = theming.load_themes([]).themes.get(name)
    expected = theme.variables["level-broken"] if theme else theming.VARIABLE_DEFAULTS["level-broken"]
    asyncio.run(wear(name, expected))


def test_a_theme_nested_without_end_is_reported(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("primary = " + "[" * 5000)
    loaded = theming.load_themes((tmp_path,))
    assert [path.name for path, _ in loaded.failed] == ["deep.toml"]
