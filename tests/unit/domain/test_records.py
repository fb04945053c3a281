"""Values that go into a journal come out of it as they were, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labtui.core.migration.verify import Verified
from labtui.domain.errors import Invalid
from labtui.domain.migration.comparison import CheckResult, Measured
from labtui.domain.migration.edge import EdgeVerdict
from labtui.domain.migration.parity import Difference, PathVerdict, Verdict
from labtui.domain.migration.probes import Failure, Side, SideCounts
from labtui.domain.records import from_plain, to_plain

FULL = Verified(
    subject="docker=http:web/",
    passed=True,
    paths=(
        PathVerdict("/", Verdict.ACCEPTABLE, "alike", 200, 200, (Difference("body", Verdict.ACCEPTABLE, "alike"),)),
        PathVerdict("/x", Verdict.SAME, "same", None, 204),
    ),
    edges=(EdgeVerdict("shop.example.org", True, "trusted"),),
    checks=(CheckResult("own", True, "fine", 0, 1.5),),
    counts=(SideCounts(Side.DOCKER, 5, 4, 1, 0.5, 1.0, 2, None, (Failure(0.1, "cut"),), (0.1, 0.2)),),
    docker=Measured(0.1, 0.2, 3, 4, None, (0.1,), (3.0, 4.0)),
    remarks=("slower",),
)


@pytest.mark.parametrize("value", [FULL, Verified("x", False)])
def test_there_and_back(value: Verified) -> None:
    assert from_plain(Verified, json.loads(json.dumps(to_plain(value)))) == value


def test_what_is_usual_is_left_out() -> None:
    assert to_plain(Verified("x", False)) == {"subject": "x", "passed": False}


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"subject": "x"},
        {"subject": 7, "passed": True},
        {"subject": "x", "passed": 1},
        {"subject": "x", "passed": True, "more": 1},
        {"subject": "x", "passed": True, "remarks": "slower"},
        {"subject": "x", "passed": True, "paths": [{"path": "/", "verdict": 9, "sentence": ""}]},
        {"subject": "x", "passed": True, "counts": [{"side": "moon"}]},
        {"subject": "x", "passed": True, "docker": {"cpu_mean": "much"}},
    ],
)
def test_anything_else_is_refused(raw: Any) -> None:
    with pytest.raises(Invalid):
        from_plain(Verified, raw)
