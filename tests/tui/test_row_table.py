"""The table of rows: what it costs, where its cursor is, what it shows."""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from rich.cells import cell_len
from textual.content import Content

from labtui.domain.states import Level
from labtui.tui.cells import Cell, Column, Row
from labtui.tui.widgets.row_line import FENCE
from labtui.tui.widgets.row_table import RowTable
from tests.tui.tables import COLUMNS, TableApp, item, ref

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def true_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dearest case: 24 bits for each colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)


WIDTHS = (58, 80, 120)


def size_of(data: str) -> int:
    """Bytes on the wire."""
    return len(data.encode())


def many(count: int) -> list[Row]:
    """Rows named `app-0000` and so on, all well."""
    return [item(f"app-{number:04}") for number in range(count)]


# What it costs


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_changed_row_costs_at_most_400_bytes_and_an_equal_one_nothing(width: int) -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(width, 30)):
        app.table.set_rows([item("grafana", Level.BROKEN), *many(100)])
        equal = await app.written_by(lambda: app.table.apply([item("app-0003"), item("grafana", Level.BROKEN)]))
        assert equal == ""
        written = await app.written_by(lambda: app.table.apply([item("grafana", Level.BROKEN, sync="OutOfSync")]))
        assert "OutOfSync" in written and ";48;2;" in written
        assert size_of(written) <= 400


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_tint_comes_with_the_change_and_its_going_costs_less_than_100_bytes(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labtui.tui.widgets.row_view.TINT_SECONDS", 0.1)
    app = TableApp(tint=True)
    async with app.run_test(headless=False, size=(width, 30)):
        app.table.set_rows([item("grafana"), *many(20)])
        await app.settled()
        plain = app.table.render_line(21)
        changed = await app.written_by(lambda: app.table.apply([item("grafana", sync="Unknown")]))
        assert size_of(changed) <= 400
        tinted = app.table.render_line(21)
        assert tinted.text != plain.text
        async with asyncio.timeout(5):
            while app.table.render_line(21) == tinted:
                await asyncio.sleep(0.01)
        await app.settled()
        rest = app.written()[len(changed) :]
        assert 0 < size_of(rest) < 100


async def test_a_quiet_column_is_no_news() -> None:
    app = TableApp(tint=True)
    async with app.run_test(headless=False, size=(80, 10)):
        app.table.set_rows(many(3))
        app.table.apply([item("app-0001", age="4m")])
        with_age = app.table.render_line(2)
        app.table.apply([item("app-0001", age="4m", sync="Unknown")])
        assert with_age.text.rstrip().endswith("4m")
        assert next(iter(with_age)).style != next(iter(app.table.render_line(2))).style


async def test_a_row_out_of_view_costs_nothing() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 10)):
        app.table.set_rows(many(100))
        assert await app.written_by(lambda: app.table.apply([item("app-0050", sync="Unknown")])) == ""


async def test_a_new_row_at_the_end_costs_its_line_and_the_scroll_bar() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 30)):
        app.table.set_rows(many(5))
        written = await app.written_by(lambda: app.table.apply([item("zeta")]))
        assert "zeta" in written
        assert size_of(written) <= 400
        gone = await app.written_by(lambda: app.table.apply([], [ref("zeta")]))
        assert size_of(gone) <= 400


async def test_a_cursor_step_paints_two_lines() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 30)):
        app.table.focus()
        app.table.set_rows(many(5000))
        written = await app.written_by(lambda: app.table.action_cursor(1))
        assert len(re.findall(r"app-\d+", written)) == 2
        assert size_of(written) <= 800


async def test_5000_rows_are_shown_fast() -> None:
    app = TableApp()
    rows = many(5000)
    async with app.run_test(headless=False, size=(120, 40)):
        await app.settled()
        start = time.perf_counter()
        app.table.set_rows(rows)
        await app.settled()
        taken = time.perf_counter() - start
        assert "app-0000" in app.lines()[1]
        start = time.perf_counter()
        for _ in range(20):
            app.table.apply([item("app-4000", sync="Unknown"), item("app-4001", Level.BROKEN), item("app-4001")])
        each = (time.perf_counter() - start) / 20
    assert taken < 1.0  # 0.1 s on a quiet machine
    assert each < 0.1


