"""Deployments, StatefulSets, DaemonSets, Jobs and CronJobs: what they say themselves, joined with what their pods say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from labtui.adapters.kubernetes.pods import PodFacts, condition
from labtui.adapters.kubernetes.reading import Json, moment, number, pairs, rows, sub, text
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import Pod, Workload
from labtui.domain.resources.kubernetes import Usage
from labtui.domain.states import Level

# A pod that has not become ready for this long is a problem (the default of progressDeadlineSeconds in apps/v1).
PATIENCE = timedelta(seconds=600)

_GROUPS = {"Job": "batch", "CronJob": "batch"}
_TRACKING = "argocd.argoproj.io/tracking-id"
_INSTANCE = ("argocd.argoproj.io/instance", "app.kubernetes.io/instance")

State = tuple[str, Level, str]  # status, level, message


def parse_workload(kind: str) -> Callable[[Json, SourceId], Workload | None]:
    """The parser of one kind of workload; what it returns knows nothing of its pods yet."""
    read = {"Deployment": _deployment, "StatefulSet": _stateful, "DaemonSet": _daemon, "Job": _job, "CronJob": _cron}[
        kind
    ]

    def parse(obj: Json, source: SourceId) -> Workload | None:
        name, namespace = text(obj, "metadata", "name"), text(obj, "metadata", "namespace")
        if not name:
            return None
        ref = Ref(source, kind, namespace, name)
        pod_spec = sub(obj, "spec", "template", "spec")
        if kind == "CronJob":
            pod_spec = sub(obj, "spec", "jobTemplate", "spec", "template", "spec")
        base = Workload(
            ref=ref,
            ready=0,
            desired=0,
            images=tuple(text(c, "image") for c in rows(pod_spec, "containers")),
            created=moment(obj, "metadata", "creationTimestamp"),
            labels=pairs(obj, "metadata", "labels"),
            selector=pairs(obj, "spec", "selector", "matchLabels"),
            application=_application(obj, ref),
            owner=_cron_owner(obj, ref),
        )
        return read(obj, base)

    return parse


def _application(obj: Json, ref: Ref) -> str:
    """The Argo CD application: the tracking annotation `app:group/kind:namespace/name` if it speaks of this very object
    (a copied one does not count; Argo CD resource tracking), else the instance label."""
    app, _, about = text(obj, "metadata", "annotations", _TRACKING).partition(":")
    if app and about == f"{_GROUPS.get(ref.kind, 'apps')}/{ref.kind}:{ref.namespace}/{ref.name}":
        return app
    return next((found for label in _INSTANCE if (found := text(obj, "metadata", "labels", label))), "")


def _cron_owner(obj: Json, ref: Ref) -> Ref | None:
    for owner in rows(obj, "metadata", "ownerReferences"):
        if text(owner, "kind") == "CronJob" and text(owner, "name"):
            return Ref(ref.source, "CronJob", ref.namespace, text(owner, "name"))
    return None


def _changed(obj: Json) -> datetime | None:
    """When a condition last changed."""
    times = [
        when
        for c in rows(obj, "status", "conditions")
        for when in (moment(c, "lastUpdateTime"), moment(c, "lastTransitionTime"))
        if when
    ]
    return max(times, default=None)


def _observed(obj: Json) -> bool:
    return number(obj, "status", "observedGeneration") >= number(obj, "metadata", "generation")


def _scale(ready: int, desired: int, existing: int) -> State | None:
    """Scaled to nothing, or on the way there."""
    if desired:
        return None
    return ("Scaling down", Level.MOVING, "") if existing or ready else ("Scaled to 0", Level.OFF, "")


def _deployment(obj: Json, base: Workload) -> Workload:
    desired = number(obj, "spec", "replicas", default=1)
    ready, updated = number(obj, "status", "readyReplicas"), number(obj, "status", "updatedReplicas")
    available, existing = number(obj, "status", "availableReplicas"), number(obj, "status", "replicas")
    progressing, failure = condition(obj, "Progressing"), condition(obj, "ReplicaFailure")
    state = _scale(ready, desired, existing)
    if state is None and failure.get("status") == "True":
        state = ("Failed", Level.BROKEN, text(failure, "message"))
    if state is None and _observed(obj) and progressing.get("reason") == "ProgressDeadlineExceeded":
        state = ("Stalled", Level.BROKEN, text(progressing, "message"))
    if state is None:
        rolling = not _observed(obj) or updated < desired or existing > updated
        state = _settled(rolling, available >= desired, ready)
        if sub(obj, "spec").get("paused") is True and state[1] is Level.WELL:
            state = ("Paused", Level.WELL, "")
    return _with(base, state, ready=ready, desired=desired, updated=updated, available=available, changed=_changed(obj))


def _settled(rolling: bool, enough: bool, ready: int) -> State:
    if rolling:
        return "Progressing", Level.MOVING, ""
    if enough:
        return "Ready", Level.WELL, ""
    return ("Partly ready" if ready else "Not ready"), Level.MOVING, ""


def _stateful(obj: Json, base: Workload) -> Workload:
    desired = number(obj, "spec", "replicas", default=1)
    ready, existing = number(obj, "status", "readyReplicas"), number(obj, "status", "replicas")
    current, target = text(obj, "status", "currentRevision"), text(obj, "status", "updateRevision")
    updated = number(obj, "status", "updatedReplicas", default=existing if current == target else 0)
    by_hand = text(obj, "spec", "updateStrategy", "type") == "OnDelete"
    partition = number(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
    rolling = not _observed(obj) or (current != target and not by_hand and updated < desired - partition)
    state = _scale(ready, desired, existing) or _settled(rolling, ready >= desired, ready)
    available = number(obj, "status", "availableReplicas", default=ready)
    return _with(base, state, ready=ready, desired=desired, updated=updated, available=available, changed=_changed(obj))


def _daemon(obj: Json, base: Workload) -> Workload:
    desired = number(obj, "status", "desiredNumberScheduled")
    ready, updated = number(obj, "status", "numberReady"), number(obj, "status", "updatedNumberScheduled")
    by_hand = text(obj, "spec", "updateStrategy", "type") == "OnDelete"
    rolling = not _observed(obj) or (updated < desired and not by_hand)
    state = _settled(rolling, ready >= desired, ready)
    if not desired and _observed(obj):
        state = ("No nodes", Level.OFF, "")
    available = number(obj, "status", "numberAvailable")
    return _with(base, state, ready=ready, desired=desired, updated=updated, available=available, changed=_changed(obj))


def _job(obj: Json, base: Workload) -> Workload:
    desired = number(obj, "spec", "completions", default=number(obj, "spec", "parallelism", default=1))
    succeeded = number(obj, "status", "succeeded")
    failed = condition(obj, "Failed")
    if failed.get("status") == "True":
        state: State = ("Failed", Level.BROKEN, text(failed, "message"))
    elif condition(obj, "Complete").get("status") == "True":
        state = ("Complete", Level.WELL, "")
    elif sub(obj, "spec").get("suspend") is True:
        state = ("Suspended", Level.OFF, "")
    else:
        state = ("Running" if number(obj, "status", "active") else "Pending", Level.MOVING, "")
    changed = moment(obj, "status", "completionTime") or _changed(obj) or moment(obj, "status", "startTime")
    return _with(base, state, ready=succeeded, desired=desired, updated=0, available=0, changed=changed)


def _cron(obj: Json, base: Workload) -> Workload:
    active = len(rows(obj, "status", "active"))
    state: State = ("Scheduled", Level.WELL, "")
    if active:
        state = ("Running", Level.MOVING, "")
    elif sub(obj, "spec").get("suspend") is True:
        state = ("Suspended", Level.OFF, "")
    last = moment(obj, "status", "lastScheduleTime")
    joined = _with(base, state, ready=active, desired=active, updated=0, available=0, changed=last)
    return replace(joined, schedule=text(obj, "spec", "schedule"), last_scheduled=last)


def _with(
    base: Workload, state: State, *, ready: int, desired: int, updated: int, available: int, changed: datetime | None
) -> Workload:
    status, level, message = state
    return replace(
        base,
        ready=ready,
        desired=desired,
        updated=updated,
        available=available,
        status=status,
        level=level,
        message=message,
        changed=changed,
        problem=status if level is Level.BROKEN else "",
    )


def total(parts: Iterable[Usage | None]) -> Usage | None:
    """The sum of what is measured, None if nothing is."""
    known = [p for p in parts if p is not None]
    return Usage(round(sum(p.cpu for p in known), 3), sum(p.memory for p in known)) if known else None


def join(workload: Workload, pods: Iterable[tuple[PodFacts, Usage | None]], now: datetime) -> Workload:
    """The workload with what its pods tell: restarts, use, and the first problem among those that have not ended."""
    pods = list(pods)
    current = sorted((f for f, _ in pods if not f.finished and not f.leaving), key=lambda f: f.ref.name)
    problem, message = workload.problem, workload.message
    level, status = workload.level, workload.status
    ended = workload.ref.kind == "Job" and status in ("Complete", "Failed")
    found = next((f.pod for f in current if f.pod.level is Level.BROKEN), None) if not ended else None
    late = next((f.pod for f in current if f.unready_since and now - f.unready_since > PATIENCE), None)
    if found is not None:
        problem, message = _reason(found), found.message or message
        level = Level.BROKEN
    elif late is not None and not ended and level is not Level.BROKEN:
        problem, level = "NotReady", Level.BROKEN
        message = late.message or f"{late.ref.name} has not been ready for over {PATIENCE.seconds // 60} minutes"
    return replace(
        workload,
        restarts=sum(f.pod.restarts for f, _ in pods),
        problem=problem,
        message=message,
        level=level,
        usage=total(use for _, use in pods),
    )


def _reason(pod: Pod) -> str:
    return "Unschedulable" if pod.status == "Pending" else pod.status


def join_runs(cron: Workload, jobs: Iterable[Workload]) -> Workload:
    """The CronJob with its newest ended Job: a failed last run needs the operator."""
    ended = [j for j in jobs if j.status in ("Complete", "Failed")]
    if not ended or cron.level is Level.OFF:
        return cron
    last = max(ended, key=lambda j: (j.created.timestamp() if j.created else 0.0, j.ref.name))
    if last.status != "Failed" or cron.level is Level.BROKEN:
        return cron
    return replace(cron, level=Level.BROKEN, status="Last run failed", problem="Failed", message=last.message)
