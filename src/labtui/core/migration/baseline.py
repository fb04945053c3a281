"""Verify for a stack whose pods cannot run beside its containers: Docker's answers are kept, and the pods are compared with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.sides import at
from labtui.core.migration.verify import ABSENT, Verified, VerifyPlan, checks_of, edges_of
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, MustUndo, Refused, Unreachable
from labtui.domain.migration.baseline import Kept, compare_with, kept_of
from labtui.domain.migration.edge import EdgeVerdict
from labtui.domain.migration.journal import Entry, Mark
from labtui.domain.migration.parity import USUAL_PATHS, Identity, PathVerdict, Verdict, unanswered
from labtui.domain.migration.parity_rules import DEFAULT, PathRule, Rules
from labtui.domain.migration.probes import Kind, Target
from labtui.domain.migration.steps import StepName
from labtui.domain.records import from_plain, to_plain
from labtui.ports import Clock
from labtui.ports.migration import OwnCheck, Prober

PATIENCE = Pace(every=0.5, limit=30.0)  # pods that are ready may still be loading


@dataclass(frozen=True, slots=True)
class DockerPlan:
    """What Docker is asked. `own_paths` are looked at in any case, the rest of `paths` only where Docker knows them."""

    docker: Target
    identity: Identity = field(default_factory=Identity)
    ingress: Target | None = None
    paths: tuple[str, ...] = USUAL_PATHS
    own_paths: tuple[str, ...] = ()
    rules: Rules = DEFAULT


@dataclass(frozen=True, slots=True)
class Baseline:
    """What Docker answered, as the journal keeps it."""

    subject: str
    answers: tuple[Kept, ...]
    edges: tuple[EdgeVerdict, ...] = ()


def baseline_of(entries: Iterable[Entry]) -> Baseline | None:
    """The newest one in a journal, also one of a run that was taken back. Raises Invalid for a damaged record."""
    found: Baseline | None = None
    for entry in entries:
        if entry.mark is Mark.DONE and "baseline" in entry.data:
            found = from_plain(Baseline, entry.data["baseline"])
    return found


class AskDocker:
    """Keeps what Docker answers now. In the step verify it also sees that Docker answers the same question alike twice; in the step
    quiesce, right before the stop, it takes the newest answers. `core.migration.action.Action`."""

    name = "baseline"
    lasting = ""

    def __init__(
        self,
        step: StepName,
        subject: str,
        find: Callable[[], DockerPlan],
        prober: Prober,
        clock: Clock,
        entries: Sequence[Entry] = (),
    ) -> None:
        """`subject` is what is asked, as one text; `entries` the journal as it is when the run begins."""
        self.step = step
        self._subject, self._find, self._prober, self._clock = subject, find, prober, clock
        self._found = baseline_of(e for e in entries if e.step is step)

    @property
    def title(self) -> str:
        """See `Action`."""
        if self.step is StepName.VERIFY:
            return "ask Docker, and keep its answers: no pod can be asked yet"
        return "ask Docker once more before it is stopped"

    @property
    def found(self) -> Baseline | None:
        """What was kept: in this run, else in an earlier one; None before that."""
        return self._found

    def look(self, earlier: Data) -> Look:
        """Done when the journal says that just this was asked."""
        found = from_plain(Baseline, earlier["baseline"]) if "baseline" in earlier else None
        if found is None or found.subject != self._subject:
            return Look(Seen.NOT_DONE, "not asked yet")
        return Look(Seen.DONE, _words(found), earlier)

    def do(self, earlier: Data, report: Report) -> Data:
        """Ask. Raises Refused when the edge is not ready, when there is nothing to ask, or when Docker's own answers differ."""
        plan = self._find()
        kept = self._answers(plan, report)
        edges = edges_of(plan.ingress, self._prober, self._clock, report) if self.step is StepName.VERIFY else ()
        if bad := [e.sentence for e in edges if not e.well]:
            raise Refused("The Ingress is not ready", "; ".join(bad))
        self._found = Baseline(self._subject, kept, edges)
        report(_words(self._found))
        data: dict[str, Any] = {"baseline": to_plain(self._found)}
        return data

    def undo(self, data: Data, report: Report) -> None:
        """Nothing was changed."""

    def _answers(self, plan: DockerPlan, report: Report) -> tuple[Kept, ...]:
        if plan.docker.kind is not Kind.HTTP:
            return ()
        found: list[Kept] = []
        changing: list[str] = []
        for path in dict.fromkeys((*plan.own_paths, *plan.paths)):
            if plan.rules.paths.get(path) is PathRule.IGNORE:
                continue
            answer = self._prober.ask(at(plan.docker, path))
            if answer.status in ABSENT and path not in plan.own_paths:
                continue  # one of the usual paths that this application does not have
            kept = kept_of(path, answer, plan.rules, plan.identity)
            report(f"{path}: status {answer.status} on Docker")
            if self.step is StepName.VERIFY:
                again = self._prober.ask(at(plan.docker, path))
                verdict = compare_with(kept, again, plan.rules, (plan.identity, plan.identity))
                if verdict.verdict is Verdict.DIFFERS:
                    changing.append(path)
            found.append(kept)
        if changing:
            hint = "Write a rule for what changes with every answer (`compare` in the stack's checks file)"
            raise Refused("Docker answers the same question in two ways", ", ".join(changing), hint)
        if not found:
            raise Refused(
                "There is nothing to compare",
                "Docker answers none of the usual paths with anything but 404",
                "Name a path of this application under `paths` in the stack's checks file",
            )
        return tuple(found)


