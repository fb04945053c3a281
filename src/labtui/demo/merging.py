"""Putting a change of one text on top of another change of it, line by line, as `git revert` does."""

from __future__ import annotations

from difflib import SequenceMatcher

Hunk = tuple[int, int, tuple[str, ...]]  # lines of the base from, to; what takes their place


class Conflict(Exception):
    """Both changes are about the same lines."""


def merged(base: str | None, ours: str | None, theirs: str | None) -> str | None:
    """`base` with both changes; None is a text that is not there. Raises Conflict."""
    if ours == base:
        return theirs
    if theirs in (base, ours):
        return ours
    if base is None or ours is None or theirs is None:
        raise Conflict
    lines = base.splitlines(keepends=True)
    mine, others = _hunks(lines, ours), _hunks(lines, theirs)
    for first, last, new in mine:
        for begin, end, other in others:
            if first <= end and begin <= last and (first, last, new) != (begin, end, other):
                raise Conflict
    found = list(lines)
    for first, last, new in sorted({*mine, *others}, reverse=True):
        found[first:last] = new
    return "".join(found)


def _hunks(base: list[str], text: str) -> list[Hunk]:
    new = text.splitlines(keepends=True)
    matcher = SequenceMatcher(None, base, new, autojunk=False)
    return [(i1, i2, tuple(new[j1:j2])) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]
