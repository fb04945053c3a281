"""The simulated cluster rolls out as Kubernetes does (what the contract suite shares is there)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from labtui.demo import DemoEstate
from labtui.domain.resources import EndpointSlice, KubeEvent, Pod, Workload
from labtui.domain.states import Level
from tests.unit.demo.following import frozen


@pytest.fixture
def world() -> DemoEstate:
    return frozen(life=False)


def pods(world: DemoEstate, name: str) -> list[Pod]:
    found = [p for p in world.world.of(world.cluster.source, ("Pod",)) if isinstance(p, Pod)]
    return [p for p in found if p.owner is not None and p.owner.name == name]


def workload(world: DemoEstate, kind: str, namespace: str, name: str) -> Workload:
    found = world.world.get(world.cluster.ref(("", kind, namespace, name)))
    assert isinstance(found, Workload)
    return found


def change_image(world: DemoEstate, kind: str, namespace: str, name: str, image: str) -> None:
    key = next(k for k in world.cluster.objects if k[1:] == (kind, namespace, name))
    changed: dict[str, Any] = copy.deepcopy(dict(world.cluster.objects[key]))
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = image
    with world.world.lock:
        assert world.cluster.apply(changed, name) == "configured"
        assert world.cluster.apply(changed, name) == "unchanged"


def test_a_rolling_update_serves_all_along(world: DemoEstate) -> None:
    (old,) = pods(world, "authelia")
    change_image(world, "Deployment", "authelia", "authelia", "authelia/authelia:4.39.5")
    assert workload(world, "Deployment", "authelia", "authelia").level is Level.MOVING
    assert {p.status for p in pods(world, "authelia")} == {"Running", "ContainerCreating"}
    (slice_,) = [
        e
        for e in world.world.of(world.cluster.source, ("EndpointSlice",))
        if isinstance(e, EndpointSlice) and e.service == "authelia"
    ]
    assert slice_.ready == (old.ip,) and len(slice_.not_ready) == 1
    world.clock.advance(5)
    (new,) = pods(world, "authelia")
    assert new.ref != old.ref and new.images == ("authelia/authelia:4.39.5",) and new.restarts == 0
    assert workload(world, "Deployment", "authelia", "authelia").status == "Ready"


def test_recreate_stops_the_old_pod_first(world: DemoEstate) -> None:
    change_image(world, "Deployment", "emby", "emby", "emby/embyserver:4.8.12.0")
    assert [p.status for p in pods(world, "emby")] == ["ContainerCreating"]
    assert workload(world, "Deployment", "emby", "emby").ready == 0
    world.clock.advance(5)
    assert [p.status for p in pods(world, "emby")] == ["Running"]


def test_a_stateful_pod_keeps_its_name(world: DemoEstate) -> None:
    change_image(world, "StatefulSet", "vault", "vault", "openbao/openbao:2.2.2")
    world.clock.advance(5)
    assert [(p.ref.name, p.images) for p in pods(world, "vault")] == [("vault-0", ("openbao/openbao:2.2.2",))]


def test_a_newer_change_overtakes(world: DemoEstate) -> None:
    change_image(world, "Deployment", "authelia", "authelia", "authelia/authelia:4.39.5")
    world.clock.advance(1)
    change_image(world, "Deployment", "authelia", "authelia", "authelia/authelia:4.39.6")
    world.clock.advance(2)
    assert workload(world, "Deployment", "authelia", "authelia").status == "Progressing"
    world.clock.advance(5)
    assert [p.images for p in pods(world, "authelia")] == [("authelia/authelia:4.39.6",)]


def test_a_restarted_pod_comes_back_with_one_restart_more(world: DemoEstate) -> None:
    (pod,) = pods(world, "argocd-repo-server")
    with world.world.lock:
        world.cluster.restart(pod, "OOMKilled")
    down = workload(world, "Deployment", "argocd", "argocd-repo-server")
    assert (down.ready, down.level, down.restarts) == (0, Level.BROKEN, pod.restarts + 1)
    world.clock.advance(10)
    up = workload(world, "Deployment", "argocd", "argocd-repo-server")
    assert (up.ready, up.level, up.restarts) == (1, Level.WELL, pod.restarts + 1)


def test_old_events_are_forgotten(world: DemoEstate) -> None:
    (pod,) = pods(world, "emby")
    with world.world.lock:
        for number in range(300):
            world.cluster.event(pod.ref, "Normal", "Test", str(number))
    messages = [e.message for e in world.world.of(world.cluster.source, ("Event",)) if isinstance(e, KubeEvent)]
    assert len(messages) == 200 and messages[-1] == "299"
