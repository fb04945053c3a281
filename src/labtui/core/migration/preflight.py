"""The step PREFLIGHT: everything that has to be true before a stack is moved is asked, and each no says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.secrets import may_write
from labtui.domain.checks import Check, Verdict
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import StackPlan
from labtui.domain.errors import Denied, LabError, NotFound, Refused, Unreachable
from labtui.domain.migration import preflight as judge
from labtui.domain.migration.steps import StepName
from labtui.domain.ref import Ref
from labtui.domain.text import clean
from labtui.ports import Applications, Diagnosable
from labtui.ports.moving import Allowances, ClusterQuestions, SecretWriter

OWN_NAMESPACE = "labtui"
_ARGOCD_CONFIG = "argocd-cm"


@dataclass(frozen=True)
class Preflight:
    """Whom to ask, and about what. What an estate does not have is None or empty, and is not asked.

    `applications` are those that the move goes through, if they are there: the stack's own, its parent, the one that is
    adopted. `obstacles` speaks for the operator's git clone, `holder` for the Lease: whom else it belongs to, empty for nobody.
    """

    plan: StackPlan = field(repr=False)
    facts: Facts = field(repr=False)
    namespace: str
    sources: Sequence[tuple[str, Diagnosable]] = ()
    cluster: ClusterQuestions | None = None
    argocd: Applications | None = None
    allowances: Allowances | None = None
    applications: Sequence[Ref] = ()
    project: str = "default"
    argocd_namespace: str = "argocd"
    vault: SecretWriter | None = None
    obstacles: Callable[[], Sequence[str]] | None = None
    holder: Callable[[], str] | None = None
    place: Callable[[], Iterable[Check]] | None = None  # whether the stack's place in the cluster is its own
    objects: Sequence[Mapping[str, Any]] = ()  # what is applied where there is no Argo CD
    random_ports: Sequence[str] = ()  # SERVICE:PORT of what is published on a port that Docker chooses
    memory_limit: int = 0  # bytes; no more than this of a node's memory may be used; 0: all that it has

    def checks(self) -> Iterator[Check]:
        """All of them; one that cannot be asked is a finding of its own."""
        yield from self._connections()
        yield from judge.judge_plan(self.plan, self._vault_keys())
        yield from judge.judge_ports(self.random_ports)
        yield from judge.judge_images(self.plan, self.facts)
        yield from self._asked("cluster", self._cluster)
        if self.place is not None:
            yield from self._asked("cluster", self.place)
        yield from judge.judge_storage(self.plan, self.facts.cluster)
        yield from self._asked("argocd", self._argocd)
        yield from self._asked("vault", self._vault)
        yield from self._asked("git", self._git)
        yield from self._asked("lease", self._lease)

    def _connections(self) -> Iterator[Check]:
        """What `doctor` asks; of what is well the connection alone is told. What only the screen needs cannot stop a move."""
        for _, source in self.sources:
            for check in source.check():
                if check.name == "connection" or check.verdict is Verdict.FAIL:
                    yield check

    def _asked(self, subject: str, question: Callable[[], Iterable[Check]]) -> Iterator[Check]:
        try:
            yield from question()
        except LabError as error:
            words = f"{error.title}: {error.detail}" if error.detail else error.title
            lost = isinstance(error, Unreachable)
            yield Check(subject, "can be asked", Verdict.FAIL, clean(words), error.hint, unreachable=lost)

    def _cluster(self) -> Iterator[Check]:
        if self.cluster is None:
            yield Check(
                "cluster", "connection", Verdict.FAIL, "the estate has none", "Name it in the estate file (cluster)"
            )
            return
        wanted = judge.rights(self.namespace, OWN_NAMESPACE, () if self.argocd else self.objects)
        if lacking := self.cluster.lacking(wanted):
            words = f"you may not {'; '.join(r.words for r in lacking)}"
            yield Check("cluster", "permissions", Verdict.FAIL, clean(words), "Ask for a role that allows it")
        else:
            yield Check("cluster", "permissions", Verdict.OK, f"all {len(wanted)} that are needed")
        yield judge.judge_capacity(self.plan, self.facts, self.cluster.memory_in_use(), self.memory_limit)
        yield from judge.judge_edge(self.plan, self.namespace, self.cluster.ingresses())

    def _argocd(self) -> Iterator[Check]:
        if self.argocd is None:
            return
        apps, blocked = [], {}
        for ref in self.applications:
            try:
                app = self.argocd.get(ref)
            except NotFound:
                continue  # it comes with the move
            apps.append(app)
            if not self.argocd.windows(ref).can_sync:
                blocked[ref.name] = "a sync window does not let it sync now"
        yield from judge.judge_argocd(self.argocd.version(), apps, blocked)
        if self.allowances is not None:
            name = f"{apps[0].project if apps else self.project}/{self.namespace}"
            actions = ("get", "sync", "update")
            if no := [a for a in actions if not self.allowances.may("applications", a, name)]:
                rule = f"p, ACCOUNT, applications, {no[0]}, {name}, allow"
                yield Check(
                    "argocd", "permissions", Verdict.FAIL, clean(f"may not {', '.join(no)} {name}"), clean(rule)
                )
            else:
                yield Check("argocd", "permissions", Verdict.OK, clean(f"may {', '.join(actions)} {name}"))
        yield self._exclusions()

    def _exclusions(self) -> Check:
        if self.cluster is None:
            return Check("argocd", "EndpointSlices", Verdict.SKIP, "its settings cannot be read without the cluster")
        try:
            text = self.cluster.config(self.argocd_namespace, _ARGOCD_CONFIG).get("resource.exclusions", "")
        except (NotFound, Denied) as error:
            words = f"its settings cannot be read: {error.cause}"
            advice = f"Check that resource.exclusions of {_ARGOCD_CONFIG} leaves EndpointSlice to Argo CD"
            return Check("argocd", "EndpointSlices", Verdict.WARN, clean(words), advice)
        try:
            exclusions = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError):
            words = f"resource.exclusions of {_ARGOCD_CONFIG} is not understood"
            return Check("argocd", "EndpointSlices", Verdict.WARN, words, "Check that it is a YAML list")
        if judge.excludes_slices(exclusions):
            advice = (
                f"Take EndpointSlice out of resource.exclusions in {_ARGOCD_CONFIG}: Argo CD leaves them out by default"
            )
            return Check("argocd", "EndpointSlices", Verdict.FAIL, "Argo CD does not deploy them", advice)
        return Check("argocd", "EndpointSlices", Verdict.OK, "Argo CD deploys them")

    def _vault_keys(self) -> dict[str, frozenset[str]]:
        """The keys of the paths in which a secret has no value here."""
        paths = {s.path for s in self.plan.secrets if s.value is None}
        if self.vault is None:
            return {}
        try:
            return {path: frozenset(self.vault.newest(path).values) for path in paths}
        except LabError:
            return {}  # the check of Vault itself says why

    def _vault(self) -> Iterator[Check]:
        paths = sorted({s.path for s in self.plan.secrets})
        if not paths:
            return
        if self.vault is None:
            words = f"the estate has none, and the stack has {len(self.plan.secrets)} secrets"
            yield Check("vault", "connection", Verdict.FAIL, words, "Name it in the estate file (vault.address)")
            return
        if lacking := may_write(self.vault, paths):
            words = "; ".join(f"{path}: {why}" for path, why in lacking.items())
            yield Check(
                "vault",
                "permissions",
                Verdict.FAIL,
                clean(words),
                "Ask for a policy with create, read and update there",
            )
        else:
            yield Check("vault", "permissions", Verdict.OK, clean(f"may write {', '.join(paths)}"))

    def _git(self) -> Iterator[Check]:
        if self.obstacles is None:
            return
        found = self.obstacles()
        for words in found:
            what, _, advice = words.rpartition(": ")
            yield Check("git", "clean and pushed", Verdict.FAIL, clean(what or words), clean(advice if what else ""))
        if not found:
            yield Check("git", "clean and pushed", Verdict.OK, "nothing in the way of a commit")

    def _lease(self) -> Iterator[Check]:
        if self.holder is None:
            return
        if words := self.holder():
            advice = "Wait until it has ended: labtui migration list shows it"
            yield Check("lease", "no other run", Verdict.FAIL, clean(words), advice)
        else:
            yield Check("lease", "no other run", Verdict.OK, "nobody else migrates this stack")


class RunPreflight:
    """Asks everything once. `core.migration.action.Action`: its data says that all was well, and what was worth a warning."""

    step = StepName.PREFLIGHT
    name = "checks"
    title = "check connections, rights, images, capacity, host name, git and Argo CD"
    lasting = ""

    def __init__(self, checks: Callable[[], Iterable[Check]]) -> None:
        self._checks = checks

    def look(self, earlier: Data) -> Look:
        """See `Action`. Passed once is passed: later steps change what it asked about."""
        if earlier.get("passed"):
            return Look(Seen.DONE, f"{earlier['passed']} checks passed", dict(earlier))
        return Look(Seen.NOT_DONE, "not checked yet")

    def do(self, earlier: Data, report: Report) -> Data:
        """See `Action`. Raises Refused with everything that is not well and what to do; Unreachable when that is all it is."""
        found = []
        for check in self._checks():
            found.append(check)
            report(f"{_SIGN[check.verdict]} {check.subject}: {check.name}: {check.detail}")
        failed = [c for c in found if c.verdict is Verdict.FAIL]
        if failed:
            detail = "\n".join(_line(c) for c in failed)
            kind = Unreachable if all(c.unreachable for c in failed) else Refused
            what = "1 check fails" if len(failed) == 1 else f"{len(failed)} checks fail"
            raise kind(f"Nothing was changed: {what}", detail, "Put these right, then run it again")
        warned = [_line(c) for c in found if c.verdict is Verdict.WARN]
        return {"passed": len(found) - len(warned), "warnings": warned}

    def undo(self, data: Data, report: Report) -> None:
        """See `Action`: it has changed nothing."""


_SIGN = {Verdict.OK: "●", Verdict.WARN: "▲", Verdict.FAIL: "✗", Verdict.SKIP: "○"}


def _line(check: Check) -> str:
    return f"{check.subject}: {check.name}: {check.detail}" + (f" → {check.remedy}" if check.remedy else "")
