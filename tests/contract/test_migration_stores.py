"""Leases and mirrored journals: one suite over the simulated cluster and a real one."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from labtui.demo import DemoClock
from labtui.demo.estate import DemoEstate
from labtui.demo.migration.leases import SimulatedLeases, SimulatedMirror
from labtui.domain.errors import Refused
from labtui.ports.migration import JournalMirror, Leases, MirrorCopy
from tests.live.chart_fixture import kubectl

PLACE, OTHER = ("wroclaw", "emby"), ("kyiv", "emby")


@dataclass(frozen=True)
class Stores:
    ada: Leases
    bob: Leases
    mirror: JournalMirror


@pytest.fixture(params=[pytest.param("live", marks=pytest.mark.live), "demo"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "demo":
        world = DemoEstate(DemoClock(), life=False).world
        leases = SimulatedLeases(world, "ada@desk")
        yield Stores(leases, leases, SimulatedMirror(world))
        return
    from labtui.adapters.kubernetes.lease import KubernetesLeases, Times
    from labtui.adapters.kubernetes.mirror import KubernetesMirror
    from labtui.domain.connections import KubernetesConnection

    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG is not set")
    connection, times = KubernetesConnection(""), Times(duration=3, renew=0.5, look=0.2)
    space = f"lt-{uuid.uuid4().hex[:8]}"
    ada, bob = (KubernetesLeases(connection, by, space, times) for by in ("ada@desk", "bob@laptop"))
    mirror = KubernetesMirror(connection, space)
    yield Stores(ada, bob, mirror)
    for one in (ada, bob, mirror):
        one.close()
    kubectl("delete", "namespace", space, "--wait=false", "--ignore-not-found")


def quiet(words: str) -> None:
    """Nobody listens."""


def test_one_holder_at_a_time_each_with_a_higher_fence(stores: Stores) -> None:
    assert stores.ada.holder(*PLACE) is None
    first = stores.ada.acquire(*PLACE, 0, quiet)
    first.check()
    first.glance()
    with pytest.raises(Refused, match="Another labtui") as caught:
        stores.bob.acquire(*PLACE, 0, quiet)
    assert caught.value.detail.startswith("ada@desk")
    assert " holds it since 20" in caught.value.detail
    found = stores.bob.holder(*PLACE)
    assert found is not None and found.holder.startswith("ada@desk")
    assert (found.fence, found.since is not None) == (first.fence, True)
    first.release()
    assert stores.bob.holder(*PLACE) is None
    second = stores.bob.acquire(*PLACE, 40, quiet)
    assert second.fence == 41
    with pytest.raises(Refused):
        first.check()
    second.release()


def test_stacks_of_one_name_on_two_sites_are_two(stores: Stores) -> None:
    held = [stores.ada.acquire(*place, 0, quiet) for place in (PLACE, OTHER)]
    for lease in held:
        lease.check()
        lease.release()
    for place in (PLACE, OTHER):
        stores.mirror.write(MirrorCopy(place[0], *place, 1, f"{place[0]}\n"))
    copy = stores.mirror.read(*OTHER)
    assert copy is not None and copy.text == "kyiv\n"
    assert sorted(copy.migration for copy in stores.mirror.all()) == ["kyiv", "wroclaw"]


def test_a_mirror_is_replaced_by_who_has_read_it(stores: Stores) -> None:
    assert stores.mirror.read(*PLACE) is None
    first = stores.mirror.write(MirrorCopy("m", *PLACE, 1, "one\n"))
    assert stores.mirror.read(*PLACE) == first
    second = stores.mirror.write(MirrorCopy("m", *PLACE, 2, "two\n", first.version))
    assert (second.fence, second.text) == (2, "two\n")
    for version in (first.version, ""):
        with pytest.raises(Refused, match="Somebody else"):
            stores.mirror.write(MirrorCopy("m", *PLACE, 1, "late\n", version))
    assert stores.mirror.read(*PLACE) == second
