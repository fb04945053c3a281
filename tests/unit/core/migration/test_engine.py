"""What the engine does when the world, the cluster, the disk or an action is not as it should be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.engine import Engine
from labtui.core.migration.fencing import Fence
from labtui.core.migration.journal import MirroredJournal
from labtui.core.migration.journal_file import JournalFile
from labtui.core.migration.telling import Teller
from labtui.core.operations.watching import Pace
from labtui.domain.errors import BudgetExceeded, Invalid, LabError, MustUndo, OutcomeUnknown, Refused, Unreachable
from labtui.domain.migration.journal import About, Mark, State, state_of
from labtui.domain.migration.progress import Event, MigrationProgress
from labtui.domain.migration.steps import StepName
from tests.support.migration_fakes import PLACE, Fake, FakeLeases, FakeMirror, TestClock, World, script

ABOUT = About("wroclaw-emby-20260101-120000", *PLACE)


class Rig:
    """An engine over fakes; `engine()` makes a fresh one, as a new process would."""

    def __init__(self, folder: Path, patience: Pace | None = None) -> None:
        self.folder = folder
        self.world = World(folder / "world.json")
        self.actions = script(self.world)
        self.mirror, self.leases, self.clock = FakeMirror(), FakeLeases(), TestClock()
        self.seen: list[MigrationProgress] = []
        self.waits: list[float] = []
        self.patience = patience or Pace(every=1.0, limit=0.0, wait=self.waits.append)

    def engine(self, fence: Fence | None = None) -> Engine:
        self.leases.expire()
        lease = self.leases.acquire(*PLACE, 0, lambda words: None)
        self.journal = MirroredJournal(
            JournalFile(self.folder / "journal.jsonl"),
            self.mirror,
            PLACE,
            ABOUT.id,
            by="ada@desk",
            fence=lease.fence,
            clock=self.clock,
        )
        self.journal.reconcile()
        teller = Teller(ABOUT, len(self.actions), self.clock, self.seen.append)
        return Engine(ABOUT, self.actions, self.journal, lease, teller, self.patience, fence)

    def action(self, name: str) -> Fake:
        return next(action for action in self.actions if action.name == name)

    def fails(self, run: Callable[[], object], kind: type[LabError] = LabError) -> LabError:
        with pytest.raises(kind) as caught:
            run()
        return caught.value

    def marks(self, name: str) -> list[Mark]:
        return [entry.mark for entry in self.journal.entries if entry.action == name]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_forward_and_back(rig: Rig) -> None:
    assert rig.engine().run().state is State.KUBERNETES
    assert rig.engine().undo().state is State.DOCKER
    order = [action.effect for action in rig.actions]
    assert rig.world.state["order"] == [f"+{name}" for name in order] + [f"-{name}" for name in reversed(order)]
    assert rig.world.state["violations"] == []


def test_until_and_on(rig: Rig) -> None:
    ended = rig.engine().run(StepName.VERIFY)
    assert ended.state is State.RUNNING
    assert "The traffic goes to Docker" in ended.words
    assert rig.world.state["order"][-1] == "+workload/commit"
    assert rig.engine().resume().state is State.KUBERNETES


def test_a_resume_keeps_to_the_step_that_the_cut_off_run_was_going_to(rig: Rig) -> None:
    rig.action("vault").fail = Unreachable("Vault does not answer")
    rig.fails(lambda: rig.engine().run(StepName.WORKLOAD))
    rig.action("vault").fail = None
    rig.engine().resume()
    assert rig.world.state["order"][-1] == "+workload/commit"


def test_undo_to_a_step_leaves_it_done(rig: Rig) -> None:
    rig.engine().run()
    ended = rig.engine().undo(StepName.WORKLOAD)
    assert ended.state is State.RUNNING
    assert set(rig.world.state["effects"]) == {a.effect for a in rig.actions[:4]}
    assert rig.world.state["docker"]


def test_what_is_there_already_is_adopted(rig: Rig) -> None:
    rig.world.apply("secrets/vault", "ours")
    rig.engine().run()
    assert rig.marks("vault") == [Mark.DONE]
    assert rig.action("vault").dos == 0
    assert Event.ADOPTED in {seen.event for seen in rig.seen}
    rig.engine().undo()
    assert "secrets/vault" not in rig.world.state["effects"]


def test_what_somebody_else_changed_stops_the_run_and_is_left_alone(rig: Rig) -> None:
    rig.world.change("workload/commit", "theirs")
    error = rig.fails(lambda: rig.engine().run(), Refused)
    assert "make commit" in error.title
    assert "it is theirs" in error.detail
    accept = f"Or go on from what is there now (theirs stays below): labtui migration resume {ABOUT.id} --accept commit"
    assert error.hint == f"Put it back as it was; then: labtui migration resume {ABOUT.id}. {accept}"
    assert rig.action("commit").dos == 0
    assert rig.world.effect("workload/commit") == "theirs"


@pytest.mark.parametrize("value", ["theirs", ""])
def test_a_change_of_what_was_done_is_noticed_before_the_next_step(rig: Rig, value: str) -> None:
    rig.engine().run(StepName.WORKLOAD)
    if value:
        rig.world.change("workload/commit", value)
    else:
        rig.world.remove("workload/commit")
    error = rig.fails(lambda: rig.engine().resume(), Refused)
    assert "make commit" in error.title
    assert rig.action("stop").dos == 0
    assert rig.world.state["docker"]


def test_a_cut_over_that_holds_no_more_is_taken_back_in_the_middle_of_a_run(rig: Rig) -> None:
    looks: list[int] = []
    real = Fake.look

    def look(earlier: Data) -> Look:
        looks.append(1)
        # the pods die after the cut-over was seen to be done
        return (
            Look(Seen.NOT_DONE, "emby has no ready pod") if len(looks) > 2 else real(rig.action("kubernetes"), earlier)
        )

    rig.action("kubernetes").look = look  # type: ignore[method-assign]
    error = rig.fails(lambda: rig.engine().run(), MustUndo)
    assert "emby has no ready pod" in error.detail
    assert rig.action("watch").dos == 0
    assert (rig.world.state["docker"], rig.world.state["pod"]) == (True, False)


def test_undo_leaves_alone_what_somebody_else_has_changed(rig: Rig) -> None:
    rig.engine().run()
    rig.world.change("workload/commit", "theirs")
    rig.fails(lambda: rig.engine().undo(), Refused)
    assert rig.action("commit").undos == 0
    assert rig.world.effect("workload/commit") == "theirs"


@pytest.mark.parametrize("name", ["both", "kubernetes", "watch"])
def test_a_passed_budget_takes_the_cut_over_back_with_what_was_stopped_for_it(rig: Rig, name: str) -> None:
    rig.action(name).fail = BudgetExceeded("3 requests failed, none may", "GET / answered 502")
    error = rig.fails(lambda: rig.engine().run(), BudgetExceeded)
    assert error.title == "3 requests failed, none may"
    assert "GET / answered 502. It was taken back by itself. The traffic goes to Docker" in error.detail
    assert error.hint == f"When the cause is gone: labtui migration resume {ABOUT.id}"
    state = rig.world.state
    assert (state["docker"], state["pod"]) == (True, False)
    assert set(state["effects"]) == {a.effect for a in rig.actions[:4]}
    assert rig.marks(name)[:2] == [Mark.BEGUN, Mark.FAILED]
    rig.action(name).fail = None
    assert rig.engine().resume().state is State.KUBERNETES


def test_a_crash_while_a_cut_over_is_taken_back_goes_on_taking_back(rig: Rig) -> None:
    rig.action("kubernetes").fail = BudgetExceeded("no good answer for 2 s")
    rig.action("both").fail_undo = Unreachable("git does not answer")
    error = rig.fails(lambda: rig.engine().run(), Unreachable)
    assert "no good answer for 2 s" in error.detail
    rig.action("both").fail_undo = None
    refused = rig.fails(lambda: rig.engine().run(), Refused)  # `labtui migrate` must not go forward now
    assert "being undone" in refused.title
    assert rig.engine().resume().state is State.RUNNING
    assert rig.world.state["docker"]
    assert rig.action("kubernetes").dos == 1


def test_pods_that_never_get_ready_take_their_step_back(rig: Rig) -> None:
    rig.action("commit").fail = MustUndo("emby is not ready after 300 s", "last line of its log: no such file")
    error = rig.fails(lambda: rig.engine().run(), MustUndo)
    assert "no such file" in error.detail
    assert rig.action("commit").undos == 1
    assert "secrets/vault" in rig.world.state["effects"]


def test_another_failure_stops_says_where_things_are_and_what_to_type(rig: Rig) -> None:
    rig.action("both").fail = OutcomeUnknown("git push did not end in 60 s")
    error = rig.fails(lambda: rig.engine().run(), OutcomeUnknown)
    assert "The traffic is being moved" in error.detail
    assert "Not finished: both (cut over)" in error.detail
    assert error.hint == f"To go on: labtui migration resume {ABOUT.id}"
    assert rig.marks("both") == [Mark.BEGUN, Mark.FAILED]
    failed = rig.journal.entries[-1]
    assert (failed.mark, failed.text) == (Mark.FAILED, "git push did not end in 60 s")
    assert rig.action("both").undos == 0
    rig.action("both").fail = None
    assert rig.engine().resume().state is State.KUBERNETES


def test_what_was_done_and_does_not_show_is_not_done(rig: Rig) -> None:
    rig.action("vault").invisible = True
    error = rig.fails(lambda: rig.engine().run())
    assert "does not show" in error.title
    assert rig.marks("vault") == [Mark.BEGUN, Mark.FAILED]


def test_a_defect_in_an_action_is_a_failure_like_others(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(action: Fake, earlier: Data, report: Report) -> Data:
        raise KeyError("hunter2")

    monkeypatch.setattr(Fake, "do", broken)
    error = rig.fails(lambda: rig.engine().run())
    assert "KeyError" in error.title
    assert "hunter2" not in str(error)
    assert rig.marks("checks") == [Mark.BEGUN, Mark.FAILED]


def test_what_cannot_be_undone_is_refused_before_anything_is_undone(rig: Rig) -> None:
    rig.action("commit").lasting = "the old volume was deleted"
    rig.engine().run()
    error = rig.fails(lambda: rig.engine().undo(), Refused)
    assert "the old volume was deleted" in error.detail
    assert all(action.undos == 0 for action in rig.actions)
    assert rig.engine().undo(StepName.WORKLOAD).state is State.RUNNING


def test_pause_stops_before_the_next_action(rig: Rig) -> None:
    engine = rig.engine()
    rig.action("vault").half = lambda where: engine.pause()
    ended = engine.run()
    assert ended.paused
    assert rig.world.state["order"][-1] == "+secrets/vault"
    assert rig.seen[-1].event is Event.PAUSED
    assert rig.engine().resume().state is State.KUBERNETES


def test_what_has_ended_stays_as_it_is(rig: Rig) -> None:
    rig.engine().run()
    rig.engine().undo()
    count = len(rig.journal.entries)
    assert rig.engine().resume().state is State.DOCKER
    assert len(rig.journal.entries) == count


def test_a_cluster_that_is_away_for_a_while_is_waited_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    rig.patience = Pace(every=1.0, limit=60.0, wait=wait, monotonic=lambda: now[0])
    engine = rig.engine()
    rig.action("commit").half = lambda where: setattr(rig.mirror, "down", 30) if where == "after" else None
    assert engine.run().state is State.KUBERNETES
    assert 25 <= now[0] <= 35
    assert [seen.event for seen in rig.seen].count(Event.WAITING) == 1
    assert rig.world.state["violations"] == []


def test_nothing_is_done_that_the_cluster_does_not_know_of(rig: Rig) -> None:
    engine = rig.engine()
    rig.action("vault").half = lambda where: setattr(rig.mirror, "down", 10_000) if where == "after" else None
    error = rig.fails(lambda: engine.run(), Unreachable)
    assert error.hint.endswith(f"labtui migration resume {ABOUT.id}")
    assert rig.action("commit").dos == 0
    assert rig.journal.entries[-1].mark is Mark.DONE  # it is on this disk
    rig.mirror.down = 0
    assert rig.engine().resume().state is State.KUBERNETES
    assert rig.action("vault").dos == 1


def test_a_write_whose_answer_was_lost_is_recognised(rig: Rig) -> None:
    rig.patience = Pace(every=0.0, limit=10.0, wait=lambda seconds: None)
    engine = rig.engine()
    rig.mirror.lost = 2
    assert engine.run().state is State.KUBERNETES


def test_a_holder_that_lost_its_lease_does_nothing_more(rig: Rig) -> None:
    engine = rig.engine()

    def taken_over(where: str) -> None:
        if where == "after":
            rig.leases.expire()
            rig.leases.by = "bob@laptop"
            rig.leases.acquire(*PLACE, 0, lambda words: None)

    rig.action("vault").half = taken_over
    error = rig.fails(lambda: engine.run(), Refused)
    assert "bob@laptop" in error.detail
    assert rig.action("commit").dos == 0


def test_a_lease_that_is_lost_between_the_note_and_the_deed_stops_the_deed(rig: Rig) -> None:
    engine = rig.engine()

    def lost() -> None:
        if rig.journal.entries and rig.journal.entries[-1].mark is Mark.BEGUN:
            rig.leases.current = None

    rig.leases.on_check = lost
    rig.fails(lambda: engine.run(), Refused)
    assert rig.marks("checks") == [Mark.BEGUN]
    assert rig.action("checks").dos == 0


def test_a_former_holder_cannot_write_into_the_journal_of_the_next_one(rig: Rig) -> None:
    former = rig.engine()
    old = rig.journal
    rig.engine().run(StepName.SECRETS)
    before = rig.journal.entries
    with pytest.raises(Refused):
        old.append(Mark.DONE, StepName.RETIRE, "mark", "late", {})
    rig.fails(lambda: former.run(), Refused)
    assert JournalFile(rig.folder / "journal.jsonl").entries == before
    assert rig.engine().resume().state is State.KUBERNETES
    assert rig.world.state["violations"] == []


def test_a_full_disk_is_refused_before_anything_is_done(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    engine = rig.engine()
    monkeypatch.setattr("labtui.core.migration.journal_file.os.write", full)
    error = rig.fails(lambda: engine.run(), Refused)
    assert "No space left on device" in error.detail
    assert rig.world.state["effects"] == {}


def test_a_watcher_that_fails_does_not_stop_the_run(rig: Rig) -> None:
    def broken(progress: MigrationProgress) -> None:
        raise ValueError("a defect of the screen")

    engine = rig.engine()
    engine._tell._watch = broken
    assert engine.run().state is State.KUBERNETES


def test_positions_and_words_for_a_screen(rig: Rig) -> None:
    rig.engine().run()
    done = [seen for seen in rig.seen if seen.event is Event.DONE]
    assert [seen.position for seen in done] == list(range(1, len(rig.actions) + 1))
    assert {seen.total for seen in rig.seen} == {len(rig.actions)}
    assert all(seen.text for seen in rig.seen)


def test_a_list_of_actions_that_makes_no_sense_is_refused(rig: Rig) -> None:
    rig.actions.reverse()
    with pytest.raises(Invalid):
        rig.engine()
    rig.actions[:] = [rig.actions[0], rig.actions[0]]
    with pytest.raises(Invalid):
        rig.engine()


def test_a_journal_with_unknown_actions_is_refused(rig: Rig) -> None:
    rig.engine().run(StepName.WORKLOAD)
    del rig.actions[3]
    error = rig.fails(lambda: rig.engine().undo(), Refused)
    assert "commit (workload)" in error.detail
    assert all(action.undos == 0 for action in rig.actions)


def test_the_state_by_the_journal(rig: Rig) -> None:
    assert state_of(()) is State.DOCKER
    rig.engine().run(StepName.PREFLIGHT)
    assert state_of(rig.journal.entries) is State.RUNNING
