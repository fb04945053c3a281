"""A stack's part of the cluster, and objects by their identity: one suite over the simulated cluster and a real one."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from labtui.demo import DemoClock
from labtui.demo.chart import DemoChart
from labtui.demo.estate import DemoEstate
from labtui.demo.files import data_folder
from labtui.demo.migration.cluster import SimulatedStackCluster
from labtui.domain.errors import Invalid, NotFound
from labtui.ports.stacks import Objects, StackCluster
from tests.live.chart_fixture import kubectl

CHART = DemoChart(data_folder("manifests") / "applications" / "charts" / "app")
DOCKER = "192.0.2.7"  # no one's (RFC 5737)
OWN = "labtui.dev"


@dataclass(frozen=True)
class Rig:
    """A namespace of its own, in which `wait` lets time pass."""

    cluster: StackCluster
    objects: Objects
    space: str
    image: str
    wait: Callable[[float], None]

    def apply(self, traffic: str, *, workload: bool = True, image: str = "") -> None:
        """The objects of a stack `shop` at this stand; those of the stand before it that are none of it go."""
        wanted = {(o["kind"], o["metadata"]["name"]): o for o in self._rendered(traffic, workload, image)}
        for obj in wanted.values():
            self.objects.apply(obj)
        for obj in self._rendered("docker", workload=True, image=image):
            kind, name = obj["kind"], obj["metadata"]["name"]
            if (kind, name) not in wanted:
                self.objects.delete(kind, self.space, name)

    def _rendered(self, traffic: str, workload: bool, image: str) -> Sequence[Mapping[str, Any]]:
        component = {
            "image": image or self.image,
            "command": ["sh", "-c", "httpd -f -p 8080"],
            "ports": [{"name": "http", "port": 8080}],
            "terminationGracePeriodSeconds": 1,
        }
        values = {
            "workload": workload,
            "traffic": traffic,
            "docker": {"host": DOCKER, "port": 9090},
            "components": {"web": component},
            "networkPolicy": {"enabled": False},
        }
        return CHART.render(values, "shop", self.space)

    def until(self, what: str, probe: Callable[[], object], seconds: float = 60) -> None:
        """Wait for something that shows."""
        end = time.monotonic() + seconds
        for _ in range(int(seconds / 0.2)):
            if probe():
                return
            assert time.monotonic() < end, f"{what} within {seconds} s: {self.cluster.slices(self.space)}"
            self.wait(0.2)
        raise AssertionError(f"{what} within {seconds} s: {self.cluster.slices(self.space)}")

    def behind(self) -> set[str]:
        """Who has something ready behind the Service: `docker`, `pods`."""
        found = [s for s in self.cluster.slices(self.space) if s.service == "web" and s.ready]
        return {"docker" if s.manager == OWN else "pods" for s in found}

    def ready(self) -> bool:
        """Are all pods up?"""
        found = self.cluster.workloads(self.space, "shop")
        return bool(found) and all(w.settled for w in found)


@pytest.fixture(params=["demo", pytest.param("live", marks=pytest.mark.live)])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    space = f"lt-{uuid.uuid4().hex[:8]}"
    if request.param == "demo":
        from tests.unit.demo.following import NOON

        world = DemoEstate(DemoClock(NOON), life=False)
        made = SimulatedStackCluster(world.controller)
        yield Rig(made, made, space, "busybox:1.37.0", world.clock.wait)
        return
    from labtui.adapters.kubernetes.stack import KubernetesStack
    from labtui.domain.connections import KubernetesConnection

    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG is not set")
    real = KubernetesStack(KubernetesConnection(""))
    real.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    yield Rig(real, real, space, f"{os.environ['LIVE_REGISTRY']}/busybox:latest", time.sleep)
    kubectl("delete", "namespace", space, "--wait=false")


def test_what_is_behind_a_service_follows_traffic_and_there_is_always_somebody(rig: Rig) -> None:
    rig.apply("docker")
    rig.until("pods", rig.ready)
    rig.until("Docker alone", lambda: rig.behind() == {"docker"})
    (slice_,) = [s for s in rig.cluster.slices(rig.space) if s.manager == OWN]
    assert (slice_.name, slice_.ready) == ("web-docker", (DOCKER,))
    for traffic, behind in (("both", {"docker", "pods"}), ("kubernetes", {"pods"}), ("both", {"docker", "pods"})):
        rig.apply(traffic)
        rig.until(traffic, lambda behind=behind: rig.behind() == behind)  # type: ignore[misc]
    rig.apply("docker")
    rig.until("Docker alone again", lambda: rig.behind() == {"docker"})
    rig.apply("docker", workload=False)
    rig.until("no pods", lambda: not rig.cluster.pods(rig.space, "shop"))
    assert rig.cluster.workloads(rig.space, "shop") == () and rig.behind() == {"docker"}


def test_the_pods_of_a_stack_are_its_own(rig: Rig) -> None:
    rig.apply("both")
    rig.until("pods", rig.ready)
    (pod,) = rig.cluster.pods(rig.space, "shop")
    assert (pod.component, pod.ready, pod.status, pod.broken) == ("web", True, "Running", False)
    assert pod.address and pod.name.startswith("web-")
    (ready,) = [s.ready for s in rig.cluster.slices(rig.space) if s.manager != OWN]
    assert ready == (pod.address,)
    assert rig.cluster.pods(rig.space, "other") == () == rig.cluster.workloads(rig.space, "other")
    (workload,) = rig.cluster.workloads(rig.space, "shop")
    assert (workload.kind, workload.name, workload.ready, workload.desired) == ("Deployment", "web", 1, 1)
    assert rig.cluster.last_words(rig.space, pod.name) == ()
    with pytest.raises(NotFound):
        rig.cluster.last_words(rig.space, "nobody")


def test_an_image_that_is_not_there_shows_and_leaves_docker_alone(rig: Rig) -> None:
    repository = rig.image.rpartition(":")[0]
    rig.apply("docker", image=f"{repository.rpartition('/')[0] or 'library'}/no-such-image:1")
    rig.until("a broken pod", lambda: any(p.broken for p in rig.cluster.pods(rig.space, "shop")))
    (pod,) = rig.cluster.pods(rig.space, "shop")
    assert pod.status in ("ImagePullBackOff", "ErrImagePull") and not pod.ready and pod.message
    assert rig.behind() == {"docker"} and not rig.ready()


def test_objects_by_their_identity(rig: Rig) -> None:
    own = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "own", "namespace": rig.space},
        "data": {"a": "1"},
    }
    assert rig.objects.find("ConfigMap", rig.space, "own") is None
    assert rig.objects.apply(own, dry_run=True)["data"] == {"a": "1"}
    assert rig.objects.find("ConfigMap", rig.space, "own") is None
    rig.objects.apply(own)
    found = rig.objects.find("ConfigMap", rig.space, "own")
    assert found is not None and found["data"] == {"a": "1"}
    rig.objects.apply({**own, "data": {"a": "2"}})
    assert "own" in [o["metadata"]["name"] for o in rig.objects.all("ConfigMap", rig.space)]
    assert ("own", {"a": "2"}) in [(o["metadata"]["name"], o.get("data")) for o in rig.objects.all("ConfigMap")]
    rig.objects.delete("ConfigMap", rig.space, "own")
    rig.objects.delete("ConfigMap", rig.space, "own")
    assert rig.objects.find("ConfigMap", rig.space, "own") is None
    with pytest.raises(Invalid):
        rig.objects.find("Gadget", rig.space, "own")
