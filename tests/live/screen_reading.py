"""What the text of the Estate screen says: its header, its panes, and how well each source is known."""

from __future__ import annotations

import re
from collections.abc import Callable

LIVE_SIGNS = ("●", "◐")
SOURCES = ("wroclaw", "kyiv", "cluster", "argocd", "vault")
PANES = {"argocd": 1, "cluster": 2, "wroclaw": 3, "kyiv": 4, "vault": 5}


def sign(text: str, source: str) -> str:
    """The word and sign of a source in the header: `●`, `✗ stale`."""
    found = re.search(rf"\b{source} (\S+(?: (?:stale|down|denied|connecting|signed out))?)", text.split("\n", 1)[0])
    return found[1] if found else ""


def is_live(text: str, source: str) -> bool:
    return sign(text, source).startswith(LIVE_SIGNS)


def all_live(text: str) -> bool:
    return all(is_live(text, source) for source in SOURCES)


def pane(text: str, number: int) -> list[str]:
    """The lines of a pane, from its upper edge to its lower one; nothing when it is not on the screen."""
    lines = text.split("\n")
    for top, line in enumerate(lines):
        corner = re.search(rf"[╭┏][─━] {number} ", line)
        if corner is None:
            continue
        left = corner.start()
        ends = sorted(at for at in (line.find(edge, left) for edge in "╮┓") if at > 0)
        if not ends:  # half of a frame has come
            return []
        found = []
        for each in lines[top:]:
            found.append(each[left : ends[0] + 1])
            if each[left] in "╰┗":
                return found
    return []


def note(text: str, number: int) -> str:
    """What stands in the lower edge of a pane: `✗ stale since 14:02 · connection refused`."""
    lines = pane(text, number)
    return lines[-1].strip("╰╯┗┛─━ ") if lines else ""


def focused(text: str, number: int) -> bool:
    lines = pane(text, number)
    return bool(lines) and lines[0].startswith("┏")


def lost(source: str, why: str, *states: str) -> Callable[[str], bool]:
    """Does the pane, in its edge or where its rows would be, give the state, since when, and why; and the header the state?"""
    words = re.compile(rf"✗ ({'|'.join(states)}) since \d\d:\d\d( · |.*)({why})", re.DOTALL)

    def check(text: str) -> bool:
        shown = pane(text, PANES[source])
        said = note(text, PANES[source]) + "".join(shown[1:-1])
        return bool(words.search(said)) and any(sign(text, source) == f"✗ {state}" for state in states)

    return check


def back(source: str) -> Callable[[str], bool]:
    """Is the source live, by the header and by its pane?"""
    return lambda text: is_live(text, source) and " since " not in note(text, PANES[source])


def others_are_live(text: str, source: str) -> None:
    for other in SOURCES:
        if other != source:
            assert is_live(text, other), f"{other} is {sign(text, other)!r}\n{text}"
            assert " since " not in note(text, PANES[other]), text
