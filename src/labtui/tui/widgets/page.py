"""Text to be read: labels that stand in line, paragraphs that wrap below their own beginning, one meaning for each colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget

from labtui.domain.states import Level
from labtui.domain.text import clean, clean_lines

Tone = Literal[
    "", "muted", "heading", "strong", "added", "removed", "broken", "drifted", "moving", "unknown", "well", "off"
]

# labtui's own tokens (`tui.theming`). Not $text-muted: `auto` means nothing inside a text.
_STYLES: dict[Tone, str] = {
    "": "",
    "muted": "$row-muted",
    "heading": "bold $primary",
    "strong": "bold",
    "added": "$level-well",
    "removed": "$level-broken",
    "broken": "$level-broken",
    "drifted": "$level-drifted",
    "moving": "$level-moving",
    "unknown": "$level-unknown",
    "well": "$level-well",
    "off": "$level-off",
}

Spans = tuple[tuple[str, Tone], ...]


def styled(spans: Iterable[tuple[str, Tone]], ground: str = "") -> Content:
    """Text with tones, ready to be shown; the text is taken as it is (clean it before). `ground` is a token of the theme."""
    behind = f" on ${ground}" if ground else ""
    return Content.assemble(*((text, f"{_STYLES[tone]}{behind}".strip()) for text, tone in spans))


def tone_of(level: Level) -> Tone:
    """The tone of a level."""
    tones: tuple[Tone, ...] = ("broken", "drifted", "moving", "unknown", "well", "off")
    return tones[level.value]


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a page: a label (or sign) and a text that wraps beside it. `indent` is in cells."""

    label: str = ""
    text: str = ""
    tone: Tone = ""
    label_tone: Tone = "muted"
    indent: int = 0
    width: int | None = None  # of the label; None: like all the other labels without one


def heading(text: str, note: str = "") -> Row:
    """The title of a section; `note` stands muted after it."""
    return Row(text, note, "muted", "heading", width=len(text) + 2 if note else 0)


def item(sign: str, text: str, tone: Tone = "", *, text_tone: Tone = "", width: int = 2) -> Row:
    """An entry of a list."""
    return Row(sign, text, text_tone, tone, indent=2, width=width)


def paragraph(text: str, tone: Tone = "", *, indent: int = 2) -> tuple[Row, ...]:
    """Text that may have several lines."""
    return tuple(Row("", line, tone, indent=indent, width=0) for line in clean_lines(text).split("\n"))


BLANK = Row(width=0)


class Page(Widget):
    """Shows rows. All text passes `domain.text.clean`; markup is never interpreted."""

    DEFAULT_CSS = """
    Page { width: 1fr; height: auto; }
    """

    rows: reactive[tuple[Row, ...]] = reactive((), layout=True)

    def __init__(self, rows: Sequence[Row] = (), *, css_id: str | None = None) -> None:
        super().__init__(id=css_id)
        self.set_reactive(Page.rows, tuple(rows))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line for each line of the wrapped text."""
        return len(page_lines(self.rows, width))

    def render(self) -> RenderResult:
        """The wrapped text."""
        return Content("\n").join(page_lines(self.rows, self.content_size.width))


def page_lines(rows: Sequence[Row], width: int) -> list[Content]:
    """The rows as lines of at most `width` cells."""
    labels = max((Content(clean(r.label)).cell_length for r in rows if r.width is None), default=0) + 2
    lines: list[Content] = []
    for row in rows:
        lines.extend(_wrapped(row, labels if row.width is None else row.width, width))
    return lines


def _wrapped(row: Row, label_width: int, width: int) -> list[Content]:
    label = clean(row.label)
    text = clean(row.text, 4000)
    if label and not text:
        return [styled(((" " * row.indent, ""), (label, row.label_tone)))]
    left = row.indent + label_width
    head = styled(
        ((" " * row.indent, ""), (label, row.label_tone), (" " * (label_width - Content(label).cell_length), ""))
    )
    lines = styled(((text, row.tone),)).wrap(max(8, width - left)) if text else [Content("")]
    return [Content.assemble(head if n == 0 else " " * left, line) for n, line in enumerate(lines)]
