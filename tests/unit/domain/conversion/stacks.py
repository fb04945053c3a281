"""Stacks of one or a few services for the rules' tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtui.domain.compose.stack import EnvironmentValue, Service, Stack
from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Finding, StackPlan

FOLDER = "/srv/wroclaw"


def service(name: str, raw: Mapping[str, Any], **environment: str) -> Service:
    values = tuple(EnvironmentValue(k, v) for k, v in environment.items())
    return Service(name, {"image": "busybox:1.37.0", **raw}, values)


def stack(*services: Service, **raw: Any) -> Stack:
    return Stack("wroclaw", "media", services, raw, folder=FOLDER)


def plan(
    raw: Mapping[str, Any],
    facts: Facts | None = None,
    answers: Mapping[str, str] | None = None,
    top: Mapping[str, Any] | None = None,
    **environment: str,
) -> StackPlan:
    """The plan of a stack with the one service `app`; answers by its key."""
    given = {("app", key): answer for key, answer in (answers or {}).items()}
    return convert(stack(service("app", raw, **environment), **(top or {})), facts, given)


def finding(made: StackPlan, key: str, of: str = "app") -> Finding:
    """The one finding on a key."""
    found = [f for f in made.findings if (f.service, f.key) == (of, key)]
    assert len(found) == 1, f"{len(found)} findings on {of}.{key}"
    return found[0]


def component(made: StackPlan, name: str = "app") -> dict[str, Any]:
    """The chart's values of a component."""
    found: dict[str, Any] = made.values["components"].get(name, {})
    return found


def conversion(
    made: Stack, facts: Facts | None = None, answers: Mapping[tuple[str, str], str] | None = None
) -> Conversion:
    """What a pass gets."""
    return Conversion(made, facts or Facts(), answers or {}, names={s.name: s.name for s in made.services})
