"""What the rules of a conversion share: the stack, the facts, the answers, the component being built, the findings so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Choice, Finding, Option, PlannedSecret, PlannedVolume, Verdict
from labtui.domain.conversion.needles import Needles

Mentions = Mapping[str, Mapping[str, frozenset[int]]]
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
    left_out: set[str] = field(default_factory=set)  # services that become no component of their own
    interruption: str = ""  # what users notice while the stack moves, in words
    window: int | None = None  # seconds of it by estimate, where that can be said
    known: dict[str, str] = field(default_factory=dict, repr=False)  # secret values → the variable that holds it
    needles: Needles = field(default_factory=lambda: Needles(()), repr=False)  # the same, to be looked for
    mentioned: Mentions = field(default_factory=dict)  # host name → service that is told it → ports; 0: without one
    words: frozenset[str] = (
        frozenset()
    )  # names in the stack, which are no secrets even where a password is the same word
    asked: set[tuple[str, str]] = field(default_factory=set)  # what an answer can be given to

    def converted(self, service: str, key: str, detail: str) -> None:
        """This key has become something, or needs to become nothing."""
        self.findings.append(Finding(service, key, Verdict.CONVERTED, detail))

    def refused(self, service: str, key: str, detail: str) -> None:
        """This stack cannot move while it has this key; `detail` names the pattern that fits instead."""
        self.findings.append(Finding(service, key, Verdict.REFUSED, detail))

    def answer(self, service: str, key: str) -> str:
        """The operator's answer, which counts as asked for from now on; empty: none."""
        self.asked.add((service, key))
        return self.answers.get((service, key), "")

    def choose(
        self,
        service: str,
        key: str,
        question: str,
        options: Sequence[tuple[str, str]],
        proposed: str = "",
        detail: str = "",
        free: bool | Callable[[str], bool] = False,
    ) -> str:
        """Ask; answers what holds (given, else proposed, else empty). An answer that is no option is asked anew, and
        so is one that still has its placeholders (`claim:NAME`).

        `free` says that other texts are answers too: all of them, or those that it says yes to.
        """
        given = self.answer(service, key)
        known = tuple(Option(*option) for option in options)
        option = next((o for o in known if o.answer == given), None)
        accepted = option is not None or (free(given) if callable(free) else free)
        # the words of the answer are not repeated: somebody may have written a secret there
        wrong = bool(given) and (not accepted or (option is not None and bool(option.placeholders)))
        choice = Choice(question, known, proposed, "" if wrong else given, bool(free))
        words = f"The answer given is none of these. {detail}" if wrong else detail
        self.findings.append(Finding(service, key, Verdict.CHOICE, words.strip() or question, choice))
        return choice.answer

    def settle(
        self,
        service: str,
        key: str,
        question: str,
        options: Sequence[tuple[str, str]],
        default: str,
        detail: str,
        free: bool | Callable[[str], bool] = False,
    ) -> str:
        """What is plain enough not to ask: converted as `default`, yet the operator can answer otherwise."""
        if not self.answer(service, key):
            self.converted(service, key, detail)
            return default
        return self.choose(service, key, question, options, default, detail, free)

    def without(self, service: str, key: str, detail: str) -> None:
        """A key that pods have nothing for, but may well do without: the operator says so, which is proposed."""
        self.choose(service, key, "Can it do without?", (("without", "it can"),), "without", detail)

    def told(self, name: str, but: str) -> Mapping[str, frozenset[int]]:
        """The services, all but `but`, that a variable or command tells of a host `name`, and at which ports."""
        return {service: ports for service, ports in self.mentioned.get(name, {}).items() if service != but}

    def component(self, service: str) -> str:
        """The name of the component that this service becomes."""
        return self.names.get(service, service)


# A rule gets the conversion, the service, the component's values (to be filled) and the key's value; it leaves exactly
# one finding for every path of `key_paths` under its key.
Rule = Callable[[Conversion, Service, dict[str, Any], Any], None]

# A rule for a key of the file beside its services: the key and its value. It leaves a finding for service "" and every
# path of `stack_key_paths` under the key.
StackRule = Callable[[Conversion, str, Any], None]

# What looks at the whole stack, after the rules of all keys.
Pass = Callable[[Conversion], None]
