"""A stack's place in the cluster is its own, or nothing is begun."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from labtui.core.migration.agreement import Agreement, AppName
from labtui.core.migration.claims import judge_namesakes, judge_objects
from labtui.core.migration.gitops.oldroute import INSTANCE, TRACKING
from labtui.core.migration.service import Listing, Record
from labtui.domain.checks import Verdict
from labtui.domain.errors import Denied, Unreachable
from labtui.domain.migration.journal import About, Entry, Mark
from labtui.domain.migration.steps import StepName
from tests.unit.core.migration.world import PLANNED

HERE = About("wroclaw-monitoring-20260101-120000", "wroclaw", "monitoring")


def record(*marks: tuple[StepName, Mark], site: str = "kyiv", stack: str = "monitoring") -> Record:
    about = About(f"{site}-{stack}-20260101-110000", site, stack)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    entries = [Entry(n, at, about.id, mark, step, "x", text="x") for n, (step, mark) in enumerate(marks, 1)]
    return Record(about, tuple(entries), here=False, mirrored=True)


AGREED = (StepName.PLAN, Mark.DONE)
CHECKED = (StepName.PREFLIGHT, Mark.DONE)


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (record(AGREED, CHECKED), Verdict.FAIL),
        (record(AGREED, (StepName.PREFLIGHT, Mark.BEGUN)), Verdict.FAIL),
        (record(AGREED, CHECKED, (StepName.RETIRE, Mark.DONE)), Verdict.FAIL),
        (record(AGREED, CHECKED, stack="moni_toring"), Verdict.OK),
        (record(AGREED, (StepName.PREFLIGHT, Mark.FAILED)), Verdict.OK),  # it has got nowhere
        (record(AGREED, CHECKED, (StepName.PREFLIGHT, Mark.UNDONE)), Verdict.OK),
        (record(AGREED, CHECKED, site="wroclaw"), Verdict.OK),  # an older migration of the same stack
    ],
)
def test_two_stacks_of_one_name_do_not_move_to_one_place(other: Record, verdict: Verdict) -> None:
    check = judge_namesakes(Listing((other,)), HERE, "monitoring")
    assert check.verdict is verdict
    if verdict is Verdict.FAIL:
        assert "kyiv/monitoring moves to monitoring, too" in check.detail
        assert check.remedy.endswith(f"labtui migration undo {other.about.id}")


def test_names_that_become_one_are_one() -> None:
    other = record(AGREED, CHECKED, site="wroclaw", stack="my_app")
    here = About("wroclaw-my-app-20260101-120000", "wroclaw", "my-app")
    assert judge_namesakes(Listing((other,)), here, "my-app").verdict is Verdict.FAIL


def test_a_list_that_is_not_whole_says_nothing() -> None:
    with pytest.raises(Unreachable):
        judge_namesakes(Listing((), Unreachable("The cluster does not answer")), HERE, "monitoring")


class There:
    """Objects of one namespace."""

    def __init__(self, *objects: tuple[str, str, Mapping[str, Any]]) -> None:
        self.objects = objects
        self.denied = False

    def all(self, kind: str, namespace: str = "") -> tuple[dict[str, Any], ...]:
        assert namespace == "shop"
        if self.denied:
            raise Denied("The cluster does not allow it", "services is forbidden")
        rules = [{"host": "shop.example.org"}]
        return tuple(
            {"metadata": {"name": name, **meta}, "spec": {"rules": rules}}
            for k, name, meta in self.objects
            if k == kind
        )


def own(release: str) -> dict[str, Any]:
    return {"labels": {INSTANCE: release}}


def tracked(release: str) -> dict[str, Any]:
    return {"annotations": {TRACKING: f"{release}:/Service:shop/web"}}


def judged(*objects: tuple[str, str, Mapping[str, Any]], old: str = "") -> Any:
    name = AppName("argocd", old) if old else None
    there: Any = There(*objects)
    return judge_objects(there, Agreement("shop", "shop", PLANNED, old=name))


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (("Service", "web", {}), "Service web"),
        (("Service", "shop-web", {}), "Service shop-web"),  # an alias
        (("Deployment", "cache", {}), "Deployment cache"),
        (("StatefulSet", "cache", own("another")), "StatefulSet cache of another"),
        (("Ingress", "anything", {}), "Ingress anything"),
        (
            ("Service", "web", {**own("shop"), "annotations": {"meta.helm.sh/release-name": "shop"}}),
            "Service web of shop",
        ),
    ],
)
def test_what_others_have_there_stops_it(thing: tuple[str, str, Mapping[str, Any]], words: str) -> None:
    check = judged(thing)
    assert check.verdict is Verdict.FAIL and f"shop has {words} already" in check.detail


def test_what_is_the_stacks_own_or_has_another_name_does_not() -> None:
    mine: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("Service", "web", own("shop")),
        ("Deployment", "cache", tracked("shop")),
        ("Service", "other", {}),
    )
    assert judged(*mine).verdict is Verdict.OK
    assert judged(("Service", "web", tracked("older")), old="older").verdict is Verdict.OK  # it is taken over
    assert judged(("Service", "web", tracked("older"))).verdict is Verdict.FAIL


def test_who_may_not_list_is_told() -> None:
    there: Any = There()
    there.denied = True
    check = judge_objects(there, Agreement("shop", "shop", PLANNED))
    assert check.verdict is Verdict.WARN and "services is forbidden" in check.detail
