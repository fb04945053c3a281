"""The keys of the screen: one registry of what is not in `core.actions`, and the user's own keys from `keys.yaml`."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from textual.binding import Binding

from labtui.domain.resources import Migration
from labtui.domain.text import clean


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the screen itself. `keys` are Textual's names, comma separated; `action` is a Textual action."""

    id: str
    keys: str
    title: str
    help: str
    action: str
    on: tuple[type, ...] = ()  # the kinds of rows that it is for; empty: it works whatever is chosen


ESTATE_KEYS: tuple[Key, ...] = (
    Key("estate.filter", "slash", "Filter", "Show only rows with this text; ! in front: only those without", "filter"),
    Key("estate.sort", "o", "Sort", "Sort by the next column; after the last one: what needs you first", "sort"),
    Key("estate.reverse", "O", "Reverse", "Turn the order round", "reverse"),
    Key("estate.zoom", "z", "Zoom", "The pane on the whole screen, and back", "zoom"),
    Key("estate.next", "tab", "Next pane", "To the next pane", "next_pane"),
    Key("estate.previous", "shift+tab", "Previous pane", "To the previous pane", "previous_pane"),
    Key("estate.source", "i", "Source", "Why a source is as it is, since when, and what to do", "source"),
    Key("estate.back", "escape", "Back", "Leave the filter, the zoom, the dialog", "back"),
    *(Key(f"estate.pane_{n}", str(n), f"Pane {n}", f"To pane {n}", f"pane({n})") for n in range(1, 10)),
)

MIGRATION_KEYS: tuple[Key, ...] = (
    Key(
        "migration.undo_to",
        "u",
        "Undo to here",
        "Take back what came after the step under the cursor",
        "undo_to",
        (Migration,),
    ),
)

APP_KEYS: tuple[Key, ...] = (
    Key(
        "app.commands",
        "colon,ctrl+p",
        "Commands",
        "Find any action, pane, resource or theme by name",
        "command_palette",
    ),
    Key("app.help", "question_mark,f1", "Help", "All keys and what they do", "help"),
    Key("app.audit", "A", "Audit", "Who did what, when, and how it ended", "audit"),
    Key("app.sign_in", "L", "Sign in", "Sign in to the source of this pane", "sign_in"),
    Key("app.theme", "T", "Theme", "Choose a theme; what you point at is worn at once", "themes"),
    Key("app.suspend", "ctrl+z", "Suspend", "Back to the shell; fg brings labtui back", "suspend_process"),
    Key("app.quit", "q,ctrl+q", "Quit", "Leave labtui; nothing that runs elsewhere is stopped", "quit"),
)


def table_keys() -> tuple[Key, ...]:
    """The keys of a table, which binds them itself; they are named here for `keys.yaml` and the help page."""
    from labtui.tui.widgets.row_table import RowTable

    found = (b for b in RowTable.BINDINGS if isinstance(b, Binding) and b.id)
    return tuple(Key(b.id or "", b.key, b.description, b.description, b.action) for b in found)


def bindings(keys: Iterable[Key]) -> list[Binding]:
    """Textual bindings, with the ids that `keys.yaml` uses."""
    return [
        # done by the app itself, before it hands on the next key: what is typed after it belongs to the filter
        Binding(k.keys, k.action, k.title, show=False, id=k.id, tooltip=k.help, priority=k.id == "estate.filter")
        for k in keys
    ]


def action_bindings() -> list[Binding]:
    """A binding for every action of the registry. Those that share a key differ in the rows that they are for."""
    from labtui.core.actions import ACTIONS

    return [
        Binding(action.key, f"run('{action.id}')", action.title, show=False, id=action.id, tooltip=action.help)
        for action in ACTIONS
    ]


def _screen_keys() -> tuple[Key, ...]:
    return (*table_keys(), *ESTATE_KEYS, *MIGRATION_KEYS, *APP_KEYS)


@cache
def defaults() -> dict[str, str]:
    """Every id that a key can be given to, with its default keys."""
    from labtui.core.actions import ACTIONS

    return {a.id: a.key for a in ACTIONS} | {k.id: k.keys for k in _screen_keys()}


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force: `overrides` is what differs from the defaults, `problems` why something was ignored."""

    overrides: Mapping[str, str]
    problems: tuple[str, ...] = ()

    def keys(self, identity: str) -> frozenset[str]:
        """All keys of an action, by Textual's names."""
        return frozenset((self.overrides.get(identity) or defaults().get(identity, "")).split(","))

    def of(self, identity: str) -> str:
        """The first key of an action, in the words of a keyboard."""
        return spoken((self.overrides.get(identity) or defaults().get(identity, "")).partition(",")[0])


