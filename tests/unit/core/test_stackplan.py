"""Plans: what is read, which answers hold, and how they are saved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from labtui.core.operations.save_answers import SaveAnswers
from labtui.core.stackplan import by_service, namespace_of, remaining
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Choice, Finding, Option, StackPlan, Verdict
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.plan import Result
from tests.support.planning import ANSWERS_FILE, UPLOAD, FakeCompose, FakeFiles, make_lab, planner

ANSWER = f"server.{UPLOAD}=pvc"
MOUNT = {"type": "bind", "source": "/srv/data", "target": "/data"}
PORT = "database.ports.5432/tcp=peers"
SAVED = f"server:\n  {UPLOAD}: pvc\n"


def test_saved_answers_hold_and_given_ones_win() -> None:
    files = FakeFiles([{ANSWERS_FILE: SAVED}])
    planned = planner(files).plan("wroclaw", "immich")
    assert planned.answers == {("server", UPLOAD): "pvc"}
    assert planned.unsaved == {}
    changed = planner(files).plan("wroclaw", "immich", [f"server.{UPLOAD}=keep"])
    assert changed.plan.verdict == "refused"
    assert changed.unsaved == {("server", UPLOAD): "keep"}
    taken_back = planner(files).plan("wroclaw", "immich", [f"server.{UPLOAD}="])
    assert taken_back.answers == {}
    assert taken_back.unsaved == {("server", UPLOAD): ""}


@pytest.mark.parametrize("given", [[ANSWER, "server.size=20Gi"], ["server.size=20Gi", ANSWER]])
def test_an_answer_may_open_the_question_of_another(given: list[str]) -> None:
    planned = planner().plan("wroclaw", "immich", given)
    assert planned.answers[("server", "size")] == "20Gi"


def test_an_answer_that_nothing_asks_for_any_more_can_be_taken_back() -> None:
    files = FakeFiles([{ANSWERS_FILE: "old:\n  key: x\n"}])
    planned = planner(files).plan("wroclaw", "immich", ["old.key="])
    assert planned.answers == {}


def test_a_stale_answer_says_what_takes_it_out() -> None:
    files = FakeFiles([{ANSWERS_FILE: "server:\n  'volumes./it is gone': copy\n"}])
    real = replace(planner(files), convert=convert)
    planned = real.plan("wroclaw", "immich")
    (stale,) = [f for f in planned.plan.findings if f.key.startswith("answers.")]
    assert planned.plan.verdict == "refused"
    assert "labtui plan wroclaw/immich --set 'server.volumes./it is gone=' --save" in stale.detail
    assert real.plan("wroclaw", "immich", ["server.volumes./it is gone="]).plan.verdict != "refused"


@pytest.mark.parametrize("answer", ["claim:NAME", "nfs:SERVER:/PATH"])
def test_a_placeholder_is_refused_with_what_to_write(answer: str) -> None:
    stack = Stack("wroclaw", "immich", (Service("server", {"image": "a:1", "volumes": [MOUNT]}),))
    real = replace(planner(), compose=FakeCompose(stack), convert=convert)
    with pytest.raises(Invalid, match=f"{answer} is no answer to server.volumes./data") as caught:
        real.plan("wroclaw", "immich", [f"server.volumes./data={answer}"])
    assert "for the real one" in caught.value.detail and "Did you mean" not in caught.value.hint
    assert real.plan("wroclaw", "immich", ["server.volumes./data=claim:photos"]).answers


def test_stacks_of_one_name_on_two_sites_have_answers_of_their_own() -> None:
    @dataclass
    class TwoSites(FakeCompose):
        def stacks(self, site: str) -> tuple[str, ...]:
            found = {"wroclaw": ("immich", "monitoring"), "kyiv": ("monitoring",)}
            if site not in found:
                raise NotFound(f"no files of {site}")
            return found[site]

    two = replace(planner(), compose=TwoSites(), sites=("wroclaw", "kyiv", "lviv"))
    folder = ANSWERS_FILE.rpartition("/")[0]
    assert two.answers_file("immich", "wroclaw") == ANSWERS_FILE
    assert two.answers_file("monitoring", "wroclaw") == f"{folder}/monitoring-wroclaw.answers.yaml"
    assert two.answers_file("monitoring", "kyiv") == f"{folder}/monitoring-kyiv.answers.yaml"


def test_all_answered_is_ready() -> None:
    planned = planner().plan("wroclaw", "immich", [ANSWER, "server.size=10Gi", PORT])
    assert planned.plan.verdict == "ready"
    assert remaining(planned) == ("1 secret without a value on this machine: TOKEN", "3 answers not saved in git")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wroclav/immich", "nearest is wroclaw"),
        ("wroclaw/imich", "Did you mean wroclaw/immich"),
        ("immich", "Write SITE/STACK"),
        ("wroclaw/../etc", "Write SITE/STACK"),
        ("wroclaw/", "Write SITE/STACK"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        planner().find(name)
    assert words in str(caught.value)


def test_a_broken_file_of_answers_is_named() -> None:
    with pytest.raises(Invalid, match=r"immich\.answers\.yaml:1"):
        planner(FakeFiles([{ANSWERS_FILE: "- x"}])).plan("wroclaw", "immich")


def test_refused_keys_and_choices_come_first_in_each_service() -> None:
    planned = planner().plan("wroclaw", "immich", [f"server.{UPLOAD}=keep"])
    groups = dict(by_service(planned.plan.findings))
    assert list(groups) == ["", "server", "database"]
    assert [f.verdict.value for f in groups["server"]] == ["refused", "choice", "converted"]


@pytest.mark.parametrize(("stack", "name"), [("immich", "immich"), ("My_Stack.2", "my-stack-2"), ("__", "stack")])
def test_a_namespace_is_a_dns_label(stack: str, name: str) -> None:
    assert namespace_of(stack) == name


# Saving


def test_saving_writes_commits_and_is_on_the_record() -> None:
    files = FakeFiles()
    lab = make_lab(planner(files))
    planned = lab.planning().plan("wroclaw", "immich", [ANSWER])
    operation = lab.save_answers(planned)
    plan = operation.plan()
    assert [i.name for i in plan.diff] == [ANSWERS_FILE]
    outcome = lab.executor.run(operation, lab.executor.confirm(plan), lambda phase, text: None)
    assert outcome.result is Result.DONE
    assert lab.planning().saved("immich") == {("server", UPLOAD): "pvc"}
    assert UPLOAD in files.messages[0]
    assert [e["event"] for e in lab.executor.audit.entries()] == ["intent", "outcome"]
    assert lab.planning().plan("wroclaw", "immich").unsaved == {}


def test_what_others_saved_meanwhile_stays() -> None:
    files = FakeFiles()
    planned = planner(files).plan("wroclaw", "immich", [ANSWER])
    files.push({ANSWERS_FILE: 'database: {"ports.5432/tcp": peers}\n'})
    operation = SaveAnswers(planner(files), planned)
    operation.run(operation.plan(), lambda phase, text: None)
    assert planner(files).saved("immich") == {("server", UPLOAD): "pvc", ("database", "ports.5432/tcp"): "peers"}


def test_a_push_between_plan_and_run_stops_it() -> None:
    files = FakeFiles()
    lab = make_lab(planner(files))
    operation = lab.save_answers(lab.planning().plan("wroclaw", "immich", [ANSWER]))
    confirmed = lab.executor.confirm(operation.plan())
    files.push({"other": "x"})
    outcome = lab.executor.run(operation, confirmed, lambda phase, text: None)
    assert outcome.result is Result.REFUSED
    assert files.seen(ANSWERS_FILE) is None


def test_nothing_is_saved_in_read_only_mode_or_without_a_repository() -> None:
    files = FakeFiles()
    lab = make_lab(planner(files), read_only="no changes today")
    operation = lab.save_answers(lab.planning().plan("wroclaw", "immich", [ANSWER]))
    outcome = lab.executor.run(operation, lab.executor.confirm(operation.plan()), lambda phase, text: None)
    assert (outcome.result, files.seen(ANSWERS_FILE)) == (Result.REFUSED, None)
    bare = make_lab(replace(planner(), files=None))
    with pytest.raises(Refused, match="no repository"):
        bare.save_answers(bare.planning().plan("wroclaw", "immich", [ANSWER])).plan()
    with pytest.raises(Refused, match="nothing to save"):
        lab.save_answers(lab.planning().plan("wroclaw", "immich")).plan()


# What is plain enough not to ask


def _settling(stack: Stack, facts: Facts, answers: Answers) -> StackPlan:
    given = answers.get(("server", "env.TZ"), "")
    options = (Option("plain", "as it is"), Option("vault", "from Vault"))
    finding = Finding("server", "env.TZ", Verdict.CONVERTED, "Stays as it is.")
    if given:
        known = given in {o.answer for o in options}
        finding = Finding("server", "env.TZ", Verdict.CHOICE, "", Choice("?", options, "plain", given if known else ""))
    rest = Finding("server", "image", Verdict.CONVERTED, "Stays as it is.")
    return StackPlan(stack.site, stack.name, ("server",), (finding, rest), {})


def test_a_converted_key_can_be_wanted_otherwise() -> None:
    settling = replace(planner(), convert=_settling)
    assert settling.plan("wroclaw", "immich").plan.verdict == "ready"
    planned = settling.plan("wroclaw", "immich", ["server.env.TZ=vault"])
    assert planned.answers == {("server", "env.TZ"): "vault"}
    with pytest.raises(Invalid, match=r"no answer to server\.env\.TZ"):
        settling.plan("wroclaw", "immich", ["server.env.TZ=vaul"])
    with pytest.raises(Invalid, match="no question"):
        settling.plan("wroclaw", "immich", ["server.image=x"])


def test_the_options_of_a_converted_key_can_be_seen() -> None:
    settling = replace(planner(), convert=_settling)
    planned = settling.plan("wroclaw", "immich")
    choice = settling.question(planned, ("server", "env.TZ"))
    assert choice is not None
    assert ([o.answer for o in choice.options], choice.given) == (["plain", "vault"], "")
    assert settling.question(planned, ("server", "image")) is None
