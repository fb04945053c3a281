"""The app chart without helm renders what helm renders."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

import pytest

from labtui.adapters.helm import HelmRenderer
from labtui.core.stack_facts import GatheredFacts
from labtui.core.stackplan import StackPlanner
from labtui.demo import DemoClock, DemoEstate
from labtui.demo.chart import DemoChart
from labtui.demo.files import data_folder
from labtui.domain.conversion.convert import convert
from labtui.domain.errors import Invalid, Refused

CHART = data_folder("manifests") / "applications" / "charts" / "app"
STANDS = [(False, "docker"), (True, "docker"), (True, "both"), (True, "kubernetes")]
STACKS = ("authelia", "caddy", "emby", "immich", "monitoring", "searxng", "tools")


@pytest.fixture(scope="module")
def planner() -> StackPlanner:
    world = DemoEstate(DemoClock(), life=False)
    facts = GatheredFacts(world.site_inspectors, world.addresses, world.cluster_inspector, world.domain)
    return StackPlanner(world.stacks, convert, world.sites, facts, None, world.git_files, "manifests", world.name)


def rendered(chart: DemoChart | HelmRenderer, values: Mapping[str, Any], name: str) -> object:
    """The objects by kind and name; the kind of the error where there are none."""
    try:
        objects = chart.render(values, name, name)
    except Invalid as error:
        return type(error)
    return {(o["kind"], o["metadata"]["name"]): o for o in objects}


@pytest.mark.skipif(shutil.which("helm") is None, reason="needs helm")
@pytest.mark.parametrize("stack", STACKS)
def test_it_renders_every_stack_as_helm_does(planner: StackPlanner, stack: str) -> None:
    values = planner.plan("wroclaw", stack).plan.values
    for workload, traffic in STANDS:
        wanted = {**values, "workload": workload, "traffic": traffic}
        assert rendered(DemoChart(CHART), wanted, stack) == rendered(HelmRenderer(CHART), wanted, stack), traffic


ALL = {
    "workload": True,
    "traffic": "kubernetes",
    "docker": {"host": "fd00::2"},
    "networkPolicy": {"from": ["ingress-nginx", "monitoring"]},
    "components": {
        "a" * 60: {
            "kind": "StatefulSet",
            "image": "a:1",
            "replicas": 0,
            "stopSignal": "SIGINT",
            "ports": [{"name": "x", "port": 1, "nodePort": 30001}, {"name": "y", "port": 1, "servicePort": 2}],
            "service": {"aliases": ["other"]},
            "docker": {"ports": {"x": 5}},
            "volumes": [
                {"name": "v", "mountPath": "/a", "pvc": {"size": "1Gi", "storageClass": "fast"}},
                {"name": "v", "mountPath": "/b", "subPath": "b", "pvc": {"size": "1Gi", "storageClass": "fast"}},
                {"name": "s", "mountPath": "/s", "secret": {"name": "n", "defaultMode": 256, "items": {"k": "p"}}},
                {"name": "e", "mountPath": "/e", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                {"name": "h", "mountPath": "/h", "readOnly": True, "hostPath": {"path": "/p", "type": "Directory"}},
                {"name": "f", "mountPath": "/f", "configMap": {"files": {"a.txt": "x & <y>\n"}, "defaultMode": 292}},
            ],
        },
        "agent": {
            "kind": "DaemonSet",
            "image": "b:1",
            "service": {},
            "hostname": "h",
            "shareProcessNamespace": True,
            "terminationGracePeriodSeconds": 3,
            "env": {"B": "1", "A": "2"},
            "secretEnv": {"S": {"secret": "n", "key": "k"}},
            "tolerations": [{"operator": "Exists"}],
            "waitFor": [{"component": "web", "port": 80}],
            "podSecurityContext": {"runAsUser": 0, "supplementalGroups": []},
            "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
        },
        "web": {"image": "c:1", "ports": [{"name": "u", "port": 53, "protocol": "UDP"}], "podLabels": {"l": "1"}},
    },
    "secrets": {"n": {"path": "p", "keys": {"k": "k", "j": {"property": "q"}}, "template": {"t": "{{ .k }}"}}},
    "ingress": {"enabled": True, "component": "web", "host": "w.example.org", "auth": True, "issuer": "le"},
}


@pytest.mark.skipif(shutil.which("helm") is None, reason="needs helm")
@pytest.mark.parametrize("traffic", ["docker", "kubernetes"])
def test_it_renders_what_no_stack_of_the_demo_has(traffic: str) -> None:
    values = {**ALL, "traffic": traffic}
    ours = rendered(DemoChart(CHART), values, "rel")
    assert isinstance(ours, dict) and ours == rendered(HelmRenderer(CHART), values, "rel")


def test_traffic_without_pods_is_refused_and_so_is_a_second_writer(planner: StackPlanner) -> None:
    values = planner.plan("wroclaw", "emby").plan.values
    chart = DemoChart(CHART)
    with pytest.raises(Invalid, match="refuses the values") as caught:
        chart.render({**values, "workload": False, "traffic": "kubernetes"}, "emby", "emby")
    assert "workload: true" in caught.value.detail
    with pytest.raises(Invalid) as caught:
        chart.render({**values, "workload": True, "traffic": "both"}, "emby", "emby")
    assert "only one side may run it" in caught.value.detail
    with pytest.raises(Refused):
        chart.render({"generateSecrets": {"enabled": True}}, "x", "x")
