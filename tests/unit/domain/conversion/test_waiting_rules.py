"""depends_on: waits, what runs once, circles."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.compose.stack import EnvironmentValue, Service
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, service, stack

ONCE = "service_completed_successfully"


def on(**conditions: str) -> dict[str, Any]:
    return {
        "depends_on": {
            name: {"condition": f"service_{condition}", "required": True} for name, condition in conditions.items()
        }
    }


def test_it_waits_for_the_service_by_its_container_port() -> None:
    db = service("db", {"ports": [{"target": 5432, "published": "15432", "protocol": "tcp"}]})
    made = convert(stack(service("app", on(db="healthy")), db))
    assert component(made)["waitFor"] == [{"component": "db", "port": 5432}]
    assert finding(made, "depends_on.db").verdict is Verdict.CONVERTED


def test_a_list_waits_too_and_udp_is_not_waited_for() -> None:
    made = convert(
        stack(
            service("app", {"depends_on": ["cache", "dns"]}),
            service("cache", {"expose": ["6379"]}),
            service("dns", {"expose": ["53/udp"]}),
        )
    )
    assert component(made)["waitFor"] == [{"component": "cache", "port": 6379}]
    assert "no TCP port" in finding(made, "depends_on.dns").detail


def test_healthy_without_a_port_is_a_choice() -> None:
    made = convert(stack(service("app", on(b="healthy")), service("b", {})), None, {("b", "expose"): "none"})
    found = finding(made, "depends_on.b")
    assert found.choice is not None and found.choice.proposed == "start"


def test_only_a_health_check_of_its_own_is_called_one() -> None:
    web = {"ports": [{"target": 80, "published": "80", "protocol": "tcp"}]}
    checked = service("b", {**web, "healthcheck": {"test": ["CMD", "x"]}})
    assert (
        "by its health check"
        in finding(convert(stack(service("app", on(b="healthy")), checked)), "depends_on.b").detail
    )
    proposed = finding(convert(stack(service("app", on(b="started")), service("b", web))), "depends_on.b")
    assert "health check" not in proposed.detail and "accepts connections" in proposed.detail


def test_a_renamed_service_is_waited_for_by_its_new_name() -> None:
    made = convert(stack(service("app", on(my_db="started")), service("my_db", {"expose": ["5432"]})))
    assert component(made)["waitFor"] == [{"component": "my-db", "port": 5432}]


def test_what_is_not_here_is_not_waited_for() -> None:
    made = convert(stack(service("app", on(gone="started"))))
    assert finding(made, "depends_on.gone").verdict is Verdict.CONVERTED
    assert "waitFor" not in component(made)


def once(**raw: Any) -> Service:
    values = (EnvironmentValue("STEP", "1"), EnvironmentValue("DB_PASSWORD", "correct-horse-battery-9"))
    return Service("migrate", {"image": "m:1", "command": ["up"], "environment": {}, **raw}, values)


def test_what_must_have_ended_runs_before_the_one_that_waits() -> None:
    made = convert(stack(service("app", on(migrate="completed_successfully")), once()))
    assert made.components == ("app",)
    assert component(made)["initContainers"] == [
        {
            "name": "run-migrate",
            "image": "m:1",
            "args": ["up"],
            "env": [
                {"name": "STEP", "value": "1"},
                {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "media", "key": "DB_PASSWORD"}}},
            ],
        }
    ]
    assert made.values["secrets"]["media"]["keys"] == {"DB_PASSWORD": "DB_PASSWORD"}
    assert finding(made, "depends_on.migrate").verdict is Verdict.CHOICE


def test_it_can_be_skipped() -> None:
    made = convert(
        stack(service("app", on(migrate="completed_successfully")), once()),
        None,
        {("app", "depends_on.migrate"): "skip"},
    )
    assert made.components == ("app",) and "initContainers" not in component(made)
    assert "secrets" not in made.values


def test_with_volumes_or_needed_by_others_while_it_runs_it_is_refused() -> None:
    mount = {"type": "volume", "source": "data", "target": "/data", "volume": {}}
    made = convert(stack(service("app", on(migrate="completed_successfully")), once(volumes=[mount])))
    assert finding(made, "depends_on.migrate").verdict is Verdict.REFUSED
    both = convert(
        stack(service("app", on(migrate="completed_successfully")), service("b", on(migrate="started")), once())
    )
    assert finding(both, "depends_on.migrate").verdict is Verdict.REFUSED
    assert "migrate" in both.components


@pytest.mark.parametrize("condition", ["started", "healthy", "completed_successfully"])
def test_a_circle_is_refused_and_what_only_leads_to_it_is_not(condition: str) -> None:
    made = convert(
        stack(
            service("first", {"expose": ["1"], **on(a="started")}),
            service("a", {"expose": ["2"], **on(b=condition)}),
            service("b", {"expose": ["3"], **on(c=condition)}),
            service("c", {"expose": ["4"], **on(a=condition, last="started")}),
            service("last", {"expose": ["5"]}),
            service("alone", {"expose": ["6"], **on(alone=condition)}),
        )
    )
    refused = {
        (f.service, f.key) for f in made.findings if f.key.startswith("depends_on") and f.verdict is Verdict.REFUSED
    }
    assert refused == {
        ("a", "depends_on.b"),
        ("b", "depends_on.c"),
        ("c", "depends_on.a"),
        ("alone", "depends_on.alone"),
    }
    assert component(made, "first")["waitFor"] == [{"component": "a", "port": 2}]
    assert component(made, "c")["waitFor"] == [{"component": "last", "port": 5}]


def test_a_chain_of_many_and_a_circle_of_many_are_no_trouble() -> None:
    chain = [service(f"s{i}", {"expose": ["80"], **on(**{f"s{i + 1}": "healthy"})}) for i in range(1200)]
    made = convert(stack(*chain, service("s1200", {"expose": ["80"]})))
    assert component(made, "s0")["waitFor"] == [{"component": "s1", "port": 80}]
    closed = convert(stack(*chain, service("s1200", {"expose": ["80"], **on(s0="healthy")})))
    assert finding(closed, "depends_on.s7", of="s6").verdict is Verdict.REFUSED
