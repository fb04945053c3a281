"""Every stack in compose/ has a plan that was read and found right, and it is still that."""

from __future__ import annotations

import pytest

from tests.plans.making import GOLDEN, HERE, plan, program, stacks, written


def test_every_stack_has_a_golden_plan_and_nothing_else_has() -> None:
    assert {file.name for file in GOLDEN.glob("*.yaml")} == {f"{site}-{name}.yaml" for site, name in stacks()}


@pytest.mark.parametrize(("site", "name"), stacks())
def test_the_plan_is_as_it_was_read(site: str, name: str) -> None:
    if not program():
        pytest.skip("docker compose is missing")
    made = plan(site, name)
    said = written(made)
    assert "golden-secret" not in said + repr(made)
    assert said == (GOLDEN / f"{site}-{name}.yaml").read_text(encoding="utf-8"), (
        "python -m tests.plans.update, and read the diff"
    )


def test_the_secrets_of_these_tests_are_in_no_golden_plan() -> None:
    values = [
        line.split("=", 1)[1] for line in (HERE / "values.env").read_text().splitlines() if "golden-secret" in line
    ]
    assert len(values) == 11
    for file in GOLDEN.glob("*.yaml"):
        assert "golden-secret" not in file.read_text(encoding="utf-8")
