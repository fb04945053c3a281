"""The whole conversion: values, order, answers, and the keys beside the services."""

from __future__ import annotations

import json

import pytest

from labtui.domain.compose.stack import Service, key_paths
from labtui.domain.conversion import convert as module
from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Verdict
from labtui.domain.conversion.rules import REGISTRY
from tests.unit.domain.conversion.stacks import component, finding, plan, service, stack


def test_nothing_moves_yet_and_traffic_goes_to_docker() -> None:
    made = plan({}, Facts(site_address="192.168.88.2"))
    assert (made.values["workload"], made.values["traffic"]) == (False, "docker")
    assert (made.site, made.stack, made.components) == ("wroclaw", "media", ("app",))


def test_an_empty_stack_and_an_empty_service() -> None:
    assert convert(stack()).values["components"] == {}
    made = convert(stack(Service("a", {})))
    assert component(made, "a") == {} and finding(made, "image", of="a").verdict is Verdict.REFUSED


def test_findings_are_in_the_order_of_the_file() -> None:
    one, two = service("b", {"restart": "always", "init": True}), service("a", {"tty": True})
    made = convert(stack(one, two, volumes={"data": None}))
    keys = [(f.service, f.key) for f in made.findings]
    assert keys[0] == ("", "volumes.data")
    wanted = [("b", path) for path in key_paths(one)] + [("a", path) for path in key_paths(two)]
    assert [at for at in keys if at in wanted] == wanted


@pytest.mark.parametrize("worst_first", [True, False])
def test_several_verdicts_on_a_key_are_one_and_the_worst(monkeypatch: pytest.MonkeyPatch, worst_first: bool) -> None:
    def twice(c: Conversion, *rest: object) -> None:
        if not worst_first:
            c.converted("app", "tty", "Yes.")
        c.refused("app", "tty", "No.")
        if worst_first:
            c.converted("app", "tty", "Yes.")

    monkeypatch.setattr(module, "REGISTRY", {**REGISTRY, "tty": twice})
    found = finding(plan({"tty": True}), "tty")
    assert (found.verdict, found.detail) == (Verdict.REFUSED, "No. Yes.")


@pytest.mark.parametrize(
    ("at", "hint"),
    [
        (("app", "environmnt.TZ"), "app.environment.TZ"),
        (("ap", "environment.TZ"), "app.environment.TZ"),
        (("app", "image"), ""),
    ],
)
def test_an_answer_that_nothing_asks_for_is_refused_by_name(at: tuple[str, str], hint: str) -> None:
    made = convert(stack(service("app", {"environment": {}}, TZ="Europe/Warsaw")), None, {at: "secret"})
    found = finding(made, f"answers.{at[0]}.{at[1]}", of="")
    assert found.verdict is Verdict.REFUSED and hint in found.detail
    assert made.verdict == "refused"


def test_an_answer_that_was_taken_back_is_none() -> None:
    made = convert(stack(service("app", {})), None, {("app", "gone"): ""})
    assert not [f for f in made.findings if f.key.startswith("answers")]


def test_a_rule_that_fails_refuses_its_key_and_tells_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(c: Conversion, *rest: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr(module, "REGISTRY", {**REGISTRY, "tty": broken})
    made = plan({"tty": True, "init": True})
    found = finding(made, "tty")
    assert found.verdict is Verdict.REFUSED and "ValueError" in found.detail
    assert "hunter2" not in repr(made)
    assert finding(made, "init").verdict is Verdict.CONVERTED


def test_the_values_are_plain_data_that_nothing_else_holds() -> None:
    made = plan({"healthcheck": {"test": ["CMD", "x"]}, "expose": ["80"]})
    assert json.loads(json.dumps(made.values)) == made.values
    probes = component(made)["probes"]
    assert probes["startup"]["exec"] is not probes["liveness"]["exec"]  # YAML would write an anchor


def test_keys_beside_the_services() -> None:
    mount = {"type": "volume", "source": "data", "target": "/data", "volume": {}}
    made = convert(
        stack(service("app", {"volumes": [mount]}), volumes={"data": {}, "old": {}}, networks={"n": {}}, version="3")
    )
    assert "app" in finding(made, "volumes.data", of="").detail
    assert "Nothing mounts it" in finding(made, "volumes.old", of="").detail
    assert finding(made, "networks.n", of="").verdict is finding(made, "version", of="").verdict is Verdict.CONVERTED
