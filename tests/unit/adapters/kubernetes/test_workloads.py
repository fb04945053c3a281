"""Workloads by themselves and joined with their pods."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from labtui.adapters.kubernetes.pods import PodFacts, parse_pod
from labtui.adapters.kubernetes.workloads import PATIENCE, join, join_runs, parse_workload
from labtui.domain.resources import Workload
from labtui.domain.resources.kubernetes import Usage
from labtui.domain.states import Level
from tests.unit.adapters.kubernetes.examples import NOW, SOURCE, Json, container, deployment, job, meta, pod


def read(kind: str, obj: Json) -> Workload:
    found = parse_workload(kind)(obj, SOURCE)
    assert found is not None
    return found


def facts(obj: Json) -> PodFacts:
    found = parse_pod(obj, SOURCE)
    assert found is not None
    return found


STALLED = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
QUOTA = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}


@pytest.mark.parametrize(
    ("obj", "status", "level"),
    [
        (deployment(), "Ready", Level.WELL),
        (deployment(replicas=0), "Scaled to 0", Level.OFF),
        (deployment(replicas=0) | {"status": {"replicas": 1}}, "Scaling down", Level.MOVING),
        (deployment(observedGeneration=1), "Progressing", Level.MOVING),
        (deployment(replicas=3, updatedReplicas=1), "Progressing", Level.MOVING),
        (deployment(replicas=2, availableReplicas=1, readyReplicas=1), "Partly ready", Level.MOVING),
        (deployment(availableReplicas=0, readyReplicas=0), "Not ready", Level.MOVING),
        (deployment(conditions=[STALLED], availableReplicas=0), "Stalled", Level.BROKEN),
        (deployment(conditions=[STALLED], observedGeneration=1), "Progressing", Level.MOVING),
        (deployment(conditions=[QUOTA], replicas=2, readyReplicas=1), "Failed", Level.BROKEN),
    ],
)
def test_deployment(obj: Json, status: str, level: Level) -> None:
    found = read("Deployment", obj)
    assert (found.status, found.level) == (status, level)


def test_a_paused_deployment_is_not_broken() -> None:
    obj = deployment()
    obj["spec"]["paused"] = True
    assert (read("Deployment", obj).status, read("Deployment", obj).level) == ("Paused", Level.WELL)


@pytest.mark.parametrize(
    ("status", "word", "level"),
    [
        ({"replicas": 2, "readyReplicas": 2, "currentRevision": "a", "updateRevision": "a"}, "Ready", Level.WELL),
        (
            {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            "Progressing",
            Level.MOVING,
        ),
        ({"replicas": 2, "readyReplicas": 1}, "Partly ready", Level.MOVING),
        ({}, "Not ready", Level.MOVING),
    ],
)
def test_statefulset(status: Json, word: str, level: Level) -> None:
    found = read("StatefulSet", {"metadata": meta("db"), "spec": {"replicas": 2}, "status": status})
    assert (found.status, found.level) == (word, level)


@pytest.mark.parametrize(
    ("status", "word", "level"),
    [
        ({"desiredNumberScheduled": 1, "numberReady": 1, "updatedNumberScheduled": 1}, "Ready", Level.WELL),
        ({"desiredNumberScheduled": 2, "numberReady": 2, "updatedNumberScheduled": 1}, "Progressing", Level.MOVING),
        ({"desiredNumberScheduled": 0}, "No nodes", Level.OFF),
    ],
)
def test_daemonset(status: Json, word: str, level: Level) -> None:
    found = read("DaemonSet", {"metadata": meta("agent"), "spec": {}, "status": status})
    assert (found.status, found.level) == (word, level)


COMPLETE: Json = {"conditions": [{"type": "Complete", "status": "True"}], "succeeded": 1}
FAILED: Json = {"conditions": [{"type": "Failed", "status": "True", "message": "reached its limit"}], "failed": 3}


@pytest.mark.parametrize(
    ("status", "word", "level", "ready"),
    [
        (COMPLETE, "Complete", Level.WELL, 1),
        (FAILED, "Failed", Level.BROKEN, 0),
        ({"active": 1}, "Running", Level.MOVING, 0),
        ({}, "Pending", Level.MOVING, 0),
    ],
)
def test_job(status: Json, word: str, level: Level, ready: int) -> None:
    found = read("Job", job(**status))
    assert (found.status, found.level, found.ready, found.desired) == (word, level, ready, 1)


def cron(suspend: bool = False, **status: object) -> Json:
    template = {"spec": {"template": {"spec": {"containers": [{"image": "restic:1"}]}}}}
    spec = {"schedule": "0 3 * * *", "suspend": suspend, "jobTemplate": template}
    return {"metadata": meta("backup"), "spec": spec, "status": status}


def test_cronjob() -> None:
    found = read("CronJob", cron(lastScheduleTime="2026-03-01T03:00:00Z"))
    assert (found.schedule, found.status, found.level, found.images) == (
        "0 3 * * *",
        "Scheduled",
        Level.WELL,
        ("restic:1",),
    )
    assert found.last_scheduled is not None
    assert read("CronJob", cron(suspend=True)).level is Level.OFF
    assert read("CronJob", cron(active=[{"name": "backup-1"}])).level is Level.MOVING


def test_a_cronjob_is_broken_when_its_last_run_failed() -> None:
    old, new = read("Job", job("backup-1", **COMPLETE)), read("Job", job("backup-2", **FAILED))
    whole = read("CronJob", cron())
    assert join_runs(whole, [old, new]).level is Level.BROKEN
    recovered = replace(old, created=NOW)
    assert join_runs(whole, [new, recovered]).level is Level.WELL


@pytest.mark.parametrize(
    ("metadata", "application"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "emby:apps/Deployment:media/emby"}}, "emby"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "other:apps/Deployment:other/emby"}}, ""),
        ({"labels": {"app.kubernetes.io/instance": "media"}}, "media"),
        ({"labels": {"app.kubernetes.io/instance": "m", "argocd.argoproj.io/instance": "a"}}, "a"),
        ({}, ""),
    ],
)
def test_application(metadata: Json, application: str) -> None:
    obj = deployment()
    obj["metadata"] |= metadata
    assert read("Deployment", obj).application == application


CRASHING = pod("emby-5f6d-x1", statuses=[container(waiting={"reason": "CrashLoopBackOff"}, restarts=4)])


def test_pods_give_restarts_use_and_the_problem() -> None:
    healthy = facts(pod("emby-5f6d-x2", statuses=[container(running={}, ready=True, restarts=1)]))
    pods = [(facts(CRASHING), Usage(0.5, 100)), (healthy, Usage(0.25, 50))]
    found = join(read("Deployment", deployment(replicas=2, readyReplicas=1)), pods, NOW)
    assert (found.restarts, found.problem, found.level) == (5, "CrashLoopBackOff", Level.BROKEN)
    assert found.usage == Usage(0.75, 150)


def test_remains_of_evicted_pods_do_not_make_a_workload_broken() -> None:
    evicted = facts(pod(phase="Failed", statuses=[], reason="Evicted"))
    assert join(read("Deployment", deployment()), [(evicted, None)], NOW).level is Level.WELL


def test_a_failed_try_of_a_complete_job_is_not_a_problem() -> None:
    failed = facts(pod(phase="Failed", statuses=[container(terminated={"exitCode": 1, "reason": "Error"})]))
    found = join(read("Job", job(**COMPLETE)), [(failed, None)], NOW)
    assert (found.level, found.problem) == (Level.WELL, "")


def test_patience_with_a_pod_that_is_not_ready_ends() -> None:
    since = (NOW - PATIENCE).isoformat()
    unready = [{"type": "Ready", "status": "False", "lastTransitionTime": since}]
    waiting = facts(pod(statuses=[container(running={}, ready=False)], conditions=unready))
    base = read("Deployment", deployment(readyReplicas=0, availableReplicas=0))
    assert join(base, [(waiting, None)], NOW).level is Level.MOVING
    late = join(base, [(waiting, None)], NOW + timedelta(seconds=1))
    assert (late.level, late.problem) == (Level.BROKEN, "NotReady")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])
@pytest.mark.parametrize("damage", [{}, {"spec": None, "status": []}, {"spec": {"replicas": "two", "template": 3}}])
def test_a_malformed_workload_is_read_as_far_as_it_goes(kind: str, damage: Json) -> None:
    read(kind, {"metadata": {"name": "w"}, **damage})
    assert parse_workload(kind)({"metadata": {}, **damage}, SOURCE) is None
