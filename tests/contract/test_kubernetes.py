"""What every Kubernetes feed does, the real one and the demo's: one suite, high-level verbs only."""

from __future__ import annotations

import importlib
import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from labtui.domain.changes import Live, Remove, Resync, Upsert
from labtui.domain.ref import SourceKind
from labtui.domain.resources import EndpointSlice, Ingress, KubeEvent, PersistentVolumeClaim, Pod, Service, Workload
from labtui.domain.states import Level
from tests.contract.kubernetes_rig import KINDS, KubernetesRig, LiveRig, Watcher


def _demo_rig() -> KubernetesRig:
    reason = "the demo rig is not written yet"
    try:
        module = importlib.import_module("tests.contract.demo_rigs")
    except ModuleNotFoundError as error:
        if error.name != "tests.contract.demo_rigs":
            raise
        pytest.skip(reason)
    make = getattr(module, "kubernetes_rig", None)
    if make is None:
        pytest.skip(reason)
    rig: KubernetesRig = make()
    return rig


@pytest.fixture(params=["demo", pytest.param("live", marks=pytest.mark.live)])
def rig(request: pytest.FixtureRequest) -> Iterator[KubernetesRig]:
    made = _demo_rig() if request.param == "demo" else LiveRig()
    yield made
    made.close()


def test_every_kind_is_listed_then_it_is_live(rig: KubernetesRig) -> None:
    space = rig.namespace()
    rig.deploy(space, "web")
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        before = watcher.changes[: next(i for i, c in enumerate(watcher.changes) if isinstance(c, Live))]
        listed = [c for c in before if isinstance(c, Resync)]
        assert {kind for c in listed for kind in c.kinds} == KINDS
        assert {c.source for c in listed} == {watcher.feed.source}
        assert watcher.feed.source.kind is SourceKind.KUBERNETES
        assert watcher.deployment(space, "web") is not None
        assert watcher.live is not None
        assert watcher.live.notes == ()


def test_a_new_deployment_becomes_ready_with_its_pods(rig: KubernetesRig) -> None:
    space = rig.namespace()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        rig.deploy(space, "web", replicas=2)
        watcher.until("2 of 2 ready", lambda w: w.scale(space, "web") == (2, 2))
        watcher.until("well", lambda w: _level(w, space) is Level.WELL)
        owner = watcher.ref("Deployment", space, "web")
        watcher.until("two running pods", lambda w: [p.status for p in _pods(w, space)] == ["Running"] * 2)
        assert {p.owner for p in _pods(watcher, space)} == {owner}
        assert {dict(p.labels)["app"] for p in _pods(watcher, space)} == {"web"}
        found = watcher.deployment(space, "web")
        assert found is not None
        assert dict(found.selector) == {"app": "web"}
        assert len(found.images) == 1
        assert found.created is not None
        assert found.created.tzinfo is not None


def test_scaling_shows_as_changes_of_the_deployment(rig: KubernetesRig) -> None:
    space = rig.namespace()
    rig.deploy(space, "web")
    with Watcher(rig.feed()) as watcher:
        watcher.until("1 of 1 ready", lambda w: w.scale(space, "web") == (1, 1))
        begun = len(watcher.changes)
        rig.scale(space, "web", 2)
        watcher.until("2 of 2 ready", lambda w: w.scale(space, "web") == (2, 2))
        rig.scale(space, "web", 0)
        watcher.until("off", lambda w: _level(w, space) is Level.OFF)
        watcher.until("no pods", lambda w: not _pods(w, space))
        assert watcher.scale(space, "web") == (0, 0)
        told = [c for c in watcher.changes[begun:] if isinstance(c, Upsert | Remove | Resync)]
        assert not any(isinstance(c, Resync) for c in told), "a change is not a list"
        wanted = [w.desired for c in told if isinstance(c, Upsert) and (w := _web(c.resource, space))]
        assert [n for n, _ in itertools.groupby(wanted)] == [2, 0]


def test_deleting_removes_the_deployment_and_its_pods(rig: KubernetesRig) -> None:
    space = rig.namespace()
    rig.deploy(space, "web")
    with Watcher(rig.feed()) as watcher:
        watcher.until("ready", lambda w: w.scale(space, "web") == (1, 1))
        rig.delete("Deployment", space, "web")
        watcher.until("the deployment is gone", lambda w: w.deployment(space, "web") is None)
        watcher.until("its pods are gone", lambda w: not _pods(w, space))
        removed = [c.ref for c in watcher.changes if isinstance(c, Remove)]
        assert watcher.ref("Deployment", space, "web") in removed


def test_a_broken_image_is_a_problem_and_says_which(rig: KubernetesRig) -> None:
    space = rig.namespace()
    rig.deploy(space, "web")
    with Watcher(rig.feed()) as watcher:
        watcher.until("ready", lambda w: w.scale(space, "web") == (1, 1))
        rig.break_image(space, "web")
        watcher.until("broken", lambda w: _level(w, space) is Level.BROKEN)
        found = watcher.deployment(space, "web")
        assert found is not None
        assert found.problem in ("ErrImagePull", "ImagePullBackOff")
        assert found.ready == 1, "the old pod still serves"
        broken = [p for p in _pods(watcher, space) if p.level is Level.BROKEN]
        assert [p.status in ("ErrImagePull", "ImagePullBackOff") for p in broken] == [True]


