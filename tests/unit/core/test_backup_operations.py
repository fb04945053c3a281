"""`backup` and `restore` as operations: planned, run by the executor, on the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.core.audit import MemoryAudit
from labtui.core.executor import Executor, Operation
from labtui.core.operations.backup import Backup, Restore, stores_of
from labtui.domain.errors import NotFound, Refused
from labtui.domain.plan import Danger, Outcome, Result
from tests.unit.core.backup.trees import ROOT, MemoryData, member, stream
from tests.unit.core.fakes import Clock
from tests.unit.core.migration.test_safety_actions import parts


def data(content: bytes = b"data") -> MemoryData:
    return MemoryData({"web_db": stream([(member(ROOT, b"5"), b""), (member(f"{ROOT}/x"), content)])})


def run(operation: Operation, audit: MemoryAudit | None = None) -> Outcome:
    executor = Executor(audit or MemoryAudit(), Clock(), by="ada")
    return executor.run(operation, executor.confirm(operation.plan()), lambda phase, line: None)


def test_a_backup_says_what_it_saves_and_what_not(tmp_path: Path) -> None:
    operation = Backup(parts(data()), "wroclaw", "web", tmp_path)
    plan = operation.plan()
    titles = [s.title for s in plan.steps]
    assert titles[:2] == ["Save 2 files: wroclaw/web.yaml, wroclaw/.env.user", "Save volume web_db for web:/db"]
    assert "Note version 2 of apps/web in Vault" in titles
    assert any("hold" in w and "0600" in w for w in plan.warnings)
    assert "Not in the backup: /mnt/media: it is only read here" in plan.warnings
    audit = MemoryAudit()
    outcome = run(operation, audit)
    assert outcome.result is Result.DONE and outcome.data["file"] == str(tmp_path / "wroclaw-web-20260101-120000.tar")
    assert [e["event"] for e in audit.entries()] == ["intent", "outcome"]
    assert "planted" not in str(list(audit.entries())) + str(outcome)


def made(tmp_path: Path) -> Path:
    return Path(str(run(Backup(parts(data()), "wroclaw", "web", tmp_path)).data["file"]))


def test_a_restore_brings_it_back(tmp_path: Path) -> None:
    there = MemoryData()
    operation = Restore(stores_of({"wroclaw": there}), made(tmp_path))
    assert operation.plan().danger is Danger.CONFIRM
    outcome = run(operation)
    assert outcome.result is Result.DONE and "1 places restored" in outcome.message
    assert there.places == data().places


def test_a_restore_over_other_data_is_refused_or_dangerous(tmp_path: Path) -> None:
    file, there = made(tmp_path), data(b"newer")
    refused = Restore(stores_of({"wroclaw": there}), file)
    assert "not empty" in refused.plan().refusals[0]
    assert run(refused).result is Result.REFUSED and there.places == data(b"newer").places
    over = Restore(stores_of({"wroclaw": there}), file, overwrite=True)
    assert over.plan().danger is Danger.HIGH and over.plan().warnings[0] == "Replaces what is in volume web_db"
    assert run(over).result is Result.DONE and there.places == data().places


def test_what_differs_is_a_failure(tmp_path: Path) -> None:
    there = MemoryData(on_write=lambda source, raw: data(b"torn").places["web_db"])
    outcome = run(Restore(stores_of({"wroclaw": there}), made(tmp_path)))
    assert outcome.result is Result.FAILED
    assert outcome.data["differences"] == [f"volume web_db: {ROOT}/x: content"]


def test_a_plan_that_has_become_untrue_is_not_run(tmp_path: Path) -> None:
    there = MemoryData()
    operation = Restore(stores_of({"wroclaw": there}), made(tmp_path))
    executor = Executor(MemoryAudit(), Clock(), by="ada")
    confirmed = executor.confirm(operation.plan())
    there.places.update(data(b"came in between").places)
    assert executor.run(operation, confirmed, lambda phase, line: None).result is Result.REFUSED
    assert there.log == []


def test_a_backup_of_another_estate_finds_no_engine(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no Docker engine at wroclaw"):
        Restore(stores_of({"kyiv": MemoryData()}), made(tmp_path)).plan()
    with pytest.raises(NotFound):
        Restore(stores_of({}), tmp_path / "none.tar")
