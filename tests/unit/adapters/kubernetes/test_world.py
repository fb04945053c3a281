"""What is told of what the watches find: joined, and only real changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from labtui.adapters.kubernetes.kinds import KINDS, Fact
from labtui.adapters.kubernetes.world import EVENTS, SLACK, World
from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.errors import Denied, LabError
from labtui.domain.ref import Ref
from labtui.domain.resources import KubeEvent, Pod, Workload
from labtui.domain.resources.kubernetes import Usage
from labtui.domain.states import Level
from tests.unit.adapters.kubernetes.examples import (
    NOW,
    SOURCE,
    Json,
    StoppedClock,
    container,
    deployment,
    job,
    meta,
    pod,
)

PARSERS = {kind.name: kind.parse for kind in KINDS}


def fact(kind: str, obj: Json) -> Fact:
    found = PARSERS[kind](obj, SOURCE)
    assert found is not None
    return found


class Told:
    """A world and everything it emitted."""

    def __init__(self) -> None:
        self.clock = StoppedClock()
        self.changes: list[Change] = []
        self.failed: list[LabError] = []
        self.world = World(SOURCE, self.changes.append, self.clock, self.failed.append)

    def list_all(self, **found: Sequence[Json]) -> None:
        for kind in KINDS:
            self.world.replace(kind.name, [fact(kind.name, o) for o in found.get(kind.name, ())])

    def upsert(self, kind: str, obj: Json) -> None:
        self.world.upsert(kind, fact(kind, obj))

    def news(self) -> list[Change]:
        """What was emitted since the last call."""
        found = list(self.changes)
        self.changes.clear()
        return found


def of_kind(changes: Sequence[Change], kind: str) -> list[object]:
    return [c.resource for c in changes if isinstance(c, Upsert) and c.resource.ref.kind == kind]


CRASH = [container(waiting={"reason": "CrashLoopBackOff"}, restarts=4)]


def test_every_kind_is_listed_before_live() -> None:
    told = Told()
    told.list_all(Deployment=[deployment()], Pod=[pod(statuses=CRASH)])
    kinds = [kind for c in told.changes if isinstance(c, Resync) for kind in c.kinds]
    assert sorted(kinds) == sorted(k.name for k in KINDS)
    assert told.changes[-1] == Live(SOURCE)


def test_workloads_wait_for_their_pods() -> None:
    told = Told()
    told.world.replace("Deployment", [fact("Deployment", deployment())])
    assert told.news() == []
    told.list_all(Deployment=[deployment()], Pod=[pod(statuses=CRASH)])
    first = next(c for c in told.news() if isinstance(c, Resync) and c.kinds == {"Deployment"})
    assert isinstance(first.resources[0], Workload)
    assert first.resources[0].problem == "CrashLoopBackOff"


def test_a_pod_change_tells_the_workload_only_if_that_changed() -> None:
    told = Told()
    told.list_all(Deployment=[deployment()], Pod=[pod()])
    told.news()
    told.upsert("Pod", pod(podIP="10.0.0.77"))
    assert [c.resource.ref.kind for c in told.news() if isinstance(c, Upsert)] == ["Pod"]
    told.upsert("Pod", pod(podIP="10.0.0.77"))
    assert told.news() == []
    told.upsert("Pod", pod(statuses=CRASH))
    assert [c.resource.ref.kind for c in told.news() if isinstance(c, Upsert)] == ["Pod", "Deployment"]


def test_removing_a_pod_updates_its_workload() -> None:
    told = Told()
    told.list_all(Deployment=[deployment()], Pod=[pod(statuses=CRASH)])
    told.news()
    told.world.remove(Ref(SOURCE, "Pod", "media", "emby-5f6d-x1"))
    removed, changed = told.news()
    assert removed == Remove(Ref(SOURCE, "Pod", "media", "emby-5f6d-x1"))
    assert isinstance(changed, Upsert)
    assert isinstance(changed.resource, Workload)
    assert (changed.resource.problem, changed.resource.restarts) == ("", 0)


def test_two_of_one_name_in_two_namespaces_stay_apart() -> None:
    told = Told()
    told.list_all(
        Deployment=[deployment(namespace="a"), deployment(namespace="b")],
        Pod=[pod(namespace="a"), pod(namespace="b", statuses=CRASH)],
    )
    told.news()
    told.upsert("Pod", pod(namespace="a", statuses=[container(running={}, ready=True, restarts=1)]))
    changed = of_kind(told.news(), "Deployment")
    assert [w.ref.namespace for w in changed if isinstance(w, Workload)] == ["a"]
    told.world.remove(Ref(SOURCE, "Deployment", "a", "emby"))
    assert told.news() == [Remove(Ref(SOURCE, "Deployment", "a", "emby"))]


def cron() -> Json:
    return {"metadata": meta("backup"), "spec": {"schedule": "0 3 * * *"}, "status": {}}


def test_pods_reach_their_cronjob_through_the_job_in_any_order() -> None:
    told = Told()
    told.list_all(CronJob=[cron()])
    told.news()
    told.upsert("Pod", pod("backup-1-x", owner=("Job", "backup-1")))
    assert of_kind(told.news(), "Pod")[0].owner == Ref(SOURCE, "Job", "media", "backup-1")  # type: ignore[attr-defined]
    told.upsert("Job", job("backup-1", owner=("CronJob", "backup"), active=1))
    changes = told.news()
    assert of_kind(changes, "Pod")[0].owner == Ref(SOURCE, "CronJob", "media", "backup")  # type: ignore[attr-defined]
    told.upsert("Pod", pod("backup-1-x", owner=("Job", "backup-1"), statuses=CRASH))
    crons = of_kind(told.news(), "CronJob")
    assert [w.problem for w in crons if isinstance(w, Workload)] == ["CrashLoopBackOff"]


def test_failed_tries_of_a_complete_job_do_not_look_broken() -> None:
    told = Told()
    failed = [container(terminated={"exitCode": 1, "reason": "Error"})]
    tries = pod("backup-1-x", phase="Failed", owner=("Job", "backup-1"), statuses=failed)
    told.list_all(Job=[job(active=1)], Pod=[tries])
    told.news()
    told.upsert("Job", job(conditions=[{"type": "Complete", "status": "True"}], succeeded=1))
    pods = [p for p in of_kind(told.news(), "Pod") if isinstance(p, Pod)]
    assert [p.level for p in pods] == [Level.OFF]


def test_a_relist_tells_what_is_gone() -> None:
    told = Told()
    told.list_all(Deployment=[deployment("a"), deployment("b")], Pod=[pod(statuses=CRASH)])
    told.news()
    told.world.replace("Deployment", [fact("Deployment", deployment("a"))])
    resync = told.news()[0]
    assert isinstance(resync, Resync)
    assert [r.ref.name for r in resync.resources] == ["a"]
    told.world.replace("Pod", [])
    told.upsert("Deployment", deployment("b"))
    assert [w.ref.name for w in of_kind(told.news(), "Deployment") if isinstance(w, Workload)] == ["b"]


def test_usage_is_summed_and_taken_away() -> None:
    told = Told()
    told.list_all(Deployment=[deployment()], Pod=[pod()])
    told.news()
    told.world.measured({Ref(SOURCE, "Pod", "media", "emby-5f6d-x1"): Usage(0.5, 1 << 20)})
    workload = of_kind(told.news(), "Deployment")[0]
    assert isinstance(workload, Workload)
    assert workload.usage == Usage(0.5, 1 << 20)
    told.world.measured({Ref(SOURCE, "Pod", "media", "emby-5f6d-x1"): Usage(0.5, 1 << 20)})
    assert told.news() == []
    told.world.measured({})
    assert len(told.news()) == 2


def test_denied_kinds_are_notes_and_come_back() -> None:
    told = Told()
    told.world.absent("Node", "nodes denied", Denied("no"))
    for kind in KINDS:
        if kind.name != "Node":
            told.world.replace(kind.name, [])
    changes = told.news()
    assert changes[-1] == Live(SOURCE, ("nodes denied",))
    assert not any(isinstance(c, Resync) and "Node" in c.kinds for c in changes)
    told.world.replace("Node", [])
    assert told.news()[-1] == Live(SOURCE)


def test_a_denied_workload_kind_does_not_hold_back_the_others() -> None:
    told = Told()
    told.world.absent("Job", "jobs denied", Denied("no"))
    for kind in KINDS:
        if kind.name != "Job":
            told.world.replace(kind.name, [])
    changes = told.news()
    listed = {kind for c in changes if isinstance(c, Resync) for kind in c.kinds}
    assert listed == {k.name for k in KINDS} - {"Job"}
    assert changes[-1] == Live(SOURCE, ("jobs denied",))


def test_everything_denied_ends_the_feed() -> None:
    told = Told()
    for kind in KINDS:
        told.world.absent(kind.name, f"{kind.plural} denied", Denied("no", kind.plural))
    assert isinstance(told.failed[0], Denied)
    assert not any(isinstance(c, Live) for c in told.changes)


def event(number: int) -> Json:
    when = (NOW + timedelta(seconds=number)).isoformat()
    return {
        "metadata": meta(f"emby.{number:05}"),
        "lastTimestamp": when,
        "involvedObject": {"kind": "Pod", "namespace": "media", "name": "emby"},
        "reason": "BackOff",
        "message": f"number {number}",
    }


def test_events_are_bounded_to_the_newest() -> None:
    told = Told()
    told.list_all(Event=[event(n) for n in range(EVENTS + 300)])
    listed = next(c for c in told.news() if isinstance(c, Resync) and c.kinds == {"Event"})
    kept = {r.message for r in listed.resources if isinstance(r, KubeEvent)}
    assert kept == {f"number {n}" for n in range(300, EVENTS + 300)}
    for n in range(1000, 1000 + SLACK + 1):
        told.upsert("Event", event(n))
    removed = [c.ref.name for c in told.news() if isinstance(c, Remove)]
    assert sorted(removed) == [f"emby.{n:05}" for n in range(300, 300 + SLACK + 1)]


def test_time_alone_makes_an_unready_pod_a_problem() -> None:
    told = Told()
    unready = [{"type": "Ready", "status": "False", "lastTransitionTime": NOW.isoformat()}]
    waiting = pod(statuses=[container(running={}, ready=False)], conditions=unready)
    told.list_all(Deployment=[deployment(readyReplicas=0, availableReplicas=0)], Pod=[waiting])
    told.news()
    told.world.tick()
    assert told.news() == []
    told.clock.time = NOW + timedelta(minutes=11)
    told.world.tick()
    changed = of_kind(told.news(), "Deployment")
    assert [w.level for w in changed if isinstance(w, Workload)] == [Level.BROKEN]
