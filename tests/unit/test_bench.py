"""The measuring of the screen: what counts, and what is refused as a measurement."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench import screen

from tests.support.terminal import Terminal

PANES = """\
╭─ 1 Argo CD ── 14 · 2 need you ──────╮┌─ 3 Docker · wroclaw ── 11 ───╮
╰─────────────────────────────────────╯╰──────────────────────────────╯
"""
# shows a pane, and shows it anew, with one row more or not, when the file is touched
SHOWS = """\
import pathlib, sys, time
file, more = pathlib.Path(sys.argv[1]), int(sys.argv[2])
count = 3
while True:
    print(f"\\x1b[H╭─ 5 Vault ── {count} ──╮ {file.stat().st_mtime_ns}", end="", flush=True)
    seen = file.stat().st_mtime_ns
    while file.stat().st_mtime_ns == seen:
        time.sleep(0.01)
    count += more
"""


def test_rows_are_counted_pane_by_pane() -> None:
    assert screen.row_counts(PANES) == ["1 Argo CD ── 14", "3 Docker · wroclaw ── 11"]


def test_on_a_slower_machine_the_relative_figure_counts() -> None:
    seconds, ratio, empty = screen.live_budgets([(0.5, 1.5), (0.52, 1.6), (0.6, 1.7)])
    assert (seconds.value, seconds.limit, seconds.kept, seconds.decides) == (1.6, 0.8, False, False)
    assert ratio.value == pytest.approx(3.0) and ratio.limit == 4.7 and ratio.kept and ratio.decides
    said = screen.why([seconds, ratio, empty])
    assert "0.8 s of a machine on which an empty Textual app shows after 0.17 s" in said
    assert "0.52 s" in said and "4.7 ×" in said and "only the relative figure" in said


def test_on_the_machine_of_the_budgets_both_figures_count() -> None:
    budgets = screen.live_budgets([(0.16, 0.9)])
    assert [(b.kept, b.decides) for b in budgets[:2]] == [(False, True), (False, True)]
    assert "both figures count" in screen.why(budgets)


@pytest.fixture
def row(tmp_path: Path) -> Path:
    """The file that stands for the row."""
    file = tmp_path / "row"
    file.touch()
    return file


def test_a_changed_row_is_one_that_was_there(row: Path) -> None:
    with Terminal([sys.executable, "-c", SHOWS, str(row), "0"]) as terminal:
        terminal.wait_for("5 Vault")
        assert 0 < screen.changed_row(terminal, f"touch {row}") < 100
    with Terminal([sys.executable, "-c", SHOWS, str(row), "1"]) as terminal:
        terminal.wait_for("5 Vault")
        with pytest.raises(SystemExit, match="a row that is there"):
            screen.changed_row(terminal, f"touch {row}")
