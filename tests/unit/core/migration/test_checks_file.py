"""The operator's settings for looking at a migration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labtui.core.migration.checks_file import limits_of, loads_of, parse_checks, soak_plan, verify_plan
from labtui.core.migration.sides import Sides
from labtui.domain.compose.stack import Service
from labtui.domain.errors import Invalid
from labtui.domain.migration.budget import Budget
from labtui.domain.migration.parity_rules import HeaderRule
from labtui.domain.migration.probes import Kind, Side, Target
from labtui.domain.migration.settings import CheckSettings, OwnScript

SIDES = Sides(
    Target(Side.DOCKER, "192.168.88.2", 8096),
    Target(Side.KUBERNETES, "10.244.0.7", 8096),
    Target(Side.INGRESS, "192.168.88.3", 443, host="shop.example.org", tls=True),
)

EVERYTHING = """
paths: [/login, /login]
rate: 20
seconds: 0
websockets: [/ws]
downloads: [/film.mkv]
compare: {headers: {X-Feature: same}, masks: ["build [0-9]+"]}
scripts:
  - {run: [./checks/shop, "a b"], seconds: 5}
budget: {failed: 3, gap_seconds: 2.5}
soak: {seconds: 60, restarts: 1, p95_ms: 500, memory_mib: 512}
"""


def test_everything() -> None:
    found = parse_checks(EVERYTHING, "shop.checks.yaml")
    assert (found.paths, found.rate, found.seconds) == (("/login",), 20, 0)
    assert (found.websockets, found.downloads) == (("/ws",), ("/film.mkv",))
    assert found.rules.headers["x-feature"] is HeaderRule.SAME and found.rules.masks[-1].words == "build [0-9]+"
    assert found.scripts == (OwnScript(("./checks/shop", "a b"), seconds=5),)
    assert found.budget == Budget(3, 2.5)
    soak = soak_plan(found, SIDES, "8c11e0d")
    assert (soak.seconds, soak.subject, soak.limits) == (60, "8c11e0d", limits_of(found, SIDES))
    assert (soak.limits.restarts, soak.limits.p95_seconds, soak.limits.memory) == (1, 0.5, 512 * 1024 * 1024)
    kinds = [(load.target.side, load.target.kind, load.keep, load.rate) for load in soak.loads]
    assert kinds == [
        (Side.INGRESS, Kind.HTTP, False, 20),
        (Side.INGRESS, Kind.HTTP, True, 20),
        (Side.DOCKER, Kind.HTTP, False, 20),
        (Side.KUBERNETES, Kind.HTTP, False, 20),
        (Side.INGRESS, Kind.WEBSOCKET, False, 20),
        (Side.INGRESS, Kind.DOWNLOAD, False, 1),
    ]
    assert [load.target.path for load in soak.loads[-2:]] == ["/ws", "/film.mkv"]


def test_nothing_is_the_usual() -> None:
    assert parse_checks("# nothing\n", "x") == parse_checks("{}", "x") == CheckSettings()
    assert soak_plan(CheckSettings(), SIDES, "x").limits.budget == Budget()


def test_the_plan_of_verify() -> None:
    web = Service("web", {"healthcheck": {"test": ["CMD", "curl", "http://localhost/ready"]}})
    plan = verify_plan(parse_checks(EVERYTHING, "x"), SIDES, [web])
    assert plan.paths[:3] == ("/login", "/ready", "/") and plan.own_paths == ("/login",)
    assert [load.target.side for load in plan.loads] == [Side.DOCKER, Side.KUBERNETES]


def test_without_an_ingress_the_pods_are_judged() -> None:
    sides = replace(SIDES, ingress=None)
    assert limits_of(CheckSettings(), sides).sides == (Side.KUBERNETES,)
    assert [load.target.side for load in loads_of(CheckSettings(), sides)] == [Side.DOCKER, Side.KUBERNETES]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "is no YAML"),
        ("[1]", "holds no mapping"),
        ("pahts: []", "pahts is not known. Did you mean paths?"),
        ("soak: {secs: 1}", "soak.secs is not known"),
        ("paths: /login", "paths is no list"),
        ("paths: [login]", "login is no path"),
        ("websockets: ['/a b']", "is no path"),
        ("rate: 0", "rate is 0"),
        ("rate: 1000", "100 at most"),
        ("rate: .nan", "rate is nan"),
        ("seconds: yes", "seconds is True"),
        ("budget: {failed: 1.5}", "budget.failed is 1.5"),
        ("budget: {gap_seconds: -1}", "budget.gap_seconds is -1"),
        ("budget: 3", "budget is no mapping"),
        ("scripts: [./check]", r"scripts[1] is no mapping"),
        ("scripts: [{run: ./check all}]", r"scripts[1].run is no list"),
        ("scripts: [{run: [1]}]", r"scripts[1].run is no list of texts"),
        ("compare: {headers: {X: maybe}}", "maybe is no rule"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nrate: *b", "a is not known"),
        ("rate: [[1], 2]", "rate is a list or mapping"),
        ("compare: {masks: [[1]]}", "is no text"),
        ("compare: {paths: {/: [x]}}", "what stands there is no rule"),
        ("a: " + "x" * 100_000, "is too large"),
        ("x: 2026-99-99", "is no YAML"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_checks(text, "shop.checks.yaml")
    assert words in str(caught.value) and str(caught.value).startswith("shop.checks.yaml")


def test_a_certificate_need_not_be_trusted_where_the_operator_says_so() -> None:
    assert parse_checks("", "shop.checks.yaml").trusted
    assert not parse_checks("certificate: any", "shop.checks.yaml").trusted
    with pytest.raises(Invalid, match="certificate is maybe"):
        parse_checks("certificate: maybe", "shop.checks.yaml")
