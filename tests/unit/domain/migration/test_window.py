"""The interruption as the journal tells it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from labtui.core.migration.reporting import report_of
from labtui.domain.migration.journal import About, Entry, Mark
from labtui.domain.migration.report import as_json, as_markdown
from labtui.domain.migration.steps import StepName
from labtui.domain.migration.window import windows_of

T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
STOP, OVER = (StepName.QUIESCE, "stop"), (StepName.CUT_OVER, "kubernetes")


def journal(*lines: tuple[tuple[StepName, str], Mark]) -> list[Entry]:
    """Entries, one a second."""
    return [
        Entry(n, T0 + timedelta(seconds=n), "wroclaw-shop-1", mark, step, action, "ada", 1, f"{action} {mark}")
        for n, ((step, action), mark) in enumerate(lines, 1)
    ]


THERE = [(STOP, Mark.BEGUN), (STOP, Mark.DONE), (OVER, Mark.BEGUN), (OVER, Mark.DONE)]
BACK = [(OVER, Mark.UNDOING), (OVER, Mark.UNDONE), (STOP, Mark.UNDOING), (STOP, Mark.UNDONE)]


def test_there_and_back_are_two_windows() -> None:
    there, back = windows_of(journal(*THERE, *BACK))
    assert (there.to, there.began, there.seconds) == ("Kubernetes", T0 + timedelta(seconds=1), 3.0)
    assert (back.to, back.began, back.seconds) == ("Docker", T0 + timedelta(seconds=5), 3.0)


def test_a_window_that_is_taken_back_is_one_and_an_open_one_says_since_when() -> None:
    (taken,) = windows_of(journal(*THERE[:3], (OVER, Mark.FAILED), *BACK))
    assert (taken.to, taken.seconds) == ("Docker", 7.0)
    (still,) = windows_of(journal(*THERE[:2]))
    assert still.seconds is None and still.sentence == "since 12:00:01 UTC"
    assert [w.to for w in windows_of(journal(*THERE, *BACK, *THERE))] == ["Kubernetes", "Docker", "Kubernetes"]


def test_a_stack_without_a_writer_has_none_either_way() -> None:
    assert windows_of(journal(*THERE[2:], *BACK[:2])) == ()


def test_the_report_says_how_long_nobody_was_answered() -> None:
    report = report_of(About("wroclaw-shop-1", "wroclaw", "shop"), journal(*THERE))
    assert as_json(report)["windows"] == [
        {
            "to": "Kubernetes",
            "began": "2026-01-01T12:00:01+00:00",
            "ended": "2026-01-01T12:00:04+00:00",
            "seconds": 3.0,
        }
    ]
    assert "Nobody was answered" in as_markdown(report) and "for 3.0 s from 12:00:01 UTC" in as_markdown(report)


def test_clocks_of_two_machines_that_differ_make_no_time_below_nothing() -> None:
    late, early = journal(*THERE[:3]), journal(*THERE)[3:]
    (found,) = windows_of([*late, replace(early[0], at=T0 - timedelta(hours=1))])
    assert found.seconds == 0.0 and "for 0.0 s" in found.sentence
