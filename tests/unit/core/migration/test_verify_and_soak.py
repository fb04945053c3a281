"""The steps that look: both sides compared before the cut-over, users watched after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from labtui.core.migration.action import Action, Seen
from labtui.core.migration.sides import InventoryUse, Sides, first_that_answers
from labtui.core.migration.soak import Soak, SoakPlan, soaked_of
from labtui.core.migration.verify import Verify, VerifyPlan, verified_of
from labtui.core.migration.watching import Limits, Observation, Watcher
from labtui.domain.errors import Denied, Invalid, LabError, Refused, Unreachable
from labtui.domain.migration.budget import Budget, BudgetExceeded
from labtui.domain.migration.comparison import Use
from labtui.domain.migration.edge import Certificate
from labtui.domain.migration.parity import Verdict
from labtui.domain.migration.parity_rules import overridden
from labtui.domain.migration.probes import Counts, Failure, Kind, Load, PodPort, Side, Target
from labtui.domain.migration.settings import OwnScript
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources import Resource
from labtui.domain.resources.docker import Container, DockerService
from labtui.domain.resources.kubernetes import Pod, Usage
from labtui.domain.states import Level
from tests.unit.core.fakes import Clock
from tests.unit.core.migration.fakes import FakeChecks, FakeProber, FakeUse, answer, failing

DOCKER = Target(Side.DOCKER, "192.168.88.2", 8096)
KUBERNETES = Target(Side.KUBERNETES, "10.244.0.7", 8096)
INGRESS = Target(Side.INGRESS, "192.168.88.3", 443, host="shop.example.org", tls=True)
SIDES = Sides(DOCKER, KUBERNETES, INGRESS)
LOADS = (Load(INGRESS), Load(DOCKER), Load(KUBERNETES))


class Lab:
    """A clock that time passes on while somebody waits, and everything around it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.use = FakeUse()
        self.prober = FakeProber(self.clock)
        self.checks = FakeChecks()
        self.lines: list[str] = []
        self.observed: list[Observation] = []
        self.stop_after = float("inf")
        self.waited = 0.0
        good = Certificate(("shop.example.org",), "CA", self.clock.now() + timedelta(days=90), verified=True)
        self.prober.certificates["shop.example.org"] = good
        for side in (Side.DOCKER, Side.KUBERNETES):
            self.prober.answers[side, "/"] = answer()

    def wait(self, seconds: float) -> bool:
        self.clock.advance(seconds)
        self.waited += seconds
        return self.waited >= self.stop_after

    def watcher(self) -> Watcher:
        return Watcher(self.clock, self.wait, self.use, self.observed.append)

    def verify(self, **more: object) -> Verify:
        plan = replace(VerifyPlan(SIDES, loads=LOADS), **more)  # type: ignore[arg-type]  # the test's own words
        return Verify(
            plan.sides.subject, lambda: plan, self.prober, self.clock, lambda: nullcontext(self.watcher()), self.checks
        )

    def soak(self, seconds: float = 900, limits: Limits | None = None) -> Soak:
        plan = SoakPlan(LOADS, seconds, limits or Limits(Budget()), subject="8c11e0d")
        return Soak(plan.subject, plan.seconds, lambda: plan, self.prober, lambda: nullcontext(self.watcher()))


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_both_are_actions(lab: Lab) -> None:
    actions: tuple[Action, ...] = (lab.verify(), lab.soak())
    assert [(a.step.value, a.name, a.lasting) for a in actions] == [("verify", "compare", ""), ("soak", "watch", "")]
    assert actions[1].title.endswith("for 15m00s")


