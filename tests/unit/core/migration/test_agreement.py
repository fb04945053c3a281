"""What was agreed on outlives the process in the journal, whole and without a secret value."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from labtui.core.migration.action import Seen
from labtui.core.migration.agreement import Agree, Agreement, AppName, agreement_of, demand_ready
from labtui.core.migration.gitops.oldroute import OldRoute
from labtui.domain.conversion.findings import Choice, Finding, PlannedSecret, PlannedVolume, StackPlan, Verdict
from labtui.domain.errors import Invalid, Refused
from labtui.domain.migration.journal import Entry, Mark
from labtui.domain.migration.lines import encode
from labtui.domain.migration.steps import StepName

VALUES: dict[str, Any] = {
    "docker": {"host": "192.168.88.2"},
    "ingress": {"host": "shop.example.org"},
    "components": {"web": {"image": "web:1", "ports": [{"name": "http", "port": 8080}], "docker": {"port": 80}}},
}
ROUTE = OldRoute("external", "external", "shop", "shop", ("shop-docker",), "http", 80)
AGREED = Agreement(
    "shop",
    "external",
    VALUES,
    (PlannedVolume("web", "/data", "/srv/data", True, "hostPath", 7),),
    (PlannedSecret("web", "apps/shop", "PASSWORD", "PASSWORD", "its name", "planted"),),
    "none",
    AppName("argocd", "shop"),
    AppName("argocd", "apps"),
    AppName("argocd", "external"),
    ROUTE,
)


def entry(number: int, mark: Mark, data: dict[str, Any], step: StepName = StepName.PLAN) -> Entry:
    return Entry(number, datetime(2026, 1, 1, tzinfo=UTC), "m", mark, step, "agree", data=data)


def test_it_comes_back_from_the_journal_without_a_secret_value() -> None:
    raw = json.loads(json.dumps(AGREED.to_data()))
    assert "planted" not in str(raw)
    found = Agreement.from_data(raw)
    assert found == AGREED  # the value is no part of a secret's identity
    assert found.secrets[0].value is None and found.digest == AGREED.digest and found.host == "shop.example.org"
    assert "planted" not in repr(AGREED)


def test_large_values_are_packed_and_too_large_ones_refused() -> None:
    letters = random.Random(7)
    text = "".join(letters.choice("abcdef0123456789 \n") for _ in range(60_000))
    large = Agreement("shop", "shop", {**VALUES, "files": text})
    raw = large.to_data()
    assert "values" not in raw
    encode(entry(1, Mark.BEGUN, {"plan": raw}))  # a line of the journal takes it
    assert Agreement.from_data(raw).values == large.values
    huge = Agreement("shop", "shop", {"files": [letters.random() for _ in range(20_000)]})
    with pytest.raises(Refused, match="too large for a migration's journal"):
        huge.to_data()


@pytest.mark.parametrize("raw", [{}, {"release": "x"}, {**AGREED.to_data(), "volumes": [{"nonsense": 1}]}])
def test_a_damaged_record_says_so(raw: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Agreement.from_data(raw)


def test_packed_values_cannot_grow_without_bound() -> None:
    import base64
    import zlib

    bomb = base64.b85encode(zlib.compress(b'"' + b"a" * 50_000_000 + b'"', 9)).decode()
    raw = {k: v for k, v in AGREED.to_data().items() if k != "values"}
    with pytest.raises(Invalid, match="agreed on"):
        Agreement.from_data({**raw, "packed": bomb})


def test_the_action_notes_it_before_and_after() -> None:
    action = Agree(AGREED)
    before = action.look({})
    assert before.seen is Seen.NOT_DONE
    assert agreement_of([entry(1, Mark.BEGUN, dict(before.data))]) == AGREED  # a crash right after it was begun
    done = action.do(before.data, lambda line: None)
    assert agreement_of([entry(2, Mark.DONE, dict(done))]) == AGREED  # the entry before may have been left out
    assert action.look(done).seen is Seen.DONE
    assert agreement_of([]) is None


def finding(verdict: Verdict, choice: Choice | None = None) -> Finding:
    return Finding("web", "network_mode", verdict, "It uses another container's network.", choice)


def test_what_is_refused_or_not_answered_cannot_begin() -> None:
    def plan(*findings: Finding) -> StackPlan:
        return StackPlan("wroclaw", "shop", ("web",), findings, VALUES)

    demand_ready(plan(finding(Verdict.CONVERTED)))
    with pytest.raises(Refused) as refused:
        demand_ready(plan(finding(Verdict.REFUSED)))
    assert refused.value.title == "wroclaw/shop cannot move to Kubernetes"
    assert refused.value.detail == "web.network_mode: It uses another container's network."
    with pytest.raises(Refused, match="questions that are not answered") as refused:
        demand_ready(plan(finding(Verdict.CHOICE, Choice("Which?", (), "this"))))
    assert refused.value.detail == "web.network_mode" and "--save" in refused.value.hint
    demand_ready(plan(finding(Verdict.CHOICE, Choice("Which?", (), "this", "that"))))


def test_the_answers_of_its_plan_stay_with_it() -> None:
    given = replace(AGREED, answers=("web./data=keep",))
    assert Agreement.from_data(json.loads(json.dumps(given.to_data()))) == given
    assert "answers" not in AGREED.to_data()
