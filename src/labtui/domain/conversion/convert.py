"""From a stack to the values of the app chart, with exactly one finding for every key. Deterministic; reads nothing."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from labtui.domain.compose.stack import Service, Stack, key_paths, stack_key_paths
from labtui.domain.conversion.context import Answers, Conversion
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Finding, StackPlan, Verdict
from labtui.domain.conversion.guard import keep_secrets_out, masked
from labtui.domain.conversion.rules import FIRST, PASSES, REGISTRY, STACK_REGISTRY

UNKNOWN = "labtui does not know this key"
_WORST_FIRST = (Verdict.REFUSED, Verdict.CHOICE, Verdict.CONVERTED)


def convert(stack: Stack, facts: Facts | None = None, answers: Answers | None = None) -> StackPlan:
    """What the move of `stack` would be. `answers` are (service, key) → answer, service "" for the stack as a whole.

    Every path of `key_paths` and `stack_key_paths` has exactly one finding, then follow those on what the file does not
    say (a probe, an Ingress). Answers that nothing asks for are refused, by name. Raises nothing.
    """
    c = Conversion(stack, facts or Facts(), answers or {})
    c.values.update(workload=False, traffic="docker")
    for step in FIRST:
        _run(c, "", step.__name__, step, c)
    for service in stack.services:
        _convert_service(c, service)
    for key, value in stack.raw.items():
        rule = STACK_REGISTRY.get("x-" if str(key).startswith("x-") else str(key))
        if rule is not None and key != "services":
            _run(c, "", str(key), rule, c, str(key), value)
    for step in PASSES:
        _run(c, "", step.__name__, step, c)
    _report_unknown_answers(c)
    values = {**c.values, "components": _components(c)}
    if c.facts.site_address:
        values["docker"] = {"host": c.facts.site_address}
    values = keep_secrets_out(c, values)
    return StackPlan(
        site=stack.site,
        stack=stack.name,
        components=tuple(values["components"]),
        findings=_one_each(c),
        values=values,
        secrets=tuple(c.secrets),
        volumes=tuple(c.volumes),
        interruption=c.interruption,
        window=c.window,
    )


def _convert_service(c: Conversion, service: Service) -> None:
    component: dict[str, Any] = {}
    c.components[service.name] = component
    for key in REGISTRY:
        written = next((k for k in service.raw if str(k).startswith("x-")), "") if key == "x-" else key
        if written in service.raw or (key == "environment" and service.environment):
            _run(c, service.name, written, REGISTRY[key], c, service, component, service.raw.get(written))


def _run(c: Conversion, service: str, key: str, step: Callable[..., None], *arguments: Any) -> None:
    # A plan with one refused key helps; a crash does not. Only the error's class is told: its words may hold a value.
    try:
        step(*arguments)
    except Exception as error:  # noqa: BLE001 - reported as a finding of its own
        c.refused(service, key, f"labtui failed on this ({type(error).__name__}); please report it.")


def _components(c: Conversion) -> dict[str, Any]:
    kept = (s.name for s in c.stack.services if s.name not in c.left_out)
    return {c.component(name): _without_empty(c.components[name]) for name in kept}


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != {} and value != ""}


def _report_unknown_answers(c: Conversion) -> None:
    for (service, key), answer in sorted(c.answers.items()):
        if not answer or (service, key) in c.asked:
            continue
        written = f"{service}.{key}" if service else key
        known = sorted(f"{s}.{k}" if s else k for s, k in c.asked)
        near = difflib.get_close_matches(written, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        undo = f"labtui plan {c.stack.site}/{c.stack.name} --set {shlex.quote(f'{written}=')} --save"
        words = f"The answers have one to {written}, but nothing asks for it.{hint} Take it out: {undo}"
        c.refused("", f"answers.{written}", words)


def _one_each(c: Conversion) -> tuple[Finding, ...]:
    """The findings in the order of the file, the uncovered keys refused, several on one key made one."""
    by_key: dict[tuple[str, str], Finding] = {}
    for finding in c.findings:
        at = (finding.service, finding.key)
        by_key[at] = _worse(by_key[at], finding) if at in by_key else finding
    found: dict[str, list[tuple[str, str]]] = {}
    for at in by_key:
        found.setdefault(at[0], []).append(at)
    order = [("", masked(c, path)) for path in stack_key_paths(c.stack)]
    for service in c.stack.services:
        order += [(service.name, masked(c, path)) for path in key_paths(service)]
        order += found.get(service.name, [])
    order += by_key  # the stack as a whole, and whatever else there is
    return tuple(by_key.get(at) or _uncovered(*at) for at in dict.fromkeys(order))


def _uncovered(service: str, key: str) -> Finding:
    if any(step.startswith("x-") for step in key.split(".")):
        return Finding(service, key, Verdict.CONVERTED, "An extension, for people and other programs: nothing to do.")
    return Finding(service, key, Verdict.REFUSED, UNKNOWN)


def _worse(one: Finding, other: Finding) -> Finding:
    first, second = sorted((one, other), key=lambda f: _WORST_FIRST.index(f.verdict))
    return replace(first, detail=_joined((first.detail, second.detail)))


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(sentences))
