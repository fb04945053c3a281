"""The report is put together from what the journal keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from labtui.core.migration.action import Data
from labtui.core.migration.reporting import report_of
from labtui.core.migration.soak import Soaked
from labtui.core.migration.verify import Verified
from labtui.domain.errors import Invalid
from labtui.domain.migration.comparison import Measured
from labtui.domain.migration.journal import Entry, Mark, State
from labtui.domain.migration.parity import PathVerdict, Verdict
from labtui.domain.migration.probes import Failure, Side, SideCounts
from labtui.domain.migration.report import Report, as_json
from labtui.domain.migration.steps import StepName
from labtui.domain.records import to_plain

T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
VERIFIED = Verified(
    subject="x",
    passed=True,
    paths=(PathVerdict("/", Verdict.SAME, "same", 200, 200),),
    counts=(SideCounts(Side.DOCKER, 50, 50, 0, 0.2, 0.001), SideCounts(Side.KUBERNETES, 50, 49, 1, 0.3, 0.002)),
    docker=Measured(memory_mean=310),
    kubernetes=Measured(memory_mean=200),
    remarks=("slower",),
)
SOAKED = Soaked(
    subject="x",
    seconds=900,
    counts=(SideCounts(Side.KUBERNETES, 4500, 4500, 0, 0.21, 0.003), SideCounts(Side.INGRESS, 9000, 9000, 0, 0.03)),
    docker=Measured(memory_mean=311),
    kubernetes=Measured(memory_mean=288),
)


def journal(*steps: tuple[Mark, StepName, Data]) -> list[Entry]:
    return [
        Entry(n, T0 + timedelta(seconds=n), "wroclaw-shop-1", mark, step, "one", by="ada", data=data)
        for n, (mark, step, data) in enumerate(steps, 1)
    ]


VERIFY_DONE = (Mark.DONE, StepName.VERIFY, {"verified": to_plain(VERIFIED)})
SOAK_DONE = (Mark.DONE, StepName.SOAK, {"soaked": to_plain(SOAKED)})


def report(entries: list[Entry], state: State = State.KUBERNETES, probed: tuple[SideCounts, ...] = ()) -> Report:
    return report_of(entries, stack="shop", site="wroclaw", state=state, probed=probed)


def test_all_of_it() -> None:
    cut_over = SideCounts(Side.INGRESS, 214, 213, 1, 0.5, failures=(Failure(3, "status 502"),))
    found = report(journal((Mark.BEGUN, StepName.VERIFY, {}), VERIFY_DONE, SOAK_DONE), probed=(cut_over,))
    said = as_json(found)
    assert said["requests"] == {**said["requests"], "sent": 9214, "failed": 1, "longest_gap_ms": 500.0}
    kubernetes = said["sides"]["kubernetes"]
    assert (kubernetes["sent"], kubernetes["failed"], kubernetes["longest_gap_ms"]) == (4550, 1, 300.0)
    assert kubernetes["latency_ms"]["p50"] == 3.0 and kubernetes["memory_bytes"]["mean"] == 288
    assert said["sides"]["docker"]["memory_bytes"]["mean"] == 311
    assert [s["step"] for s in said["steps"]] == ["verify", "soak"]
    assert (said["id"], said["by"], said["remarks"], said["paths"][0]["verdict"]) == (
        "wroclaw-shop-1",
        "ada",
        ["slower"],
        "same",
    )
    assert said["ended"] is not None


def test_what_was_undone_does_not_count() -> None:
    found = report(journal(VERIFY_DONE, (Mark.UNDONE, StepName.VERIFY, {})), State.DOCKER)
    assert (found.paths, found.sides, found.steps[0].state) == ((), (), "undone")


def test_one_that_runs_has_no_end() -> None:
    found = report(journal((Mark.BEGUN, StepName.WORKLOAD, {})), State.RUNNING)
    assert found.ended is None and as_json(found)["requests"] is None


def test_no_journal_and_a_damaged_one() -> None:
    with pytest.raises(Invalid):
        report([])
    with pytest.raises(Invalid):
        report(journal((Mark.DONE, StepName.SOAK, {"soaked": {"moon": 1}})))
