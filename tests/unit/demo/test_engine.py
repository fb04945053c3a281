"""The simulated Docker engine (what the contract suite shares is there)."""

from __future__ import annotations

from labtui.demo import DemoEstate
from labtui.domain.ref import Ref
from labtui.domain.resources.docker import Container, DockerService
from labtui.domain.states import Level
from tests.unit.demo.following import NOON, frozen


def container(world: DemoEstate, ref: Ref) -> Container:
    found = world.world.get(ref)
    assert isinstance(found, DockerService)
    return found.worst


def test_a_stopped_container_says_nothing_of_its_health_and_starts_anew() -> None:
    world = frozen(life=False)
    engine = world.engines["kyiv"]
    ref = engine.ref("transmission", "gluetun")
    before = container(world, ref)
    assert (before.state, before.health) == ("running", "healthy")
    engine.end(ref, 137)
    stopped = container(world, ref)
    assert (stopped.state, stopped.health, stopped.exit_code, stopped.finished) == ("exited", "", 137, NOON)
    assert stopped.cpu is None and stopped.memory is None
    engine.start(ref)
    starting = container(world, ref)
    assert (starting.health, starting.started, starting.exit_code) == ("starting", NOON, None)
    world.clock.advance(2)
    assert container(world, ref).health == "healthy" and container(world, ref).memory


def test_what_the_files_say_is_in_the_containers() -> None:
    world = frozen(life=False)
    gluetun = container(world, world.engines["kyiv"].ref("transmission", "gluetun"))
    assert [str(port) for port in gluetun.ports] == ["9091→9091", "51413→51413/udp"]
    assert gluetun.name == "gluetun" and gluetun.networks == ("transmission_default",)
    behind = world.world.get(world.engines["kyiv"].ref("transmission", "transmission"))
    assert isinstance(behind, DockerService)
    assert behind.depends_on == ("gluetun",) and behind.worst.networks == () and behind.level is Level.WELL
    assert behind.worst.mounts == ("/srv/kyiv/transmission/config:/config", "/srv/downloads:/downloads")
    assert [file.rpartition("/")[2] for file in behind.config_files] == ["transmission.yaml"] * 2