_SPOKEN = {
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "escape": "esc",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "comma": ",",
    "full_stop": ".",
}
_NAMES = {spoken: name for name, spoken in _SPOKEN.items()}


def spoken(key: str) -> str:
    """A key as people write it: `slash` is `/`."""
    key = key.strip()
    return _SPOKEN.get(key, key)


def _named(key: str) -> str:
    key = key.strip()
    return _NAMES.get(key, key)


def _is_key(name: str) -> bool:
    """Does Textual ever report a key of this name? A letter, `f5`, `slash` or `ctrl+s`."""
    from textual.keys import KEY_NAME_REPLACEMENTS, Keys

    if len(name) == 1:
        return name.isprintable() and name != " "
    *modifiers, bare = name.split("+")
    if not {"ctrl", "shift", "alt", "super", "hyper", "meta"}.issuperset(modifiers):
        return False
    if len(bare) == 1 or bare in {*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values()}:
        return bare.isprintable()
    try:
        return bool(unicodedata.lookup(bare.replace("_", " ")))  # `exclamation_mark`
    except KeyError:
        return bare == "hyphen_minus"


def resolve(wanted: Mapping[str, object]) -> Keymap:
    """Check the user's keys. An unknown id, or a key that something else has, is reported and ignored."""
    known = defaults()
    problems: list[str] = []
    overrides: dict[str, str] = {}
    for identity, value in wanted.items():
        if identity not in known:
            import difflib

            near = difflib.get_close_matches(str(identity), known, 1)
            problems.append(f"unknown action {identity!s}" + (f"; the nearest is {near[0]}" if near else ""))
        elif not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
            problems.append(f"{identity}: a key is a text such as s, ctrl+s or f5")
        else:
            names = [_named(k) for k in str(value).split(",") if k.strip()] or [_named(str(value))]
            if wrong := [spoken(n) for n in names if not _is_key(n)]:
                problems.append(
                    f"{identity}: {clean(', '.join(wrong), 40)} is no key; a key is a text such as s, ctrl+s or f5"
                )
            else:
                overrides[identity] = ",".join(names)
    while clash := _first_clash(known, overrides):
        key, loser, winner = clash
        problems.append(f"{loser}: the key {spoken(key)} already belongs to {winner}")
        del overrides[loser]
    return Keymap(overrides, tuple(problems))


def _first_clash(known: Mapping[str, str], overrides: Mapping[str, str]) -> tuple[str, str, str] | None:
    """A key that two ids have for the same row: the key, the override to drop, and the id that keeps it."""
    owners: dict[str, list[str]] = {}
    kinds = _kinds()
    # the user's own are looked at last, so that they are the ones that give way
    for identity in sorted(known, key=lambda i: i in overrides):
        for key in overrides.get(identity, known[identity]).split(","):
            for owner in owners.setdefault(key, []):
                if _meet(kinds[identity], kinds[owner]):
                    return key, identity, owner
            owners[key].append(identity)
    return None


@cache
def _kinds() -> dict[str, tuple[type, ...]]:
    """By id, the kinds of rows that it is for; empty for what works everywhere."""
    from labtui.core.actions import ACTIONS

    return {a.id: a.on for a in ACTIONS} | {k.id: k.on for k in _screen_keys()}


def _meet(one: tuple[type, ...], other: tuple[type, ...]) -> bool:
    return not one or not other or bool(set(one) & set(other))


def load(path: Path) -> Keymap:
    """The user's keys from a file of `action id: key` lines; no file means the defaults."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Keymap({})
    except (OSError, UnicodeDecodeError) as error:
        return Keymap({}, (f"{path}: {error}",))
    import yaml  # 20 ms that nobody waits for who has no such file

    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        return Keymap({}, (f"{path}: {error}",))
    if data is None:
        return Keymap({})
    if not isinstance(data, dict):
        return Keymap({}, (f"{path}: expected lines such as `argocd.sync: s`",))
    return resolve({str(k): v for k, v in data.items()})
