"""From columns and cells to one line of exactly the wanted width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from labtui.tui.cells import Align, Column

GUTTER = 3  # mark, sign, blank
MARGIN = 1  # blank at the right edge
# A right-to-left cell ends with a left-to-right mark. Terminals that apply the Unicode bidirectional algorithm (UAX #9) to a
# line would otherwise let it swallow the blanks and digits after it; the mark makes what follows left-to-right again.
# The mark and not isolates (U+2068, U+2069): it is as old as Unicode and zero wide even on the Linux console, which prints
# isolates as a box. It stands at the end of a segment, because some emulators drop the rest of a run after it.
FENCE = "\u200e"


@dataclass(frozen=True, slots=True)
class Slot:
    """A column that is shown: its place among the columns and its width in cells."""

    place: int
    width: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns shown at some width, `gap` blank cells between them."""

    slots: tuple[Slot, ...]
    gap: int


def lay_out(columns: Sequence[Column], width: int) -> Layout:
    """Which columns fit into a table of `width` cells, and how wide each is. Depends on nothing else: data never moves it."""
    room = max(0, width - GUTTER - MARGIN)
    gap = 2 if room >= 40 else 1
    always = [i for i, column in enumerate(columns) if column.priority == 0]
    shown = always or [0]
    needed = sum(_comfort(columns[i]) + gap for i in shown) - gap
    for i in sorted(range(len(columns)), key=lambda i: columns[i].priority):
        if i not in shown:
            needed += gap + _comfort(columns[i])
            if needed > room:
                break  # and not a smaller one after it: a wider table never shows less
            shown.append(i)
    shown.sort()
    widths = {i: columns[i].width or columns[i].min_width for i in shown}
    spare = room - sum(widths.values()) - gap * (len(shown) - 1)
    spare = _share_out(columns, widths, spare, {i: _comfort(columns[i]) for i in shown})
    _share_out(columns, widths, spare, {i: columns[i].max_width for i in shown})
    slots = []
    for i in shown:  # a table too narrow for its least columns is cut at the right
        taken = min(widths[i], room)
        if taken > 0:
            slots.append(Slot(i, taken))
        room -= taken + gap
    return Layout(tuple(slots), gap)


def _comfort(column: Column) -> int:
    return max(column.min_width, column.comfort) if column.width is None else column.width


def _share_out(columns: Sequence[Column], widths: dict[int, int], spare: int, most: Mapping[int, int]) -> int:
    """Give `spare` cells to the columns that share, in the proportion of their comfort, up to `most`; returns what is left."""
    while spare > 0:
        growing = [i for i in widths if columns[i].width is None and widths[i] < most[i]]
        if not growing:
            break
        weight = sum(_comfort(columns[i]) for i in growing)
        rest = spare
        for i in growing:
            extra = min(max(1, rest * _comfort(columns[i]) // weight), most[i] - widths[i], spare)
            widths[i] += extra
            spare -= extra
    return spare


def fit(text: str, width: int, align: Align = "left", *, keep_end: bool = False) -> str:
    """`text` (already clean) in exactly `width` cells: padded, or cut with `…`. A right-to-left text ends in FENCE."""
    fence = ""
    length = len(text)
    if not text.isascii():
        text = steady(text)
        fence = FENCE if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text) else ""
        length = cell_len(text)
    if length > width and keep_end and width > 1:
        return "…" + _last_cells(text, width - 1) + fence
    if length > width:
        return (set_cell_size(text, width - 1) + "…" if width > 0 else "") + fence
    pad = " " * (width - length)
    return (pad + text if align == "right" else text + pad) + fence


def _last_cells(text: str, width: int) -> str:
    """The end of a text in exactly `width` cells."""
    start, room = len(text), width
    while start > 0 and (taken := cell_len(text[start - 1])) <= room:
        start, room = start - 1, room - taken
    return " " * room + text[start:]


def steady(text: str) -> str:
    """`text` without the characters about whose width terminals disagree, so that columns stay aligned everywhere.

    Variation selectors and skin tones go; flags become their two letters; a text that begins with a combining mark gets
    something to combine with.
    """
    out = "".join(_steady(c) for c in text)
    return "◌" + out if out and unicodedata.combining(out[0]) else out


def _steady(char: str) -> str:
    code = ord(char)
    if 0x1F1E6 <= code <= 0x1F1FF:  # regional indicators
        return chr(code - 0x1F1E6 + ord("A"))
    if 0xFE00 <= code <= 0xFE0F or 0x1F3FB <= code <= 0x1F3FF or 0xE0100 <= code <= 0xE01EF:
        return ""
    return char


def segments(parts: Iterable[tuple[str, Style]], width: int, fill: Style) -> list[Segment]:
    """As few segments as possible: blanks belong to what stands before them, neighbours of one style are one.

    All styles of a line share a background, so the colour of a blank does not show. Padded with `fill` to `width` cells.
    """
    texts: list[str] = []
    styles: list[Style] = []
    for text, style in parts:
        if texts and not texts[-1].endswith(FENCE):
            bare = text.lstrip(" ")
            texts[-1] += text[: len(text) - len(bare)]
            text = bare
            if text and styles[-1] == style:
                texts[-1] += text
                continue
        if text:
            texts.append(text)
            styles.append(style)
    missing = width - sum(len(t) if t.isascii() else cell_len(t) for t in texts)
    if missing > 0:
        if texts and not texts[-1].endswith(FENCE):
            texts[-1] += " " * missing
        else:
            texts.append(" " * missing)
            styles.append(fill)
    return [Segment(text, style) for text, style in zip(texts, styles, strict=True)]
