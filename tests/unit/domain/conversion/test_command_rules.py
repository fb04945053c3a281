"""What runs in the container, the secrets in it, and how it is stopped."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.compose.stack import EnvironmentValue, Service
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import Facts, ImageFacts
from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, plan, stack

IMAGE = Facts(images={"busybox:1.37.0": ImageFacts(entrypoint=("/start",), command=("run",), stop_signal="SIGQUIT")})
BARE = Facts(images={"busybox:1.37.0": ImageFacts(command=("run",))})
SECRET = "correct-horse-battery-9"


@pytest.mark.parametrize(
    ("entrypoint", "command", "facts", "wanted"),
    [
        (None, None, None, {}),
        (None, ["run", "-v"], None, {"args": ["run", "-v"]}),
        (["/x"], None, None, {"command": ["/x"]}),
        (["/x"], ["y"], None, {"command": ["/x"], "args": ["y"]}),
        (None, "sh -c 'echo hi'", None, {"args": ["sh", "-c", "echo hi"]}),
        (["/x"], [], None, {"command": ["/x"]}),
        # an entrypoint that is switched off: the command runs alone
        ([], ["serve"], None, {"command": ["serve"]}),
        ([""], ["serve"], None, {"command": ["serve"]}),
        # a command that is switched off: the image's entrypoint without the image's arguments
        (None, [], IMAGE, {"command": ["/start"]}),
        # `$$` is `$` by now; Kubernetes would expand $(…) and halve $$
        (
            None,
            ["sh", "-c", "echo $HOME $(date) $$ ${X}"],
            None,
            {"args": ["sh", "-c", "echo $HOME $$(date) $$$$ ${X}"]},
        ),
        (None, [1, True, 2.5], None, {"args": ["1", "true", "2.5"]}),
    ],
)
def test_entrypoint_and_command(entrypoint: Any, command: Any, facts: Facts | None, wanted: dict[str, Any]) -> None:
    made = plan({"entrypoint": entrypoint, "command": command}, facts)
    assert {k: v for k, v in component(made).items() if k in ("command", "args")} == wanted
    assert finding(made, "entrypoint").verdict is finding(made, "command").verdict is Verdict.CONVERTED


@pytest.mark.parametrize(("raw", "facts"), [({"entrypoint": []}, None), ({"command": []}, BARE)])
def test_nothing_to_run_is_refused(raw: dict[str, Any], facts: Facts | None) -> None:
    assert finding(plan(raw, facts), next(iter(raw))).verdict is Verdict.REFUSED


def test_an_empty_command_of_an_unknown_image_is_asked() -> None:
    made = plan({"command": []})
    choice = finding(made, "command").choice
    assert choice is not None and choice.answer == ""
    assert component(plan({"command": []}, answers={"command": "/start --now"}))["command"] == ["/start", "--now"]


@pytest.mark.parametrize(
    ("command", "args", "variable"),
    [
        (
            ["redis-server", "--requirepass", SECRET],
            ["redis-server", "--requirepass", "$(ARG_REQUIREPASS)"],
            "ARG_REQUIREPASS",
        ),
        ([f"--admin.password={SECRET}"], ["--admin.password=$(ARG_ADMIN_PASSWORD)"], "ARG_ADMIN_PASSWORD"),
        (["sh", "-c", f"TOKEN={SECRET} run $(x)"], ["sh", "-c", "TOKEN=$(ARG_TOKEN) run $$(x)"], "ARG_TOKEN"),
        (["sh", "-c", f"run --api-key '{SECRET}'"], ["sh", "-c", "run --api-key '$(ARG_API_KEY)'"], "ARG_API_KEY"),
        ([f"--db=postgres://u:{SECRET}@db/x"], ["$(ARG_1)"], "ARG_1"),
        (["k3J9xQ2vLp7RzT5wYb8N"], ["$(ARG_1)"], "ARG_1"),
    ],
)
def test_a_secret_in_a_command_is_read_from_the_environment(command: list[str], args: list[str], variable: str) -> None:
    made = plan({"command": command})
    assert component(made)["args"] == args
    assert list(component(made)["secretEnv"]) == [variable]
    assert made.secrets[0].value and made.secrets[0].value in " ".join(command)
    assert made.secrets[0].value not in repr(made) + str(made.values)
    # and left there when the operator says so
    assert component(plan({"command": command}, answers={"command": "plain"}))["args"][0] == command[0]


@pytest.mark.parametrize(
    "command",
    [
        ["--token-file", "/run/secrets/x"],
        ["--password", "$PASSWORD"],
        ["sh", "-c", "run --password $PW"],
        ["--auth-token=true"],
    ],
)
def test_what_points_at_a_secret_is_none(command: list[str]) -> None:
    made = plan({"command": command})
    assert component(made)["args"] == command and not made.secrets


def test_a_known_secret_in_a_command_is_the_variable_that_is_there() -> None:
    app = Service("app", {"image": "a:1", "command": [f"-x{SECRET}y"]}, (EnvironmentValue("DB_PASSWORD", SECRET),))
    made = convert(stack(app))
    assert component(made)["args"] == ["-x$(DB_PASSWORD)y"]
    assert len(made.secrets) == 1


@pytest.mark.parametrize(
    ("raw", "facts", "wanted"),
    [
        ({"working_dir": "/srv"}, None, {"workingDir": "/srv"}),
        ({"init": True}, None, {"shareProcessNamespace": True}),
        ({"init": False}, None, {}),
        ({"init": True, "stop_signal": "SIGINT"}, None, {"stopSignal": "SIGINT"}),  # the chart cannot have both
        ({"stop_signal": "SIGTERM"}, None, {}),
        ({"stop_signal": "int"}, None, {"stopSignal": "SIGINT"}),
        ({"stop_signal": "SIGQUIT"}, IMAGE, {}),  # the image says so itself
        ({"stop_signal": "SIGTERM"}, IMAGE, {"stopSignal": "SIGTERM"}),  # against what the image says
        ({"stop_grace_period": "1m30s"}, None, {"terminationGracePeriodSeconds": 90}),
        ({"stop_grace_period": "1500ms"}, None, {"terminationGracePeriodSeconds": 2}),
        ({"tty": True, "stdin_open": True}, None, {}),
    ],
)
def test_how_it_runs_and_stops(raw: dict[str, Any], facts: Facts | None, wanted: dict[str, Any]) -> None:
    made = plan(raw, facts)
    assert {k: v for k, v in component(made).items() if k != "image"} == wanted
    assert not [f for f in made.findings if f.verdict is Verdict.REFUSED]


@pytest.mark.parametrize("raw", [{"stop_signal": "LOUD NOISE"}, {"stop_grace_period": "a while"}])
def test_what_cannot_be_read_is_refused(raw: dict[str, Any]) -> None:
    assert finding(plan(raw), next(iter(raw))).verdict is Verdict.REFUSED
