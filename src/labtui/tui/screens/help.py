"""All keys, and what the signs and states mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from labtui.core.actions import ACTIONS, Action
from labtui.domain.states import Level
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import BLANK, Page, Row, heading, item, tone_of

KeyGroup = tuple[str, Sequence[tuple[str, str]]]  # title; key as people read it, what it does

_GROUPS = {
    "argocd": "Argo CD application",
    "docker": "Compose service",
    "migration": "Migration",
    "vault": "Vault path",
}
_MEANINGS = {
    Level.BROKEN: "broken: degraded, failed or missing; look at it first",
    Level.DRIFTED: "drifted: it works, but is not what git says, or a rollback is not finished",
    Level.MOVING: "moving: it changes right now (a sync, a start, a deployment)",
    Level.UNKNOWN: "unknown: the server does not say, or may not be asked",
    Level.WELL: "well",
    Level.OFF: "off on purpose: stopped, suspended or scaled to nothing",
}
_STATES = (
    ("live", "what you see is what is, as it changes"),
    ("connecting", "asked for the first time, no answer yet"),
    ("stale", "the connection was lost: the last known rows, and since when"),
    ("down", "it has not answered since the start"),
    ("denied", "it answers, but you lack a permission"),
    ("signed out", "there are no credentials, or they have expired"),
)
_WORDS = (
    ("Synced", "the cluster is what git says"),
    ("OutOfSync", "the cluster differs from git; a sync makes it what git says"),
    ("Healthy", "all parts run"),
    ("Progressing", "not healthy yet, but on its way"),
    ("Degraded", "some part has failed"),
    ("Missing", "something that git wants is not in the cluster"),
    ("auto-sync", "Argo CD syncs by itself; paused: labtui switched it off for a rollback"),
)
_READABLE = {"question_mark": "?", "slash": "/", "colon": ":", "full_stop": ".", "comma": ",", "escape": "esc"}


def readable(keys: str) -> str:
    """Textual's names of keys as people write them: `question_mark,f1` becomes `? f1`."""
    return " ".join(_READABLE.get(key, key) for key in (k.strip() for k in keys.split(",")) if key)


class HelpScreen(Dialog[None]):
    """`general` are the keys of the screen itself; `keymap` the user's own keys by action id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "close", "Close", key_display="esc"),
        Binding("up,down", "nothing", "Scroll", key_display="↑↓"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, general: Sequence[KeyGroup] = (), keymap: Mapping[str, str] | None = None) -> None:
        super().__init__("Help")
        self._general = general
        self._keymap = keymap or {}

    def content(self) -> ComposeResult:
        """One page."""
        with VerticalScroll(id="body", can_focus=False):
            yield Page(self._rows())

    def _rows(self) -> list[Row]:
        groups: list[KeyGroup] = [*self._general, *self._actions()]
        width = 2 + max((len(key) for _, entries in groups for key, _ in entries), default=4)
        rows: list[Row] = []
        for title, entries in groups:
            rows += [heading(title), *(item(key, text, "strong", width=width) for key, text in entries), BLANK]
        rows += [heading("Signs"), *(item(lv.sign, _MEANINGS[lv], tone_of(lv), width=3) for lv in Level), BLANK]
        for title, words in (("States of a source", _STATES), ("Words of Argo CD", _WORDS)):
            rows += [heading(title), *(item(word, text, "strong", width=14) for word, text in words), BLANK]
        return rows[:-1]

    def _actions(self) -> list[KeyGroup]:
        groups: dict[str, list[tuple[str, str]]] = {}
        for action in ACTIONS:
            title = _GROUPS.get(action.id.partition(".")[0], action.id.partition(".")[0])
            groups.setdefault(title, []).append((readable(self._keymap.get(action.id, action.key)), _text(action)))
        return list(groups.items())


def _text(action: Action) -> str:
    return f"{action.title}: {action.help[:1].lower()}{action.help[1:]}"