class CompareWithDocker:
    """The pods, asked straight while no user is on them, against what Docker answered before it was stopped. In the step quiesce:
    a difference takes the step back by itself. `core.migration.action.Action`."""

    step = StepName.QUIESCE
    name = "compare"
    title = "compare the pods' answers with what Docker answered"
    lasting = ""

    def __init__(
        self,
        asked: Sequence[AskDocker],
        find: Callable[[], VerifyPlan],
        prober: Prober,
        own: OwnCheck | None = None,
        pace: Pace = PATIENCE,
    ) -> None:
        """`asked`: the newest last. `find` makes the plan when the pods are there."""
        self._asked, self._find, self._prober, self._own, self._pace = tuple(asked), find, prober, own, pace

    def look(self, earlier: Data) -> Look:
        """Done when the journal says so: the pods were started for just this comparison, and a new start is a new one."""
        if "verified" in earlier:
            return Look(Seen.DONE, "the pods answer as Docker did", earlier)
        return Look(Seen.NOT_DONE, "not compared yet")

    def do(self, earlier: Data, report: Report) -> Data:
        """Compare, for a while where they differ. Raises MustUndo when they still do, and for whatever else goes wrong."""
        baseline = next((asked.found for asked in reversed(self._asked) if asked.found is not None), None)
        if baseline is None:
            raise MustUndo("What Docker answered is not in the journal", "so the pods cannot be compared with it")
        try:
            plan = self._find()
            paths = self._until_alike(baseline, plan)
            for path in paths:
                report(f"{path.path}: {path.verdict.word}, {path.sentence}")
            problems = [f"{p.path}: {p.sentence}" for p in paths if p.verdict is Verdict.DIFFERS]
            checks = checks_of(plan.scripts, self._own, report) if not problems else ()
            problems += [c.sentence for c in checks if not c.passed]
        except MustUndo:
            raise
        except LabError as error:
            raise MustUndo(error.title, error.detail, error.hint) from error
        if problems:
            hint = "Correct the values, or write a rule for what may differ (`compare` in the stack's checks file)"
            raise MustUndo("The pods do not answer as Docker did", "; ".join(problems[:5]), hint)
        kept = tuple(replace(path, differences=()) for path in paths)
        found = Verified(baseline.subject, passed=True, paths=kept, edges=baseline.edges, checks=checks)
        data: dict[str, Any] = {"verified": to_plain(found)}
        return data

    def undo(self, data: Data, report: Report) -> None:
        """Nothing was changed."""

    def _until_alike(self, baseline: Baseline, plan: VerifyPlan) -> tuple[PathVerdict, ...]:
        end = self._pace.monotonic() + self._pace.limit
        while True:
            found = tuple(self._compare(kept, plan) for kept in baseline.answers)
            if all(p.verdict is not Verdict.DIFFERS for p in found) or self._pace.monotonic() > end:
                return found
            self._pace.wait(self._pace.every)

    def _compare(self, kept: Kept, plan: VerifyPlan) -> PathVerdict:
        sides = plan.sides
        try:
            now = self._prober.ask(at(sides.kubernetes, kept.path))
        except LabError as error:
            return unanswered(kept.path, "", error.cause)
        return compare_with(kept, now, plan.rules, (sides.docker_identity, sides.kubernetes_identity))


def answered_by_pods(prober: Prober, find: Callable[[], Target | None]) -> str:
    """Why users are not answered through the Ingress, empty when they are. The gateway's own errors are no answers."""
    try:
        target = find()
        if target is None:
            return ""
        status = prober.ask(target).status
    except (Unreachable, Refused) as error:
        return str(error.cause)
    return f"status {status}" if status in (502, 503, 504) else ""


def _words(found: Baseline) -> str:
    count = len(found.answers)
    return f"Docker's answers to {count} {'path is' if count == 1 else 'paths are'} kept"
