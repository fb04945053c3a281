"""The simulated estate is believable, moves a little, and does so by its seed and its clock alone."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from labtui.demo import DemoClock, DemoEstate
from labtui.domain.resources import (
    Application,
    DockerService,
    EndpointSlice,
    Ingress,
    KubeEvent,
    Pod,
    Resource,
    SecretPath,
    Service,
    Workload,
)
from labtui.domain.states import Level
from labtui.ports import SyncRequest
from tests.unit.demo.following import NOON, Following, app, app_ref, frozen


def everything(world: DemoEstate) -> dict[str, Resource]:
    return {str(r.ref): r for source in world.world.sources.values() for r in world.world.of(source)}


def test_an_estate_with_a_few_troubles() -> None:
    resources = everything(frozen()).values()
    apps = {a.ref.name: a for a in resources if isinstance(a, Application)}
    assert len(apps) == 17
    assert {name for name, a in apps.items() if a.level.needs_operator} == {"grafana", "victoriametrics"}
    assert (apps["victoriametrics"].sync, apps["grafana"].health) == ("OutOfSync", "Degraded")
    assert all(a.parent == apps["homelab"].ref for name, a in apps.items() if name != "homelab")
    assert all(len(a.history) >= 2 for a in (apps["grafana"], apps["victoriametrics"]))
    workloads = [w for w in resources if isinstance(w, Workload)]
    assert 20 <= len(workloads) <= 26
    assert [w.ref.name for w in workloads if w.level is Level.BROKEN] == ["grafana"]
    assert [p.status for p in resources if isinstance(p, Pod) and p.level is Level.BROKEN] == ["CrashLoopBackOff"]
    assert any(isinstance(e, KubeEvent) and e.type == "Warning" and "grafana" in e.about.name for e in resources)
    stacks = {(s.ref.source.scope, s.stack) for s in resources if isinstance(s, DockerService) and s.stack}
    assert {site: sum(s == site for s, _ in stacks) for site in ("wroclaw", "kyiv")} == {"wroclaw": 7, "kyiv": 2}
    troubled = {(s.stack, s.service) for s in resources if isinstance(s, DockerService) and s.level is Level.BROKEN}
    assert troubled == {("immich", "machine-learning")}
    off = {s.stack for s in resources if isinstance(s, DockerService) and s.level is Level.OFF and s.stack}
    assert off == {"caddy"}
    strays = [s.service for s in resources if isinstance(s, DockerService) and s.ref.kind == "Container"]
    assert any("\x1b" in name and "[bold]" in name for name in strays), "the outside world has hostile names"
    paths = [p for p in resources if isinstance(p, SecretPath)]
    assert sum(not p.folder for p in paths) == 30
    assert [p.path for p in paths if p.denied] == ["kv/personal/"]


def test_what_belongs_together_in_the_cluster_fits() -> None:
    resources = everything(frozen()).values()
    pods = [p for p in resources if isinstance(p, Pod)]
    owners = {w.ref for w in resources if isinstance(w, Workload)}
    assert all(p.owner in owners for p in pods)
    services = [s for s in resources if isinstance(s, Service)]
    slices = {(e.ref.namespace, e.service): e for e in resources if isinstance(e, EndpointSlice)}
    for service in services:
        behind = {
            p.ip for p in pods if p.ref.namespace == service.ref.namespace and set(service.selector) <= set(p.labels)
        }
        found = slices[(service.ref.namespace, service.ref.name)]
        if service.selector:
            assert set(found.ready) | set(found.not_ready) == behind and behind
        else:
            assert found.ready, "an external service leads somewhere"
    names = {(s.ref.namespace, s.ref.name) for s in services}
    for ingress in (i for i in resources if isinstance(i, Ingress)):
        assert all((ingress.ref.namespace, backend.partition(":")[0]) in names for _, backend in ingress.rules)


def test_the_same_seed_and_time_give_the_same_estate() -> None:
    one, two, other = frozen(seed=3), frozen(seed=3), frozen(seed=4)
    for world in (one, two, other):
        world.clock.advance(600)
    assert everything(one) == everything(two)
    assert everything(one) != everything(other)


def test_the_order_of_sets_decides_nothing() -> None:
    code = (
        "import hashlib; from tests.unit.demo.following import frozen; from tests.unit.demo.test_life import everything\n"
        "world = frozen(); world.clock.advance(400)\n"
        "print(hashlib.sha256(repr(sorted(everything(world).items())).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": n},
        ).stdout
        for n in ("1", "2")
    }
    assert len(digests) == 1


def test_waiting_in_a_frozen_estate_lets_its_time_pass() -> None:
    world = frozen(life=False)
    begun = world.clock.monotonic()
    ref = app_ref(world, "victoriametrics")
    world.applications.sync(ref, SyncRequest())
    while app(world, "victoriametrics").busy:
        world.clock.wait(0.4)
    assert app(world, "victoriametrics").sync == "Synced"
    assert 1 < world.clock.monotonic() - begun < 10


def test_small_steps_and_one_large_step_end_alike() -> None:
    one, two = frozen(), frozen()
    one.clock.advance(300)
    for _ in range(300):
        two.clock.advance(1)
    assert everything(one) == everything(two)


def test_a_frozen_clock_stands_still() -> None:
    threads = set(threading.enumerate())
    world = frozen()
    before = everything(world)
    with Following(world.feed("cluster")) as cluster, Following(world.feed("argocd")) as argocd:
        cluster.until_live()
        argocd.until_live()
        said = len(cluster.changes) + len(argocd.changes)
        # nothing is left to a thread of its own: there is none that could change anything
        assert {t.name for t in set(threading.enumerate()) - threads} == {"following cluster", "following argocd"}
        assert everything(world) == before
        assert len(cluster.changes) + len(argocd.changes) == said
        assert world.clock.now() == NOON


def test_advancing_tells_the_feeds() -> None:
    world = frozen()
    with Following(world.feed("argocd")) as argocd:
        argocd.until_live()
        world.clock.advance(120)
        argocd.until("an operation", lambda: any(_runs(r) for r in _upserts(argocd)))
        argocd.until("its end", lambda: any(_succeeded_lately(r) for r in _upserts(argocd)))


def _upserts(following: Following) -> list[Resource]:
    return [c.resource for c in following.changes if hasattr(c, "resource")]


def _runs(resource: Resource) -> bool:
    return (
        isinstance(resource, Application) and resource.operation is not None and resource.operation.phase == "Running"
    )


def _succeeded_lately(resource: Resource) -> bool:
    operation = resource.operation if isinstance(resource, Application) else None
    recent = operation is not None and operation.finished is not None and operation.finished > NOON
    return recent and operation is not None and operation.phase == "Succeeded"


def test_it_moves_calmly_and_everything_moves_in_a_while() -> None:
    world = frozen()
    with_pods: dict[str, int] = {}
    versions: dict[str, int] = {}
    revisions: set[tuple[str, ...]] = set()
    changes = []
    put = world.world.put

    def noted(resource: Resource) -> None:
        if world.world.get(resource.ref) != resource:
            changes.append((world.clock.now(), resource.ref))
        match resource:
            case Pod():
                with_pods[resource.ref.name] = max(resource.restarts, with_pods.get(resource.ref.name, 0))
            case SecretPath():
                versions[resource.ref.name] = resource.version
            case Application():
                revisions.add(resource.revisions)
        put(resource)

    world.world.put = noted  # type: ignore[method-assign]
    world.clock.advance(900)
    assert any(with_pods.values()), "a pod restarts"
    assert any(versions.values()), "a secret gets a version"
    assert len(revisions) > 4, "releases are synced"
    # while nothing is being released, at most one thing changes every few seconds
    starts = sorted({moment for moment, _ in changes})
    quiet = [later - sooner for sooner, later in itertools.pairwise(starts)]
    assert sum(gap >= timedelta(seconds=2) for gap in quiet) > 60
    assert len(changes) < 900


def test_a_real_clock_moves_by_itself_and_rests_when_nobody_looks() -> None:
    threads = set(threading.enumerate())
    world = DemoEstate(DemoClock(), speed=200)
    with Following(world.feed("cluster")) as cluster:
        cluster.until_live()
        said = len(cluster.changes)
        cluster.until("life", lambda: len(cluster.changes) > said + 3)
        drivers = [t for t in set(threading.enumerate()) - threads if t.name == "demo estate"]
        assert len(drivers) == 1
    drivers[0].join(5)
    assert not drivers[0].is_alive(), "the driver ends when nobody listens and nothing is begun"


def test_only_a_frozen_clock_is_advanced() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DemoClock().advance(1)


def test_nothing_heavy_is_loaded() -> None:
    heavy = "('textual', 'rich', 'kubernetes', 'docker', 'hvac', 'httpx', 'requests', 'labtui.adapters', 'labtui.core')"
    code = f"import sys, labtui.demo as d; d.DemoEstate(d.DemoClock()); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
