"""What the rules of a conversion share: the stack, the facts, the answers, the component being built, the findings so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Choice, Finding, Option, PlannedSecret, PlannedVolume, Verdict

Answers = Mapping[tuple[str, str], str]  # (service, key) → answer


@dataclass
class Conversion:
    """One stack being converted."""

    stack: Stack
    facts: Facts
    answers: Answers
    findings: list[Finding] = field(default_factory=list)
    secrets: list[PlannedSecret] = field(default_factory=list)
    volumes: list[PlannedVolume] = field(default_factory=list)
    components: dict[str, dict[str, Any]] = field(default_factory=dict)  # service → its values of the app chart
    names: dict[str, str] = field(default_factory=dict)  # service → component name
    values: dict[str, Any] = field(default_factory=dict)  # the chart's values beside components

    def converted(self, service: str, key: str, detail: str) -> None:
        """This key has become something, or needs to become nothing."""
        self.findings.append(Finding(service, key, Verdict.CONVERTED, detail))

    def refused(self, service: str, key: str, detail: str) -> None:
        """This stack cannot move while it has this key; `detail` names the pattern that fits instead."""
        self.findings.append(Finding(service, key, Verdict.REFUSED, detail))

    def choose(
        self,
        service: str,
        key: str,
        question: str,
        options: Sequence[tuple[str, str]],
        proposed: str = "",
        detail: str = "",
        free: bool = False,
    ) -> str:
        """Ask; answers what holds (given, else proposed, else empty). An answer that is no option is asked anew."""
        given = self.answers.get((service, key), "")
        known = tuple(Option(*option) for option in options)
        wrong = given and not free and given not in {o.answer for o in known}
        choice = Choice(question, known, proposed, "" if wrong else given, free)
        words = f"{given!r} is no answer here. {detail}" if wrong else detail
        self.findings.append(Finding(service, key, Verdict.CHOICE, words.strip() or question, choice))
        return choice.answer


# A rule gets the conversion, the service, the component's values (to be filled) and the key's value; it leaves exactly
# one finding for every path of `key_paths` under its key.
Rule = Callable[[Conversion, Service, dict[str, Any], Any], None]
