"""Texts in exactly so many cells, columns in exactly so much room."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.style import Style

from labtui.tui.cells import Align, Cell, Column
from labtui.tui.widgets.row_line import FENCE, GUTTER, MARGIN, fit, lay_out, segments

TEXTS = [
    "",
    "short",
    "x" * 50,
    "日本語",
    "日" * 30,
    "שלום",
    "e\u0301" * 9,
    "\u0301x",
    "👍🏽🇵🇱❤\ufe0f",
    "각",
    "ﷺ",
    "\u200e",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", range(12))
def test_a_fitted_text_has_the_width_whichever_way_it_is_counted(text: str, width: int) -> None:
    shown = Cell(text).text
    ways: tuple[tuple[Align, bool], ...] = (("left", False), ("right", False), ("left", True))
    for align, keep_end in ways:
        fitted = fit(shown, width, align, keep_end=keep_end)
        assert cell_len(fitted) == width
        assert sum(cell_len(char) for char in fitted) == width


def test_texts_are_padded_cut_and_aligned() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, "right") == "  abc"
    assert fit("abcdef", 4) == "abc…"
    assert fit("日本語", 4) == "日 …"
    assert fit("🇵🇱", 3) == "PL "
    assert fit("אב", 4) == "אב  " + FENCE
    assert fit("אב", 4, "right") == "  אב" + FENCE


def test_a_cell_is_clean() -> None:
    assert Cell("a\x1b[2Jb\u202ec\n").text == "a·[2Jb·c "
    assert Cell("plain").text == "plain"


COLUMNS = (
    Column("name", "NAME", min_width=10, max_width=30),
    Column("space", "SPACE", min_width=5, max_width=8, priority=1),
    Column("kind", "KIND", 6, priority=3),
    Column("age", "AGE", 4, priority=2),
)


@pytest.mark.parametrize("width", range(160))
def test_columns_never_need_more_than_the_room_and_use_it_until_they_are_wide_enough(width: int) -> None:
    layout = lay_out(COLUMNS, width)
    used = sum(slot.width for slot in layout.slots) + layout.gap * (len(layout.slots) - 1)
    room = max(0, width - GUTTER - MARGIN)
    assert used <= room or not layout.slots
    widths = {COLUMNS[slot.place].key: slot.width for slot in layout.slots}
    if room >= 11:
        assert used == room or widths["name"] == 30
    for key in ("kind", "age"):
        assert widths.get(key, 0) in (0, 6, 4)


def test_the_highest_priority_number_vanishes_first() -> None:
    titles = [[COLUMNS[s.place].key for s in lay_out(COLUMNS, width).slots] for width in (40, 30, 24, 14)]
    assert titles == [["name", "space", "kind", "age"], ["name", "space", "age"], ["name", "space"], ["name"]]


def test_names_have_their_comfort_before_other_columns_appear() -> None:
    columns = (
        Column("name", "NAME", min_width=10, comfort=26),
        Column("sync", "SYNC", 11),
        Column("age", "AGE", 4, priority=1),
        Column("auto", "AUTO", 9, priority=2),
        Column("x", "X", 1, priority=3),
    )
    before = 0
    for width in range(20, 100):
        shown = {columns[s.place].key: s.width for s in lay_out(columns, width).slots}
        assert len(shown) <= 2 or shown["name"] >= 26
        assert len(shown) >= before, "a wider table never shows less"
        before = len(shown)
    assert before == 5


def test_a_path_keeps_its_end() -> None:
    assert fit("kv/apps/immich", 9, keep_end=True) == "…s/immich"
    assert fit("日本語", 4, keep_end=True) == "… 語"
    assert fit("short", 7, keep_end=True) == "short  "


def test_equal_neighbours_are_one_segment_and_blanks_cost_nothing() -> None:
    plain, red = Style(color="white"), Style(color="red")
    line = segments([("a ", plain), ("  b", plain), ("   c", red), ("  ", plain), ("d", red)], 20, plain)
    assert [(s.text, s.style) for s in line] == [("a   b   ", plain), ("c  d" + " " * 8, red)]


def test_a_fence_ends_its_segment() -> None:
    plain = Style(color="white")
    line = segments([("א" + FENCE, plain), ("  b", plain)], 5, plain)
    assert [s.text for s in line] == ["א" + FENCE, "  b "]
