"""What every Docker feed does, the real one and the demo's: one suite, high-level verbs only."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labtui.domain.changes import Live, Remove, Resync, Upsert
from labtui.domain.ref import Ref, SourceKind
from labtui.domain.resources.docker import DockerService
from labtui.domain.states import Level
from tests.contract.docker_rig import KINDS, DockerRig, LiveRig, Watcher


def _demo_rig() -> DockerRig:
    try:
        module = importlib.import_module("tests.contract.demo_rigs")
    except ModuleNotFoundError as error:
        if error.name != "tests.contract.demo_rigs":
            raise
        pytest.skip("the demo rig is not written yet")
    rig: DockerRig = module.docker_rig()
    return rig


@pytest.fixture(
    params=[
        "demo",
        pytest.param("live-wroclaw", marks=pytest.mark.live),
        pytest.param("live-kyiv", marks=pytest.mark.live),
    ]
)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DockerRig]:
    name: str = request.param
    made = _demo_rig() if name == "demo" else LiveRig(name.removeprefix("live-"), tmp_path)
    yield made
    made.close()


def test_lists_everything_then_is_live(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        first = watcher.changes[0]
        assert isinstance(first, Resync)
        assert first.kinds == KINDS
        assert first.source == watcher.feed.source
        assert watcher.feed.source.kind is SourceKind.DOCKER
        assert isinstance(watcher.changes[1], Live)
        assert set(watcher.of(stack.name)) == {"web", "cache", "worker"}
        web = watcher.get(stack.name, "web")
        assert web is not None
        assert web.ref == Ref(watcher.feed.source, "ComposeService", stack.name, "web")
        assert web.stack == stack.name
        assert web.worst.state == "running"
        assert web.worst.started is not None
        assert web.worst.health in ("starting", "healthy")
        assert any(port.container_port == 8080 and port.host_port for port in web.worst.ports)
        assert len(web.config_files) == 2
        worker = watcher.get(stack.name, "worker")
        assert worker is not None and worker.depends_on == ("cache",)
        assert worker.level is Level.WELL


def test_a_stack_that_comes_up_appears(rig: DockerRig) -> None:
    stack = rig.stack()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        assert watcher.of(stack.name) == {}
        stack.up()
        watcher.until("all running", lambda w: {s.worst.state for s in w.of(stack.name).values()} == {"running"})
        watcher.until("three services", lambda w: len(w.of(stack.name)) == 3)


def test_stopped_is_off_and_stays_visible_and_starts_again(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        stack.stop("cache")
        done = time.monotonic()
        watcher.until("cache exited", lambda w: w.state(stack.name, "cache") == "exited", 2)
        assert time.monotonic() - done < 2
        cache = watcher.get(stack.name, "cache")
        assert cache is not None and cache.level is Level.OFF
        assert cache.worst.finished is not None
        assert cache.cpu is None and cache.memory is None
        assert watcher.state(stack.name, "worker") == "running"
        stack.start("cache")
        watcher.until("cache running", lambda w: w.state(stack.name, "cache") == "running", 2)


def test_a_program_that_fails_is_broken(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        stack.crash("worker", 3)
        watcher.until("worker exited", lambda w: w.state(stack.name, "worker") == "exited")
        worker = watcher.get(stack.name, "worker")
        assert worker is not None
        assert worker.worst.exit_code == 3
        assert worker.level is Level.BROKEN
        assert watcher.state(stack.name, "cache") == "running"


def test_health_follows_the_check(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        watcher.until("healthy", lambda w: w.health(stack.name, "web") == "healthy")
        stack.sicken()
        watcher.until("unhealthy", lambda w: w.health(stack.name, "web") == "unhealthy")
        web = watcher.get(stack.name, "web")
        assert web is not None and web.level is Level.BROKEN
        stack.heal()
        watcher.until("healthy again", lambda w: w.health(stack.name, "web") == "healthy")


def test_a_removed_container_is_gone(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        stack.rm("worker")
        watcher.until("worker gone", lambda w: w.get(stack.name, "worker") is None, 3)
        assert set(watcher.of(stack.name)) == {"web", "cache"}
        assert Remove(Ref(watcher.feed.source, "ComposeService", stack.name, "worker")) in watcher.changes


def test_a_container_without_compose_is_a_stray(rig: DockerRig) -> None:
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        name = rig.run_stray()
        watcher.until("the stray runs", lambda w: (s := w.stray(name)) is not None and s.worst.state == "running")
        stray = watcher.stray(name)
        assert stray is not None
        assert (stray.stack, stray.service, stray.config_files) == ("", name, ())
        rig.remove_stray(name)
        watcher.until("the stray is gone", lambda w: w.stray(name) is None, 3)


def test_one_service_name_in_two_stacks_is_two_services(rig: DockerRig) -> None:
    one, two = rig.stack(), rig.stack()
    one.up()
    two.up()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        assert watcher.state(one.name, "cache") == watcher.state(two.name, "cache") == "running"
        one.stop("cache")
        watcher.until("one's cache exited", lambda w: w.state(one.name, "cache") == "exited")
        assert watcher.state(two.name, "cache") == "running"


def test_two_sites_are_never_mixed(rig: DockerRig) -> None:
    here = rig.stack()
    there = rig.elsewhere().stack(here.name)
    here.up()
    there.up()
    with Watcher(rig.feed()) as mine, Watcher(rig.elsewhere().feed()) as others:
        mine.until_live()
        others.until_live()
        assert mine.feed.source != others.feed.source
        there.stop("worker")
        others.until("exited there", lambda w: w.state(here.name, "worker") == "exited")
        here.stop("cache")
        mine.until("exited here", lambda w: w.state(here.name, "cache") == "exited")
        assert mine.state(here.name, "worker") == "running"
        assert others.state(here.name, "cache") == "running"
        for watcher in (mine, others):
            for change in watcher.changes:
                match change:
                    case Upsert(resource=DockerService() as service):
                        assert service.ref.source == watcher.feed.source
                    case Resync(resources=resources):
                        assert {r.ref.source for r in resources} <= {watcher.feed.source}


def test_cpu_and_memory_show_soon(rig: DockerRig) -> None:
    stack = rig.stack()
    stack.up()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        watcher.until("cpu", lambda w: (s := w.get(stack.name, "web")) is not None and s.cpu is not None, 5)
        watcher.until("memory", lambda w: (s := w.get(stack.name, "web")) is not None and bool(s.memory), 5)


def test_stop_and_close_end_it_at_once(rig: DockerRig) -> None:
    watcher = Watcher(rig.feed())
    with watcher:
        watcher.until_live()
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
    assert watcher.error is None


def test_close_alone_makes_it_raise_and_it_can_follow_again(rig: DockerRig) -> None:
    feed = rig.feed()
    with Watcher(feed) as first:
        first.until_live()
        feed.close()
        first.until_ended(1)
    with Watcher(feed) as second:
        second.until_live()