def test_two_of_one_name_in_two_namespaces_stay_apart(rig: KubernetesRig) -> None:
    here, there = rig.namespace(), rig.namespace()
    rig.deploy(here, "web")
    rig.deploy(there, "web")
    with Watcher(rig.feed()) as watcher:
        watcher.until("both ready", lambda w: (w.scale(here, "web"), w.scale(there, "web")) == ((1, 1), (1, 1)))
        rig.scale(here, "web", 2)
        watcher.until("one scaled", lambda w: w.scale(here, "web") == (2, 2))
        assert watcher.scale(there, "web") == (1, 1)
        assert {p.owner for p in _pods(watcher, there)} == {watcher.ref("Deployment", there, "web")}
        rig.delete("Deployment", here, "web")
        watcher.until("one gone", lambda w: w.deployment(here, "web") is None and not _pods(w, here))
        assert watcher.scale(there, "web") == (1, 1)
        assert len(_pods(watcher, there)) == 1


def test_where_traffic_goes(rig: KubernetesRig) -> None:
    space = rig.namespace()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        rig.deploy(space, "web")
        rig.expose(space, "web")
        rig.route(space, "web", "web.example.org")
        watcher.until("an endpoint", lambda w: [len(s.ready) for s in _slices(w, space)] == [1])
        service = watcher.get("Service", space, "web")
        assert isinstance(service, Service)
        assert service.selector == (("app", "web"),)
        assert [(p.port, p.target) for p in service.ports] == [(80, "8080")]
        assert _slices(watcher, space)[0].service == "web"
        watcher.until("the ingress", lambda w: w.get("Ingress", space, "web"))
        ingress = watcher.get("Ingress", space, "web")
        assert isinstance(ingress, Ingress)
        assert ingress.hosts == ("web.example.org",)
        assert ingress.rules == (("web.example.org/", "web:80"),)
        rig.delete("Service", space, "web")
        watcher.until("the service is gone", lambda w: w.get("Service", space, "web") is None)


def test_claims_jobs_and_schedules(rig: KubernetesRig) -> None:
    space = rig.namespace()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        rig.claim(space, "data", "1Gi")
        rig.run_job(space, "once")
        rig.schedule(space, "nightly", "0 3 * * *", suspend=True)
        watcher.until("the claim", lambda w: w.get("PersistentVolumeClaim", space, "data"))
        claim = watcher.get("PersistentVolumeClaim", space, "data")
        assert isinstance(claim, PersistentVolumeClaim)
        assert claim.capacity == "1Gi"
        watcher.until("the schedule", lambda w: w.get("CronJob", space, "nightly"))
        cron = watcher.get("CronJob", space, "nightly")
        assert isinstance(cron, Workload)
        assert (cron.schedule, cron.level) == ("0 3 * * *", Level.OFF)
        watcher.until("the job is complete", lambda w: _status(w, "Job", space, "once") == "Complete")
        job = watcher.get("Job", space, "once")
        assert isinstance(job, Workload)
        assert (job.ready, job.desired, job.level) == (1, 1, Level.WELL)
        watcher.until("its pod has ended", lambda w: [p.status for p in _pods(w, space)] == ["Completed"])
        assert [p.level for p in _pods(watcher, space)] == [Level.OFF]


def test_events_tell_what_they_are_about(rig: KubernetesRig) -> None:
    space = rig.namespace()
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        rig.tell(space, "web", "the contract was broken")
        watcher.until("the event", lambda w: _said(w, space, "the contract was broken"))
        event = _said(watcher, space, "the contract was broken")[0]
        assert event.about == watcher.ref("Deployment", space, "web")
        assert (event.type, event.reason) == ("Warning", "Contract")
        assert event.seen is not None


def test_hostile_text_survives_as_it_is(rig: KubernetesRig) -> None:
    space = rig.namespace()
    hostile = "\x1b]0;owned\x07[red]‮evil\x00☃ שלום"
    rig.deploy(space, "web", annotations={"note": hostile})
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        rig.tell(space, "web", hostile)
        watcher.until("the event", lambda w: w.within(space, "Event") and _said(w, space, hostile))
        watcher.until("the deployment", lambda w: w.scale(space, "web") == (1, 1))


def test_it_returns_when_stop_is_set(rig: KubernetesRig) -> None:
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        watcher.stop.set()
        assert watcher.until_ended(2) is None


def test_close_breaks_it_and_leaves_no_thread(rig: KubernetesRig) -> None:
    before = set(threading.enumerate())
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        began = time.monotonic()
        watcher.feed.close()
        watcher.until_ended(2)
        assert time.monotonic() - began < 1
        assert set(threading.enumerate()) <= before


def test_it_can_follow_again_after_an_end(rig: KubernetesRig) -> None:
    space = rig.namespace()
    rig.deploy(space, "web")
    feed = rig.feed()
    for _ in range(2):
        with Watcher(feed) as watcher:
            watcher.until("ready", lambda w: w.scale(space, "web") == (1, 1))


def _level(watcher: Watcher, namespace: str) -> Level | None:
    found = watcher.deployment(namespace, "web")
    return found.level if found else None


def _web(resource: object, namespace: str) -> Workload | None:
    own = isinstance(resource, Workload) and (resource.ref.namespace, resource.ref.name) == (namespace, "web")
    return resource if isinstance(resource, Workload) and own else None


def _status(watcher: Watcher, kind: str, namespace: str, name: str) -> str:
    found = watcher.get(kind, namespace, name)
    return found.status if isinstance(found, Workload) else ""


def _pods(watcher: Watcher, namespace: str) -> list[Pod]:
    return [p for p in watcher.within(namespace, "Pod") if isinstance(p, Pod)]


def _slices(watcher: Watcher, namespace: str) -> list[EndpointSlice]:
    return [s for s in watcher.within(namespace, "EndpointSlice") if isinstance(s, EndpointSlice)]


def _said(watcher: Watcher, namespace: str, message: str) -> list[KubeEvent]:
    events = [e for e in watcher.within(namespace, "Event") if isinstance(e, KubeEvent)]
    return [e for e in events if e.message == message]