class TestVerify:
    def test_alike(self, lab: Lab) -> None:
        action = lab.verify(scripts=(OwnScript(("./check", "a b"), {"URL": "x"}, 7),))
        assert action.look({}).seen is Seen.NOT_DONE
        data = json.loads(json.dumps(action.do({}, lab.lines.append)))
        seen = action.look(data)
        assert (seen.seen, seen.words) == (Seen.DONE, "1 path is answered the same by both sides")
        found = verified_of(data)
        assert found is not None and found.passed
        assert [(p.path, p.verdict) for p in found.paths] == [("/", Verdict.SAME)]
        assert "trusted until" in found.edges[0].sentence
        assert lab.checks.ran == [(("./check", "a b"), {"URL": "x"}, 7)]
        assert [c.sent for c in found.counts] == [50, 50, 50]
        assert (found.docker.memory_mean, found.kubernetes.memory_mean) == (310, 300)
        assert lab.waited == pytest.approx(10)
        assert all(p.stopped for p in lab.prober.started)
        action.undo(data, lab.lines.append)

    def test_another_subject_is_compared_anew(self, lab: Lab) -> None:
        data = lab.verify().do({}, lab.lines.append)
        other = replace(SIDES, docker=replace(DOCKER, address="192.168.88.9"))
        assert lab.verify(sides=other).look(data).seen is Seen.NOT_DONE
        pod = replace(SIDES, kubernetes=replace(KUBERNETES, address="10.244.0.99"))
        assert lab.verify(sides=pod).look(data).seen is Seen.DONE

    def test_a_difference_stops_it(self, lab: Lab) -> None:
        lab.prober.answers[Side.KUBERNETES, "/"] = answer("oops", 500)
        with pytest.raises(Refused) as caught:
            lab.verify().do({}, lab.lines.append)
        assert caught.value.detail == "/: status 200 on Docker, 500 on Kubernetes"
        allowed = overridden({"paths": {"/": "ignore"}})
        lab.prober.answers[Side.DOCKER, "/health"] = lab.prober.answers[Side.KUBERNETES, "/health"] = answer("up")
        assert verified_of(lab.verify(rules=allowed).do({}, lab.lines.append))

    def test_usual_paths_are_left_out_where_docker_has_none_but_not_ones_own(self, lab: Lab) -> None:
        lab.prober.answers[Side.KUBERNETES, "/healthz"] = answer("new")
        found = verified_of(lab.verify().do({}, lab.lines.append))
        assert found is not None and [p.path for p in found.paths] == ["/"]
        with pytest.raises(Refused, match="/healthz: status 404 on Docker, 200 on Kubernetes"):
            lab.verify(own_paths=("/healthz",)).do({}, lab.lines.append)

    def test_nothing_to_compare(self, lab: Lab) -> None:
        lab.prober.answers.clear()
        with pytest.raises(Refused, match="nothing to compare"):
            lab.verify().do({}, lab.lines.append)

    def test_a_side_that_does_not_answer(self, lab: Lab) -> None:
        lab.prober.answers[Side.KUBERNETES, "/"] = Unreachable("10.244.0.7:8096 does not answer", "connection refused")
        with pytest.raises(Refused, match="/: no answer from Kubernetes: connection refused"):
            lab.verify().do({}, lab.lines.append)

    def test_an_edge_that_is_not_ready(self, lab: Lab) -> None:
        lab.prober.certificates["shop.example.org"] = Certificate(problem="self-signed certificate")
        with pytest.raises(Refused, match="not trusted: self-signed certificate"):
            lab.verify().do({}, lab.lines.append)
        plain = replace(SIDES, ingress=replace(INGRESS, tls=False))
        assert lab.verify(sides=plain).do({}, lab.lines.append)

    def test_an_own_check_that_fails(self, lab: Lab) -> None:
        lab.checks.passes = False
        with pytest.raises(Refused, match="check failed with exit status 1: so it is"):
            lab.verify(scripts=(OwnScript(("check",)),)).do({}, lab.lines.append)

    @pytest.mark.parametrize(("side", "stops"), [(Side.KUBERNETES, True), (Side.DOCKER, False)])
    def test_failed_requests_of_the_new_side_stop_it_those_of_the_old_are_said(
        self, lab: Lab, side: Side, stops: bool
    ) -> None:
        def at(counts: Counts, seconds: float) -> Counts:
            bad = replace(counts, failed=2, failures=(Failure(1, "connection reset"),))
            return bad if counts.load.target.side is side else counts

        lab.prober.at = at
        said = f"2 of 50 requests to {side} failed, the first: connection reset"
        if stops:
            with pytest.raises(Refused, match=said):
                lab.verify().do({}, lab.lines.append)
        else:
            found = verified_of(lab.verify().do({}, lab.lines.append))
            assert found is not None and said in found.remarks

    def test_it_can_be_stopped(self, lab: Lab) -> None:
        lab.stop_after = 3
        with pytest.raises(Refused, match="stopped before its time"):
            lab.verify().do({}, lab.lines.append)
        assert lab.prober.started[0].stopped

    def test_plain_tcp_has_no_paths(self, lab: Lab) -> None:
        sides = Sides(replace(DOCKER, kind=Kind.TCP), replace(KUBERNETES, kind=Kind.TCP))
        found = verified_of(lab.verify(sides=sides).do({}, lab.lines.append))
        assert found is not None and found.paths == () and lab.prober.asked == []


