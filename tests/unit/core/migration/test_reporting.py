"""From a whole run of the engine, with what verify and soak leave in the journal, to the report and its files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.probing import PROBED
from labtui.core.migration.report_file import ReportFiles
from labtui.core.migration.reporting import Reporting, report_of
from labtui.core.migration.service import Migrations
from labtui.core.migration.soak import Soaked
from labtui.core.migration.verify import Verified
from labtui.core.operations.migrate import RunMigration, Verb
from labtui.core.operations.watching import Pace
from labtui.domain.errors import BudgetExceeded, Invalid
from labtui.domain.migration.budget import Budget
from labtui.domain.migration.comparison import CheckResult, Measured
from labtui.domain.migration.journal import About, Entry, Mark
from labtui.domain.migration.probes import Failure, Side, SideCounts
from labtui.domain.migration.report import as_json
from labtui.domain.migration.steps import StepName
from labtui.domain.records import to_plain
from tests.support.migration_fakes import PLACE, Fake, FakeLeases, FakeMirror, TestClock, World, always, script

VERIFIED = Verified(
    subject="emby@abc",
    passed=True,
    checks=(CheckResult("own.sh", True, "fine", 0, 1.0),),
    counts=(SideCounts(Side.DOCKER, 50, 50, p95=0.004), SideCounts(Side.KUBERNETES, 50, 50, p95=0.003)),
    docker=Measured(cpu_mean=0.04, memory_mean=310_000_000),
    kubernetes=Measured(cpu_mean=0.03, memory_mean=288_000_000),
)
SOAKED = Soaked(
    subject="emby@abc",
    seconds=900,
    counts=(SideCounts(Side.INGRESS, 9214, 9214, longest_gap=0.033, p50=0.002, p95=0.004),),
    kubernetes=Measured(memory_mean=290_000_000),
    restarts=0,
    remarks=("nothing stands out",),
)
LEFT = {"watch": {"soaked": to_plain(SOAKED)}, "commit": {"commit": "a" * 40, "file": "values.yaml"}}


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migrations:
    real = Fake.do
    left = {**LEFT, "compare": {"verified": to_plain(VERIFIED)}}
    monkeypatch.setattr(Fake, "do", lambda a, e, r: {**real(a, e, r), **left.get(a.name, {})})
    actions = script(World(tmp_path / "world.json"))
    actions.insert(4, Fake(actions[0].world, StepName.VERIFY, "compare"))
    return Migrations(
        JournalFolder(tmp_path / "state" / "migrations"),
        FakeMirror(),
        FakeLeases(),
        always(actions),
        TestClock(),
        "ada@desk",
        reporter=Reporting(ReportFiles(tmp_path / "state")),
        patience=Pace(every=0.0, limit=0.0),
    )


def test_a_whole_report_is_kept(service: Migrations, tmp_path: Path) -> None:
    operation = RunMigration(service, Verb.MIGRATE, *PLACE)
    outcome = operation.run(operation.plan(), lambda phase, text: None)
    made = outcome.data["report"]
    assert isinstance(made, dict)
    assert (made["stack"], made["state"]) == ("wroclaw/emby", "on Kubernetes")
    assert (made["requests"]["sent"], made["requests"]["failed"]) == (9214, 0)
    assert made["requests"]["longest_gap_ms"] == 33.0
    assert [step["step"] for step in made["steps"]][3:7] == ["workload", "verify", "quiesce", "cut over"]
    assert {step["state"] for step in made["steps"]} == {"done"}
    assert made["sides"]["docker"]["memory_bytes"]["mean"] == 310_000_000
    assert made["sides"]["kubernetes"]["memory_bytes"]["mean"] == 290_000_000
    assert made["sides"]["kubernetes"]["latency_ms"]["p95"] == 3.0
    assert made["commits"] == [{"revision": "a" * 40, "subject": "make commit"}]
    assert made["next"] == f"labtui migration undo {made['id']}"
    json_file, markdown = (Path(name) for name in made["files"])
    assert json.loads(json_file.read_text())["requests"] == made["requests"]
    assert "9,214 requests through the Ingress, none failed, longest gap 33 ms" in markdown.read_text()
    assert service.list().records[0].about.id == made["id"]  # its files are no journals
    assert json_file.parent == tmp_path / "state" / "migrations"


def test_requests_of_all_phases_are_added_up(service: Migrations) -> None:
    record, _ = service.migrate(*PLACE, None, lambda progress: None)
    cut_over = SideCounts(Side.INGRESS, 214, 213, 1, 0.5, failures=(Failure(3, "status 502"),))
    made = as_json(report_of(record.about, record.entries, (cut_over,)))
    assert made["requests"] == {**made["requests"], "sent": 9428, "failed": 1, "longest_gap_ms": 500.0}


def test_what_failed_attempts_counted_is_added_up_too() -> None:
    """A failed cut-over, an undo of it that stumbles, and a second attempt whose two moves share their requests."""
    at = datetime(2026, 1, 1, tzinfo=UTC)

    def counts(sent: int, failed: int = 0) -> dict[str, Any]:
        return {PROBED: to_plain((SideCounts(Side.INGRESS, sent, sent - failed, failed),))}

    goal, cut = {"goal": {"aim": "forward", "step": None}}, StepName.CUT_OVER
    written: list[tuple[Mark, StepName | None, str, dict[str, Any]]] = [
        (Mark.NOTE, None, "", goal),
        (Mark.DONE, cut, "both", counts(10)),
        (Mark.FAILED, cut, "kubernetes", {"left": counts(30, 2)}),
        (Mark.FAILED, cut, "both", {**counts(10), "left": {}}),
        (Mark.NOTE, None, "", goal),
        (Mark.DONE, cut, "both", counts(100)),
        (Mark.DONE, cut, "kubernetes", {**counts(500), "left": counts(30, 2)}),
    ]
    entries = tuple(Entry(n, at, "m", *parts[:3], data=parts[3]) for n, parts in enumerate(written, 1))
    made = as_json(report_of(About("m", *PLACE), entries))
    assert (made["requests"]["sent"], made["requests"]["failed"]) == (530, 2)


def test_a_damaged_record_is_said() -> None:
    entry = Entry(
        1, datetime(2026, 1, 1, tzinfo=UTC), "m", Mark.DONE, StepName.SOAK, "watch", data={"soaked": {"moon": 1}}
    )
    with pytest.raises(Invalid):
        report_of(About("m", *PLACE), (entry,))


def test_undone_and_under_way(service: Migrations) -> None:
    record, _ = service.migrate(*PLACE, StepName.WORKLOAD, lambda progress: None)
    made = report_of(record.about, record.entries)
    assert made.state == "running"
    assert made.next_command == f"labtui migration resume {record.about.id}"
    assert made.ended is not None and made.ended - made.began > timedelta(0)
    record, _ = service.undo(record.about.id, None, lambda progress: None)
    made = report_of(record.about, record.entries)
    assert (made.state, made.commits) == ("on Docker", ())
    assert made.next_command == "labtui migrate wroclaw/emby"


def test_a_report_that_cannot_be_kept_is_still_told(service: Migrations, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: object, text: object) -> None:
        raise OSError(28, "No space left on device")

    record, _ = service.migrate(*PLACE, None, lambda progress: None)
    monkeypatch.setattr("labtui.core.migration.report_file.os.replace", full)
    made = service.report(record)
    assert made["state"] == "on Kubernetes"
    assert "No space left on device" in made["not_kept"]


def test_the_budget_of_the_prober_is_the_one_that_the_engine_knows() -> None:
    with pytest.raises(BudgetExceeded):
        Budget().demand(1, 0.0)
