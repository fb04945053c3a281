"""Every stack in compose/ has a plan that was read and found right, and it is still that."""

from __future__ import annotations

from collections import Counter

import pytest

from labtui.domain.compose.stack import key_paths, stack_key_paths
from tests.plans.making import GOLDEN, demo, docker_compose, plan, stacks, values, written


def test_every_stack_has_a_golden_plan_and_nothing_else_has() -> None:
    assert {file.name for file in GOLDEN.glob("*.yaml")} == {f"{site}-{name}.yaml" for site, name in stacks()}


@pytest.mark.parametrize(("site", "name"), stacks())
def test_the_plan_is_as_it_was_read(site: str, name: str) -> None:
    made = plan(demo(), site, name)
    said = written(made)
    assert "golden-secret" not in said + repr(made)
    assert said == (GOLDEN / f"{site}-{name}.yaml").read_text(encoding="utf-8"), (
        "python -m tests.plans.update, and read the diff"
    )


@pytest.mark.parametrize(("site", "name"), stacks())
def test_docker_compose_leads_to_the_same_plan(site: str, name: str) -> None:
    reader = docker_compose()
    if reader is None:
        pytest.skip("docker compose is missing")
    assert written(plan(reader, site, name)) == (GOLDEN / f"{site}-{name}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("site", "name"), stacks())
def test_every_line_of_the_file_has_one_verdict(site: str, name: str) -> None:
    stack = demo().read(site, name)
    count = Counter((f.service, f.key) for f in plan(demo(), site, name).findings)
    wanted = {("", key) for key in stack_key_paths(stack)}
    wanted |= {(service.name, key) for service in stack.services for key in key_paths(service)}
    assert wanted and {key: count[key] for key in wanted} == dict.fromkeys(wanted, 1)


def test_the_secrets_of_these_tests_are_in_no_golden_plan() -> None:
    assert len([value for value in values().values() if "golden-secret" in value]) == 11
    for file in GOLDEN.glob("*.yaml"):
        assert "golden-secret" not in file.read_text(encoding="utf-8")
