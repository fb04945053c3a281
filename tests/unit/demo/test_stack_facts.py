"""The simulated estate's facts fit its stacks."""

from __future__ import annotations

import pytest

from labtui.core.stack_facts import GatheredFacts
from labtui.demo import DemoClock, DemoEstate, Fault
from labtui.demo.files import SITES
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.facts import Facts


@pytest.fixture
def world() -> DemoEstate:
    return DemoEstate(DemoClock(), life=False, speed=8)


def facts(world: DemoEstate, stack: Stack) -> Facts:
    return GatheredFacts(world.site_inspectors, world.addresses, world.cluster_inspector, world.domain).facts(stack)


def immich() -> Stack:
    mounts = [
        {"type": "bind", "source": "/srv/wroclaw/immich/upload", "target": "/u"},
        {"type": "bind", "source": "/mnt/kyiv/photos", "target": "/p", "read_only": True},
    ]
    server = Service("server", {"image": "ghcr.io/immich-app/immich-server:v1.132.3", "volumes": mounts})
    return Stack("wroclaw", "immich", (server,))


def test_a_stack_of_the_reference_estate(world: DemoEstate) -> None:
    found = facts(world, immich())
    assert found.problems == () and found.same_host is True
    assert (found.site_address, found.domain) == ("192.168.88.2", "example.org")
    assert found.images["ghcr.io/immich-app/immich-server:v1.132.3"].ports == ("2283/tcp",)
    assert found.mounts["/mnt/kyiv/photos"].network_share == "192.168.1.2:/srv/photos"
    assert found.mounts["/srv/wroclaw/immich/upload"].size
    assert "/srv/wroclaw/emby/config" not in found.mounts
    assert found.usage["server"].memory and "immich-server" in found.networks_peers["server"]
    assert found.cluster is not None
    assert found.cluster.default_storage_class in found.cluster.storage_classes
    assert found.cluster.hosts["emby.example.org"] == "emby/emby"
    assert 0 < found.cluster.nodes[0].memory_free < found.cluster.nodes[0].memory


def test_kyiv_is_another_host(world: DemoEstate) -> None:
    assert facts(world, Stack("kyiv", "transmission", ())).same_host is False


@pytest.mark.parametrize("site", SITES)
def test_a_site_that_is_down_is_named(world: DemoEstate, site: str) -> None:
    world.set_fault(site, Fault.DOWN)
    found = facts(world, Stack(site, "monitoring", ()))
    assert len(found.problems) == 1 and found.problems[0].startswith(f"{site}: ")
    assert found.cluster is not None


def test_a_cluster_that_is_down_is_named(world: DemoEstate) -> None:
    world.set_fault("cluster", Fault.DOWN)
    found = facts(world, immich())
    assert found.cluster is None and found.images and found.problems[0].startswith("the cluster: ")
