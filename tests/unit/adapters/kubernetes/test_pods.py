"""STATUS, READY and RESTARTS must be what `kubectl get pods` prints (its own cases: printers_test.go, TestPrintPod)."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.adapters.kubernetes.pods import parse_pod
from labtui.domain.ref import Ref
from labtui.domain.resources import Pod
from labtui.domain.states import Level
from tests.unit.adapters.kubernetes.examples import RUNNING, SOURCE, Json, container, pod


def parsed(obj: Json) -> Pod:
    facts = parse_pod(obj, SOURCE)
    assert facts is not None
    return facts.pod


def ended(code: int = 0, reason: str = "", signal: int = 0) -> Json:
    return {"terminated": {"exitCode": code, "reason": reason, "signal": signal}}


def waits(reason: str) -> Json:
    return {"waiting": {"reason": reason}}


READY: Json = {"conditions": [{"type": "Ready", "status": "True"}]}
UNSCHEDULABLE: Json = {
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes fit"}]
}
GATED: Json = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}


@pytest.mark.parametrize(
    ("obj", "status", "level"),
    [
        (pod(), "Running", Level.WELL),
        (pod(statuses=[container(running={}, ready=False)]), "Running", Level.MOVING),
        (pod(statuses=[container(**waits("CrashLoopBackOff"), restarts=7)]), "CrashLoopBackOff", Level.BROKEN),
        (pod(phase="Pending", statuses=[container(**waits("ImagePullBackOff"))]), "ImagePullBackOff", Level.BROKEN),
        (pod(phase="Pending", statuses=[container(**waits("ContainerCreating"))]), "ContainerCreating", Level.MOVING),
        (pod(phase="Succeeded", statuses=[container(**ended(0, "Completed"))]), "Completed", Level.OFF),
        (pod(phase="Failed", statuses=[container(**ended(1, "Error"))]), "Error", Level.BROKEN),
        (pod(phase="Failed", statuses=[container(**ended(137))]), "ExitCode:137", Level.BROKEN),
        (pod(phase="Failed", statuses=[container(**ended(9, signal=9))]), "Signal:9", Level.BROKEN),
        (pod(phase="Failed", statuses=[], reason="Evicted"), "Evicted", Level.BROKEN),
        (pod(statuses=[container(**ended(137, "OOMKilled"))]), "OOMKilled", Level.BROKEN),
        (pod(phase="Pending", statuses=[]), "Pending", Level.MOVING),
        (pod(phase="Pending", statuses=[], **UNSCHEDULABLE), "Pending", Level.BROKEN),
        (pod(phase="Pending", statuses=[], **GATED), "SchedulingGated", Level.MOVING),
        (pod(statuses=[container("a", **ended(0, "Completed")), container("b", **RUNNING)], **READY), "Running", None),
        (pod(statuses=[container("a", **ended(0, "Completed")), container("b", **RUNNING)]), "NotReady", Level.MOVING),
    ],
)
def test_status(obj: Json, status: str, level: Level | None) -> None:
    found = parsed(obj)
    assert found.status == status
    assert level is None or found.level is level


def with_init(*statuses: Json, count: int = 2, sidecar: str = "", **more: Any) -> Json:
    obj = pod(phase="Pending", statuses=[container(**waits("PodInitializing"))], **more)
    names = [f"i{n}" for n in range(count)]
    obj["spec"]["initContainers"] = [
        {"name": n, "image": "x", **({"restartPolicy": "Always"} if n == sidecar else {})} for n in names
    ]
    obj["status"]["initContainerStatuses"] = list(statuses)
    return obj


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([container("i0", running={})], "Init:0/2"),
        ([container("i0", **ended(0)), container("i1", running={})], "Init:1/2"),
        ([container("i0", **ended(2, "Error"))], "Init:Error"),
        ([container("i0", **ended(3))], "Init:ExitCode:3"),
        ([container("i0", **waits("CrashLoopBackOff"))], "Init:CrashLoopBackOff"),
        ([container("i0", **waits("PodInitializing"))], "Init:0/2"),
    ],
)
def test_status_while_initializing(statuses: list[Json], status: str) -> None:
    assert parsed(with_init(*statuses)).status == status


def test_a_failing_init_container_is_broken() -> None:
    assert parsed(with_init(container("i0", **waits("CrashLoopBackOff")))).level is Level.BROKEN


def test_a_started_sidecar_counts_as_a_container() -> None:
    sidecar = container("i0", running={}, ready=True)
    sidecar["started"] = True
    obj = with_init(sidecar, count=1, sidecar="i0")
    obj["status"]["phase"] = "Running"
    obj["status"]["containerStatuses"] = [container(**RUNNING)]
    found = parsed(obj)
    assert (found.ready, found.containers, found.status) == (2, 2, "Running")


def test_terminating_wins_unless_it_has_ended() -> None:
    running, ended_pod = pod(), pod(phase="Succeeded", statuses=[container(**ended(0, "Completed"))])
    for obj in (running, ended_pod):
        obj["metadata"]["deletionTimestamp"] = "2026-03-01T11:00:00Z"
    assert parsed(running).status == "Terminating"
    assert parsed(ended_pod).status == "Completed"


def test_facts() -> None:
    found = parsed(pod(statuses=[container(running={}, ready=True, restarts=3)]))
    assert (found.ready, found.containers, found.restarts) == (1, 1, 3)
    assert (found.node, found.ip, found.images) == ("mac-mini", "10.0.0.9", ("emby:4.9",))
    assert found.owner == Ref(SOURCE, "Deployment", "media", "emby")


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (("StatefulSet", "db"), Ref(SOURCE, "StatefulSet", "media", "db")),
        (("DaemonSet", "agent"), Ref(SOURCE, "DaemonSet", "media", "agent")),
        (("Job", "backup-1"), Ref(SOURCE, "Job", "media", "backup-1")),
        (("ReplicaSet", "by-hand"), None),  # its name does not end in the hash: no Deployment made it
        (("Node", "mac-mini"), None),  # a static pod
        (None, None),
    ],
)
def test_owner(owner: tuple[str, str] | None, expected: Ref | None) -> None:
    assert parsed(pod(owner=owner)).owner == expected


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"status": None},
        {"status": {"containerStatuses": "?", "conditions": [None, 3], "phase": 7}},
        {"spec": {"containers": [None, "x"], "initContainers": {}}},
        {"metadata": {"name": "p", "ownerReferences": [{"kind": "ReplicaSet", "controller": True}], "labels": [1]}},
        {"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": "x"}}}, {"state": 1}]}},
        {"metadata": {"name": "p", "creationTimestamp": "yesterday", "labels": {"a": 1, "b": None}}},
    ],
)
def test_a_malformed_pod_is_read_as_far_as_it_goes(damage: Json) -> None:
    parsed({"metadata": {"name": "p"}, **damage})


def test_a_pod_without_a_name_is_left_out() -> None:
    assert parse_pod({"metadata": {}}, SOURCE) is None
    assert parse_pod({}, SOURCE) is None


def test_hostile_text_stays_raw_in_the_identity() -> None:
    obj = pod("evil\x1b[31m")
    obj["metadata"]["labels"]["note"] = "[red]‮\x00"
    found = parsed(obj)
    assert found.ref.name == "evil\x1b[31m"
    assert ("note", "[red]‮\x00") in found.labels
