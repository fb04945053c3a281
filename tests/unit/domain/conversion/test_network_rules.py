"""Networks, hosts, devices and what is of the Docker engine alone."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, plan, service, stack

STAY = "leave this stack on Docker, behind the same Ingress"

REFUSED: list[tuple[str, Any, str, str]] = [
    ("network_mode", "service:gluetun", "network_mode", STAY),
    ("network_mode", "container:gluetun", "network_mode", STAY),
    ("network_mode", "host", "network_mode", "DaemonSet"),
    ("network_mode", "lan", "network_mode", STAY),
    ("ipc", "host", "ipc", "DaemonSet"),
    ("ipc", "service:db", "ipc", STAY),
    ("pid", "host", "pid", "DaemonSet"),
    ("uts", "host", "uts", "DaemonSet"),
    ("cgroup", "host", "cgroup", "DaemonSet"),
    ("devices", ["/dev/net/tun:/dev/net/tun"], "devices", "VPN"),
    ("devices", [{"source": "/dev/dri", "target": "/dev/dri"}], "devices", "device plugin of the graphics card"),
    ("devices", ["/dev/ttyUSB0"], "devices", STAY),
    ("devices", ["/dev/fuse"], "devices", "device plugin"),
    ("device_cgroup_rules", ["c 1:3 mr"], "device_cgroup_rules", "device plugin"),
    ("gpus", "all", "gpus", "device plugin"),
    ("runtime", "nvidia", "runtime", "device plugin"),
    ("runtime", "kata", "runtime", "RuntimeClass"),
    ("isolation", "hyperv", "isolation", STAY),
    ("credential_spec", {"file": "x.json"}, "credential_spec.file", STAY),
    ("provider", {"type": "awesomecloud"}, "provider", STAY),
    ("models", ["llm"], "models", STAY),
    ("use_api_socket", True, "use_api_socket", STAY),
    ("volumes_from", ["other:ro"], "volumes_from", "under volumes of both"),
    ("extra_hosts", ["db=database"], "extra_hosts.db=database", "correct it"),
    ("links", ["nobody:db"], "links", "correct it"),
    ("post_start", [{"command": ["true"], "user": "root"}], "post_start", "script of the image"),
]

CONVERTED: list[tuple[str, Any, str, dict[str, Any]]] = [
    ("network_mode", "bridge", "network_mode", {}),
    ("networks", {"default": None}, "networks.default", {}),
    ("networks", {"back": {"aliases": ["store"]}}, "networks.back", {"service": {"aliases": ["store"]}}),
    ("networks", {}, "networks", {}),
    (
        "extra_hosts",
        ["wroclaw=192.168.88.2", "w2=192.168.88.2"],
        "extra_hosts.wroclaw=192.168.88.2",
        {"hostAliases": [{"ip": "192.168.88.2", "hostnames": ["wroclaw", "w2"]}]},
    ),
    ("extra_hosts", {"six": "[::1]"}, "extra_hosts.six", {"hostAliases": [{"ip": "::1", "hostnames": ["six"]}]}),
    (
        "extra_hosts",
        ["six:fd00::2"],
        "extra_hosts.six:fd00::2",
        {"hostAliases": [{"ip": "fd00::2", "hostnames": ["six"]}]},
    ),
    ("ipc", "private", "ipc", {}),
    ("runtime", "runc", "runtime", {}),
    ("isolation", "default", "isolation", {}),
    ("develop", {"watch": []}, "develop.watch", {}),
    ("use_api_socket", False, "use_api_socket", {}),
    (
        "pre_stop",
        [{"command": "sync"}],
        "pre_stop",
        {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sync"]}}}},
    ),
    (
        "post_start",
        [{"command": ["touch", "/x"]}],
        "post_start",
        {"lifecycle": {"postStart": {"exec": {"command": ["touch", "/x"]}}}},
    ),
]

WITHOUT: list[tuple[str, Any, str]] = [
    ("network_mode", "none", "network_mode"),
    ("dns", "192.168.88.1", "dns"),
    ("dns_search", ["lan"], "dns_search"),
    ("dns_opt", ["use-vc"], "dns_opt"),
    ("mac_address", "02:42:ac:11:65:43", "mac_address"),
    ("external_links", ["other_db:db"], "external_links"),
    ("cgroup_parent", "m-executor", "cgroup_parent"),
    ("networks", {"back": {"ipv4_address": "172.20.0.5"}}, "networks.back"),
]


@pytest.mark.parametrize(("key", "value", "path", "pattern"), REFUSED)
def test_is_refused_with_the_pattern_that_fits(key: str, value: Any, path: str, pattern: str) -> None:
    found = finding(plan({key: value}), path)
    assert found.verdict is Verdict.REFUSED and pattern in found.detail, found.detail


@pytest.mark.parametrize(("key", "value", "path", "expected"), CONVERTED)
def test_becomes(key: str, value: Any, path: str, expected: dict[str, Any]) -> None:
    made = plan({key: value})
    assert finding(made, path).verdict is Verdict.CONVERTED, finding(made, path).detail
    got = component(made)
    assert {k: got[k] for k in ("service", "hostAliases", "lifecycle") if k in got} == expected


@pytest.mark.parametrize(("key", "value", "path"), WITHOUT)
def test_can_be_moved_without(key: str, value: Any, path: str) -> None:
    found = finding(plan({key: value}), path)
    assert found.choice is not None and found.choice.answer == "drop" and not found.settled


@pytest.mark.parametrize("driver", ["macvlan", "ipvlan"])
def test_an_address_in_the_lan_is_refused(driver: str) -> None:
    found = finding(plan({"networks": {"lan": None}}, top={"networks": {"lan": {"driver": driver}}}), "networks.lan")
    assert found.verdict is Verdict.REFUSED and "LoadBalancer" in found.detail


@pytest.mark.parametrize("settings", [{"internal": True}, {"external": True, "name": "proxy"}])
def test_what_a_network_gave_is_named(settings: dict[str, Any]) -> None:
    found = finding(plan({"networks": ["front"]}, top={"networks": {"front": settings}}), "networks.front")
    assert found.choice is not None and found.choice.answer == "drop"


def test_the_docker_host_is_the_site_s_address() -> None:
    raw = {"extra_hosts": ["host.docker.internal=host-gateway"]}
    key = "extra_hosts.host.docker.internal=host-gateway"
    made = plan(raw, Facts(site_address="192.168.88.2"))
    assert component(made)["hostAliases"] == [{"ip": "192.168.88.2", "hostnames": ["host.docker.internal"]}]
    unknown = plan(raw)
    assert "hostAliases" not in component(unknown)
    assert finding(unknown, key).choice is not None
    answered = plan(raw, answers={key: "10.0.0.1"})
    assert component(answered)["hostAliases"][0]["ip"] == "10.0.0.1"


def test_a_link_is_a_further_service_of_the_peer() -> None:
    made = convert(stack(service("app", {"links": ["database:db"]}), service("database", {})))
    assert component(made, "database")["service"]["aliases"] == ["db"]
    assert finding(made, "links").verdict is Verdict.CONVERTED


def test_an_image_that_is_built_has_to_be_in_a_registry() -> None:
    raw = {"build": {"context": ".", "args": {"A": "1"}}}
    asked = plan(raw)
    assert finding(asked, "build.context").choice is not None
    assert finding(asked, "build.args.A").verdict is Verdict.CONVERTED
    assert finding(plan(raw, answers={"build.context": "pushed"}), "build.context").settled
    assert finding(plan(raw, answers={"build.context": "no"}), "build.image").verdict is Verdict.REFUSED
    nameless = convert(stack(service("app", {**raw, "image": ""})))
    assert finding(nameless, "build.context").verdict is Verdict.REFUSED
