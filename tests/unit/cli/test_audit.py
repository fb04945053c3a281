"""`labtui audit` on logs of all kinds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labtui.cli.audit_options import since
from labtui.cli.main import main

TARGET = {"source": "argocd:x", "kind": "Application", "namespace": "argocd", "name": "emby"}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty log that `labtui audit` reads."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "state" / "labtui" / "audit.jsonl"
    path.parent.mkdir(parents=True)
    return path


def write(log: Path, identity: str, ago: timedelta, result: str = "done", **more: Any) -> None:
    at = datetime.now(UTC) - ago
    common = {"at": at.isoformat(), "id": identity, "by": "ada@desk", "action": "argocd.sync", "target": TARGET}
    with log.open("a") as file:
        file.write(
            json.dumps({**common, "event": "intent", "title": f"Sync {identity}", "steps": ["x"], **more}) + "\n"
        )
        if result:
            end = {**common, "event": "outcome", "title": f"Sync {identity}", "result": result, "message": "ok\nmore"}
            file.write(json.dumps({**end, **more}) + "\n")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["audit", *arguments])
    return status, *capsys.readouterr()


def test_one_line_for_each_operation_oldest_first(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(log, "a", timedelta(days=2))
    write(log, "b", timedelta(hours=1), "")
    status, out, err = run(capsys)
    head, first, second = out.splitlines()
    assert status == 0 and err == "" and head.split() == ["WHEN", "WHO", "WHAT", "RESULT", "HOW"]
    assert "ada@desk" in first and "Sync a" in first and first.endswith("done        ok")
    assert "Sync b" in second and "unfinished  it runs still, or was cut off" in second


def test_the_options_choose(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(log, "a", timedelta(days=2), "failed")
    write(log, "b", timedelta(hours=3))
    write(log, "c", timedelta(minutes=1), target={**TARGET, "name": "grafana", "kind": "Deployment"})

    def chosen(*arguments: str) -> list[str]:
        return [entry["id"] for entry in json.loads(run(capsys, "--json", *arguments)[1])["entries"]]

    assert chosen() == ["a", "b", "c"]
    assert chosen("--last", "1") == ["c"]
    assert chosen("--since", "1d") == ["b", "c"]
    assert chosen("--since", "5m") == ["c"]
    assert chosen("--failed") == ["a"]
    assert chosen("--app", "emby") == ["a", "b"]
    assert chosen("--target", "grafana") == ["c"]
    assert chosen("--target", "nothing") == []
    assert run(capsys, "--target", "nothing")[1] == "Nothing that was asked for\n"


def test_damaged_lines_are_said_on_stderr_and_the_rest_is_there(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(log, "a", timedelta(hours=1))
    size = log.stat().st_size
    with log.open("ab") as file:
        file.write(b'{"at": "2026\n')
    write(log, "b", timedelta(minutes=1))
    status, out, err = run(capsys)
    assert status == 0 and "Sync a" in out and "Sync b" in out
    assert err == f"labtui: 1 line is damaged and skipped, at byte {size} of {log}\n"
    found = json.loads(run(capsys, "--json")[1])
    assert found["damaged"] == [size] and [entry["id"] for entry in found["entries"]] == ["a", "b"]


def test_a_text_that_is_no_time_is_wrong_usage(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(capsys, "--since", "yesterday")
    assert ended.value.code == 2 and "write 30m, 2h" in capsys.readouterr().err


def test_since_takes_spans_days_and_moments() -> None:
    assert abs(since("90m") - (datetime.now(UTC) - timedelta(minutes=90))) < timedelta(seconds=5)
    assert since("2026-03-14T10:30:00+00:00") == datetime(2026, 3, 14, 10, 30, tzinfo=UTC)
    assert since("2026-03-14").tzinfo is not None
    assert since("999999w") == datetime.min.replace(tzinfo=UTC)


def test_a_log_that_may_not_be_read_is_refused(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.mkdir()
    status, out, err = run(capsys)
    assert (status, out) == (3, "") and "The audit log cannot be read" in err
