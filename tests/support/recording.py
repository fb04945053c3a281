"""A recording of a program on a terminal as one animated SVG: each line that changes is drawn once for each time it is seen.

A frame is what the emulated screen shows when the program has been quiet for a moment; long quiet is shortened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import pyte

WIDTH, HEIGHT = 8.4, 18.0  # of a cell, at this size of a font
FONT = 14
LONGEST = 2.5  # seconds that a frame stays at most
SHORTEST = 0.4  # seconds; what comes and goes faster is left out
END = 4.0  # seconds that the last one stays
FOREGROUND, BACKGROUND = "d8dee9", "12151c"
_NAMED = {
    "black": "000000",
    "red": "cd3131",
    "green": "0dbc79",
    "brown": "e5e510",
    "blue": "2472c8",
    "magenta": "bc3fbc",
    "cyan": "11a8cd",
    "white": "e5e5e5",
}


@dataclass(frozen=True, slots=True)
class Run:
    """Cells beside each other that look alike."""

    column: int
    text: str
    colour: str
    background: str
    bold: bool = False


Row = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What is on the screen `at` seconds after the beginning."""

    at: float
    rows: tuple[Row, ...]


def frame_of(screen: pyte.Screen, at: float) -> Frame:
    """The screen as it is now."""
    return Frame(at, tuple(_row(screen, y) for y in range(screen.lines)))


def _row(screen: pyte.Screen, y: int) -> Row:
    runs: list[Run] = []
    for x in range(screen.columns):
        cell = screen.buffer[y][x]
        colour, background = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
        if cell.reverse:
            colour, background = background, colour
        look = (colour, background, cell.bold)
        if runs and (runs[-1].colour, runs[-1].background, runs[-1].bold) == look:
            runs[-1] = Run(runs[-1].column, runs[-1].text + (cell.data or " "), *look)
        else:
            runs.append(Run(x, cell.data or " ", *look))
    return tuple(run for run in runs if run.text.strip() or run.background != BACKGROUND)


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _NAMED.get(name.removeprefix("bright"), name if len(name) == 6 else default)


def paced(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Frames that differ, none of which stays longer than people look, or shorter than they see."""
    found: list[Frame] = []
    at, last = 0.0, 0.0
    for number, frame in enumerate(frames):
        gone = number + 1 < len(frames) and frames[number + 1].at - frame.at < SHORTEST - (frame.at - last)
        if found and (frame.rows == found[-1].rows or (gone and frame.at - last < SHORTEST)):
            continue
        at += min(frame.at - last, LONGEST) if found else 0.0
        last = frame.at
        found.append(Frame(at, frame.rows))
    return tuple(found)


def as_svg(frames: Sequence[Frame], columns: int, title: str) -> str:
    """The animation, for ever again. Without frames there is nothing to show."""
    if not frames:
        raise ValueError("a recording needs a frame")
    rows = len(frames[0].rows)
    whole = frames[-1].at + END
    width, height = columns * WIDTH + 16, rows * HEIGHT + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>text{{font:{FONT}px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}}"
        ".b{font-weight:bold}</style>",
        f'<rect width="100%" height="100%" rx="8" fill="#{BACKGROUND}"/>',
        f'<rect width="0" height="0"><animate id="all" attributeName="x" dur="{whole:.2f}s" begin="0s;all.end"/></rect>',
        '<g transform="translate(8,8)" xml:space="preserve">',
    ]
    for y in range(rows):
        for begin, end, row in _spans(frames, y, whole):
            if row:
                parts.append(_drawn(y, row, begin, end, whole))
    return "".join(parts) + "</g></svg>\n"


def _spans(frames: Sequence[Frame], y: int, whole: float) -> Iterator[tuple[float, float, Row]]:
    """From when to when a line is what it is."""
    begin, row = 0.0, frames[0].rows[y]
    for frame in frames[1:]:
        if frame.rows[y] != row:
            yield begin, frame.at, row
            begin, row = frame.at, frame.rows[y]
    yield begin, whole, row


def _drawn(y: int, row: Row, begin: float, end: float, whole: float) -> str:
    shapes, texts = [], []
    for run in row:
        x, top, width = run.column * WIDTH, y * HEIGHT, len(run.text) * WIDTH
        if run.background != BACKGROUND:
            shapes.append(
                f'<rect x="{x:.1f}" y="{top:.0f}" width="{width:.1f}" height="{HEIGHT:.0f}" fill="#{run.background}"/>'
            )
        if run.text.strip():
            kept = run.text.rstrip()
            bold = ' class="b"' if run.bold else ""
            length = f' textLength="{len(kept) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"' if len(kept) > 1 else ""
            texts.append(
                f'<text x="{x:.1f}" y="{top + HEIGHT * 0.75:.1f}" fill="#{run.colour}"{bold}{length}>{escape(kept)}</text>'
            )
    inner = "".join(shapes + texts)
    if begin <= 0 and end >= whole:
        return f"<g>{inner}</g>"
    shown = f'<set attributeName="visibility" to="visible" begin="all.begin+{begin:.2f}s" dur="{end - begin:.2f}s"/>'
    return f'<g visibility="hidden">{shown}{inner}</g>'
