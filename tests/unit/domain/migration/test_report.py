"""The report, as JSON and as Markdown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from labtui.domain.migration.comparison import (
    CheckResult,
    Comparison,
    Measured,
    Meter,
    Use,
    use_of_pods,
    use_of_services,
)
from labtui.domain.migration.edge import EdgeVerdict
from labtui.domain.migration.journal import Entry, Mark
from labtui.domain.migration.parity import PathVerdict, Verdict
from labtui.domain.migration.probes import Failure, Side, SideCounts
from labtui.domain.migration.report import Report, SideReport, as_json, as_markdown, steps_of
from labtui.domain.migration.steps import StepName
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources.docker import Container, DockerService
from labtui.domain.resources.kubernetes import Pod, Usage
from labtui.domain.states import Level

T0 = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
MIB = 1024 * 1024


def entry(number: int, seconds: float, mark: Mark, step: StepName | None, text: str = "") -> Entry:
    return Entry(number, T0 + timedelta(seconds=seconds), "m", mark, step, "one", text=text)


JOURNAL = (
    entry(1, 0, Mark.NOTE, None, "hello"),
    entry(2, 1, Mark.BEGUN, StepName.WORKLOAD),
    entry(3, 3.5, Mark.DONE, StepName.WORKLOAD, "1/1 ready"),
    entry(4, 4, Mark.BEGUN, StepName.VERIFY),
    entry(5, 5, Mark.FAILED, StepName.VERIFY, "status 200 | 503"),
    entry(6, 6, Mark.UNDOING, StepName.WORKLOAD),
)

REPORT = Report(
    migration="wroclaw-shop-20260101-120000",
    stack="shop",
    site="wroclaw",
    state="on Kubernetes",
    began=T0,
    ended=T0 + timedelta(minutes=20),
    by="ada",
    next_command="labtui migration undo wroclaw-shop-20260101-120000",
    steps=steps_of(JOURNAL[:5]),
    sides=(
        SideReport(
            SideCounts(Side.INGRESS, 9214, 9213, 1, 0.033, 0.0021, 0.0039, 0.005, (Failure(3.2, "status 502"),))
        ),
        SideReport(SideCounts(Side.DOCKER, 50, 50), Measured(0.04, 0.1, 310 * MIB, 320 * MIB)),
        SideReport(SideCounts(Side.KUBERNETES, 50, 50), Measured(0.03, 0.1, 288 * MIB, 290 * MIB, 0)),
    ),
    paths=(PathVerdict("/a|b`", Verdict.SAME, "status 200 = 200, same headers, same body", 200, 200),),
    edges=(EdgeVerdict("shop.example.org", True, "trusted"),),
    checks=(CheckResult("own", False, "<script>alert(1)</script> \x1b[31m", 3, 0.5),),
    remarks=("the pods use 500 MiB, the containers 310 MiB",),
    commits=(("8c11e0d" * 5, "shop: traffic to both *sides*"),),
)


def test_steps_come_from_the_journal() -> None:
    workload, verify = steps_of(JOURNAL[:5])
    assert (workload.step, workload.state, workload.seconds, workload.words) == (
        StepName.WORKLOAD,
        "done",
        2.5,
        "1/1 ready",
    )
    assert (verify.state, verify.words) == ("failed", "status 200 | 503")
    again = steps_of(JOURNAL)
    assert (again[0].state, again[0].ended, again[0].seconds) == ("running", None, None)


def test_json_has_what_is_promised() -> None:
    found = json.loads(json.dumps(as_json(REPORT)))
    assert found["requests"]["sent"] == 9214 and found["requests"]["failed"] == 1
    assert found["requests"]["longest_gap_ms"] == 33.0
    assert found["requests"]["failures"] == [{"after_seconds": 3.2, "why": "status 502"}]
    assert [s["step"] for s in found["steps"]] == ["workload", "verify"]
    assert found["steps"][0]["seconds"] == 2.5
    assert found["sides"]["ingress"]["latency_ms"] == {"p50": 2.1, "p95": 3.9, "p99": 5.0}
    assert found["sides"]["docker"]["memory_bytes"] == {"mean": 310 * MIB, "peak": 320 * MIB}
    assert found["sides"]["kubernetes"]["cpu_cores"] == {"mean": 0.03, "peak": 0.1}
    assert found["paths"][0]["verdict"] == "same"
    assert found["state"] == "on Kubernetes" and found["next"].startswith("labtui migration undo ")
    assert as_json(Report("m", "a", "b", "on Docker", T0))["requests"] is None


def test_markdown_reads_well_and_is_no_foreign_markup() -> None:
    text = as_markdown(REPORT)
    assert "**9,214 requests through the Ingress, 1 failed, longest gap 33 ms**" in text
    assert "| workload | done | 2s | 1/1 ready |" in text
    assert "| verify | failed | 1s | status 200 \\| 503 |" in text
    assert "| p95 | 3.9 ms |  |  |" in text
    assert "| memory, mean |  | 310M | 288M |" in text
    assert "| `/a¦bʼ` | same |" in text
    assert "\\<script\\>" in text and "<script>" not in text and "\x1b" not in text
    assert "traffic to both \\*sides\\*" in text
    assert "- ingress after 3.2 s: status 502" in text
    # every row of a table has as many cells as its head
    for block in text.split("\n\n"):
        rows = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
    assert as_markdown(Report("m", "a", "b", "on Docker", T0)).count("##") == 0


class TestUse:
    def test_of_containers_and_pods(self) -> None:
        docker, cluster = SourceId(SourceKind.DOCKER, "a"), SourceId(SourceKind.KUBERNETES, "b")
        containers = (
            Container("1", "a", "i", "running", cpu=0.25, memory=MIB, restarts=2),
            Container("2", "b", "i", "running"),
        )
        service = DockerService(Ref(docker, "ComposeService", "shop", "web"), containers)
        assert use_of_services([service]) == Use(0.25, MIB, 2)
        assert use_of_services([]) == Use()
        pod = Pod(
            Ref(cluster, "Pod", "shop", "web-0"), "Running", Level.WELL, 1, 1, restarts=3, usage=Usage(0.5, 2 * MIB)
        )
        bare = Pod(Ref(cluster, "Pod", "shop", "web-1"), "Running", Level.WELL, 1, 1, restarts=1)
        assert use_of_pods([pod, bare]) == Use(0.5, 2 * MIB, 4)
        assert use_of_pods([bare]) == Use(restarts=1)
        assert use_of_pods([]) == Use()

    def test_means_and_peaks_leave_out_what_is_not_measured(self) -> None:
        meter = Meter()
        for use in (Use(), Use(0.1, 100), Use(None, 300), Use(0.3, None, 2)):
            meter.add(use)
        found = meter.measured()
        assert (found.cpu_mean, found.cpu_peak) == (0.2, 0.3)
        assert (found.memory_mean, found.memory_peak, found.restarts) == (200, 300, 2)
        assert (found.cpu, found.memory) == ((0.1, 0.3), (100.0, 300.0))
        assert Meter().measured() == Measured()

    def test_what_stands_out_is_said(self) -> None:
        def compared(
            docker: float | None, kubernetes: float | None, mib: tuple[int, int] = (10, 10)
        ) -> tuple[str, ...]:
            sides = SideCounts(Side.DOCKER, p95=docker), SideCounts(Side.KUBERNETES, p95=kubernetes)
            uses = (Measured(memory_mean=m * MIB) for m in mib)
            return Comparison(*sides, *uses).sentences()

        assert compared(0.01, 0.012) == compared(0.001, 0.004) == compared(None, 0.5) == ()
        assert compared(0.01, 0.1) == ("Kubernetes answers slower: 95 of 100 within 100 ms, Docker 10 ms",)
        assert compared(0.1, 0.01) == ("Kubernetes answers faster: 95 of 100 within 10 ms, Docker 100 ms",)
        assert compared(0.01, 0.01, (100, 200)) == ("the pods use 200 MiB, the containers 100 MiB",)
