"""Which migration is meant, what there is, and the operation that the executor runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from labtui.core.migration.action import Action
from labtui.core.migration.fencing import Fence
from labtui.core.migration.journal import Journal
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.operations.migrate import RunMigration, Verb
from labtui.core.operations.watching import Pace
from labtui.domain.errors import BudgetExceeded, Invalid, LabError, NotFound, OutcomeUnknown, Refused, Unreachable
from labtui.domain.migration.history import history
from labtui.domain.migration.journal import About, Entry, Mark, State
from labtui.domain.migration.progress import MigrationProgress
from labtui.domain.migration.steps import StepName
from labtui.domain.plan import Danger, Outcome, Result
from tests.support.migration_fakes import PLACE, Fake, FakeLeases, FakeMirror, Killing, TestClock, World, always, script


class Rig:
    """An estate with one cluster; `machine(name)` is a labtui somewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.actions = script(World(folder / "world.json"))
        self.mirror, self.leases, self.clock = FakeMirror(), FakeLeases(), TestClock()

    def machine(self, name: str = "desk", journal: Callable[[Journal], Journal] = lambda made: made) -> Migrations:
        return Migrations(
            JournalFolder(self.folder / name),
            self.mirror,
            self.leases,
            always(self.actions),
            self.clock,
            f"ada@{name}",
            patience=Pace(every=0.0, limit=0.0),
            journal=journal,
        )

    def action(self, name: str) -> Fake:
        return next(action for action in self.actions if action.name == name)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def quiet(progress: MigrationProgress) -> None:
    """Nobody watches."""


def unheard(phase: str, text: str) -> None:
    """Nobody listens."""


def operate(machine: Migrations, verb: Verb, identity: str = "", step: StepName | None = None) -> Outcome:
    operation = RunMigration(machine, verb, *PLACE, identity=identity, step=step)
    return operation.run(operation.plan(), unheard)


def test_the_life_of_a_stack(rig: Rig) -> None:
    record, ended = rig.machine().migrate(*PLACE, None, quiet)
    assert (record.state, ended.state) == (State.KUBERNETES, State.KUBERNETES)
    with pytest.raises(Refused, match="on Kubernetes already") as caught:
        rig.machine().migrate(*PLACE, None, quiet)
    assert caught.value.hint.endswith(f"labtui migration undo {record.about.id}")
    # another machine has nothing of it but what is in the cluster
    undone, _ = rig.machine("laptop").undo(record.about.id, None, quiet)
    assert undone.state is State.DOCKER
    again, _ = rig.machine("laptop").migrate(*PLACE, None, quiet)
    assert again.about.id != record.about.id
    assert again.state is State.KUBERNETES
    assert rig.leases.current is None  # each run has given its lease back


def test_migrate_goes_on_with_what_is_under_way(rig: Rig) -> None:
    first, _ = rig.machine().migrate(*PLACE, StepName.SECRETS, quiet)
    second, _ = rig.machine("laptop").migrate(*PLACE, None, quiet)
    assert first.about == second.about
    assert {entry.by for entry in second.entries} == {"ada@desk", "ada@laptop"}


def test_an_older_migration_is_not_taken_up_after_a_later_one(rig: Rig) -> None:
    old, _ = rig.machine().migrate(*PLACE, StepName.SECRETS, quiet)
    rig.machine().undo(old.about.id, None, quiet)
    new, _ = rig.machine().migrate(*PLACE, StepName.SECRETS, quiet)
    with pytest.raises(Refused, match="later migration") as caught:
        rig.machine().undo(old.about.id, None, quiet)
    assert new.about.id in caught.value.detail
    rig.machine().undo(new.about.id, None, quiet)
    with pytest.raises(Refused, match="later migration"):
        rig.machine().undo(old.about.id, None, quiet)


