"""Step `verify`: both sides are asked and compared before any user is sent to the new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.sides import Sides, at
from labtui.core.migration.watching import Observation, Watching
from labtui.domain.errors import LabError, Refused
from labtui.domain.migration import edge
from labtui.domain.migration.comparison import CheckResult, Comparison, Measured
from labtui.domain.migration.edge import EdgeVerdict
from labtui.domain.migration.parity import USUAL_PATHS, PathVerdict, Verdict, compare, unanswered, worst
from labtui.domain.migration.parity_rules import DEFAULT, PathRule, Rules
from labtui.domain.migration.probes import Answer, Kind, Load, Side, SideCounts, Target
from labtui.domain.migration.settings import OwnScript
from labtui.domain.migration.steps import StepName
from labtui.domain.migration.tally import by_side
from labtui.domain.records import from_plain, to_plain
from labtui.ports import Clock
from labtui.ports.migration import OwnCheck, Prober

ABSENT = (404, 410)


@dataclass(frozen=True, slots=True)
class VerifyPlan:
    """What is compared. `own_paths` are looked at in any case, the rest of `paths` only where Docker knows them.

    `seconds`: how long both sides are asked (`loads`) and measured; 0 leaves that out.
    """

    sides: Sides
    paths: tuple[str, ...] = USUAL_PATHS
    own_paths: tuple[str, ...] = ()
    rules: Rules = DEFAULT
    loads: tuple[Load, ...] = ()
    seconds: float = 10.0
    scripts: tuple[OwnScript, ...] = ()


@dataclass(frozen=True, slots=True)
class Verified:
    """What came out; it is what the journal keeps, and what the report takes from there (`verified_of`)."""

    subject: str
    passed: bool
    paths: tuple[PathVerdict, ...] = ()
    edges: tuple[EdgeVerdict, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    counts: tuple[SideCounts, ...] = ()
    docker: Measured = field(default_factory=Measured)
    kubernetes: Measured = field(default_factory=Measured)
    remarks: tuple[str, ...] = ()


def verified_of(data: Data) -> Verified | None:
    """What the journal says of a verification, None when it says nothing. Raises Invalid for a damaged record."""
    return from_plain(Verified, data["verified"]) if "verified" in data else None


class Verify:
    """See `core.migration.action.Action`. It changes nothing, so there is nothing to undo."""

    step = StepName.VERIFY
    name = "compare"
    title = "ask both sides and compare their answers"
    lasting = ""

    def __init__(
        self,
        subject: str,
        find: Callable[[], VerifyPlan],
        prober: Prober,
        clock: Clock,
        watching: Watching,
        own: OwnCheck | None = None,
    ) -> None:
        """`subject` is what is compared, as one text. `find` makes the plan when it is needed: pods are there only then."""
        self._subject, self._find = subject, find
        self._prober, self._clock = prober, clock
        self._watching, self._own = watching, own

    def look(self, earlier: Data) -> Look:
        """Done when the journal says that just this was compared and passed."""
        found = verified_of(earlier)
        if found is None or found.subject != self._subject or not found.passed:
            return Look(Seen.NOT_DONE, "not compared yet")
        return Look(Seen.DONE, _words(found), earlier)

    def do(self, earlier: Data, report: Report) -> Data:
        """Compare. Raises Refused when the sides differ, when the edge is not ready or when a check of the operator's fails."""
        plan = self._find()
        paths = self._paths(plan, report)
        edges = self._edges(plan, report)
        checks = self._checks(plan, report)
        comparison, counts, remarks = self._over_time(plan, report)
        for sentence in comparison.sentences():
            report(sentence)
        failed, said = _failed(counts, plan.sides.kubernetes.side)
        problems = [
            *(f"{p.path}: {p.sentence}" for p in paths if p.verdict is Verdict.DIFFERS),
            *(e.sentence for e in edges if not e.well),
            *(c.sentence for c in checks if not c.passed),
            *failed,
        ]
        if problems:
            hint = "Correct the values and try again, or write a rule for what may differ (`compare` in the stack's checks file)"
            raise Refused("Both sides are not alike", "; ".join(problems[:5]) + _more(problems), hint)
        found = Verified(
            subject=self._subject,
            passed=True,
            # the sentence says each difference already, and a line of the journal is bounded
            paths=tuple(replace(path, differences=()) for path in paths),
            edges=edges,
            checks=checks,
            counts=counts,
            docker=comparison.docker_use,
            kubernetes=comparison.kubernetes_use,
            remarks=(*comparison.sentences(), *said, *remarks),
        )
        report(_words(found))
        data: dict[str, Any] = {"verified": to_plain(found)}
        return data

    def undo(self, data: Data, report: Report) -> None:
        """Nothing was changed."""

    def _paths(self, plan: VerifyPlan, report: Report) -> tuple[PathVerdict, ...]:
        sides = plan.sides
        if sides.docker.kind is not Kind.HTTP:
            return ()
        found = []
        for path in dict.fromkeys((*plan.own_paths, *plan.paths)):
            if plan.rules.paths.get(path) is PathRule.IGNORE:
                continue
            docker, why_docker = self._ask(at(sides.docker, path))
            if docker is not None and docker.status in ABSENT and path not in plan.own_paths:
                continue  # one of the usual paths that this application does not have
            kubernetes, why_kubernetes = self._ask(at(sides.kubernetes, path))
            if docker is None or kubernetes is None:
                verdict = unanswered(path, why_docker, why_kubernetes)
            else:
                identities = sides.docker_identity, sides.kubernetes_identity
                verdict = compare(path, docker, kubernetes, plan.rules, identities)
            report(f"{path}: {verdict.verdict.word}, {verdict.sentence}")
            found.append(verdict)
        if not found:
            raise Refused(
                "There is nothing to compare",
                "Docker answers none of the usual paths with anything but 404",
                "Name a path of this application under `paths` in the stack's checks file",
            )
        return tuple(found)

    def _ask(self, target: Target) -> tuple[Answer | None, str]:
        try:
            return self._prober.ask(target), ""
        except LabError as error:
            return None, error.cause

    def _edges(self, plan: VerifyPlan, report: Report) -> tuple[EdgeVerdict, ...]:
        return edges_of(plan.sides.ingress, self._prober, self._clock, report)

    def _checks(self, plan: VerifyPlan, report: Report) -> tuple[CheckResult, ...]:
        return checks_of(plan.scripts, self._own, report)

    def _over_time(
        self, plan: VerifyPlan, report: Report
    ) -> tuple[Comparison, tuple[SideCounts, ...], tuple[str, ...]]:
        if not plan.loads or plan.seconds <= 0:
            return Comparison(None, None, Measured(), Measured()), (), ()
        report(f"measuring both sides for {plan.seconds:g} s")
        probing = self._prober.start(plan.loads)
        try:
            with self._watching() as watcher:
                watched = watcher.watch(probing, plan.seconds, None, _silent)
        finally:
            counts = probing.stop()
        if watched.stopped:
            raise Refused("The comparison was stopped before its time", hint="Resume the migration to compare again")
        sides = by_side(counts)
        of = {s.side: s for s in sides}
        docker, kubernetes = of.get(plan.sides.docker.side), of.get(plan.sides.kubernetes.side)
        return Comparison(docker, kubernetes, watched.docker, watched.kubernetes), sides, watched.remarks


