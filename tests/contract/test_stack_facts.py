"""What every inspector of a site tells of a stack, the real one and the demo's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labtui.domain.compose.stack import Service, Stack
from tests.contract.demo_rigs import docker_rig
from tests.contract.docker_rig import DockerRig, LiveRig

SERVICES = ("web", "cache", "worker")


@pytest.fixture(
    params=[
        "demo",
        pytest.param("live-wroclaw", marks=pytest.mark.live),
        pytest.param("live-kyiv", marks=pytest.mark.live),
    ]
)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DockerRig]:
    name: str = request.param
    made = docker_rig() if name == "demo" else LiveRig(name.removeprefix("live-"), tmp_path)
    yield made
    made.close()


def described(name: str) -> Stack:
    """The stack as its files would say, with places that are on no host."""
    mounts = [
        {"type": "volume", "source": "nowhere", "target": "/nowhere"},
        {"type": "bind", "source": "/proc", "target": "/host/proc", "read_only": True},
    ]
    services = tuple(Service(s, {"image": "never.invalid/never:1", "volumes": mounts}) for s in SERVICES)
    return Stack("here", name, services, {"volumes": {"nowhere": {"name": f"{name}_nowhere"}}})


def test_names_and_use_of_what_runs(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    stack.stop("cache")
    found = rig.inspector().look(described(stack.name))
    assert set(found.peers) == set(SERVICES)
    assert all(name in peers for name, peers in found.peers.items())
    assert "web" in found.usage and "worker" in found.usage and "cache" not in found.usage


def test_a_stack_that_is_not_up_has_neither(rig: DockerRig) -> None:
    found = rig.inspector().look(described(rig.stack().name))
    assert not found.peers and not found.usage


def test_what_is_not_known_is_left_out(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    found = rig.inspector().look(described(stack.name))
    assert not found.images
    assert "/proc" not in found.mounts  # the host's own: nobody looks into it
    volume = found.mounts.get(f"{stack.name}_nowhere")
    assert volume is None or volume.size is None


def test_two_looks_see_one_host(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    looks = [rig.inspector().look(described(stack.name)).host for _ in range(2)]
    assert looks[0] == looks[1] and looks[0].kernel and looks[0].architecture in ("amd64", "arm64")
    assert len(looks[0].boot_id) == 36
