"""Contrast of texts by WCAG 2.2: of two colours, and of all that stands on a screen."""

from __future__ import annotations

import math
from typing import Any

from rich.segment import Segment
from textual.app import App
from textual.color import Color, rgb_to_lab
from textual.geometry import Region
from textual.screen import ModalScreen

TEXT, SIGN = 4.5, 3.0  # WCAG AA: texts, and signs that are not letters
SIGNS = frozenset("✗▲⇄●○◐◑▸◌⊘▶↑↓→…·•*")


def contrast(one: Color, other: Color) -> float:
    """WCAG 2.2 contrast ratio of two opaque colours."""

    def luminance(colour: Color) -> float:
        parts = [c / 255 for c in colour.rgb]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# What eyes without one kind of cones make of linear RGB: Machado, Oliveira and Fernandes (2009), at full severity
EYES = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
}


def seen_by(eyes: str, colour: Color) -> Color:
    """A colour as such eyes see it."""
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour.rgb]
    mixed = [min(1.0, max(0.0, sum(f * c for f, c in zip(row, linear, strict=True)))) for row in EYES[eyes]]
    red, green, blue = (round(255 * (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055)) for c in mixed)
    return Color(red, green, blue)


def difference(one: Color, other: Color) -> float:
    """How different two colours look: CIE 1976, where 2.3 is just noticeable."""
    return math.dist(rgb_to_lab(one), rgb_to_lab(other))


def weak_texts(app: App[Any], text: float = TEXT, sign: float = SIGN) -> list[str]:
    """What cannot be read well on the screen as it is painted now: text, colours, ratio. What lies dimmed below a dialog
    is not there to be read."""
    weak = set()
    region = app.screen.region
    if isinstance(app.screen, ModalScreen):
        region = Region.from_union(
            [widget.region for widget in app.screen.query("*") if widget.visible and widget.region]
        )
    for strip in app.screen._compositor.render_strips()[region.y : region.bottom]:
        for segment in strip.crop(region.x, region.right):
            words = "".join(c for c in segment.text if not (c.isspace() or _is_line(c)))
            if not words:
                continue
            front, ground = _colours(segment)
            needed = sign if SIGNS.issuperset(words) else text
            if (ratio := contrast(front, ground)) < needed:
                weak.add(f"{segment.text.strip()!r} {front.hex} on {ground.hex}: {ratio:.2f}")
    return sorted(weak)


def _is_line(char: str) -> bool:
    """Frames, bars and scroll bars: nothing to be read."""
    return "\u2500" <= char <= "\u259f"


def _colours(segment: Segment) -> tuple[Color, Color]:
    style = segment.style
    assert style is not None and style.color is not None and style.bgcolor is not None, segment
    front, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    return (ground, front) if style.reverse else (front, ground)
