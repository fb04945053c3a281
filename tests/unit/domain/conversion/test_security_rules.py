"""Users, capabilities, kernel settings: what becomes of each value, and which pattern a refusal names."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.facts import Facts, ImageFacts
from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, plan

CONVERTED: list[tuple[str, Any, str, dict[str, Any]]] = [
    ("user", "1000", "user", {"podSecurityContext": {"runAsUser": 1000}}),
    (
        "user",
        "472:0",
        "user",
        {"podSecurityContext": {"runAsUser": 472, "runAsGroup": 0}},
    ),
    (
        "user",
        "1000:1001",
        "user",
        {
            "podSecurityContext": {
                "runAsUser": 1000,
                "runAsGroup": 1001,
                "fsGroup": 1001,
                "fsGroupChangePolicy": "OnRootMismatch",
            }
        },
    ),
    ("user", "root", "user", {"podSecurityContext": {"runAsUser": 0}}),
    ("user", "root:root", "user", {"podSecurityContext": {"runAsUser": 0, "runAsGroup": 0}}),
    ("user", "", "user", {}),
    ("group_add", ["44", "109"], "group_add", {"podSecurityContext": {"supplementalGroups": [44, 109]}}),
    (
        "cap_add",
        ["CAP_NET_BIND_SERVICE"],
        "cap_add",
        {"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}},
    ),
    ("cap_add", [], "cap_add", {}),
    ("cap_drop", ["ALL"], "cap_drop", {"securityContext": {"capabilities": {"drop": ["ALL"]}}}),
    ("privileged", False, "privileged", {}),
    ("read_only", True, "read_only", {"securityContext": {"readOnlyRootFilesystem": True}}),
    ("read_only", "true", "read_only", {"securityContext": {"readOnlyRootFilesystem": True}}),
    ("read_only", False, "read_only", {}),
    (
        "security_opt",
        ["no-new-privileges:true"],
        "security_opt",
        {"securityContext": {"allowPrivilegeEscalation": False}},
    ),
    ("security_opt", ["no-new-privileges"], "security_opt", {"securityContext": {"allowPrivilegeEscalation": False}}),
    (
        "security_opt",
        ["seccomp=unconfined"],
        "security_opt",
        {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    ),
    ("userns_mode", "host", "userns_mode", {}),
    (
        "sysctls",
        {"net.ipv4.ip_unprivileged_port_start": 0},
        "sysctls.net.ipv4.ip_unprivileged_port_start",
        {"podSecurityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}},
    ),
    (
        "sysctls",
        ["net.ipv4.tcp_syncookies=0"],
        "sysctls.net.ipv4.tcp_syncookies=0",
        {"podSecurityContext": {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "0"}]}},
    ),
    ("ulimits", {"nofile": {"soft": 1024, "hard": 2048}}, "ulimits.nofile", {}),
    ("oom_kill_disable", False, "oom_kill_disable", {}),
    ("pids_limit", -1, "pids_limit", {}),
    ("blkio_config", {}, "blkio_config", {}),
]

REFUSED: list[tuple[str, Any, str, str]] = [
    ("cap_add", ["NET_ADMIN"], "cap_add", "stay|leave this stack on Docker"),
    ("cap_add", ["CHOWN", "SYS_ADMIN"], "cap_add", "DaemonSet"),
    ("cap_add", ["SYS_MODULE"], "cap_add", "kernel modules"),
    ("cap_add", ["SYS_RAWIO"], "cap_add", "device plugin"),
    ("cap_add", ["all"], "cap_add", "name the ones it needs"),
    ("cap_add", ["WHATEVER"], "cap_add", "leave this stack on Docker"),
    ("privileged", True, "privileged", "DaemonSet"),
    ("security_opt", ["seccomp:./profile.json"], "security_opt", "leave this stack on Docker"),
    ("security_opt", ["systempaths=unconfined"], "security_opt", "leave this stack on Docker"),
    ("sysctls", {"net.core.somaxconn": "1024"}, "sysctls.net.core.somaxconn", "sysctl.d"),
]

WITHOUT: list[tuple[str, Any, str]] = [
    ("userns_mode", "private", "userns_mode"),
    ("ulimits", {"memlock": -1}, "ulimits.memlock"),
    ("oom_kill_disable", True, "oom_kill_disable"),
    ("oom_score_adj", -500, "oom_score_adj"),
    ("pids_limit", 100, "pids_limit"),
    ("storage_opt", {"size": "1G"}, "storage_opt.size"),
    ("blkio_config", {"weight": 300}, "blkio_config.weight"),
    ("security_opt", ["apparmor=unconfined"], "security_opt"),
]


@pytest.mark.parametrize(("key", "value", "path", "expected"), CONVERTED)
def test_becomes(key: str, value: Any, path: str, expected: dict[str, Any]) -> None:
    made = plan({key: value})
    assert finding(made, path).verdict is Verdict.CONVERTED
    got = component(made)
    assert {k: got.get(k) for k in ("podSecurityContext", "securityContext") if k in got} == expected


@pytest.mark.parametrize(("key", "value", "path", "pattern"), REFUSED)
def test_is_refused_with_the_pattern_that_fits(key: str, value: Any, path: str, pattern: str) -> None:
    made = plan({key: value})
    found = finding(made, path)
    assert found.verdict is Verdict.REFUSED
    assert any(p in found.detail for p in pattern.split("|")), found.detail
    assert made.verdict == "refused"


@pytest.mark.parametrize(("key", "value", "path"), WITHOUT)
def test_can_be_moved_without(key: str, value: Any, path: str) -> None:
    found = finding(plan({key: value}), path)
    assert found.choice is not None and found.choice.answer == "drop" and not found.settled
    assert finding(plan({key: value}, answers={path: "drop"}), path).settled


def test_the_name_of_a_user_has_to_become_a_number() -> None:
    asked = finding(plan({"user": "postgres"}), "user")
    assert asked.choice is not None and asked.choice.answer == ""
    made = plan({"user": "postgres"}, answers={"user": "999:999"})
    assert component(made)["podSecurityContext"]["runAsUser"] == 999
    assert finding(made, "user").settled
    wrong = plan({"user": "postgres"}, answers={"user": "who"})
    assert not finding(wrong, "user").settled and "podSecurityContext" not in component(wrong)


def test_the_image_s_own_user_needs_no_number() -> None:
    facts = Facts(images={"busybox:1.37.0": ImageFacts(user="postgres")})
    assert finding(plan({"user": "postgres"}, facts), "user").verdict is Verdict.CONVERTED


def test_names_of_groups_have_to_become_numbers() -> None:
    assert finding(plan({"group_add": ["video", "44"]}), "group_add").verdict is Verdict.CHOICE
    made = plan({"group_add": ["video", "44"]}, answers={"group_add": "39,105"})
    assert component(made)["podSecurityContext"]["supplementalGroups"] == [44, 39, 105]
