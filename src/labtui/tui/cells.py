"""What a table shows: columns, rows and cells as plain values. No Textual in here, so that they are cheap to make and test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from labtui.domain.ref import Ref
from labtui.domain.states import Level
from labtui.domain.text import clean

Align = Literal["left", "right"]

# The style of a text: each token is one colour of the theme with one meaning, "" is plain text.
Token = Literal["", "broken", "drifted", "moving", "unknown", "well", "off", "muted"]
TOKENS: tuple[Token, ...] = ("broken", "drifted", "moving", "unknown", "well", "off", "muted")


@dataclass(frozen=True, slots=True)
class Cell:
    """One text of a row. The text is made harmless here, so no cell can hold anything else.

    `sort` orders the column where the text would not (ages, sizes); it is not shown and
    so does not make a cell different.
    """

    text: str = ""
    style: Token = ""
    sort: float | str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not (self.text.isascii() and self.text.isprintable()):
            object.__setattr__(self, "text", clean(self.text))


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `width` is in terminal cells; None takes a share of what is left, between `min_width` and `max_width`.

    Columns of `priority` 0 are always there. The others follow by priority, lowest first, as long as every column that
    shares has its `comfort` (at least `min_width`): names are read before anything else. A text that is too long loses
    its end, with `keep_end` its beginning. Changes in a `quiet` column (ages, CPU) do not count as news. In a `group`
    column the name of a row's group is shown once, then `▸`.
    """

    key: str
    title: str
    width: int | None = None
    min_width: int = 4
    comfort: int = 0
    max_width: int = 200
    align: Align = "left"
    priority: int = 0
    quiet: bool = False
    group: bool = False
    keep_end: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One thing, ready to be shown: a cell for each column, in their order.

    `sort_key` orders rows of one level (names, case-folded); `search` is the case-folded text that a filter looks in.
    Rows of one `group` (not empty) stay together, placed by the worst of them. `counts` is false for rows that are not
    themselves what a pane counts (folders among secrets).
    """

    ref: Ref
    cells: tuple[Cell, ...]
    level: Level
    sort_key: tuple[str, ...] = ()
    search: str = ""
    group: str = ""
    counts: bool = True


def row(
    ref: Ref,
    level: Level,
    cells: tuple[Cell, ...],
    *,
    sort_key: tuple[str, ...],
    also: tuple[str, ...] = (),
    group: str = "",
    counts: bool = True,
) -> Row:
    """A Row that can be found by its cells, by its level's name and by the texts in `also`."""
    words = [c.text for c in cells]
    words += (clean(text) for text in also)
    words.append(level.name)
    search = " ".join(filter(None, words)).casefold()
    return Row(ref, cells, level, tuple(key.casefold() for key in sort_key), search, group, counts)


def token(level: Level) -> Token:
    """The style token of a level."""
    return TOKENS[level.value]  # they begin with the levels, in their order


def alarm(level: Level) -> Token:
    """The style of a word that tells a level: coloured when it asks for attention, plain when all is well."""
    return "" if level is Level.WELL else token(level)