def test_the_list_knows_what_is_here_and_what_is_in_the_cluster(rig: Rig) -> None:
    old, _ = rig.machine().migrate(*PLACE, StepName.SECRETS, quiet)
    rig.machine().undo(old.about.id, None, quiet)
    new, _ = rig.machine().migrate(*PLACE, None, quiet)
    here = {r.about.id: (r.here, r.mirrored, r.state) for r in rig.machine().list().records}
    assert here == {
        new.about.id: (True, True, State.KUBERNETES),
        old.about.id: (True, False, State.DOCKER),
    }
    assert rig.machine().list().records[0].about.id == new.about.id
    (there,) = rig.machine("laptop").list().records
    assert (there.about, there.here, there.mirrored) == (new.about, False, True)
    (rig.folder / "desk" / f"{old.about.id}.jsonl").write_text("{}\n{}\n")
    assert set(rig.machine().list().damaged) == {old.about.id}
    rig.mirror.down = 1
    listing = rig.machine().list()
    assert isinstance(listing.problem, Unreachable)
    assert [r.about.id for r in listing.records] == [new.about.id]


def test_show(rig: Rig) -> None:
    with pytest.raises(NotFound):
        rig.machine().show("wroclaw-emby-20260101-000000")
    with pytest.raises(Invalid):
        rig.machine().show("../../etc/passwd")
    made, _ = rig.machine().migrate(*PLACE, None, quiet)
    assert rig.machine("laptop").show(made.about.id).entries == made.entries
    rig.mirror.down = 1
    assert rig.machine().show(made.about.id).entries == made.entries
    rig.mirror.down = 1
    with pytest.raises(Unreachable):
        rig.machine("laptop").show(made.about.id)


def test_a_new_migration_while_another_labtui_is_at_work(rig: Rig) -> None:
    rig.leases.acquire(*PLACE, 0, lambda words: None)
    outcome = operate(rig.machine(), Verb.MIGRATE)
    assert outcome.result is Result.REFUSED
    assert "ada@desk holds it since" in outcome.message
    assert all(action.dos == 0 for action in rig.actions)


def test_a_fence_goes_on_from_the_journal_when_the_lease_was_deleted(rig: Rig) -> None:
    made, _ = rig.machine().migrate(*PLACE, StepName.SECRETS, quiet)
    rig.leases.fence = 0
    record, _ = rig.machine("laptop").resume(made.about.id, quiet)
    assert record.entries[-1].fence > made.entries[-1].fence


def test_the_plan_is_what_is_left(rig: Rig) -> None:
    rig.action("mark").lasting = "the old volume is deleted"
    plan = RunMigration(rig.machine(), Verb.MIGRATE, *PLACE).plan()
    assert plan.danger is Danger.HIGH
    assert plan.target.name == "emby"
    assert [step.title for step in plan.steps][:2] == ["preflight: make checks", "backup: make archive"]
    assert plan.warnings == ("Cannot be undone: make mark (the old volume is deleted)",)
    again = RunMigration(rig.machine(), Verb.MIGRATE, *PLACE).plan()
    assert again.digest == plan.digest  # although a new id would be another one by now
    made, _ = rig.machine().migrate(*PLACE, StepName.SECRETS, quiet)
    left = RunMigration(rig.machine(), Verb.RESUME, *PLACE, identity=made.about.id).plan()
    assert left.steps[0].title == "workload: make commit"
    assert left.digest != plan.digest
    back = RunMigration(rig.machine(), Verb.UNDO, *PLACE, identity=made.about.id, step=StepName.BACKUP).plan()
    assert [step.title for step in back.steps] == ["secrets: Undo: make vault"]
    rig.machine().resume(made.about.id, quiet)
    whole = RunMigration(rig.machine(), Verb.UNDO, *PLACE, identity=made.about.id).plan()
    assert whole.refusals == ("make mark cannot be undone: the old volume is deleted",)
    assert RunMigration(rig.machine(), Verb.RESUME, *PLACE, identity=made.about.id).plan().refusals


