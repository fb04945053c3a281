"""Sync, roll back and make it last, against an Argo CD that keeps its own rules."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from labtui.core.audit import JsonLinesAudit, MemoryAudit, unfinished
from labtui.core.executor import Executor, Operation
from labtui.core.operations import FinishRollback, Rollback, Sync, Terminate
from labtui.core.operations.watching import Pace
from labtui.domain.errors import Denied, NotFound, OutcomeUnknown, Refused, Unreachable
from labtui.domain.plan import Outcome, Result
from labtui.domain.resources.argocd import Application
from labtui.domain.resources.argocd import Operation as ArgoOperation
from labtui.ports import SyncRequest
from tests.unit.core.fakes import BAD, GOOD, T0, Argo, Clock, Git, application, ref

WEB = ref("web")


class Ticks:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0

    def pace(self, limit: float = 30) -> Pace:
        return Pace(every=1, limit=limit, wait=self.wait, monotonic=lambda: self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def argo() -> Argo:
    return Argo(application())


def run(operation: Operation, executor: Executor | None = None) -> Outcome:
    executor = executor or Executor(MemoryAudit(), Clock(), by="ada@test")
    return executor.run(operation, executor.confirm(operation.plan()), lambda phase, text: None)


def rollback(argo: Argo, **options: object) -> Rollback:
    return Rollback(argo, WEB, Clock(), "ada@test", pace=Ticks().pace(), **options)  # type: ignore[arg-type]


def web(argo: Argo) -> Application:
    return argo.apps[WEB]


def test_a_rollback_pauses_auto_sync_and_keeps_prune_and_self_heal(argo: Argo) -> None:
    outcome = run(rollback(argo))
    assert outcome.result is Result.DONE
    auto = web(argo).auto_sync
    assert (auto.enabled, auto.prune, auto.self_heal) == (False, True, True)
    assert web(argo).history[-1].revisions == (GOOD,)
    record = web(argo).rollback
    assert record and record.from_revisions == (BAD,) and record.to_revisions == (GOOD,) and record.paused
    assert len(outcome.remaining) == 2


def test_the_parent_is_asked_before_and_after(argo: Argo) -> None:
    run(rollback(argo))
    changes = [c for c in argo.calls if not c.startswith("get")]
    assert changes.index("pause") < changes.index("refresh apps") < changes.index("rollback 0")
    assert changes.count("refresh apps") == 2


def test_a_parent_that_heals_the_pause_stops_the_rollback(argo: Argo) -> None:
    argo.parent_heals = True
    outcome = run(rollback(argo))
    assert outcome.result is Result.FAILED
    assert "drift" in outcome.message and "git" in outcome.message
    assert not any(c.startswith("rollback") for c in argo.calls)
    assert web(argo).rollback is None and web(argo).auto_sync.on


def test_a_refused_rollback_puts_auto_sync_back(argo: Argo) -> None:
    argo.fail["rollback 0"] = Denied("Not allowed", "permission denied: applications, sync")
    outcome = run(rollback(argo))
    assert outcome.result is Result.FAILED
    assert "permission denied: applications, sync" in outcome.message and "nothing was rolled back" in outcome.message
    assert web(argo).auto_sync.on and web(argo).auto_sync.enabled is None and web(argo).rollback is None


def test_an_unknown_outcome_does_not_turn_auto_sync_on(argo: Argo) -> None:
    argo.fail["rollback 0"] = OutcomeUnknown("No answer")
    outcome = run(rollback(argo))
    assert outcome.result is Result.UNKNOWN
    assert web(argo).auto_sync.paused and web(argo).rollback is not None


def test_a_server_that_does_not_know_the_pause_is_told_apart(argo: Argo) -> None:
    argo.ignores_enabled = True
    outcome = run(rollback(argo))
    assert outcome.result is Result.FAILED and "does not know how to pause" in outcome.message
    assert web(argo).rollback is None


def test_a_second_rollback_keeps_what_the_first_noted(argo: Argo) -> None:
    argo.put(
        replace(web(argo), history=(replace(web(argo).history[0], id=-1, revisions=("d" * 40,)), *web(argo).history))
    )
    run(rollback(argo))
    outcome = run(rollback(argo, to=-1))
    assert outcome.result is Result.DONE
    record = web(argo).rollback
    assert record and record.paused and record.former_enabled is None and record.from_revisions == (BAD,)


def test_rolling_back_to_what_is_deployed_or_unknown_is_refused(argo: Argo) -> None:
    assert "1 is what is deployed now" in rollback(argo, to=1).plan().refusals
    with pytest.raises(NotFound, match="no deployment 99"):
        rollback(argo, to=99).plan()
    argo.put(replace(web(argo), history=web(argo).history[-1:]))
    with pytest.raises(Refused, match="nothing to roll"):
        rollback(argo).plan()


def test_sync_windows_are_checked_first(argo: Argo) -> None:
    argo.can_sync = False
    for operation in (rollback(argo), Sync(argo, WEB, pace=Ticks().pace())):
        outcome = run(operation)
        assert outcome.result is Result.REFUSED
        assert "sync window" in outcome.message and "deny * * * * *" in outcome.message
    assert "pause" not in argo.calls and "sync" not in argo.calls


def test_finishing_reverts_in_git_first_and_then_resumes(argo: Argo) -> None:
    git = Git(argo)
    run(rollback(argo))
    outcome = run(FinishRollback(argo, git, WEB, Ticks().pace()))
    assert outcome.result is Result.DONE, outcome
    revision, paths, message = git.restored[0]
    assert (revision, paths) == (GOOD, ("apps/web",)) and "break it" in message
    app = web(argo)
    assert app.auto_sync.on and app.auto_sync.enabled is None and app.auto_sync.prune and app.auto_sync.self_heal
    assert app.rollback is None and app.sync == "Synced"
    assert argo.calls.index("resume") > argo.calls.index("rollback 0")


@pytest.mark.parametrize("with_git", [False, True])
def test_auto_sync_never_goes_on_before_git_agrees(argo: Argo, with_git: bool) -> None:
    run(rollback(argo))
    git = Git(argo, "https://elsewhere.test/other") if with_git else None
    operation = FinishRollback(argo, git, WEB, Ticks().pace())
    assert operation.plan().refusals
    assert run(operation).result is Result.REFUSED
    assert "resume" not in argo.calls and web(argo).auto_sync.paused


def test_finishing_after_the_user_has_reverted_only_resumes(argo: Argo) -> None:
    run(rollback(argo))
    git = Git(argo)
    argo.head = "c" * 40  # somebody pushed a revert
    outcome = run(FinishRollback(argo, git, WEB, Ticks().pace()))
    assert outcome.result is Result.DONE and not git.restored
    assert web(argo).auto_sync.on and web(argo).rollback is None


def test_the_former_value_true_comes_back_as_true(argo: Argo) -> None:
    argo.put(replace(web(argo), auto_sync=replace(web(argo).auto_sync, enabled=True)))
    run(rollback(argo))
    run(FinishRollback(argo, Git(argo), WEB, Ticks().pace()))
    assert web(argo).auto_sync.enabled is True


def test_a_sync_follows_its_own_operation_not_the_last_one(argo: Argo) -> None:
    old = ArgoOperation("Failed", "an old one", T0, T0)
    argo.put(replace(web(argo), operation=old, sync="OutOfSync"))
    outcome = run(Sync(argo, WEB, pace=Ticks().pace()))
    assert outcome.result is Result.DONE and "successfully synced" in outcome.message


def test_an_answer_from_before_the_operation_is_not_its_end(argo: Argo) -> None:
    argo.put(replace(web(argo), operation=ArgoOperation("Failed", "an old one", T0, T0), sync="OutOfSync"))
    argo.lag = 3
    outcome = run(Sync(argo, WEB, pace=Ticks().pace()))
    assert outcome.result is Result.DONE and "successfully synced" in outcome.message


def test_auto_sync_stays_off_when_argo_cd_disagrees_with_the_revert(argo: Argo) -> None:
    run(rollback(argo))
    argo.disagrees = True
    outcome = run(FinishRollback(argo, Git(argo), WEB, Ticks().pace()))
    assert outcome.result is Result.FAILED and "auto-sync was not turned on" in outcome.message
    assert web(argo).auto_sync.paused and web(argo).rollback is not None and "resume" not in argo.calls


def test_losing_the_server_during_a_sync_is_waited_out_and_ends_unknown(argo: Argo) -> None:
    operation = Sync(argo, WEB, pace=Ticks().pace(limit=5))
    plan = operation.plan()
    lines: list[str] = []
    original = argo.sync

    def sync_then_gone(target: object, request: SyncRequest) -> None:
        original(WEB, request)
        argo.fail["get"] = Unreachable("gone", "connection refused")

    argo.sync = sync_then_gone  # type: ignore[method-assign, assignment]
    executor = Executor(MemoryAudit(), Clock(), by="ada")
    outcome = executor.run(operation, executor.confirm(plan), lambda phase, text: lines.append(text))
    assert outcome.result is Result.UNKNOWN
    assert argo.calls.count("sync") == 1
    assert any("connection refused" in line for line in lines)


def test_another_revision_with_auto_sync_on_is_refused_in_argo_cds_words(argo: Argo) -> None:
    plan = Sync(argo, WEB, SyncRequest(revision="v2")).plan()
    assert plan.refusals == ("Cannot sync to v2: auto-sync currently set to main",)


def test_terminate_needs_a_running_operation(argo: Argo) -> None:
    assert Terminate(argo, WEB).plan().refusals
    argo.put(replace(web(argo), operation=ArgoOperation("Running", "waiting", T0)))
    assert run(Terminate(argo, WEB, Ticks().pace())).result is Result.DONE


# The executor


def test_read_only_refuses_and_writes_nothing(argo: Argo) -> None:
    audit = MemoryAudit()
    outcome = run(rollback(argo), Executor(audit, Clock(), by="ada", read_only="read-only mode"))
    assert outcome.result is Result.REFUSED and not list(audit.entries())
    assert "pause" not in argo.calls


def test_a_world_that_changed_since_the_plan_is_refused(argo: Argo) -> None:
    operation = rollback(argo)
    executor = Executor(MemoryAudit(), Clock(), by="ada")
    confirmed = executor.confirm(operation.plan())
    argo.put(replace(web(argo), auto_sync=replace(web(argo).auto_sync, enabled=False)))
    outcome = executor.run(operation, confirmed, lambda phase, text: None)
    assert outcome.result is Result.REFUSED and "on (prune, self-heal) → paused (prune, self-heal)" in outcome.message
    assert "pause" not in argo.calls


def test_two_operations_on_one_thing_are_refused(argo: Argo) -> None:
    executor = Executor(MemoryAudit(), Clock(), by="ada")
    first = Sync(argo, WEB, pace=Ticks().pace())
    second: list[Outcome] = []

    def report(phase: str, text: str) -> None:
        if not second:
            other = Sync(argo, WEB, pace=Ticks().pace())
            second.append(executor.run(other, executor.confirm(other.plan()), lambda p, t: None))

    assert executor.run(first, executor.confirm(first.plan()), report).result is Result.DONE
    assert second[0].result is Result.REFUSED and "another operation runs: Sync web" in second[0].message
    assert executor.running() == ()


def test_what_labtui_started_can_be_terminated_meanwhile(argo: Argo) -> None:
    executor = Executor(MemoryAudit(), Clock(), by="ada")
    sync = Sync(argo, WEB, pace=Ticks().pace())
    ended: list[Outcome] = []

    def report(phase: str, text: str) -> None:
        if not ended:
            argo.put(replace(web(argo), operation=ArgoOperation("Running", "a slow hook", T0)))
            end = Terminate(argo, WEB, Ticks().pace())
            ended.append(executor.run(end, executor.confirm(end.plan()), lambda p, t: None))

    executor.run(sync, executor.confirm(sync.plan()), report)
    assert ended[0].result is Result.DONE


def test_intent_is_on_disk_before_and_outcome_after(argo: Argo, tmp_path: Path) -> None:
    audit = JsonLinesAudit(tmp_path / "state" / "audit.jsonl")
    seen: list[str] = []
    executor = Executor(audit, Clock(), by="ada@test")
    operation = Sync(argo, WEB, pace=Ticks().pace())
    executor.run(operation, executor.confirm(operation.plan()), lambda p, t: seen.append(audit.path.read_text()))
    assert '"intent"' in seen[0] and '"outcome"' not in seen[0]
    intent, outcome = audit.entries()
    assert intent["id"] == outcome["id"] and outcome["result"] == "done" and intent["by"] == "ada@test"
    assert intent["target"]["name"] == "web"
    assert audit.path.stat().st_mode & 0o777 == 0o600
    assert not unfinished(audit.entries())


def test_each_audit_line_is_synced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("labtui.core.audit.os.fsync", synced.append)
    audit = JsonLinesAudit(tmp_path / "audit.jsonl")
    audit.append({"event": "intent"})
    audit.append({"event": "outcome"})
    assert len(synced) == 2


def test_without_an_audit_log_nothing_is_done(argo: Argo, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    audit = JsonLinesAudit(tmp_path / "file" / "audit.jsonl")
    outcome = run(Sync(argo, WEB, pace=Ticks().pace()), Executor(audit, Clock(), by="ada"))
    assert outcome.result is Result.REFUSED and "audit log" in outcome.message
    assert "sync" not in argo.calls


def test_a_keyboard_interruption_is_on_the_record(argo: Argo) -> None:
    audit = MemoryAudit()
    executor = Executor(audit, Clock(), by="ada")
    operation = Sync(argo, WEB, pace=Ticks().pace())

    def interrupt(phase: str, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executor.run(operation, executor.confirm(operation.plan()), interrupt)
    assert [e["event"] for e in audit.entries()] == ["intent", "outcome"]
    assert list(audit.entries())[1]["result"] == "unknown"
    assert executor.running() == ()


def test_a_damaged_line_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"event": "intent", "id": "1"}\n{"event": "outc')
    assert list(JsonLinesAudit(path).entries())[1] == {"damaged": 2}
    assert [e["id"] for e in unfinished(JsonLinesAudit(path).entries())] == ["1"]


def test_a_half_written_audit_line_stops_the_action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up takes a part of the line and reports no error."""
    log = JsonLinesAudit(tmp_path / "audit.jsonl")
    monkeypatch.setattr(os, "write", lambda handle, data: len(data) - 1)
    with pytest.raises(Refused, match="audit log"):
        log.append({"event": "intent"})
