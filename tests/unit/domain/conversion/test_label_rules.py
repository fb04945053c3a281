"""Labels, restart, logging, images, and what only Compose reads."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, plan, service, stack

MOVED = {Verdict.CONVERTED}


@pytest.mark.parametrize(
    ("name", "text", "verdict", "annotation"),
    [
        ("team", "home", Verdict.CONVERTED, {"team": "home"}),
        ("org.example/role", "web", Verdict.CONVERTED, {"org.example/role": "web"}),
        ("not a name!", "x", Verdict.CONVERTED, {"not-a-name": "x"}),
        ("!", "x", Verdict.REFUSED, None),
        ("traefik.http.routers.x.rule", "Host(`x`)", Verdict.CONVERTED, None),
        ("com.centurylinklabs.watchtower.enable", "true", Verdict.CONVERTED, None),
        ("ofelia.job-exec.backup.schedule", "@daily", Verdict.CHOICE, None),
        ("basic", "u:$2a$14$abcdefghijklmnopqrstuv", Verdict.CONVERTED, None),
        ("api_token", "hunter2", Verdict.CONVERTED, None),
        ("big", "x" * 5000, Verdict.REFUSED, None),
    ],
)
def test_a_label(name: str, text: str, verdict: Verdict, annotation: dict[str, str] | None) -> None:
    for made, key in ((plan({"labels": {name: text}}), name), (plan({"labels": [f"{name}={text}"]}), f"{name}={text}")):
        assert component(made).get("podAnnotations") == annotation
        assert finding(made, f"labels.{key}").verdict is verdict


@pytest.mark.parametrize(
    ("value", "more", "verdict", "proposed"),
    [
        ("always", {}, Verdict.CONVERTED, ""),
        ("unless-stopped", {}, Verdict.CONVERTED, ""),
        ("no", {}, Verdict.CHOICE, ""),
        (False, {}, Verdict.CHOICE, ""),
        ("no", {"expose": ["80"]}, Verdict.CHOICE, "keep"),
        ("on-failure:3", {}, Verdict.CHOICE, "keep"),
        ("sometimes", {}, Verdict.REFUSED, ""),
    ],
)
def test_restart(value: Any, more: dict[str, Any], verdict: Verdict, proposed: str) -> None:
    found = finding(plan({"restart": value, **more}), "restart")
    assert found.verdict is verdict
    assert (found.choice.proposed if found.choice else "") == proposed


def test_what_runs_once_can_be_left_out() -> None:
    made = convert(
        stack(service("app", {}), service("once", {"restart": "no"})), None, {("once", "restart"): "leave-out"}
    )
    assert made.components == ("app",)


@pytest.mark.parametrize(
    ("driver", "verdict"), [("json-file", Verdict.CONVERTED), ("none", Verdict.CONVERTED), ("gelf", Verdict.CHOICE)]
)
def test_logging(driver: str, verdict: Verdict) -> None:
    made = plan({"logging": {"driver": driver, "options": {"max-size": "10m", "tag": "x"}}})
    for key in ("driver", "options.max-size", "options.tag"):
        assert finding(made, f"logging.{key}").verdict is verdict


@pytest.mark.parametrize(
    ("raw", "key", "verdict", "wanted"),
    [
        ({"pull_policy": "always"}, "pull_policy", Verdict.CONVERTED, {"imagePullPolicy": "Always"}),
        ({"pull_policy": "missing"}, "pull_policy", Verdict.CONVERTED, {"imagePullPolicy": "IfNotPresent"}),
        ({"pull_policy": "daily"}, "pull_policy", Verdict.CONVERTED, {"imagePullPolicy": "Always"}),
        ({"pull_policy": "build"}, "pull_policy", Verdict.REFUSED, {}),
        (
            {"platform": "linux/arm64/v8"},
            "platform",
            Verdict.CONVERTED,
            {"nodeSelector": {"kubernetes.io/arch": "arm64"}},
        ),
        ({"platform": "windows/amd64"}, "platform", Verdict.REFUSED, {}),
        ({"profiles": ["debug"]}, "profiles", Verdict.CONVERTED, {}),
        ({"x-note": {"a": 1}}, "x-note", Verdict.CONVERTED, {}),
    ],
)
def test_the_image_and_what_only_compose_reads(
    raw: dict[str, Any], key: str, verdict: Verdict, wanted: dict[str, Any]
) -> None:
    made = plan(raw)
    assert finding(made, key).verdict is verdict
    assert {k: v for k, v in component(made).items() if k != "image"} == wanted


@pytest.mark.parametrize(
    ("image", "moving"),
    [("a", True), ("a:latest", True), ("localhost:5000/a", True), ("a:1", False), ("a@sha256:" + "0" * 64, False)],
)
def test_an_image_without_a_fixed_tag_is_told(image: str, moving: bool) -> None:
    made = plan({"image": image})
    assert component(made)["image"] == image
    assert ("no fixed tag" in finding(made, "image").detail) is moving


def test_without_an_image_there_are_no_pods() -> None:
    made = plan({"image": None})
    assert finding(made, "image").verdict is Verdict.REFUSED