class TestSoak:
    def test_a_quiet_one(self, lab: Lab) -> None:
        action = lab.soak()
        data = json.loads(json.dumps(action.do({}, lab.lines.append)))
        found = soaked_of(data)
        assert found is not None and found.seconds == 900 and found.restarts == 0
        assert lab.waited == pytest.approx(900)
        assert action.look(data).seen is Seen.DONE
        assert "0 of 13,500 requests failed, longest gap 200 ms, 0 restarts" in action.look(data).words
        assert lab.soak(seconds=1200).look(data).seen is Seen.NOT_DONE  # longer is wanted now
        assert lab.prober.started[0].stopped
        said = [line for line in lab.lines if "left" in line]
        assert len(said) == 16 and said[1] == "14m00s left, 0 of 900 requests failed"
        assert lab.observed[-1].left == timedelta(0) and len(lab.observed) > 1000

    def test_a_failed_request_ends_it_at_once(self, lab: Lab) -> None:
        lab.prober.at = failing(after=60)
        with pytest.raises(BudgetExceeded) as caught:
            lab.soak().do({}, lab.lines.append)
        assert str(caught.value) == "1 request failed, none may. the first after 60.0 s: status 502"
        assert 60 <= lab.waited < 61
        assert lab.prober.started[0].stopped

    def test_within_the_budget_it_goes_on(self, lab: Lab) -> None:
        lab.prober.at = failing(after=60)
        assert lab.soak(limits=Limits(Budget(failed=1))).do({}, lab.lines.append)

    def test_what_fails_at_the_very_end_counts(self, lab: Lab) -> None:
        def at(counts: Counts, seconds: float) -> Counts:
            ended = lab.prober.started[0].stopped and counts.load.target.side is Side.INGRESS
            return replace(counts, failed=1) if ended else counts

        lab.prober.at = at
        with pytest.raises(BudgetExceeded):
            lab.soak().do({}, lab.lines.append)

    def test_restarts(self, lab: Lab) -> None:
        restarts: Iterator[int] = iter([3, 3, 4, 0, 1])  # the pod was replaced in between

        def now() -> Use:
            return Use(0.1, 100, next(restarts, 1))

        lab.use.kubernetes_now = now
        with pytest.raises(BudgetExceeded, match="were restarted once"):
            lab.soak().do({}, lab.lines.append)
        restarts = iter([3, 3, 4, 0, 1])
        found = soaked_of(lab.soak(limits=Limits(Budget(), restarts=2)).do({}, lab.lines.append))
        assert found is not None and found.restarts == 2

    def test_memory_and_latency(self, lab: Lab) -> None:
        mib = 1024 * 1024
        lab.use.kubernetes_now = lambda: Use(0.1, 700 * mib, 0)
        with pytest.raises(BudgetExceeded, match="the pods use 700 MiB"):
            lab.soak(limits=Limits(Budget(), memory=512 * mib)).do({}, lab.lines.append)
        lab.prober.at = lambda counts, _: replace(counts, samples=(0.001, 0.9), answered=max(counts.answered, 2))
        with pytest.raises(BudgetExceeded, match="5 of 100 answers take longer than 900 ms"):
            lab.soak(limits=Limits(Budget(), p95_seconds=0.5)).do({}, lab.lines.append)

    def test_what_cannot_be_measured_is_said_and_ends_nothing(self, lab: Lab) -> None:
        def denied() -> Use:
            raise Denied("Not allowed", "pods.metrics.k8s.io is forbidden")

        lab.use.kubernetes_now = denied
        found = soaked_of(lab.soak().do({}, lab.lines.append))
        assert found is not None and found.restarts is None and found.kubernetes.memory_mean is None
        assert found.remarks == ("what Kubernetes uses could not always be measured: pods.metrics.k8s.io is forbidden",)

    def test_requests_that_are_sent_already_are_watched_and_left_running(self, lab: Lab) -> None:
        running = lab.prober.start(LOADS)
        plan = SoakPlan(LOADS, 60, Limits(Budget()), "x")
        Soak(
            plan.subject, plan.seconds, lambda: plan, lab.prober, lambda: nullcontext(lab.watcher()), lambda: running
        ).do({}, lab.lines.append)
        assert lab.prober.started == [running] and not running.stopped

    def test_it_can_be_stopped(self, lab: Lab) -> None:
        lab.stop_after = 30
        with pytest.raises(Refused, match="stopped before its time"):
            lab.soak().do({}, lab.lines.append)
        assert lab.waited < 31

    def test_one_that_was_cut_off_begins_anew_and_says_so(self, lab: Lab) -> None:
        soak = lab.soak()
        first = soak.look({}).data  # the engine has it in the journal, and is killed in the middle
        assert not first["anew"]
        again = soak.look(first)
        assert again.words == "an earlier watch was cut off"
        before = lab.waited
        found = soaked_of(soak.do({**first, **again.data}, lab.lines.append))
        assert found is not None and lab.waited - before >= 900
        assert found.remarks == ("an earlier watch was cut off, and nobody saw what came after it",)
        assert f"{found.remarks[0]}; it begins anew, for 15m00s" in lab.lines
        fresh = soaked_of(lab.soak().do(first, lab.lines.append))
        assert fresh is not None and fresh.remarks == ()

    def test_a_plan_has_to_make_sense(self) -> None:
        with pytest.raises(Invalid, match="cannot be seen"):
            SoakPlan((Load(INGRESS, rate=1),), 60, Limits(Budget()), "x")
        with pytest.raises(Invalid):
            SoakPlan(LOADS, 0, Limits(Budget()), "x")


