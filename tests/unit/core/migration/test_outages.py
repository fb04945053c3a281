"""The cluster away, answers lost, a full disk, a passed budget: at every boundary, and then going on or back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.operations.watching import Pace
from labtui.domain.errors import BudgetExceeded, LabError, Refused, Unreachable
from labtui.domain.migration.journal import State
from labtui.domain.migration.steps import StepName
from tests.support.migration_fakes import PLACE, Fake
from tests.unit.core.migration.test_crashes import ENTRIES, Stage, migrate


def patient(stage: Stage, seconds: float) -> Migrations:
    """A process that waits so long for the cluster, in a time that passes by waiting."""
    now = [0.0]

    def wait(span: float) -> None:
        now[0] += span

    made = stage.process()
    made._patience = Pace(every=1.0, limit=seconds, wait=wait, monotonic=lambda: now[0])
    return made


@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
def test_a_short_outage_at_any_write_is_waited_out(tmp_path: Path, at: int) -> None:
    stage, calls = Stage(tmp_path), []

    def away() -> None:
        calls.append(1)
        if len(calls) == at:
            stage.mirror.down = 20

    stage.mirror.before_write = away
    patient(stage, 60).migrate(*PLACE, None, lambda progress: None)
    assert stage.whole() is State.KUBERNETES


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
def test_a_long_outage_stops_it_before_the_next_action(tmp_path: Path, at: int, how: str) -> None:
    stage, calls = Stage(tmp_path), []

    def away() -> None:
        calls.append(stage.world.state["order"])
        if len(calls) == at:
            stage.mirror.down = 1000

    stage.mirror.before_write = away
    with pytest.raises(Unreachable) as caught:
        patient(stage, 60).migrate(*PLACE, None, lambda progress: None)
    assert "labtui migration resume wroclaw-emby-" in caught.value.hint
    assert stage.world.state["order"] == calls[at - 1]  # nothing was done that the cluster does not know of
    stage.mirror.down, stage.mirror.before_write = 0, lambda: None
    if not stage.mirror.copies:
        return
    assert stage.finish(how) is (State.DOCKER if how == "undo" else State.KUBERNETES)
    assert set(stage.world.state["counts"].values()) <= {1}


@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
def test_an_answer_that_is_lost_at_any_write_is_found_again(tmp_path: Path, at: int) -> None:
    stage, calls = Stage(tmp_path), []

    def lose() -> None:
        calls.append(1)
        if len(calls) == at:
            stage.mirror.lost = 1

    stage.mirror.before_write = lose
    patient(stage, 60).migrate(*PLACE, None, lambda progress: None)
    assert stage.whole() is State.KUBERNETES
    here = JournalFolder(tmp_path / "machine-0").open(stage.identity()).entries
    (copy,) = stage.mirror.copies.values()
    assert copy.text.count("\n") == len(here)


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
def test_a_disk_that_is_full_at_any_write(tmp_path: Path, at: int, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, real, calls = Stage(tmp_path), os.write, []

    def full(handle: int, data: bytes) -> int:
        calls.append(1)
        if len(calls) >= at:
            raise OSError(28, "No space left on device")
        return real(handle, data)

    with monkeypatch.context() as patch:
        patch.setattr("labtui.core.migration.journal_file.os.write", full)
        with pytest.raises(Refused, match="No space left"):
            stage.process().migrate(*PLACE, None, lambda progress: None)
    assert len(calls) == at  # it stopped there, and did not try to note that it could not note
    if not stage.mirror.copies:
        assert stage.world.state["order"] == []
        return
    assert stage.finish(how) is (State.DOCKER if how == "undo" else State.KUBERNETES)
    assert set(stage.world.state["counts"].values()) <= {1}


def budgeted(stage: Stage, at: int, when: str) -> Migrations:
    """A process whose cut-over fails its budget, and which dies at its `at`-th entry."""
    made = stage.process(at, when)
    usual = made._actions_for

    def actions(about: object, entries: object, fence: object) -> list[Fake]:
        found = list(usual(about, entries, fence))  # type: ignore[arg-type]
        for action in found:
            if action.name == "kubernetes":
                assert isinstance(action, Fake)
                action.fail = BudgetExceeded("3 requests failed, none may")
        return found  # type: ignore[return-value]

    made._actions_for = actions
    return made


FORWARD = 2 + 2 * 7  # the goal, seven actions that were done, and the one that was begun
BACK = 2 + 2 * 4 + 1  # failed, the new goal, four actions taken back, the end


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(FORWARD + 1, FORWARD + BACK + 1))
def test_killed_while_a_cut_over_is_taken_back(tmp_path: Path, at: int, when: str) -> None:
    stage = Stage(tmp_path)
    assert stage.killed(migrate(budgeted(stage, at, when)))
    stage.process().undo(stage.identity(), StepName.VERIFY, lambda progress: None)
    state = stage.world.state
    assert state["violations"] == []
    assert (state["docker"], state["pod"]) == (True, False)
    assert not [name for name in state["effects"] if name.startswith(("quiesce", "cut over", "soak"))]


@pytest.mark.parametrize("at", range(FORWARD + 2, FORWARD + BACK))
def test_a_resume_after_that_goes_on_taking_it_back(tmp_path: Path, at: int) -> None:
    stage = Stage(tmp_path)
    assert stage.killed(migrate(budgeted(stage, at, "after")))
    with pytest.raises(LabError, match="being undone"):
        stage.process().migrate(*PLACE, None, lambda progress: None)
    stage.process().resume(stage.identity(), lambda progress: None)
    state = stage.world.state
    assert (state["docker"], state["pod"]) == (True, False)
    assert state["violations"] == []
    assert stage.finish("resume") is State.KUBERNETES  # and the next one goes forward again