# Where the cursor is


async def test_the_cursor_stays_on_its_thing_when_rows_move() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 10)) as pilot:
        app.table.focus()
        app.table.set_rows(many(50))
        await pilot.press("down", "down", "down")
        assert app.table.cursor == ref("app-0003")
        app.table.apply([item("app-0040", Level.BROKEN), item("aaa")])
        assert app.table.cursor == ref("app-0003")
        assert app.table.shown[0] == ref("app-0040")
        app.table.apply([item("app-0003", Level.OFF)])
        await app.settled()
        assert app.table.cursor == ref("app-0003")
        assert "app-0003" in app.lines()[-1], "it went to the end and was followed there"


async def test_the_cursor_goes_to_the_nearest_when_its_thing_is_gone() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 10)) as pilot:
        app.table.focus()
        app.table.set_rows(many(5))
        await pilot.press("down", "down")
        app.table.apply([], [ref("app-0002"), ref("app-0003")])
        assert app.table.cursor == ref("app-0004")
        app.table.apply([], [ref("app-0004")])
        assert app.table.cursor == ref("app-0001")
        app.table.apply([], [ref("app-0000"), ref("app-0001")])
        assert app.table.cursor is None
        await app.settled()
        assert [m.ref for m in app.heard if isinstance(m, RowTable.Highlighted)][-1] is None


async def test_before_it_has_the_focus_the_cursor_stays_at_the_top() -> None:
    class Unfocused(TableApp):
        AUTO_FOCUS = ""

    app = Unfocused()
    async with app.run_test(headless=False, size=(80, 10)):
        app.table.set_rows(many(5))
        app.table.apply([item("zzz", Level.BROKEN)])
        assert app.table.cursor == ref("zzz")
        app.table.focus()
        await app.settled()
        app.table.apply([item("yyy", Level.BROKEN)])
        assert app.table.cursor == ref("zzz")


async def test_two_things_of_one_name_are_two_rows() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 10)):
        app.table.set_rows([item("emby", namespace="a"), item("emby", namespace="b")])
        app.table.select(ref("emby", "b"))
        app.table.apply([item("emby", Level.BROKEN, namespace="b")])
        assert app.table.shown == [ref("emby", "b"), ref("emby", "a")]
        assert app.table.cursor == ref("emby", "b")


async def test_keys_move_scroll_and_open() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 11)) as pilot:
        app.table.focus()
        app.table.set_rows(many(100))
        await pilot.press("pagedown")
        assert app.table.cursor == ref("app-0009")
        await pilot.press("end")
        await app.settled()
        assert "app-0099" in app.lines()[-1]
        await pilot.press("home", "up", "j", "k", "j", "enter")
        await app.settled()
        assert [m.ref for m in app.heard if isinstance(m, RowTable.Opened)] == [ref("app-0001")]


async def test_the_mouse_selects_opens_and_sorts() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 10)) as pilot:
        app.table.set_rows(many(5))
        await pilot.click(app.table, offset=(8, 3))
        assert app.table.cursor == ref("app-0002")
        await pilot.click(app.table, offset=(8, 4), times=2)
        await app.settled()
        assert [m.ref for m in app.heard if isinstance(m, RowTable.Opened)] == [ref("app-0003")]
        await pilot.click(app.table, offset=(5, 0))
        assert (app.table.sort_column, app.table.sort_reverse) == ("name", False)
        assert "NAME▴" in app.lines()[0]
        await pilot.click(app.table, offset=(5, 0))
        assert app.table.shown[0] == ref("app-0004")
        await pilot.click(app.table, offset=(5, 0))
        assert (app.table.sort_column, app.table.sort_reverse) == (None, False)


# Marks, filter, order