@pytest.mark.parametrize("verb", [Verb.MIGRATE, Verb.RESUME])
def test_one_that_was_killed_before_its_last_note_can_be_ended(rig: Rig, verb: Verb) -> None:
    def dying(journal: Journal) -> Journal:
        return Killing(journal, 2 * len(rig.actions) + 2, "before", die)

    def die() -> None:
        raise KeyboardInterrupt

    machine = rig.machine(journal=dying)
    with pytest.raises(KeyboardInterrupt):
        machine.migrate(*PLACE, None, quiet)
    (record,) = rig.machine().list().records
    assert record.entries[-1].mark is Mark.DONE and record.state is State.RUNNING
    operation = RunMigration(rig.machine(), verb, *PLACE, identity=record.about.id)
    plan = operation.plan()
    assert plan.refusals == ()
    assert operation.run(plan, unheard).result is Result.DONE
    assert rig.machine().show(record.about.id).state is State.KUBERNETES
    assert all(action.dos == 1 for action in rig.actions)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (BudgetExceeded("2 requests failed"), Result.FAILED),
        (OutcomeUnknown("git push did not end"), Result.UNKNOWN),
        (Refused("the branch has diverged"), Result.FAILED),
    ],
)
def test_a_failure_says_where_things_are_and_what_to_type(rig: Rig, error: LabError, result: Result) -> None:
    rig.action("kubernetes").fail = error
    outcome = operate(rig.machine(), Verb.MIGRATE)
    (identity,) = (copy.migration for copy in rig.mirror.copies.values())
    assert outcome.result is result
    assert error.title in outcome.message
    assert "The traffic" in outcome.state
    assert outcome.remaining[0].endswith(f"labtui migration resume {identity}")
    made = outcome.data["report"]
    assert isinstance(made, dict) and made["migration"] == identity


def test_a_refusal_before_anything_was_begun_is_a_refusal(rig: Rig) -> None:
    rig.action("checks").world.change("preflight/checks", "theirs")
    outcome = operate(rig.machine(), Verb.MIGRATE)
    assert outcome.result is Result.REFUSED


def test_the_history(rig: Rig) -> None:
    record, _ = rig.machine().migrate(*PLACE, None, quiet)
    made = history(record.entries)
    assert rig.machine().report(record) == made
    assert (made["site"], made["stack"], made["state"]) == (*PLACE, "on Kubernetes")
    assert [step["step"] for step in made["steps"]] == [
        "preflight", "backup", "secrets", "workload", "quiesce", "cut over", "soak", "retire",
    ]  # fmt: skip
    cut_over = next(step for step in made["steps"] if step["step"] == "cut over")
    assert cut_over["state"] == "done"
    assert [action["name"] for action in cut_over["actions"]] == ["both", "kubernetes"]
    begun = {e.action: e.at for e in record.entries if e.mark is Mark.BEGUN and e.step is StepName.CUT_OVER}
    done = {e.action: e.at for e in record.entries if e.mark is Mark.DONE and e.step is StepName.CUT_OVER}
    assert cut_over["seconds"] == sum((done[name] - begun[name]).total_seconds() for name in begun) > 0
    assert cut_over["actions"][0]["data"] == {"made": "cut over/both"}


def test_the_leases_tell_which_migration_came_later_and_not_the_clocks(rig: Rig) -> None:
    """The desk slept through a takeover and has an old journal; its clock is a day ahead of the laptop's."""
    rig.clock.time += timedelta(days=1)
    old, _ = rig.machine("desk").migrate(*PLACE, StepName.SECRETS, quiet)
    rig.clock.time -= timedelta(days=1)
    rig.machine("laptop").undo(old.about.id, None, quiet)
    new, _ = rig.machine("laptop").migrate(*PLACE, StepName.SECRETS, quiet)
    rig.machine("laptop").undo(new.about.id, None, quiet)
    assert rig.machine("desk").show(old.about.id).state is State.RUNNING  # as far as the desk knows
    with pytest.raises(Refused, match="later migration"):
        rig.machine("desk").undo(old.about.id, None, quiet)
    with pytest.raises(Refused, match="later migration"):
        rig.machine("desk").resume(old.about.id, quiet)


def test_answers_are_for_a_migration_that_begins(rig: Rig) -> None:
    asked: list[tuple[str, ...]] = []
    machine = rig.machine()

    def actions_for(about: About, entries: Sequence[Entry], fence: Fence) -> Sequence[Action]:
        asked.append(about.answers)
        return rig.actions

    machine._actions_for = actions_for
    record, _ = machine.migrate(*PLACE, StepName.SECRETS, quiet, ("web./data=keep",))
    assert asked == [("web./data=keep",)] and "answers" not in record.entries[0].data["about"]
    with pytest.raises(Refused, match="agreed on already") as refused:
        machine.migrate(*PLACE, None, quiet, ("web./data=nfs",))
    assert refused.value.hint.endswith(f"labtui migration undo {record.about.id}")
    machine.migrate(*PLACE, None, quiet)
    assert asked[-1] == ()  # the journal has them
