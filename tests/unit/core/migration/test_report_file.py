"""Reports on disk: whole or not at all, for their owner alone."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtui.core.migration.report_file import ReportFiles
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.migration.report import Report, as_json, as_markdown

REPORT = Report("wroclaw-shop-20260101-120000", "shop", "wroclaw", "on Docker", datetime(2026, 1, 1, tzinfo=UTC))


def test_kept_and_read_again(tmp_path: Path) -> None:
    files = ReportFiles(tmp_path / "state")
    written = files.write(REPORT)
    assert [p.name for p in written] == [f"{REPORT.migration}.report.json", f"{REPORT.migration}.report.md"]
    assert files.read(REPORT.migration) == as_json(REPORT)
    assert files.markdown(REPORT.migration) == as_markdown(REPORT)
    assert {stat.S_IMODE(p.stat().st_mode) for p in written} == {0o600}
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    files.write(REPORT)
    assert sorted(p.name for p in files.folder.iterdir()) == sorted(p.name for p in written)


def test_no_report_and_a_damaged_one(tmp_path: Path) -> None:
    files = ReportFiles(tmp_path)
    with pytest.raises(NotFound):
        files.read("none")
    with pytest.raises(NotFound):
        files.markdown("none")
    files.folder.mkdir()
    for text in ("{", "[]"):
        (files.folder / "bad.report.json").write_text(text)
        with pytest.raises(Invalid):
            files.read("bad")


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\nb", ".hidden", "a" * 300])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        ReportFiles(tmp_path).read(name)


def test_a_failed_write_leaves_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ReportFiles(tmp_path)
    files.write(REPORT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Refused, match="No space left on device"):
        files.write(Report(REPORT.migration, "shop", "wroclaw", "on Kubernetes", REPORT.began))
    monkeypatch.undo()
    assert files.read(REPORT.migration)["state"] == "on Docker"
    assert len(list(files.folder.iterdir())) == 2
