"""What may be asked, and how much may go wrong."""

from __future__ import annotations

import pytest

from labtui.domain.errors import Invalid
from labtui.domain.migration.budget import Budget, BudgetExceeded
from labtui.domain.migration.probes import (
    Counts,
    Failure,
    Kind,
    Load,
    PodPort,
    Side,
    Target,
    demand,
    demand_fitting,
)


def counts(side: Side = Side.INGRESS, kind: Kind = Kind.HTTP, **more: object) -> Counts:
    return Counts(Load(Target(side, "127.0.0.1", 80, kind)), **more)  # type: ignore[arg-type]  # the test's own words


@pytest.mark.parametrize(
    ("failed", "gap", "sentence"),
    [
        (0, 1.0, ""),
        (1, 0.0, "1 request failed, none may"),
        (7, 9.0, "7 requests failed, none may"),
        (0, 1.2, "no good answer for 1.20 s, 1 s are allowed"),
    ],
)
def test_a_budget_says_what_it_does_not_hold(failed: int, gap: float, sentence: str) -> None:
    assert Budget().exceeded(failed, gap) == sentence


def test_a_larger_budget() -> None:
    budget = Budget(failed=3, gap_seconds=2.5)
    assert budget.exceeded(3, 2.5) == ""
    assert budget.exceeded(4, 0) == "4 requests failed, 3 may"


@pytest.mark.parametrize("words", [{"failed": -1}, {"gap_seconds": 0.0}, {"gap_seconds": float("nan")}])
def test_a_budget_has_to_make_sense(words: dict[str, float]) -> None:
    with pytest.raises(Invalid):
        Budget(**words)  # type: ignore[arg-type]  # that is the point


def test_only_what_users_see_counts() -> None:
    demand([counts(Side.DOCKER, failed=9, open_gap=60), counts(kind=Kind.DOWNLOAD, longest_gap=60)], Budget())
    with pytest.raises(BudgetExceeded):
        demand([counts(Side.DOCKER, failed=9)], Budget(), (Side.DOCKER,))
    with pytest.raises(BudgetExceeded):
        demand([counts(kind=Kind.DOWNLOAD, failed=1)], Budget())


def test_the_first_failure_is_told() -> None:
    seen = [counts(failed=1, failures=(Failure(4.0, "status 502"),)), counts(failed=2, failures=(Failure(2.5, "cut"),))]
    with pytest.raises(BudgetExceeded) as caught:
        demand(seen, Budget(failed=2))
    assert str(caught.value) == "3 requests failed, 2 may. the first after 2.5 s: cut"


def test_a_gap_that_is_still_open_counts() -> None:
    with pytest.raises(BudgetExceeded, match=r"no good answer for 1\.50 s"):
        demand([counts(longest_gap=0.2, open_gap=1.5)], Budget())


def test_too_few_requests_for_a_budget() -> None:
    seldom = Load(Target(Side.INGRESS, "127.0.0.1", 80), rate=1)
    with pytest.raises(Invalid, match="cannot be seen"):
        demand_fitting([seldom], Budget())
    demand_fitting([seldom], Budget(gap_seconds=2))
    demand_fitting([Load(Target(Side.DOCKER, "127.0.0.1", 80), rate=1)], Budget())


@pytest.mark.parametrize(
    "words",
    [
        {"address": ""},
        {"port": 0},
        {"port": 70_000},
        {"path": "health"},
        {"path": "/a b"},
        {"path": "/a\r\nX: y"},
        {"path": "/ż"},
        {"host": "a\nb"},
        {"host": "żółw.example.org"},
        {"host": ".example.org"},
        {"headers": (("X", "ż"),)},
        {"headers": (("X", "a\r\nHost: evil"),)},
        {"kind": Kind.WEBSOCKET, "through": PodPort("a", "b", 1)},
    ],
)
def test_a_target_has_to_make_sense(words: dict[str, object]) -> None:
    good: dict[str, object] = {"side": Side.DOCKER, "address": "127.0.0.1", "port": 80}
    with pytest.raises(Invalid):
        Target(**{**good, **words})  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("rate", [0, -1, 1000, float("nan")])
def test_a_rate_has_to_make_sense(rate: float) -> None:
    with pytest.raises(Invalid):
        Load(Target(Side.DOCKER, "127.0.0.1", 80), rate)


def test_good_statuses() -> None:
    target = Target(Side.DOCKER, "127.0.0.1", 80)
    assert [s for s in (200, 204, 302, 401, 403, 404, 429, 500, 502, 503) if target.good(s)] == [
        200,
        204,
        302,
        401,
        403,
    ]
