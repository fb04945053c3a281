"""The smaller kinds, measurements, and numbers with units."""

from __future__ import annotations

import pytest

from labtui.adapters.kubernetes import metrics, objects
from labtui.adapters.kubernetes.reading import quantity
from labtui.domain.ref import Ref
from labtui.domain.resources.kubernetes import ServicePort, Usage
from tests.unit.adapters.kubernetes.examples import SOURCE, Answers, Json, meta

MIB = 1024 * 1024


def test_service() -> None:
    port = {"name": "http", "port": 80, "targetPort": 8096, "nodePort": 30080}
    spec = {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "ports": [port], "selector": {"app": "emby"}}
    status = {"loadBalancer": {"ingress": [{"ip": "198.19.249.2"}]}}
    found = objects.parse_service({"metadata": meta("emby"), "spec": spec, "status": status}, SOURCE)
    assert found is not None
    assert found.ports == (ServicePort("http", 80, "8096", "TCP", 30080),)
    assert (found.selector, found.external) == ((("app", "emby"),), ("198.19.249.2",))


def test_slice_without_conditions_is_ready() -> None:
    endpoints = [
        {"addresses": ["10.0.0.1"], "conditions": {}},
        {"addresses": ["10.0.0.2"], "conditions": {"ready": False}},
        {"addresses": ["10.0.0.3"]},
    ]
    obj = {
        "metadata": meta("emby-x", labels={"kubernetes.io/service-name": "emby"}),
        "endpoints": endpoints,
        "ports": [{"port": 8096}, {"name": "any"}],
    }
    found = objects.parse_slice(obj, SOURCE)
    assert found is not None
    assert (found.service, found.ready, found.not_ready) == ("emby", ("10.0.0.1", "10.0.0.3"), ("10.0.0.2",))
    assert found.ports == (8096,)


def test_ingress() -> None:
    path = {"path": "/", "backend": {"service": {"name": "emby", "port": {"number": 8096}}}}
    spec = {
        "ingressClassName": "nginx",
        "rules": [{"host": "emby.example.org", "http": {"paths": [path]}}, {"host": "bare.example.org"}],
        "tls": [{"hosts": ["emby.example.org"]}],
        "defaultBackend": {"service": {"name": "fallback", "port": {"name": "http"}}},
    }
    found = objects.parse_ingress({"metadata": meta("emby"), "spec": spec, "status": {}}, SOURCE)
    assert found is not None
    assert found.rules == (("emby.example.org/", "emby:8096"), ("*", "fallback:http"))
    assert found.hosts == ("emby.example.org", "bare.example.org")
    assert found.tls_hosts == ("emby.example.org",)


def test_claim_node_and_event() -> None:
    claim = objects.parse_claim(
        {
            "metadata": meta("data"),
            "spec": {"resources": {"requests": {"storage": "5Gi"}}},
            "status": {"phase": "Pending"},
        },
        SOURCE,
    )
    assert claim is not None
    assert (claim.phase, claim.capacity) == ("Pending", "5Gi")
    node = objects.parse_node(
        {
            "metadata": {"name": "mac-mini"},
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "capacity": {"cpu": "8", "memory": "16Gi"},
            },
        },
        SOURCE,
    )
    assert node is not None
    assert (node.status, node.ready, node.cpu, node.memory) == ("Ready,SchedulingDisabled", True, 8.0, 16 << 30)
    about = {"kind": "Pod", "namespace": "media", "name": "emby"}
    series = {"count": 5, "lastObservedTime": "2026-03-01T11:00:00.123456Z"}
    event = objects.parse_event({"metadata": meta("e"), "involvedObject": about, "series": series}, SOURCE)
    assert event is not None
    assert (event.about, event.count) == (Ref(SOURCE, "Pod", "media", "emby"), 5)
    assert event.seen is not None
    assert event.seen.hour == 11


@pytest.mark.parametrize("damage", [{}, {"spec": 1, "status": "x", "endpoints": {}, "ports": [None]}])
def test_malformed_objects_are_read_as_far_as_they_go(damage: Json) -> None:
    for parse in (
        objects.parse_service,
        objects.parse_slice,
        objects.parse_ingress,
        objects.parse_claim,
        objects.parse_event,
        objects.parse_node,
    ):
        assert parse({"metadata": {"name": "x"}, **damage}, SOURCE) is not None
        assert parse({"metadata": None, **damage}, SOURCE) is None


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("250m", 0.25),
        ("2", 2.0),
        ("1536Ki", 1536 * 1024.0),
        ("16Gi", float(16 << 30)),
        ("123456789n", 0.123456789),
        ("1k", 1000.0),
        ("5e3", 5000.0),
        ("", 0.0),
        ("many", 0.0),
        ("1.2.3Mi", 0.0),
    ],
)
def test_quantities(raw: str, number: float) -> None:
    assert quantity({"q": raw}, "q") == pytest.approx(number)


def test_metrics_are_summed_over_containers() -> None:
    use = {"usage": {"cpu": "100m", "memory": "10Mi"}}
    pods = {"items": [{"metadata": {"name": "p", "namespace": "media"}, "containers": [use, use]}]}
    nodes = {"items": [{"metadata": {"name": "mac-mini"}, "usage": {"cpu": "1", "memory": "1Gi"}}]}
    found = metrics.read(Answers(nodes, pods), SOURCE)
    assert found[Ref(SOURCE, "Pod", "media", "p")] == Usage(0.2, 20 * MIB)
    assert found[Ref(SOURCE, "Node", "", "mac-mini")] == Usage(1.0, 1 << 30)


@pytest.mark.parametrize(
    ("old", "new", "still"),
    [
        (Usage(0.010, 50 * MIB), Usage(0.019, 52 * MIB), True),
        (Usage(0.010, 50 * MIB), Usage(0.040, 50 * MIB), False),
        (Usage(1.0, 50 * MIB), Usage(1.15, 50 * MIB), True),
        (Usage(0.0, 900 * MIB), Usage(0.0, 960 * MIB), True),
        (Usage(0.0, 900 * MIB), Usage(0.0, 1000 * MIB), False),
    ],
)
def test_small_changes_of_use_are_not_shown(old: Usage, new: Usage, still: bool) -> None:
    ref = Ref(SOURCE, "Pod", "media", "p")
    assert metrics.settle({ref: old}, {ref: new}) == {ref: old if still else new}