async def test_marks_are_toggled_ranged_and_forgotten_with_their_rows() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 10)) as pilot:
        app.table.focus()
        app.table.set_rows(many(8))
        await pilot.press("space")
        assert app.table.marked == {ref("app-0000")}
        assert app.lines()[1].startswith("*●")
        await pilot.press("down", "down", "ctrl+@")
        assert app.table.marked == {ref(f"app-000{n}") for n in range(4)}
        app.table.apply([], [ref("app-0001")])
        assert ref("app-0001") not in app.table.marked
        await pilot.press("home", "space")
        assert ref("app-0000") not in app.table.marked
        app.table.clear_marks()
        assert not app.table.marked
        await app.settled()
        assert sum(isinstance(m, RowTable.MarksChanged) for m in app.heard) == 5


async def test_the_filter_follows_changes_and_says_when_nothing_matches() -> None:
    app = TableApp(empty="no applications")
    async with app.run_test(headless=False, size=(80, 10)):
        app.table.set_rows([item("grafana", Level.BROKEN), item("emby"), item("immich")])
        app.table.set_filter("emby")
        assert app.table.shown == [ref("emby")]
        app.table.set_filter("synced !grafana")
        assert app.table.shown == [ref("emby"), ref("immich")]
        app.table.set_filter("unknown")
        assert app.table.shown == []
        assert any("Nothing matches “unknown”." in line for line in app.lines())
        app.table.apply([item("immich", sync="Unknown")])
        assert app.table.shown == [ref("immich")]
        app.table.set_filter("")
        assert len(app.table.shown) == 3


async def test_the_empty_text_is_shown_as_it_is_and_centred() -> None:
    app = TableApp(empty="denied: [bold]applications[/] is forbidden\n\x1b[31mask the owner")
    async with app.run_test(headless=False, size=(40, 9)):
        lines = app.lines()
        text = "\n".join(line.strip() for line in lines if line.strip())
        assert text == "denied: [bold]applications[/] is\nforbidden\n·[31mask the owner"
        assert not lines[0].strip() and not lines[-1].strip()
        app.table.set_empty("connecting…")
        assert "connecting…" in app.lines()[4]


# What it shows


NASTY = [
    "日本語のとても長いアプリケーション名前です",
    "שלום-עולם",
    "مرحبا 123",
    "e\u0301\u0301\u0301accent",
    "\u0301starts-combining",
    "[bold]markup[/bold]",
    "\x1b[31mred\x07",
    "a\u202egnirts\u2066",
    "tab\tnew\nline",
    "👍🏽 🇵🇱 ❤️ 🏳️‍🌈 ⚠️",
    "각각각",
    "x" * 600,
    "",
]


@pytest.mark.parametrize("width", [*WIDTHS, 20, 9, 3, 1])
async def test_every_line_is_exactly_as_wide_as_the_table(width: int) -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(width, 30)) as pilot:
        app.table.set_rows([item(name) for name in NASTY])
        await pilot.pause()
        for y in range(30):
            strip = app.table.render_line(y)
            real = sum(cell_len(segment.text) for segment in strip)
            alone = sum(cell_len(char) for segment in strip for char in segment.text)
            assert real == alone == strip.cell_length == app.table.size.width
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", strip.text)


async def test_a_right_to_left_name_is_fenced_off_from_the_cells_after_it() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 5)):
        app.table.set_rows([item("שלום")])
        segments = list(app.table.render_line(1))
        ends = [segment.text.endswith(FENCE) for segment in segments]
        assert ends.count(True) == 1 and segments[ends.index(True) + 1].text.lstrip().startswith("Synced")


async def test_columns_vanish_by_priority_when_it_gets_narrow() -> None:
    columns = (
        Column("name", "NAME", min_width=10),
        Column("kind", "KIND", 6, priority=2),
        Column("age", "AGE", 4, priority=1, align="right"),
    )
    app = TableApp(columns)
    async with app.run_test(headless=False, size=(30, 5)) as pilot:
        app.table.set_rows([Row(ref("x"), (Cell("x"), Cell("Deploy"), Cell("3d")), Level.WELL)])
        assert app.lines()[0].split() == ["NAME", "KIND", "AGE"]
        for width, titles in ((24, ["NAME", "AGE"]), (16, ["NAME"]), (30, ["NAME", "KIND", "AGE"])):
            await pilot.resize_terminal(width, 5)
            await app.settled()
            assert app.lines()[0].split() == titles


