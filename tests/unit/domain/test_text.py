"""Hostile text becomes harmless; ages and sizes read well and stay still."""

from __future__ import annotations

from datetime import timedelta

import pytest

from labtui.domain.text import age, clean, clean_lines, duration, size
from tests.unit.core.fakes import T0


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("web-1", "web-1"),
        ("[bold red]x[/]", "[bold red]x[/]"),  # markup is kept as text: whoever shows it must not parse it
        ("a\x1b[31mb", "a·[31mb"),
        ("a\x1b]0;title\x07b", "a·]0;title·b"),
        ("a\x9b31mb", "a·31mb"),
        ("a\nb\tc\r\n", "a b c  "),
        ("\u202eevil", "·evil"),
        ("zero\u200bwidth", "zero·width"),
        ("日本", "日本"),
        ("עברית", "עברית"),
        ("\x00\x7f", "··"),
        ("\ud800", "·"),
    ],
)
def test_clean(raw: str, shown: str) -> None:
    assert clean(raw) == shown


def test_clean_cuts_long_text() -> None:
    assert clean("x" * 600) == "x" * 499 + "…"


def test_clean_lines_keeps_the_lines() -> None:
    assert clean_lines("a:\n\tb\x1b[2J") == "a:\n    b·[2J"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "<1m"), (59, "<1m"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86400 * 2.5, "2d"), (86400 * 800, "2y")],
)
def test_age(seconds: float, shown: str) -> None:
    assert age(T0, T0 + timedelta(seconds=seconds)) == shown
    assert age(None, T0) == ""


def test_duration_and_size() -> None:
    assert [duration(timedelta(seconds=s)) for s in (4, 125, 3780)] == ["4s", "2m05s", "1h03m"]
    assert [size(n) for n in (None, 0, 2048, 310 * 2**20, 1288490189)] == ["", "0", "2.0K", "310M", "1.2G"]
