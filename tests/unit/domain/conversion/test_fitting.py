"""Does a stack fit its cluster?"""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, NodeFacts, UsageFacts
from labtui.domain.conversion.findings import Finding, Verdict
from labtui.domain.conversion.rules import fitting
from tests.unit.domain.conversion.stacks import conversion, service, stack

GIB = 1024**3
IMAGE = "busybox:1.37.0"
MAC = NodeFacts("orbstack", "arm64", 4.0, 8 * GIB)
PC = NodeFacts("pc", "amd64", 2.0, 2 * GIB)


def fitted(
    component: dict[str, Any],
    cluster: ClusterFacts | None,
    answers: dict[tuple[str, str], str] | None = None,
    **facts: Any,
) -> Conversion:
    conv = conversion(stack(service("app", {})), Facts(cluster=cluster, **facts), answers)
    conv.components["app"] = component
    conv.values.update(component.pop("values", {}))
    fitting.fit(conv)
    return conv


def only(conv: Conversion, key: str) -> Finding:
    found = [f for f in conv.findings if f.key == key]
    assert len(found) == 1, [f.key for f in conv.findings]
    return found[0]


def cluster(*nodes: NodeFacts, **more: Any) -> ClusterFacts:
    return ClusterFacts(
        nodes=nodes or (MAC,), **{"storage_classes": ("local-path",), "default_storage_class": "local-path", **more}
    )


def image(*architectures: str) -> dict[str, Any]:
    return {"images": {IMAGE: ImageFacts(architectures=architectures)}}


def test_a_cluster_that_could_not_be_asked_is_named() -> None:
    assert "not checked" in only(fitted({}, None), "cluster").detail


def test_a_cluster_without_nodes_takes_nothing() -> None:
    assert only(fitted({}, ClusterFacts()), "cluster.nodes").verdict is Verdict.REFUSED


def test_an_image_of_another_architecture_is_asked() -> None:
    asked = only(fitted({}, cluster(), **image("amd64")), "cluster.architecture")
    assert asked.choice is not None and asked.choice.answer == "" and "arm64" in asked.detail
    alone = fitted({}, cluster(), {("app", "cluster.architecture"): "none"}, **image("amd64"))
    assert [f.verdict for f in alone.findings if f.key == "cluster.architecture"] == [Verdict.CHOICE, Verdict.REFUSED]
    settled = fitted({}, cluster(), {("app", "cluster.architecture"): "other"}, **image("amd64"))
    assert only(settled, "cluster.architecture").settled


def test_an_image_goes_to_the_nodes_that_can_run_it() -> None:
    conv = fitted({}, cluster(MAC, PC), **image("amd64"))
    assert conv.components["app"]["nodeSelector"] == {"kubernetes.io/arch": "amd64"}


def test_an_image_for_all_nodes_is_not_mentioned() -> None:
    conv = fitted({}, cluster(MAC, PC), **image("amd64", "arm64"))
    assert "nodeSelector" not in conv.components["app"]
    assert not [f for f in conv.findings if f.key == "cluster.architecture"]


@pytest.mark.parametrize(
    ("resources", "verdict"),
    [
        ({"requests": {"cpu": "500m", "memory": "1Gi"}}, Verdict.CONVERTED),
        ({"limits": {"memory": "7Gi"}}, Verdict.CONVERTED),
        ({"limits": {"memory": "9Gi"}}, Verdict.REFUSED),
        ({"limits": {"memory": "9Gi"}, "requests": {"memory": "1Gi"}}, Verdict.CONVERTED),
        ({"requests": {"cpu": 5}}, Verdict.REFUSED),
    ],
)
def test_requests_against_what_is_left(resources: dict[str, Any], verdict: Verdict) -> None:
    conv = fitted({"resources": resources}, cluster())
    found = [f for f in conv.findings if f.key == "cluster.room" and not f.service]
    assert [f.verdict for f in found] == [verdict]


def test_one_pod_fits_one_node() -> None:
    small = NodeFacts("a", "arm64", 2, 4 * GIB), NodeFacts("b", "arm64", 2, 4 * GIB)
    conv = fitted({"resources": {"requests": {"memory": "6Gi"}}}, cluster(*small))
    assert {(f.service, f.verdict) for f in conv.findings if f.key == "cluster.room"} == {
        ("app", Verdict.REFUSED),
        ("", Verdict.CONVERTED),
    }


def test_replicas_count() -> None:
    conv = fitted({"replicas": 3, "resources": {"requests": {"memory": "3Gi"}}}, cluster())
    assert only(conv, "cluster.room").verdict is Verdict.REFUSED


def test_memory_that_is_used_but_not_asked_for_is_named() -> None:
    conv = fitted({}, cluster(), usage={"app": UsageFacts(0.1, 9 * GIB)})
    assert only(conv, "cluster.room").choice is not None


def test_a_host_name_of_another_stack() -> None:
    values = {"ingress": {"enabled": True, "host": "emby.example.org"}}
    taken = fitted({"values": values}, cluster(hosts={"emby.example.org": "external/emby"}))
    asked = only(taken, "cluster.host")
    assert asked.choice is not None and not asked.choice.answer and "another host name" in asked.detail
    same = cluster(hosts={"emby.example.org": "external/emby"})
    assert only(fitted({"values": values}, same, {("", "cluster.host"): "adopt"}), "cluster.host").settled
    ours = fitted({"values": values}, cluster(hosts={"emby.example.org": "media/app"}))
    assert not [f for f in ours.findings if f.key == "cluster.host"]


def test_a_node_port_of_another_stack() -> None:
    component = {"ports": [{"name": "http", "port": 80, "nodePort": 30080}, {"name": "x", "port": 81}]}
    taken = fitted(component, cluster(node_ports={30080: "other/web"}))
    assert only(taken, "cluster.nodePort.30080").verdict is Verdict.REFUSED
    ours = fitted(component, cluster(node_ports={30080: "media/app"}))
    assert not [f for f in ours.findings if "nodePort" in f.key]


def test_storage_classes() -> None:
    claim = {"volumes": [{"name": "d", "mountPath": "/d", "pvc": {"size": "1Gi"}}]}
    assert not [f for f in fitted(claim, cluster()).findings if "storage" in f.key]
    none = fitted(claim, cluster(default_storage_class=""))
    assert only(none, "cluster.storageClass").verdict is Verdict.REFUSED
    other = {"volumes": [{"name": "d", "mountPath": "/d", "pvc": {"size": "1Gi", "storageClass": "fast"}}]}
    assert "local-path" in only(fitted(other, cluster()), "cluster.storageClass.fast").detail


@pytest.mark.parametrize(("server", "verdict"), [("192.168.1.2", Verdict.CONVERTED), ("127.0.0.1", Verdict.REFUSED)])
def test_shares(server: str, verdict: Verdict) -> None:
    component = {"volumes": [{"name": "m", "mountPath": "/m", "nfs": {"server": server, "path": "/srv"}}]}
    assert only(fitted(component, None), f"cluster.nfs.{server}:/srv").verdict is verdict
