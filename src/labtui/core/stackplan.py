"""A stack's move put together: its files, what is known of the world and the answers become a plan and rendered objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from labtui.core.answers import Key, accepted, address, checked, match, parse_answers, unmatched
from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Choice, Finding, StackPlan, Verdict
from labtui.domain.errors import Invalid, LabError, Refused
from labtui.domain.text import clean
from labtui.ports import ChartRenderer, ComposeFiles, GitFiles, StackFacts

Convert = Callable[[Stack, Facts, Answers], StackPlan]
PROBE = "?"  # an answer that no question has: what it is answered with shows the options
Objects = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class PlannedStack:
    """A plan and what it was made from. `saved` are the answers in git, `answers` those that hold in this plan."""

    stack: Stack = field(repr=False)
    facts: Facts = field(repr=False)
    plan: StackPlan
    answers: Answers = field(default_factory=dict)
    saved: Answers = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`site/stack`."""
        return f"{self.stack.site}/{self.stack.name}"

    @property
    def unsaved(self) -> Mapping[Key, str]:
        """What `save` would write: answers that git does not have, and an empty one for each that was taken back."""
        changed = {key: answer for key, answer in self.answers.items() if self.saved.get(key) != answer}
        return changed | {key: "" for key in self.saved if key not in self.answers}


@dataclass(frozen=True, slots=True)
class StackPlanner:
    """Makes plans. `manifests` and `environment` say where in the repository the answers are; without `files` (an estate
    without a repository) there are none."""

    compose: ComposeFiles
    convert: Convert
    sites: Sequence[str]
    facts: StackFacts | None = None
    charts: ChartRenderer | None = None
    files: GitFiles | None = None
    manifests: str = "manifests"
    environment: str = ""

    def answers_file(self, stack: str, site: str = "") -> str:
        """The path of a stack's answers in the repository; with the site's name where another one has a stack of this name:
        what answers the one is stale to the other."""
        if site and any(stack in self._stacks(other) for other in self.sites if other != site):
            stack = f"{stack}-{site}"
        place = f"{self.environment}/" if self.environment else ""
        folder = self.manifests.strip("/").removeprefix("./")
        return f"{folder}/applications/values/{place}{stack}.answers.yaml"

    def find(self, name: str) -> tuple[str, str]:
        """Site and stack of `SITE/STACK`. Raises Invalid that names the nearest one."""
        site, slash, stack = name.partition("/")
        if not slash or not stack or "/" in stack:
            raise Invalid(f"{clean(name)!r} names no stack", "", "Write SITE/STACK")
        if site not in self.sites:
            near = get_close_matches(site, self.sites, 1, cutoff=0.3)
            words = f"the nearest is {near[0]}" if near else f"there are {', '.join(self.sites)}" if self.sites else ""
            raise Invalid(
                f"The estate has no site {clean(site)}", words, f"labtui plan {near[0]}/{stack}" if near else ""
            )
        stacks = self.compose.stacks(site)
        if stack not in stacks:
            near = get_close_matches(stack, stacks, 1, cutoff=0.3)
            words = f"there are {', '.join(stacks)}" if stacks else "its Compose folder has no stack at all"
            hint = f"Did you mean {site}/{near[0]}?" if near else ""
            raise Invalid(f"The site {site} has no files of a stack {clean(stack)}", words, hint)
        return site, stack

    def _stacks(self, site: str) -> Sequence[str]:
        try:
            return self.compose.stacks(site)
        except LabError:  # no files there: no answers either
            return ()

    def saved(self, stack: str, site: str = "") -> Answers:
        """The answers that the repository has. Raises Invalid for a file that cannot be understood."""
        if self.files is None:
            return {}
        path = self.answers_file(stack, site)
        text = self.files.seen(path)
        return {} if text is None else parse_answers(text, path)

    def plan(self, site: str, stack: str, given: Sequence[str] = ()) -> PlannedStack:
        """Read everything and convert. `given` are `SERVICE.KEY=ANSWER`, over the saved answers; an empty answer takes a
        saved one back. Raises what the ports raise, and Invalid for an answer that does not fit."""
        read = self.compose.read(site, stack)
        known = self.facts.facts(read) if self.facts is not None else Facts()
        saved = self.saved(stack, site)
        planned = PlannedStack(read, known, self.convert(read, known, saved), saved, saved)
        return self.answer_all(planned, given)

    def answer_all(self, planned: PlannedStack, given: Sequence[str]) -> PlannedStack:
        """The plan with these answers. One may open the question that another one answers, in whatever order they come."""
        waiting = list(given)
        while waiting:
            found = {text: match(text, planned.plan) or _taken_back(text, planned) for text in waiting}
            tried = self.answer(planned, dict(hit for hit in found.values() if hit is not None))
            taken = {text: hit for text, hit in found.items() if hit and _taken(tried.plan, hit)}
            if not taken:
                raise unmatched(waiting[0], planned.plan)
            planned = self.answer(planned, dict(taken.values()))
            waiting = [text for text in waiting if text not in taken]
        return planned

    def answer(self, planned: PlannedStack, answers: Mapping[Key, str]) -> PlannedStack:
        """The same stack with more answers; an empty one takes the answer back. Asks nobody."""
        merged = merged_answers(planned.answers, answers)
        return replace(planned, plan=self.convert(planned.stack, planned.facts, merged), answers=merged)

    def settle(self, planned: PlannedStack, key: Key, answer: str) -> PlannedStack:
        """The same stack with one more answer. Raises Invalid for an answer that the question does not take."""
        settled = self.answer(planned, {key: answer})
        if not _taken(settled.plan, (key, answer)):
            raise unmatched(f"{address(*key)}={answer}", settled.plan)
        return settled

    def question(self, planned: PlannedStack, key: Key) -> Choice | None:
        """What can be answered to a key, also where the plan does not ask because the usual answer is plain; None: nothing."""
        found = self._choice(planned, key)
        if found is None and key not in planned.answers:
            found = self._choice(self.answer(planned, {key: PROBE}), key)
            found = replace(found, given="") if found is not None else None
        return found

    def _choice(self, planned: PlannedStack, key: Key) -> Choice | None:
        return next((f.choice for f in planned.plan.findings if (f.service, f.key) == key), None)

    def render(self, planned: PlannedStack, namespace: str = "") -> Objects:
        """The objects that the move ends with: pods in the cluster, and the traffic with them. The plan's values are those
        that it begins with. Raises Refused when helm is missing, Invalid when the chart refuses the values."""
        if self.charts is None:
            raise Refused("There is no chart to render the objects with")
        place = namespace or namespace_of(planned.stack.name)
        values = {**planned.plan.values, "workload": True, "traffic": "kubernetes"}
        return tuple(self.charts.render(values, namespace_of(planned.stack.name), place))