class TestSides:
    def test_the_first_way_that_answers(self, lab: Lab) -> None:
        through = Target(Side.KUBERNETES, "", 0, path="/x", through=PodPort("shop", "web-0", 8080))
        pod = replace(KUBERNETES, path="/pod")
        refused: LabError = Unreachable("10.244.0.7 does not answer", "no answer for 2 s")
        lab.prober.answers[Side.KUBERNETES, "/pod"] = refused
        assert first_that_answers(lab.prober, (pod, through)) == through  # a 404 is an answer, too
        lab.prober.answers[Side.KUBERNETES, "/x"] = Denied("Not allowed", "pods/proxy is forbidden")
        with pytest.raises(Unreachable) as caught:
            first_that_answers(lab.prober, (pod, through))
        assert caught.value.detail == "10.244.0.7:8096: no answer for 2 s; the API server: pods/proxy is forbidden"

    def test_use_is_that_of_the_stack_alone(self) -> None:
        site, cluster = SourceId(SourceKind.DOCKER, "wroclaw"), SourceId(SourceKind.KUBERNETES, "homelab")

        def service(stack: str, memory: int) -> DockerService:
            container = Container(stack, stack, "i", "running", cpu=0.1, memory=memory)
            return DockerService(Ref(site, "ComposeService", stack, "web"), (container,))

        def pod(namespace: str, part: str, memory: int) -> Pod:
            ref = Ref(cluster, "Pod", namespace, f"{part}-0")
            labels = (("app.kubernetes.io/part-of", part),)
            return Pod(ref, "Running", Level.WELL, 1, 1, labels=labels, usage=Usage(0.2, memory))

        known: dict[tuple[SourceId, str], list[Resource]] = {
            (site, "ComposeService"): [service("shop", 1), service("blog", 10)],
            (cluster, "Pod"): [pod("shop", "shop", 100), pod("shop", "other", 1000), pod("blog", "shop", 10_000)],
        }
        use = InventoryUse(lambda source, kinds: known[source, kinds[0]], site, "shop", cluster, "shop")
        assert use.docker() == Use(0.1, 1, 0)
        assert use.kubernetes() == Use(0.2, 100, 0)


def test_what_the_journal_keeps_of_the_largest_comparison_is_bounded(lab: Lab) -> None:
    """An entry of the journal may have 64 KiB."""
    paths = tuple(f"/{number:02}{'x' * 190}" for number in range(40))
    for path in paths:
        for side in (Side.DOCKER, Side.KUBERNETES):
            headers = [(f"x-{'h' * 50}-{number}", f"{side}{'v' * 200}") for number in range(60)]
            lab.prober.answers[side, path] = answer(headers=headers)

    def at(counts: Counts, seconds: float) -> Counts:
        failures = tuple(Failure(number / 7, "status 502 " + "w" * 100) for number in range(20))
        bad = replace(counts, failed=20, failures=failures) if counts.load.target.side is Side.DOCKER else counts
        return replace(bad, recent=(0.123456,) * 120)

    lab.prober.at = at
    data = lab.verify(own_paths=paths, seconds=600.0).do({}, lab.lines.append)
    found = verified_of(data)
    assert found is not None and len(found.paths) == 41 and found.paths[0].verdict is Verdict.ACCEPTABLE
    assert found.paths[0].sentence.endswith("; and 55 more")
    assert 20_000 < len(json.dumps(data)) < 60_000
