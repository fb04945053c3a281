"""What the cluster has of one stack, read from JSON as the API server sends it; and objects by identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from labtui.adapters.kubernetes.stack import KubernetesStack
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.ports.stacks import WorkloadState

Json = dict[str, Any]


class Wire:
    """Answers by path; remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, str, Mapping[str, str | int]]] = []

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Json:
        self.asked.append(("GET", path, query or {}))
        found = self.answers.get(path, NotFound("not there"))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, Exception):
            raise found
        answer: Json = found
        return answer

    def change(
        self, method: str, path: str, query: Mapping[str, str | int] | None = None, body: Json | None = None
    ) -> Json:
        self.asked.append((method, path, query or {}))
        return body or {}

    def plain(self, path: str, query: Mapping[str, str | int] | None = None) -> str:
        self.asked.append(("GET", path, query or {}))
        found = self.answers[path]
        if isinstance(found, Exception):
            raise found
        return str(found)


def stack(answers: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> tuple[KubernetesStack, Wire]:
    wire = Wire(answers)

    @contextmanager
    def opened(self: KubernetesStack) -> Iterator[Wire]:
        yield wire

    monkeypatch.setattr(KubernetesStack, "_open", opened)
    return KubernetesStack(KubernetesConnection("test"), lambda _: None), wire


APPS = "/apis/apps/v1/namespaces/shop"
PODS = "/api/v1/namespaces/shop/pods"


def deployment(generation: int = 1, observed: int = 1, **status: int) -> Json:
    return {
        "metadata": {"name": "web", "generation": generation},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": observed, **status},
    }


@pytest.mark.parametrize(
    ("obj", "settled"),
    [
        (deployment(updatedReplicas=2, readyReplicas=2), True),
        (deployment(updatedReplicas=2, readyReplicas=1), False),
        (deployment(updatedReplicas=1, readyReplicas=2), False),
        (deployment(2, 1, updatedReplicas=2, readyReplicas=2), False),  # the controller has not looked yet
        (deployment(), False),
    ],
)
def test_a_deployment_is_settled_when_its_newest_pods_are_ready(
    obj: Json, settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = {
        "metadata": {"name": "node", "generation": 1},
        "status": {"observedGeneration": 1, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberReady": 1},
    }
    answers = {
        f"{APPS}/deployments": {"items": [obj]},
        f"{APPS}/statefulsets": {},
        f"{APPS}/daemonsets": {"items": [daemon]},
    }
    found, wire = stack(answers, monkeypatch)
    states = found.workloads("shop", "shop")
    assert states[0] == WorkloadState("DaemonSet", "node", 1, 1, 1) and states[0].settled
    assert states[1].settled is settled
    assert wire.asked[0][2] == {"labelSelector": "app.kubernetes.io/instance=shop"}


def pod(status: Json, **meta: Any) -> Json:
    labels = {"app.kubernetes.io/name": "web"}
    return {
        "metadata": {"name": "web-1", "namespace": "shop", "labels": labels, **meta},
        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        "status": status,
    }


CRASHING = {
    "phase": "Running",
    "containerStatuses": [
        {
            "name": "web",
            "ready": False,
            "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
            "lastState": {"terminated": {"exitCode": 3}},
        }
    ],
}


def test_pods_that_leave_do_not_count_and_broken_ones_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    leaving = pod({"phase": "Running"}, deletionTimestamp="2026-01-01T00:00:00Z")
    found, _ = stack({PODS: {"items": [leaving, pod(CRASHING)]}}, monkeypatch)
    (state,) = found.pods("shop", "shop")
    assert (state.name, state.component, state.status) == ("web-1", "web", "CrashLoopBackOff")
    assert state.broken and not state.ready and state.restarts == 4 and state.message == "back-off 40s"


def test_pods_that_leave_may_still_write_and_ended_ones_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    leaving = pod({"phase": "Running"}, deletionTimestamp="2026-01-01T00:00:00Z")
    found, _ = stack({PODS: {"items": [leaving]}}, monkeypatch)
    assert found.pods("shop", "shop") == () and len(found.remaining("shop", "shop")) == 1
    for phase in ("Succeeded", "Failed"):
        found, _ = stack({PODS: {"items": [pod({"phase": phase})]}}, monkeypatch)
        assert found.remaining("shop", "shop") == ()
    evicted = pod({"phase": "Failed", "containerStatuses": [{"name": "web", "state": {"running": {"startedAt": "x"}}}]})
    found, _ = stack({PODS: {"items": [evicted]}}, monkeypatch)
    assert len(found.remaining("shop", "shop")) == 1


def test_last_words_are_those_of_the_run_that_ended_cleaned_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "\n".join([*(f"line {n}" for n in range(50)), "no database \x1b[31m" + "x" * 1000])
    found, wire = stack({f"{PODS}/web-1": pod(CRASHING), f"{PODS}/web-1/log": said}, monkeypatch)
    words = found.last_words("shop", "web-1", 3)
    assert len(words) == 3 and words[0] == "line 48" and words[2].startswith("no database ·[31m")
    assert all(len(word) <= 300 for word in words)
    query = wire.asked[-1][2]
    assert query["previous"] == "true" and query["container"] == "web" and query["tailLines"] == 3


def test_a_pod_that_never_ran_has_no_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = {"containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
    found, wire = stack({f"{PODS}/web-1": pod(waiting)}, monkeypatch)
    assert found.last_words("shop", "web-1") == () and len(wire.asked) == 1
    found, _ = stack({f"{PODS}/web-1": pod(CRASHING), f"{PODS}/web-1/log": Refused("not now")}, monkeypatch)
    assert found.last_words("shop", "web-1") == ()


def test_slices_tell_who_made_them_and_what_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "labtui.dev"}
    item = {
        "metadata": {"name": "web-docker", "namespace": "shop", "labels": labels},
        "endpoints": [{"addresses": ["1.2.3.4"]}, {"addresses": ["1.2.3.5"], "conditions": {"ready": False}}],
    }
    gone = {"metadata": {"name": "x", "namespace": "shop", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    found, _ = stack({"/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices": {"items": [item, gone]}}, monkeypatch)
    (state,) = found.slices("shop")
    assert (state.service, state.manager, state.ready, state.not_ready) == (
        "web",
        "labtui.dev",
        ("1.2.3.4",),
        ("1.2.3.5",),
    )


def test_objects_are_applied_under_labtuis_name_and_never_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    found, wire = stack({}, monkeypatch)
    obj = {"kind": "Service", "metadata": {"name": "a/b", "namespace": "shop"}}
    found.apply(obj)
    found.apply(obj, dry_run=True)
    path = "/api/v1/namespaces/shop/services/a%2Fb"
    assert wire.asked == [
        ("PATCH", path, {"fieldManager": "labtui"}),
        ("PATCH", path, {"fieldManager": "labtui", "dryRun": "All"}),
    ]
    for bad in ({"kind": "Node", "metadata": {"name": "x"}}, {"kind": "Service", "metadata": {"name": "x"}}):
        with pytest.raises(Invalid):
            found.apply(bad)


def test_a_deletion_is_done_when_the_object_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/web"
    there = {"metadata": {"uid": "1"}}
    found, wire = stack({path: [there, there, there, NotFound("gone")]}, monkeypatch)
    found.delete("Ingress", "shop", "web")
    assert [method for method, _, _ in wire.asked] == ["GET", "DELETE", "GET", "GET", "GET"]
    found.delete("Ingress", "shop", "web")
    assert wire.asked[-1][0] == "GET" and found.find("Ingress", "shop", "web") is None