def _taken(plan: StackPlan, hit: tuple[Key, str]) -> bool:
    key, answer = hit
    return not answer or accepted(plan, key, answer)


def _taken_back(text: str, planned: PlannedStack) -> tuple[Key, str] | None:
    """`SERVICE.KEY=` for an answer that is there: also when nothing asks for it any more."""
    return next(((key, "") for key in planned.answers if text == f"{address(*key)}="), None)


def merged_answers(old: Answers, new: Mapping[Key, str]) -> Answers:
    """`new` over `old`; an empty answer takes one back."""
    for key, answer in new.items():
        checked(address(*key), answer)
    return {key: answer for key, answer in {**old, **new}.items() if answer}


def namespace_of(stack: str) -> str:
    """A stack's namespace: its name, made a DNS label (RFC 1123)."""
    label = re.sub(r"[^a-z0-9]+", "-", stack.lower()).strip("-")[:63].rstrip("-")
    return label or "stack"


def by_service(findings: Iterable[Finding]) -> tuple[tuple[str, tuple[Finding, ...]], ...]:
    """The findings of each service, refused ones and choices first; services in the order of the file, the stack first."""
    groups: dict[str, list[Finding]] = {"": []}
    for finding in findings:
        groups.setdefault(finding.service, []).append(finding)
    order = {"refused": 0, "choice": 1, "converted": 2}
    return tuple(
        (service, tuple(sorted(group, key=lambda f: order[f.verdict.value])))
        for service, group in groups.items()
        if group
    )


def shown_as(finding: Finding) -> Verdict:
    """The verdict as it is shown: a choice that is made needs nobody any more."""
    return Verdict.CONVERTED if finding.settled else finding.verdict


def interruption_words(plan: StackPlan) -> str:
    """What users notice, in words."""
    if plan.verdict == "refused":
        return "none: the stack stays where it is"
    return plan.interruption or "none: nobody notices anything"


def remaining(planned: PlannedStack) -> tuple[str, ...]:
    """What is still to be done before the stack can move, in words."""
    plan, found = planned.plan, []
    refused = [f for f in plan.findings if f.verdict.value == "refused"]
    if refused:
        why = "until that changes the stack stays on Docker (workload: false, traffic: docker)"
        found.append(f"{_count(len(refused), 'key')} cannot be converted: {why}")
    choices = [f for f in plan.findings if f.choice is not None and not f.choice.given]
    unanswered = [f for f in choices if f.choice is not None and not f.choice.answer]
    if unanswered:
        found.append(f"{_count(len(unanswered), 'question')} must be answered: they have no proposal")
    if len(choices) > len(unanswered):
        proposed = len(choices) - len(unanswered)
        found.append(f"{_count(proposed, 'proposal')} to agree to: an answer of yours settles each")
    unset = [s for s in plan.secrets if s.value is None]
    if unset:
        names = ", ".join(dict.fromkeys(s.variable for s in unset))
        found.append(f"{_count(len(unset), 'secret')} without a value on this machine: {names}")
    if planned.unsaved:
        found.append(f"{_count(len(planned.unsaved), 'answer')} not saved in git")
    return tuple(found)


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
