"""Health checks become probes."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from labtui.domain.compose.stack import EnvironmentValue, Service
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import Facts, ImageFacts
from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, plan, stack

SECRET = "correct-horse-battery-9"
WEB = {"ports": [{"target": 8096, "published": "8096", "protocol": "tcp"}]}
HERE = Facts(site_address="192.168.88.2")


def probes(check: Any, facts: Facts | None = None, **raw: Any) -> Any:
    return component(plan({"healthcheck": check, **raw}, facts)).get("probes")


def image(*check: str) -> Facts:
    return Facts(site_address="192.168.88.2", images={"busybox:1.37.0": ImageFacts(health_check=check)})


@pytest.mark.parametrize(
    ("test", "command"),
    [
        (["CMD", "redis-cli", "ping"], ["redis-cli", "ping"]),
        (["CMD-SHELL", "a b || exit 1"], ["/bin/sh", "-c", "a b || exit 1"]),  # one argument of a shell, not an argv
        ("a b || exit 1", ["/bin/sh", "-c", "a b || exit 1"]),
        (["CMD-SHELL", "pg_isready -U $POSTGRES_USER $(x)"], ["/bin/sh", "-c", "pg_isready -U $POSTGRES_USER $$(x)"]),
    ],
)
def test_the_command_is_the_same(test: Any, command: list[str]) -> None:
    made = probes({"test": test})
    assert [made[kind]["exec"]["command"] for kind in ("startup", "readiness", "liveness")] == [command] * 3


def test_the_timings_are_the_same_and_a_restart_comes_later() -> None:
    made = probes(
        {
            "test": ["CMD", "x"],
            "interval": "1m30s",
            "timeout": "2.5s",
            "retries": 4,
            "start_period": "10m",
            "start_interval": "2s",
        }
    )
    assert {k: v for k, v in made["readiness"].items() if k != "exec"} == {
        "periodSeconds": 90,
        "timeoutSeconds": 3,
        "failureThreshold": 4,
    }
    assert made["liveness"]["failureThreshold"] == 8
    startup = made["startup"]
    assert startup["periodSeconds"] == 2
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 600 + 4 * 90


def test_what_is_not_written_is_as_in_docker() -> None:
    made = probes({"test": ["CMD", "x"]})
    assert (
        made["readiness"]["periodSeconds"],
        made["readiness"]["timeoutSeconds"],
        made["readiness"]["failureThreshold"],
    ) == (30, 30, 3)
    assert made["startup"]["periodSeconds"] == 5
    assert made["startup"]["failureThreshold"] * 5 >= 60  # a slow start is no reason to be killed


@pytest.mark.parametrize("check", [{"test": ["NONE"]}, {"disable": True}, {"test": ["CMD", "x"], "disable": True}])
def test_switched_off_there_is_none_also_of_the_image(check: dict[str, Any]) -> None:
    made = plan({"healthcheck": check, **WEB}, image("CMD", "ok"))
    assert "probes" not in component(made)
    assert all(f.verdict is Verdict.CONVERTED for f in made.findings if f.key.startswith("healthcheck"))


def test_the_images_own_check_counts_with_the_timings_given_here() -> None:
    assert component(plan({}, image("CMD-SHELL", "ok $X")))["probes"]["readiness"]["exec"]["command"] == [
        "/bin/sh",
        "-c",
        "ok $X",
    ]
    made = probes({"interval": "7s"}, image("CMD", "ok"))
    assert (made["readiness"]["exec"]["command"], made["readiness"]["periodSeconds"]) == (["ok"], 7)
    unknown = plan({"healthcheck": {"interval": "7s"}})
    assert "not known" in finding(unknown, "healthcheck.interval").detail


@pytest.mark.parametrize(("key", "value"), [("interval", "soon"), ("retries", "many"), ("test", ["CMD"])])
def test_what_cannot_be_read_is_refused(key: str, value: Any) -> None:
    made = plan({"healthcheck": {"test": ["CMD", "x"], key: value}})
    assert finding(made, f"healthcheck.{key}").verdict is Verdict.REFUSED
    assert "probes" not in component(made)


@pytest.mark.parametrize(
    ("answer", "handler"),
    [
        ("", {"tcpSocket": {"port": "http"}}),
        ("http", {"httpGet": {"path": "/", "port": "http"}}),
        ("/health?x=1", {"httpGet": {"path": "/health?x=1", "port": "http"}}),
        ("none", None),
        ("/a b", {"tcpSocket": {"port": "http"}}),  # no path: asked anew
    ],
)
def test_an_http_port_without_a_check_gets_a_proposal(answer: str, handler: dict[str, Any] | None) -> None:
    made = plan(WEB, HERE, {"healthcheck": answer})
    found = component(made).get("probes")
    assert (
        found and {k: v for k, v in found["readiness"].items() if not k.endswith(("Seconds", "Threshold"))}
    ) == handler
    assert finding(made, "healthcheck").verdict is Verdict.CHOICE


def test_what_is_no_web_server_gets_no_proposal() -> None:
    made = plan({"expose": ["6379"]})
    assert not [f for f in made.findings if f.key == "healthcheck"]


@pytest.mark.parametrize(
    "shell",
    [
        f"printf %s {SECRET}",
        f'printf %s "{SECRET}"',
        f"printf %s '{SECRET}'",
        f"""printf %s "it's {SECRET}" | sed "s/it's //" """,
    ],
)
def test_a_secret_in_a_check_is_read_from_the_environment(shell: str) -> None:
    app = Service("app", {"healthcheck": {"test": ["CMD-SHELL", shell]}}, (EnvironmentValue("DB_PASSWORD", SECRET),))
    made = convert(stack(app))
    command = component(made)["probes"]["readiness"]["exec"]["command"]
    assert SECRET not in repr(made) + str(made.values)
    # and the command still says the same
    done = subprocess.run(
        command, env={"DB_PASSWORD": SECRET, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == SECRET


def test_a_secret_in_an_argument_list_needs_a_shell() -> None:
    made = plan({"healthcheck": {"test": ["CMD", "printf", "%s|", "a 'b", "--password", SECRET]}})
    command = component(made)["probes"]["readiness"]["exec"]["command"]
    (variable,) = component(made)["secretEnv"]
    assert SECRET not in repr(made) + str(made.values)
    done = subprocess.run(
        command, env={variable: SECRET, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"a 'b|--password|{SECRET}|"
