"""What a cluster has room for."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.adapters.kubernetes.capacity import pod_requests, reading
from labtui.adapters.kubernetes.reading import Json
from labtui.adapters.kubernetes.wire import READ_TIMEOUT, Expired, Query
from labtui.domain.errors import Denied, LabError, NotFound

GIB = 1024**3


class Served:
    """Answers with lists by path; an exception is raised."""

    def __init__(self, **lists: list[Json] | Exception) -> None:
        self.lists = lists

    def get(self, path: str, query: Query | None = None, timeout: float = READ_TIMEOUT) -> Json:
        found = self.lists.get(path.rsplit("/", 1)[-1], [])
        if isinstance(found, Exception):
            raise found
        return {"items": found}

    def stream(self, path: str, query: Query, timeout: float) -> Any:
        raise AssertionError("nothing is watched")


def node(name: str = "a", ready: str = "True", **spec: Any) -> Json:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": f"host-{name}"}},
        "spec": spec,
        "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi"},
            "conditions": [{"type": "Ready", "status": ready}],
            "nodeInfo": {"architecture": "arm64", "bootID": "b-1", "kernelVersion": "6.1"},
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        },
    }


def container(cpu: str = "", memory: str = "", **more: Any) -> Json:
    wanted = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    return {"resources": {"requests": wanted}, **more}


def pod(*containers: Json, on: str = "a", phase: str = "Running", **spec: Any) -> Json:
    return {"spec": {"nodeName": on, "containers": list(containers), **spec}, "status": {"phase": phase}}


def test_images_are_those_that_every_node_with_room_has() -> None:
    one, two, full = node("a"), node("b"), node("c", unschedulable=True)
    one["status"]["images"] = [{"names": ["x:1", "y:1"]}, {"names": ["z:1"]}]
    two["status"]["images"] = [{"names": ["x:1"]}, {"names": ["z:1", "w:1"]}]
    full["status"]["images"] = []
    assert reading(Served(nodes=[one, two, full])).facts.images == {"x:1", "z:1"}
    assert reading(Served(nodes=[])).facts.images == frozenset()


def test_free_is_what_requests_leave() -> None:
    pods = [
        pod(container("500m", "1Gi"), container("250m")),
        pod(container("2"), phase="Succeeded"),
        pod(container("1"), on=""),
    ]
    found = reading(Served(nodes=[node()], pods=pods)).facts.nodes
    assert [(n.name, n.architecture, n.cpu_free, n.memory_free, n.memory) for n in found] == [
        ("a", "arm64", 3.25, 7 * GIB, 8 * GIB)
    ]


def test_nodes_that_take_no_pods_are_hosts_alone() -> None:
    nodes = [
        node("ok"),
        node("cordoned", unschedulable=True),
        node("tainted", taints=[{"key": "x", "effect": "NoSchedule"}]),
        node("preferred", taints=[{"key": "x", "effect": "PreferNoSchedule"}]),
        node("down", ready="Unknown"),
    ]
    found = reading(Served(nodes=nodes))
    assert [n.name for n in found.facts.nodes] == ["ok", "preferred"]
    assert [h.name for h in found.hosts] == ["host-ok", "host-cordoned", "host-tainted", "host-preferred", "host-down"]
    assert found.hosts[0].boot_id == "b-1" and found.hosts[0].addresses == ("10.0.0.1",)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [container("1"), container("2")]}, 3),
        ({"containers": [container("1")], "initContainers": [container("4"), container("2")]}, 4),
        ({"containers": [container("1")], "initContainers": [container("2", restartPolicy="Always")]}, 3),
        (
            {
                "containers": [container("1")],
                "initContainers": [container("2", restartPolicy="Always"), container("5")],
            },
            7,
        ),
        ({"containers": [container("1")], "overhead": {"cpu": "500m"}}, 1.5),
        ({}, 0),
    ],
)
def test_what_the_scheduler_counts(spec: Json, expected: float) -> None:
    assert pod_requests({"spec": spec}, "cpu") == expected


def test_what_others_claim() -> None:
    ingresses = [
        {
            "metadata": {"namespace": "b", "name": "new", "creationTimestamp": "2026-02"},
            "spec": {"rules": [{"host": "x.org"}]},
        },
        {
            "metadata": {"namespace": "a", "name": "old", "creationTimestamp": "2026-01"},
            "spec": {"rules": [{"host": "x.org"}, {}]},
        },
    ]
    services = [
        {
            "metadata": {"namespace": "a", "name": "web"},
            "spec": {"ports": [{"port": 80, "nodePort": 30080}, {"port": 81}], "healthCheckNodePort": 30999},
        }
    ]
    classes: list[Json] = [
        {"metadata": {"name": "slow"}},
        {"metadata": {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}},
    ]
    found = reading(Served(ingresses=ingresses, services=services, storageclasses=classes)).facts
    assert found.hosts == {"x.org": "a/old"}
    assert found.node_ports == {30080: "a/web", 30999: "a/web"}
    assert (found.storage_classes, found.default_storage_class) == (("local", "slow"), "local")


def test_what_may_not_be_read_is_empty_but_nodes_and_pods_are_needed() -> None:
    denied = Denied("Not allowed", "storageclasses")
    assert reading(Served(nodes=[node()], storageclasses=denied, ingresses=denied)).facts.storage_classes == ()
    for kind in ("nodes", "pods"):
        with pytest.raises(Denied):
            reading(Served(**{kind: denied}))
    with pytest.raises(LabError):
        reading(Served(pods=Expired("too old")))


def issuer(name: str, ready: str) -> Json:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_the_issuers_that_are_ready() -> None:
    issuers = [
        issuer("staging", "True"),
        issuer("letsencrypt", "True"),
        issuer("broken", "False"),
        {"metadata": {"name": "new"}},
    ]
    assert reading(Served(nodes=[node()], clusterissuers=issuers)).facts.issuers == ("letsencrypt", "staging")
    # without cert-manager there is no such list
    assert reading(Served(nodes=[node()], clusterissuers=NotFound("the server has no such list"))).facts.issuers == ()
