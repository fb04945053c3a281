"""Environment: what is written into the values, what goes to Vault, and that an answer moves each either way."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.compose.stack import EnvironmentValue, Origin, Service
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.findings import StackPlan, Verdict
from tests.unit.domain.conversion.stacks import component, finding, stack

SECRET = "correct-horse-battery-9"


def made(*values: EnvironmentValue, answers: dict[str, str] | None = None, **services: EnvironmentValue) -> StackPlan:
    app = Service("app", {"image": "a:1", "environment": {}}, values)
    others = [Service(name, {"image": "a:1", "environment": {}}, (value,)) for name, value in services.items()]
    return convert(stack(app, *others), None, {("app", k): v for k, v in (answers or {}).items()})


def test_a_plain_value_is_written_and_safe_from_expansion() -> None:
    plan = made(EnvironmentValue("GREETING", "costs $5, $(PATH) and $$HOME ${X}"))
    assert component(plan)["env"] == {"GREETING": "costs $5, $$(PATH) and $$$$HOME ${X}"}
    assert finding(plan, "environment.GREETING").verdict is Verdict.CONVERTED


def test_a_secret_goes_to_vault_and_is_shown_nowhere() -> None:
    plan = made(EnvironmentValue("DB_PASSWORD", SECRET, Origin.VARIABLE, ("IMMICH_DB_PASSWORD",)))
    assert component(plan)["secretEnv"] == {"DB_PASSWORD": {"secret": "media", "key": "IMMICH_DB_PASSWORD"}}
    assert "env" not in component(plan)
    assert plan.values["secrets"] == {
        "media": {"path": "apps/media", "keys": {"IMMICH_DB_PASSWORD": "IMMICH_DB_PASSWORD"}}
    }
    (planned,) = plan.secrets
    assert (planned.path, planned.key, planned.variable, planned.value) == (
        "apps/media",
        "IMMICH_DB_PASSWORD",
        "DB_PASSWORD",
        SECRET,
    )
    assert SECRET not in repr(plan) + str(plan.values)
    assert "apps/media" in finding(plan, "environment.DB_PASSWORD").detail


@pytest.mark.parametrize(
    ("name", "value", "answer", "kept"),
    [
        ("DB_PASSWORD", SECRET, "plain", False),
        ("TZ", "Europe/Warsaw", "secret", True),
        ("THING", "k3J9xQ2vLp7RzT5wYb8N", "plain", False),
        ("THING", "k3J9xQ2vLp7RzT5wYb8N", "", True),
    ],
)
def test_an_answer_moves_a_value(name: str, value: str, answer: str, kept: bool) -> None:
    plan = made(EnvironmentValue(name, value), answers={f"environment.{name}": answer} if answer else {})
    assert (name in component(plan).get("secretEnv", {})) is kept
    assert component(plan).get("env", {}).get(name) == (None if kept else value)
    choice = finding(plan, f"environment.{name}").choice
    assert choice is not None and choice.given == answer


def test_an_answer_that_is_none_is_asked_anew() -> None:
    plan = made(EnvironmentValue("TZ", "Europe/Warsaw"), answers={"environment.TZ": "maybe"})
    found = finding(plan, "environment.TZ")
    assert found.verdict is Verdict.CHOICE and not found.settled and "none of these" in found.detail
    assert component(plan)["env"] == {"TZ": "Europe/Warsaw"}


def test_a_database_and_its_client_share_a_key_only_while_the_value_is_one() -> None:
    same = made(
        EnvironmentValue("DB_PASSWORD", SECRET, Origin.VARIABLE, ("PW",)),
        db=EnvironmentValue("POSTGRES_PASSWORD", SECRET, Origin.VARIABLE, ("PW",)),
    )
    assert [s.key for s in same.secrets] == ["PW", "PW"]
    other = made(EnvironmentValue("DB_PASSWORD", SECRET), db=EnvironmentValue("DB_PASSWORD", "another-secret-1"))
    assert [s.key for s in other.secrets] == ["DB_PASSWORD", "db_DB_PASSWORD"]
    assert component(other, "db")["secretEnv"]["DB_PASSWORD"]["key"] == "db_DB_PASSWORD"


def test_a_url_with_the_password_in_it_has_a_key_of_its_own() -> None:
    plan = made(
        EnvironmentValue("DATABASE_URL", f"postgres://u:{SECRET}@db/x", Origin.VARIABLE, ("PW",)),
        db=EnvironmentValue("POSTGRES_PASSWORD", SECRET, Origin.VARIABLE, ("PW",)),
    )
    assert [s.key for s in plan.secrets] == ["DATABASE_URL", "PW"]


def test_a_harmless_value_that_holds_a_secret_is_one() -> None:
    plan = made(EnvironmentValue("OPTIONS_NAME", f"x {SECRET} y"), db=EnvironmentValue("DB_PASSWORD", SECRET))
    assert "OPTIONS_NAME" in component(plan)["secretEnv"]
    assert "the value of DB_PASSWORD is in it" in finding(plan, "environment.OPTIONS_NAME").detail


@pytest.mark.parametrize(
    ("name", "answer", "env", "kept", "settled"),
    [
        ("DB_PASSWORD", "", None, True, False),  # proposed: a secret by its name
        ("DB_PASSWORD", "hunter2", None, True, False),  # a secret must not come in through the answers
        ("DB_PASSWORD", "omit", None, False, True),
        ("COLOUR", "", None, False, False),  # nothing proposed: it must be answered
        ("COLOUR", "blue $(x)", "blue $$(x)", False, True),
        ("COLOUR", "k3J9xQ2vLp7RzT5wYb8N", None, False, False),  # looks random: not taken
        ("COLOUR", "secret", None, True, True),
    ],
)
def test_an_unset_value_is_asked_for(name: str, answer: str, env: str | None, kept: bool, settled: bool) -> None:
    plan = made(EnvironmentValue(name, None, Origin.HOST), answers={f"environment.{name}": answer})
    assert component(plan).get("env", {}).get(name) == env
    assert (name in component(plan).get("secretEnv", {})) is kept
    assert finding(plan, f"environment.{name}").settled is settled


def test_a_name_that_kubernetes_does_not_take_is_refused() -> None:
    plan = made(EnvironmentValue("MY VAR", "x"))
    assert finding(plan, "environment.MY VAR").verdict is Verdict.REFUSED
    assert "env" not in component(plan)


def test_a_weak_password_that_is_also_a_name_does_not_blank_the_names() -> None:
    plan = made(EnvironmentValue("POSTGRES_PASSWORD", "postgres"), EnvironmentValue("POSTGRES_USER", "postgres"))
    values: dict[str, Any] = component(plan)
    assert values["env"] == {"POSTGRES_USER": "postgres"} and "POSTGRES_PASSWORD" in values["secretEnv"]


def test_a_secret_left_in_another_key_is_taken_out_and_refused() -> None:
    app = Service(
        "app",
        {"image": "a:1", "hostname": "h", "working_dir": f"/{SECRET}"},
        (EnvironmentValue("DB_PASSWORD", SECRET),),
    )
    plan = convert(stack(app))
    assert SECRET not in str(plan.values)
    assert finding(plan, "values.components.app.workingDir", of="").verdict is Verdict.REFUSED
