"""Somebody else changes the same things midway: labtui asks, a person answers, and the answer is for that change alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.operations.migrate import RunMigration, Verb
from labtui.core.operations.watching import Pace
from labtui.domain.errors import Invalid, Refused
from labtui.domain.migration.journal import Key, Mark, State
from labtui.domain.migration.questions import open_question
from labtui.domain.migration.steps import StepName
from tests.support.migration_fakes import PLACE, Fake, always
from tests.unit.core.migration.test_engine import ABOUT, Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def changed(rig: Rig, name: str = "commit", value: str = "theirs") -> None:
    rig.world.change(rig.action(name).effect, value)


def test_the_question_names_the_command_that_accepts_and_it_goes_on_from_there(rig: Rig) -> None:
    changed(rig)
    error = rig.fails(lambda: rig.engine().run(), Refused)
    assert error.hint.endswith(
        f"Or go on from what is there now (theirs stays below): labtui migration resume {ABOUT.id} --accept commit"
    )
    question = open_question(rig.journal.entries)
    assert question is not None and question.key == Key(StepName.WORKLOAD, "commit")
    assert (question.words, question.may_be_accepted) == ("it is theirs", True)

    assert rig.engine().resume("commit").state is State.KUBERNETES
    assert open_question(rig.journal.entries) is None
    (answer,) = [entry for entry in rig.journal.entries if "accepted" in entry.data and entry.mark is Mark.NOTE]
    assert (answer.by, answer.step, answer.action) == ("ada@desk", StepName.WORKLOAD, "commit")
    assert answer.text == "Accepted, to go on from there: it is theirs"
    assert rig.world.effect("workload/commit") == "ours"


def test_the_way_back_leads_to_what_somebody_else_had_there(rig: Rig) -> None:
    changed(rig)
    rig.fails(lambda: rig.engine().run(), Refused)
    rig.engine().resume("commit")
    rig.engine().undo()
    assert rig.world.state["effects"] == {"workload/commit": "theirs"}
    assert rig.world.state["violations"] == []


def test_it_is_asked_again_when_it_is_another_change_by_then(rig: Rig) -> None:
    changed(rig)
    rig.fails(lambda: rig.engine().run(), Refused)
    changed(rig, value="another one's")
    error = rig.fails(lambda: rig.engine().resume("commit"), Refused)
    assert "it is another one's" in error.detail
    assert rig.action("commit").dos == 0 and rig.world.effect("workload/commit") == "another one's"
    assert rig.engine().resume("commit").state is State.KUBERNETES


def test_without_an_answer_it_is_asked_again_and_nothing_is_done(rig: Rig) -> None:
    changed(rig)
    for _ in range(2):
        rig.fails(lambda: rig.engine().run(), Refused)
    rig.fails(lambda: rig.engine().resume(), Refused)
    assert rig.action("commit").dos == 0 and rig.world.effect("workload/commit") == "theirs"


def test_a_crash_after_the_answer_does_not_lose_it(rig: Rig) -> None:
    changed(rig)
    rig.fails(lambda: rig.engine().run(), Refused)

    def broken(where: str) -> None:
        if where == "before":
            raise KeyboardInterrupt

    rig.action("commit").half = broken
    with pytest.raises(KeyboardInterrupt):
        rig.engine().resume("commit")
    rig.action("commit").half = lambda where: None
    assert rig.engine().resume().state is State.KUBERNETES
    rig.engine().undo()
    assert rig.world.state["effects"] == {"workload/commit": "theirs"}


@pytest.mark.parametrize("name", ["vault", "workload/vault", "no such thing"])
def test_only_what_was_asked_can_be_accepted(rig: Rig, name: str) -> None:
    changed(rig)
    rig.fails(lambda: rig.engine().run(), Refused)
    error = rig.fails(lambda: rig.engine().resume(name), Refused)
    assert error.title == f"Nothing was asked about “{name}”" and "“commit”" in error.detail
    assert rig.action("commit").dos == 0


def test_nothing_is_accepted_where_nothing_was_asked(rig: Rig) -> None:
    rig.engine().run(StepName.SECRETS)
    error = rig.fails(lambda: rig.engine().resume("commit"), Refused)
    assert "no question is open" in error.detail and rig.action("commit").dos == 0
    rig.engine().run()
    assert "no question is open" in rig.fails(lambda: rig.engine().resume("commit"), Refused).detail


def test_an_answer_is_not_open_any_more_when_things_have_moved_on(rig: Rig) -> None:
    changed(rig)
    rig.fails(lambda: rig.engine().run(), Refused)
    rig.world.remove("workload/commit")  # the person put it back
    rig.engine().resume()
    assert rig.fails(lambda: rig.engine().resume("commit"), Refused).title == "Nothing was asked about “commit”"


def test_what_cannot_be_built_upon_says_why_and_offers_no_choice(rig: Rig) -> None:
    rig.action("commit").firm = "users would go there at once"
    changed(rig)
    error = rig.fails(lambda: rig.engine().run(), Refused)
    assert "It is not gone on from there: users would go there at once" in error.detail
    assert (
        "--accept" not in error.hint
        and error.hint == f"Put it back as it was; then: labtui migration resume {ABOUT.id}"
    )
    error = rig.fails(lambda: rig.engine().resume("commit"), Refused)
    assert "users would go there at once" in error.detail and rig.action("commit").dos == 0


@pytest.mark.parametrize("value", ["theirs", ""])
def test_what_was_done_and_is_so_no_more_can_be_accepted(rig: Rig, value: str) -> None:
    rig.engine().run(StepName.WORKLOAD)
    rig.world.remove("workload/commit")
    if value:
        changed(rig, value=value)
    error = rig.fails(lambda: rig.engine().resume(), Refused)
    assert error.hint.endswith("--accept commit")
    assert rig.engine().resume("commit").state is State.KUBERNETES
    assert rig.world.effect("workload/commit") == value and rig.action("commit").dos == 1


def test_what_failed_for_good_reason_stays_firm(rig: Rig) -> None:
    """The containers run again, say: they would write beside the pods."""
    rig.engine().run(StepName.WORKLOAD)
    rig.world.remove("workload/commit")
    looked = Fake.look

    def look(earlier: object) -> object:
        from dataclasses import replace

        return replace(looked(rig.action("commit"), {}), firm="both would write")

    rig.action("commit").look = look  # type: ignore[method-assign, assignment]
    error = rig.fails(lambda: rig.engine().resume(), Refused)
    assert "both would write" in error.detail and "--accept" not in error.hint


def test_an_undo_asks_and_can_go_on(rig: Rig) -> None:
    rig.action("commit").firm = "only what is ours is built upon"  # in nobody's way on the way back
    rig.engine().run()
    changed(rig)
    error = rig.fails(lambda: rig.engine().undo(), Refused)
    assert "what is not labtui's own is left as it is" in error.hint and error.hint.endswith("--accept commit")
    assert rig.engine().resume("commit").state is State.DOCKER
    assert rig.world.state["effects"] == {"workload/commit": "theirs"}


def test_an_undo_asks_again_when_it_is_another_change_by_then(rig: Rig) -> None:
    rig.engine().run()
    changed(rig)
    rig.fails(lambda: rig.engine().undo(), Refused)
    changed(rig, value="another one's")
    error = rig.fails(lambda: rig.engine().resume("commit"), Refused)
    assert "it is another one's" in error.detail and rig.action("commit").undos == 0


def test_two_actions_of_one_name_are_told_apart_by_their_step(rig: Rig) -> None:
    rig.actions.insert(8, Fake(rig.world, StepName.CUT_OVER, "commit"))
    rig.world.change("cut over/commit", "theirs")
    error = rig.fails(lambda: rig.engine().run(), Refused)
    assert error.hint.endswith("--accept cut-over/commit")
    assert rig.engine().resume("cut-over/commit").state is State.KUBERNETES


def test_a_name_with_blanks_is_quoted_for_the_shell(rig: Rig) -> None:
    rig.actions.insert(4, Fake(rig.world, StepName.WORKLOAD, "vault apps/web"))
    rig.world.change("workload/vault apps/web", "theirs")
    assert rig.fails(lambda: rig.engine().run(), Refused).hint.endswith("--accept 'vault apps/web'")


# What the screen and the command line use


def service(rig: Rig) -> Migrations:
    rig.leases.expire()
    patience = Pace(every=0.0, limit=0.0)
    folder = JournalFolder(rig.folder / "here")
    return Migrations(folder, rig.mirror, rig.leases, always(rig.actions), rig.clock, "ada@desk", patience=patience)


def test_the_operation_shows_what_is_accepted_and_refuses_the_rest(rig: Rig) -> None:
    changed(rig)
    with pytest.raises(Refused):
        service(rig).migrate(*PLACE, None, lambda progress: None)
    (record,) = service(rig).list().records
    assert record.question is not None and record.question.words == "it is theirs"
    identity = record.about.id

    def operation(accept: str) -> RunMigration:
        return RunMigration(service(rig), Verb.RESUME, *PLACE, identity=identity, accept=accept)

    plan = operation("commit").plan()
    assert not plan.refusals and ("accepts", "it is theirs") in plan.facts
    assert "Somebody else has changed it: it is theirs. Going on: theirs stays below" in plan.warnings
    (why,) = operation("vault").plan().refusals
    assert why == "What was asked is about “commit”, not about “vault”: it is theirs"
    with pytest.raises(Invalid, match="accepted by a resume"):
        RunMigration(service(rig), Verb.UNDO, *PLACE, identity=identity, accept="commit")
    outcome = operation("commit").run(plan, lambda phase, text: None)
    assert outcome.message == "wroclaw/emby is on Kubernetes"
    assert operation("commit").plan().refusals[0] == "Nothing was asked about “commit”, so there is nothing to accept"


def test_the_way_back_asks_nothing_about_what_is_kept_anyway(rig: Rig) -> None:
    """A backup that is another file by now is nothing that an undo touches."""
    rig.engine().run(StepName.SECRETS)
    changed(rig, "archive")
    assert rig.engine().undo().words == "Everything is on Docker, as before"
    assert rig.world.state["effects"] == {"backup/archive": "theirs"}