def edges_of(ingress: Target | None, prober: Prober, clock: Clock, report: Report) -> tuple[EdgeVerdict, ...]:
    """What the Ingress shows to the host name, where it speaks TLS."""
    if ingress is None or not ingress.tls:
        return ()
    verdict = edge.judge(prober.certificate(ingress), ingress.name, clock.now())
    report(verdict.sentence)
    return (verdict,)


def checks_of(scripts: Sequence[OwnScript], own: OwnCheck | None, report: Report) -> tuple[CheckResult, ...]:
    """The operator's own checks, one after the other. Raises Refused where none can be run."""
    if not scripts:
        return ()
    if own is None:
        raise Refused("The operator's own checks cannot be run here")
    found = []
    for script in scripts:
        result = own.run(script.argv, script.environ, script.seconds)
        report(result.sentence)
        found.append(result)
    return tuple(found)


def _silent(_: Observation) -> None:
    return None


def _failed(counts: Sequence[SideCounts], new: Side) -> tuple[list[str], list[str]]:
    """Problems and remarks: the new side may fail no request; of the old one, which is to be left, it is only said."""
    problems: list[str] = []
    remarks: list[str] = []
    for side in counts:
        if side.failed:
            why = f", the first: {side.failures[0].why}" if side.failures else ""
            bad = side.side is new or not side.answered
            (problems if bad else remarks).append(f"{side.failed} of {side.sent} requests to {side.side} failed{why}")
    return problems, remarks


def _words(found: Verified) -> str:
    if not found.paths:
        return "both sides answer"
    word = {Verdict.SAME: "the same", Verdict.ACCEPTABLE: "alike", Verdict.DIFFERS: "differently"}[worst(found.paths)]
    count = len(found.paths)
    return f"{count} {'path is' if count == 1 else 'paths are'} answered {word} by both sides"


def _more(problems: Sequence[str]) -> str:
    return f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
