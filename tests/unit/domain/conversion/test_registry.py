"""Every key of the Compose specification has a rule; what is in none is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.convert import UNKNOWN
from labtui.domain.conversion.findings import Verdict
from labtui.domain.conversion.rules import REGISTRY, STACK_REGISTRY
from tests.properties.keys import SERVICE, TOP
from tests.unit.domain.conversion.stacks import finding, plan

SERVICE_KEYS = [*SERVICE, "x-"]  # `x-` for its extensions
STACK_KEYS = [*(key for key in TOP if key != "services"), "x-"]


@pytest.mark.parametrize("key", SERVICE_KEYS)
def test_a_service_key_has_a_rule_that_leaves_a_finding_also_without_a_value(key: str) -> None:
    assert key in REGISTRY
    written = "x-note" if key == "x-" else key
    empty: Any
    for empty in (None, [], {}, ""):
        found = finding(plan({written: empty}), written)
        assert found.detail != UNKNOWN
        assert "labtui failed" not in found.detail


@pytest.mark.parametrize("key", STACK_KEYS)
def test_a_key_beside_the_services_has_a_rule(key: str) -> None:
    assert key in STACK_REGISTRY
    written = "x-note" if key == "x-" else key
    found = finding(plan({}, top={written: None}), written, of="")
    assert found.detail != UNKNOWN


def test_nothing_is_in_the_registry_that_the_specification_has_not() -> None:
    assert set(REGISTRY) == set(SERVICE_KEYS)
    assert set(STACK_REGISTRY) == set(STACK_KEYS)


def test_a_key_without_a_rule_is_refused_wherever_it_stands() -> None:
    made = plan(
        {"wormhole": 1, "deploy": {"wormhole": {"depth": 3}}, "healthcheck": {"test": ["NONE"], "mood": 1}},
        top={"moons": {}},
    )
    for key in ("wormhole", "deploy.wormhole.depth", "healthcheck.mood"):
        found = finding(made, key)
        assert (found.verdict, found.detail) == (Verdict.REFUSED, UNKNOWN)
    assert finding(made, "moons", of="").verdict is Verdict.REFUSED
    assert made.verdict == "refused"