async def test_stale_rows_are_all_of_one_dim_colour() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 5)):
        app.table.set_rows([item("grafana", Level.BROKEN), item("emby", Level.DRIFTED, sync="OutOfSync")])
        assert len(list(app.table.render_line(2))) > 1
        app.table.stale = True
        assert len(list(app.table.render_line(2))) <= 3
        assert app.lines()[2].split()[:3] == ["▲", "emby", "OutOfSync"]


async def test_without_the_focus_the_cursor_is_weaker_but_there() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 5)):
        app.table.set_rows(many(3))
        app.table.focus()
        await app.settled()
        strong, plain = (next(iter(app.table.render_line(y))).style for y in (1, 2))
        app.set_focus(None)
        await app.settled()
        weak = next(iter(app.table.render_line(1))).style
        assert strong and weak and plain
        assert len({style.bgcolor for style in (strong, weak, plain)}) == 3


async def test_without_colour_the_cursor_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 5)):
        app.table.set_rows([item("grafana", Level.BROKEN), item("emby")])
        app.table.focus()
        await app.settled()
        styles = [segment.style for segment in app.table.render_line(1) if segment.text.strip()]
        assert styles and all(style is not None and style.reverse for style in styles)
        assert not any(segment.style and segment.style.reverse for segment in app.table.render_line(2))


async def test_a_theme_change_changes_the_colours() -> None:
    app = TableApp()
    async with app.run_test(headless=False, size=(80, 5)):
        app.table.set_rows(many(2))
        before = app.table.render_line(2)
        app.theme = "textual-light"
        async with asyncio.timeout(5):
            while app.table.render_line(2) == before:
                await asyncio.sleep(0.01)


async def test_the_scroll_bar_has_a_column_of_its_own_whether_it_is_needed_or_not() -> None:
    app = TableApp((Column("name", "NAME"), *COLUMNS[1:]))
    async with app.run_test(headless=False, size=(80, 10)):
        app.table.set_rows(many(9))
        await app.settled()
        wide = len(app.lines()[0].rstrip())
        written = await app.written_by(lambda: app.table.apply([item("zzz")]))
        assert size_of(written) <= 10 * 60, "the bar alone: a cell in each line"
        assert [line.rstrip()[-2:] for line in app.lines()] == ["GE", *["3m"] * 9]
        assert {len(line.rstrip()) for line in app.lines()} == {wide}
        assert app.table.max_scroll_y == 1
        app.table.apply([], [ref("zzz")])
        await app.settled()
        assert app.table.max_scroll_y == 0


def test_columns_of_the_helper_fit() -> None:
    assert len(COLUMNS) == len(item("x").cells)


async def test_a_frame_around_the_table_changes_neither_cost_nor_place() -> None:
    class Framed(TableApp):
        CSS = "RowTable { border: round white; }"

    app = Framed()
    async with app.run_test(headless=False, size=(60, 8)) as pilot:
        app.table.set_rows(many(3))
        written = await app.written_by(lambda: app.table.apply([item("app-0001", sync="Unknown")]))
        assert "\x1b[4;1H" in written, (
            "below frame, titles and the first row; a span begins at the left edge of the frame"
        )
        assert size_of(written) <= 400
        assert {cell_len(line) for line in app.lines()} == {58}
        await pilot.click(app.table, offset=(8, 4))
        assert app.table.cursor == ref("app-0002")


async def test_a_new_text_in_the_frame_costs_its_line() -> None:
    class Framed(TableApp):
        CSS = "RowTable { border: round white; }"

    app = Framed()
    async with app.run_test(headless=False, size=(60, 20)):
        app.table.set_rows(many(12))
        app.table.set_frame(Content("1 Argo CD"), None)
        written = await app.written_by(lambda: app.table.set_frame(Content("1 Argo CD ── 2 need you"), Content("note")))
        assert "2 need you" in written and "note" in written and "app-0001" not in written
        assert size_of(written) <= 700
        assert (
            await app.written_by(lambda: app.table.set_frame(Content("1 Argo CD ── 2 need you"), Content("note"))) == ""
        )
        assert "note" not in await app.written_by(lambda: app.table.set_frame(Content("[b]x[/b]"), None))
