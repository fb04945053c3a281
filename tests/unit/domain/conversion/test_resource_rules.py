"""CPU, memory and replicas."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.facts import Facts, UsageFacts
from labtui.domain.conversion.findings import Verdict
from labtui.domain.conversion.units import cores, memory, no_expansion, seconds, size
from tests.unit.domain.conversion.stacks import component, finding, plan

BUSY = Facts(usage={"app": UsageFacts(cpu=0.25, memory=100 << 20)})


def resources(raw: dict[str, Any], facts: Facts | None = None, answer: str = "none") -> Any:
    return component(plan(raw, facts, {"resources": answer})).get("resources")


def deploy(limits: dict[str, Any] | None = None, reservations: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"deploy": {"resources": {"limits": limits or {}, "reservations": reservations or {}}}}


@pytest.mark.parametrize(
    ("raw", "limits", "requests"),
    [
        (
            deploy({"cpus": "0.5", "memory": "2147483648"}),
            {"cpu": "500m", "memory": "2Gi"},
            {"cpu": "0", "memory": "0"},
        ),
        (
            deploy({"cpus": 2}, {"cpus": "0.25", "memory": "536870912"}),
            {"cpu": "2"},
            {"cpu": "250m", "memory": "512Mi"},
        ),
        ({"cpus": 1.5, "mem_limit": "512m"}, {"cpu": "1500m", "memory": "512Mi"}, {"cpu": "0", "memory": "0"}),
        ({"mem_limit": "1g", "mem_reservation": "256m"}, {"memory": "1Gi"}, {"memory": "256Mi"}),
        ({"cpu_quota": 50000}, {"cpu": "500m"}, {"cpu": "0"}),
        ({"cpu_quota": 50000, "cpu_period": "25ms"}, {"cpu": "2"}, {"cpu": "0"}),
        ({"cpu_shares": 512}, None, {"cpu": "500m"}),
        ({"mem_limit": "0", "cpus": 0, "cpu_quota": -1, "mem_reservation": None}, None, None),  # unlimited
        # a request above its limit is refused by the API server
        ({"cpus": 0.5, "cpu_shares": 1024}, {"cpu": "500m"}, {"cpu": "500m"}),
    ],
)
def test_limits_and_reservations(raw: dict[str, Any], limits: Any, requests: Any) -> None:
    found = resources(raw) or {}
    assert found.get("limits") == limits
    assert found.get("requests") == requests


@pytest.mark.parametrize(
    ("raw", "facts", "answer", "requests"),
    [
        # Kubernetes would reserve the whole limit: that is asked
        ({"mem_limit": "4g"}, None, "", None),
        ({"mem_limit": "4g"}, None, "limits", None),
        ({"mem_limit": "4g"}, None, "none", {"memory": "0"}),
        ({"mem_limit": "4g"}, None, "100m/256Mi", {"cpu": "100m", "memory": "256Mi"}),
        ({"mem_limit": "4g"}, BUSY, "", {"cpu": "300m", "memory": "120Mi"}),  # what it uses, and a fifth more
        ({}, BUSY, "", {"cpu": "300m", "memory": "120Mi"}),
        ({}, BUSY, "none", None),
        ({"mem_reservation": "1g"}, BUSY, "", {"cpu": "300m", "memory": "1Gi"}),  # what is written stays
        ({"mem_limit": "64m"}, BUSY, "", {"cpu": "300m", "memory": "64Mi"}),
    ],
)
def test_what_is_reserved_is_proposed_from_what_is_measured(
    raw: dict[str, Any], facts: Facts | None, answer: str, requests: Any
) -> None:
    made = plan(raw, facts, {"resources": answer})
    assert component(made).get("resources", {}).get("requests") == requests
    assert finding(made, "resources").verdict is Verdict.CHOICE


def test_nothing_known_and_nothing_written_asks_nothing() -> None:
    made = plan({})
    assert not [f for f in made.findings if f.key == "resources"]


@pytest.mark.parametrize(
    ("raw", "key", "verdict"),
    [
        (deploy({"cpus": "half"}), "deploy.resources.limits.cpus", Verdict.REFUSED),
        ({"mem_limit": "lots"}, "mem_limit", Verdict.REFUSED),
        ({"deploy": {"replicas": "x"}}, "deploy.replicas", Verdict.REFUSED),
        ({"deploy": {"mode": "replicated-job"}}, "deploy.mode", Verdict.REFUSED),
        (
            deploy({}, {"devices": [{"capabilities": ["gpu"]}]}),
            "deploy.resources.reservations.devices",
            Verdict.REFUSED,
        ),
        (deploy({"pids": 100}), "deploy.resources.limits.pids", Verdict.CHOICE),
        ({"deploy": {"update_config": {"order": "start-first"}}}, "deploy.update_config.order", Verdict.CONVERTED),
        (
            {"deploy": {"placement": {"constraints": ["node.role==manager"]}}},
            "deploy.placement.constraints",
            Verdict.CONVERTED,
        ),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, "deploy.restart_policy.condition", Verdict.CHOICE),
        ({"deploy": {"restart_policy": {"delay": "5s"}}}, "deploy.restart_policy.delay", Verdict.CONVERTED),
        ({"cpuset": "0,1"}, "cpuset", Verdict.CHOICE),
        ({"memswap_limit": 0}, "memswap_limit", Verdict.CONVERTED),
        ({"memswap_limit": "2g"}, "memswap_limit", Verdict.CHOICE),
    ],
)
def test_the_verdict(raw: dict[str, Any], key: str, verdict: Verdict) -> None:
    assert finding(plan(raw), key).verdict is verdict


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ({"deploy": {"replicas": 3}}, {"replicas": 3}),
        ({"scale": 2}, {"replicas": 2}),
        ({"scale": 0}, {"replicas": 0}),
        ({"deploy": {"mode": "global"}}, {"kind": "DaemonSet"}),
        ({"deploy": {"labels": {"team": "home", "api_token": "hunter2"}}}, {"annotations": {"team": "home"}}),
    ],
)
def test_what_deploy_becomes(raw: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert {k: v for k, v in component(plan(raw)).items() if k != "image"} == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("1h2m3.5s", 3723.5),
        ("500ms", 0.5),
        ("0", 0.0),
        (30_000_000_000, 30.0),
        ("5", None),
        ("x", None),
        (None, None),
        (True, None),
    ],
)
def test_durations(value: Any, wanted: float | None) -> None:
    assert seconds(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("512m", 512 << 20), ("1.5G", 3 << 29), ("2gb", 2 << 30), ("1048576", 1 << 20), (7, 7), ("x", None), ("-1", None)],
)
def test_sizes(value: Any, wanted: int | None) -> None:
    assert size(value) == wanted


def test_quantities() -> None:
    assert (memory(2 << 30), memory(1536 << 20), memory(1000)) == ("2Gi", "1536Mi", "1000")
    assert (cores("2.0"), cores(0.0001), cores("0"), cores("1e9"), cores("nan")) == ("2", "1m", None, None, None)


def test_kubernetes_gives_back_what_was_written() -> None:
    def expand(text: str) -> str:  # as the kubelet does (third_party/forked/golang/expansion)
        out, i = "", 0
        while i < len(text):
            if text[i] != "$" or i + 1 == len(text):
                out, i = out + text[i], i + 1
            elif text[i + 1] == "$":
                out, i = out + "$", i + 2
            elif text[i + 1] == "(" and ")" in text[i:]:
                end = text.index(")", i)
                out, i = out + "EXPANDED", end + 1
            else:
                out, i = out + text[i : i + 2], i + 2
        return out

    for text in ("$(A)", "$$(A)", "$$$(A) $", "a$$b$$$", "${A} $A $1 $", "$", "$$", "$(", "100% $(date +%s) $$"):
        assert expand(no_expansion(text)) == text
