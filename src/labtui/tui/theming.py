"""Themes from TOML files: labtui's own and the user's, each checked before Textual sees it.

A file holds the fields of `textual.theme.Theme`, `about` (a line for the list of themes) and a table `[variables]`:
labtui's tokens (VARIABLE_DEFAULTS) and the variables that Textual knows (https://textual.textualize.io/guide/design/).
What a file leaves out has a default.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import Theme

import labtui

DARK: Mapping[str, str] = MappingProxyType(
    {
        "level-broken": "#ff8a80",
        "level-drifted": "#e3b550",
        "level-moving": "#7cb7ff",
        "level-unknown": "#c3a9f0",
        "level-well": "#7fce8e",
        "level-off": "#a0a8b3",
        "row-header": "#a6b0bd",
        "row-muted": "#a0a8b3",
        "row-stale": "#9ca5b1",
        "row-mark": "#5fd1d9",
        "row-cursor": "#2c394d",
        "row-cursor-blurred": "#222933",
        "row-tint": "#1d393f",
        "pane-border": "#4e5258",
        "pane-border-focus": "#7cb7ff",
    }
)
LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "level-broken": "#ab1f15",
        "level-drifted": "#7a4d00",
        "level-moving": "#0a569f",
        "level-unknown": "#63409c",
        "level-well": "#17632f",
        "level-off": "#535b65",
        "row-header": "#4b5563",
        "row-muted": "#535b65",
        "row-stale": "#5a626c",
        "row-mark": "#0b6470",
        "row-cursor": "#d3e2f4",
        "row-cursor-blurred": "#e7ebef",
        "row-tint": "#c9ebe8",
        "pane-border": "#b9babb",
        "pane-border-focus": "#0a569f",
    }
)
# For `App.get_theme_variable_defaults`: what a theme of Textual's own has for our tokens.
VARIABLE_DEFAULTS = dict(DARK)

_COLOURS = (
    *("primary", "secondary", "warning", "error", "success", "accent"),
    *("foreground", "background", "surface", "panel", "boost"),
)
_KEYS = ("name", "about", "dark", "ansi", "luminosity_spread", "text_alpha", "variables", *_COLOURS)
_TEXT_STYLES = frozenset({"none", "bold", "b", "dim", "italic", "i", "reverse", "r", "strike", "underline", "u", "not"})
_SUFFIX = re.compile(r"\s+\d{1,3}(\.\d+)?%$")  # `#ff0000 30%`: an opacity
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_LONGEST_ABOUT = 100
_GREATEST_FILE = 100_000  # bytes; a theme is 2 kB


@dataclass(frozen=True, slots=True)
class Loaded:
    """Themes by name, later folders win; and the files that cannot be used, each with the reason."""

    themes: dict[str, Theme] = field(default_factory=dict)
    failed: tuple[tuple[Path, str], ...] = ()
    files: dict[str, Path] = field(default_factory=dict)  # where each theme comes from, by its name
    about: dict[str, str] = field(default_factory=dict)  # what each theme says of itself, by its name


def shipped_dir() -> Path:
    """The folder of labtui's own themes: in the package when installed, at the top of the repository in a checkout."""
    package = Path(labtui.__file__).resolve().parent
    installed = package / "data" / "themes"
    return installed if installed.is_dir() else package.parents[1] / "themes"


def load_themes(dirs: Iterable[Path]) -> Loaded:
    """The shipped themes, then those in `dirs` (the user's). A file that is wrong is reported and never stops another."""
    return load_files(path for folder in (shipped_dir(), *dirs) for path in sorted(folder.glob("*.toml")))


def load_files(paths: Iterable[Path]) -> Loaded:
    """The themes of these files; of two with one name the later one wins."""
    loaded = Loaded()
    failed: list[tuple[Path, str]] = []
    for path in paths:
        try:
            theme, about = _read(path)
        except _Wrong as wrong:
            failed.append((path, str(wrong)))
        else:
            loaded.themes[theme.name] = theme
            loaded.files[theme.name] = path
            loaded.about[theme.name] = about
    return Loaded(loaded.themes, tuple(failed), loaded.files, loaded.about)


def stamps(dirs: Iterable[Path]) -> frozenset[tuple[str, int, int]]:
    """File, time of change (ns) and size of every theme file: different as soon as one was written, made or removed."""
    found = set()
    for folder in (shipped_dir(), *dirs):
        with (
            suppress(OSError),
            os.scandir(folder) as entries,
        ):  # it is not there, or may not be read: reading it says so
            for entry in entries:
                if entry.name.endswith(".toml"):
                    with suppress(OSError):  # it has gone since
                        status = entry.stat()
                        found.add((entry.path, status.st_mtime_ns, status.st_size))
    return frozenset(found)


class _Wrong(Exception):
    """Why a file is not a theme, in words."""


def _read(path: Path) -> tuple[Theme, str]:
    """One theme file, completely checked, and what it says of itself."""
    try:
        if path.stat().st_size > _GREATEST_FILE:
            raise _Wrong("too large for a theme")
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _Wrong(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _Wrong("is not UTF-8 text") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _Wrong(f"is not TOML: {error}") from error
    about = data.get("about", "")
    if not isinstance(about, str) or len(about) > _LONGEST_ABOUT:
        raise _Wrong(f"about: must be a text of at most {_LONGEST_ABOUT} letters")
    return _make(data, path.stem), about


def _make(data: Mapping[str, Any], default_name: str) -> Theme:
    _known("key", data, _KEYS)
    name = data.get("name", default_name)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _Wrong(f"name: {name!r} is not a name (small letters, digits, - . _)")
    if "primary" not in data:
        raise _Wrong("primary: a theme needs at least this colour")
    colours = {key: _colour(key, data[key]) for key in _COLOURS if key in data}
    switches = {key: _switch(key, data[key]) for key in ("dark", "ansi") if key in data}
    shares = {key: _share(key, data[key]) for key in ("luminosity_spread", "text_alpha") if key in data}
    own = data.get("variables", {})
    if not isinstance(own, dict):
        raise _Wrong("variables: must be a table, [variables]")
    defaults = DARK if switches.get("dark", True) else LIGHT
    theme = Theme(name=name, **colours, **switches, **shares)  # type: ignore[arg-type]
    _known("variable", own, (*defaults, *theme.to_color_system().generate()))
    theme.variables = {**defaults, **{key: _variable(key, value) for key, value in own.items()}}
    theme.to_color_system().generate()
    return theme


def _known(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    names = set(known)
    for key in given:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
            raise _Wrong(f"{key}: no such {what}" + (f"; did you mean {near[0]}?" if near else ""))


def _colour(key: str, value: object) -> str:
    if isinstance(value, str):
        try:
            Color.parse(value)
        except ColorParseError:
            pass  # said below, in one way for all values
        else:
            return value
    raise _Wrong(f'{key}: {value!r} is not a colour (like "#7cb7ff" or "rgb(124,183,255)")')


def _variable(key: str, value: object) -> str:
    """labtui's own tokens are colours; Textual's may also be `auto 87%`, `red 30%` or text styles."""
    if isinstance(value, str) and key not in DARK:
        if value.split() and _TEXT_STYLES.issuperset(value.split()):
            return value
        bare = _SUFFIX.sub("", value)
        if bare == "auto":
            return value
        _colour(key, bare)
        return value
    return _colour(key, value)


def _switch(key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _Wrong(f"{key}: {value!r} is not true or false")


def _share(key: str, value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise _Wrong(f"{key}: {value!r} is not a number from 0 to 1")
