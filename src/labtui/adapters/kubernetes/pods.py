"""Pods: what `kubectl get pods` prints about them, and who owns them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labtui.adapters.kubernetes.reading import Json, moment, number, pairs, rows, sub, text
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import Pod
from labtui.domain.states import Level

_BROKEN = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
        "CreatePodSandboxError",
        "RunContainerError",
        "StartError",
        "ContainerCannotRun",
        "ContainerStatusUnknown",
        "PreStartHookError",
        "PostStartHookError",
        "Error",
        "OOMKilled",
        "DeadlineExceeded",
        "Evicted",
        "Failed",
        "NodeLost",
        "NodeAffinity",
        "OutOfcpu",
        "OutOfmemory",
        "Unknown",
        "UnexpectedAdmissionError",
        "Unschedulable",
    }
)


@dataclass(frozen=True, slots=True)
class PodFacts:
    """A pod and what only the join needs of it.

    `controller` is the workload that made it directly (for a ReplicaSet its Deployment), `finished` is true in a final
    phase, `unready_since` is when its Ready condition became false.
    """

    pod: Pod
    controller: Ref | None
    finished: bool = False
    leaving: bool = False
    unready_since: datetime | None = None

    @property
    def ref(self) -> Ref:
        """The pod's identity."""
        return self.pod.ref


def condition(obj: Json, kind: str) -> Json:
    """The status condition of this type, empty if it is not there."""
    return next((c for c in rows(obj, "status", "conditions") if c.get("type") == kind), {})


def parse_pod(obj: Json, source: SourceId) -> PodFacts | None:
    """A pod, None when the object has no name."""
    name, namespace = text(obj, "metadata", "name"), text(obj, "metadata", "namespace")
    if not name:
        return None
    phase = text(obj, "status", "phase")
    status, ready, restarts = _printed(obj)
    sidecars = sum(_restartable(c) for c in rows(obj, "spec", "initContainers"))
    total = len(rows(obj, "spec", "containers")) + sidecars
    controller = _controller(obj, source, namespace)
    leaving = bool(text(obj, "metadata", "deletionTimestamp"))
    finished = phase in ("Succeeded", "Failed")
    readiness = condition(obj, "Ready")
    unready = not finished and not leaving and readiness.get("status") == "False"
    pod = Pod(
        ref=Ref(source, "Pod", namespace, name),
        status=status,
        level=_level(status, phase, ready, total, obj),
        ready=ready,
        containers=total,
        restarts=restarts,
        node=text(obj, "spec", "nodeName"),
        ip=text(obj, "status", "podIP"),
        images=tuple(text(c, "image") for c in rows(obj, "spec", "containers")),
        created=moment(obj, "metadata", "creationTimestamp"),
        owner=controller,
        labels=pairs(obj, "metadata", "labels"),
        message=_message(obj),
    )
    return PodFacts(pod, controller, finished, leaving, moment(readiness, "lastTransitionTime") if unready else None)


def _controller(obj: Json, source: SourceId, namespace: str) -> Ref | None:
    for owner in rows(obj, "metadata", "ownerReferences"):
        kind, name = text(owner, "kind"), text(owner, "name")
        if not owner.get("controller") or not name:
            continue
        if kind == "ReplicaSet":
            # A Deployment names its ReplicaSets NAME-HASH and writes the hash on their pods.
            suffix = "-" + text(obj, "metadata", "labels", "pod-template-hash")
            if len(suffix) > 1 and name.endswith(suffix) and len(name) > len(suffix):
                return Ref(source, "Deployment", namespace, name.removesuffix(suffix))
        elif kind in ("StatefulSet", "DaemonSet", "Job"):
            return Ref(source, kind, namespace, name)
    return None


def _restartable(container: Json) -> bool:
    return container.get("restartPolicy") == "Always"


def _ended(terminated: Json) -> str:
    signal = number(terminated, "signal")
    return text(terminated, "reason") or (
        f"Signal:{signal}" if signal else f"ExitCode:{number(terminated, 'exitCode')}"
    )


def _printed(obj: Json) -> tuple[str, int, int]:
    """STATUS, ready containers and restarts by kubectl's rules (printPod in pkg/printers/internalversion/printers.go)."""
    reason = text(obj, "status", "reason") or text(obj, "status", "phase") or "Unknown"
    if condition(obj, "PodScheduled").get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    initializing, init_reason, ready, init_restarts, sidecar_restarts = _init_containers(obj)
    restarts = init_restarts
    reason = init_reason or reason
    if not initializing or condition(obj, "Initialized").get("status") == "True":
        restarts = sidecar_restarts
        running = False
        for container in reversed(rows(obj, "status", "containerStatuses")):
            restarts += number(container, "restartCount")
            state = sub(container, "state")
            waiting, terminated = text(state, "waiting", "reason"), sub(state, "terminated")
            if waiting:
                reason = waiting
            elif terminated:
                reason = _ended(terminated)
            elif container.get("ready") and "running" in state:
                running = True
                ready += 1
        if reason == "Completed" and running:
            reason = "Running" if condition(obj, "Ready").get("status") == "True" else "NotReady"
    if text(obj, "metadata", "deletionTimestamp"):
        if text(obj, "status", "reason") == "NodeLost":
            reason = "Unknown"
        elif text(obj, "status", "phase") not in ("Succeeded", "Failed"):
            reason = "Terminating"
    return reason, ready, restarts


def _init_containers(obj: Json) -> tuple[bool, str, int, int, int]:
    """Still initializing?, the reason to print, ready sidecars, restarts of all, restarts of sidecars."""
    specs = {text(c, "name"): c for c in rows(obj, "spec", "initContainers")}
    ready = restarts = sidecar_restarts = 0
    for index, container in enumerate(rows(obj, "status", "initContainerStatuses")):
        sidecar = _restartable(specs.get(text(container, "name"), {}))
        restarts += number(container, "restartCount")
        if sidecar:
            sidecar_restarts += number(container, "restartCount")
        state = sub(container, "state")
        terminated, waiting = sub(state, "terminated"), text(state, "waiting", "reason")
        if terminated and number(terminated, "exitCode", default=-1) == 0:
            continue
        if sidecar and container.get("started"):
            ready += bool(container.get("ready"))
            continue
        if terminated:
            return True, "Init:" + _ended(terminated), ready, restarts, sidecar_restarts
        if waiting and waiting != "PodInitializing":
            return True, "Init:" + waiting, ready, restarts, sidecar_restarts
        return True, f"Init:{index}/{len(specs)}", ready, restarts, sidecar_restarts
    return False, "", ready, restarts, sidecar_restarts


def broken(status: str) -> bool:
    """Does this word of STATUS need the operator?"""
    status = status.removeprefix("Init:")
    return status in _BROKEN or status.startswith(("ExitCode:", "Signal:"))


def _level(status: str, phase: str, ready: int, total: int, obj: Json) -> Level:
    if phase == "Succeeded":
        return Level.OFF
    if broken(status) or (phase == "Pending" and condition(obj, "PodScheduled").get("reason") == "Unschedulable"):
        return Level.BROKEN
    return Level.WELL if status == "Running" and ready >= total else Level.MOVING


def _message(obj: Json) -> str:
    """The server's words about what is wrong: the pod's own, those of a waiting or ended container, of the scheduler."""
    own = text(obj, "status", "message")
    if own:
        return own
    statuses = [*rows(obj, "status", "initContainerStatuses"), *rows(obj, "status", "containerStatuses")]
    for container in statuses:
        said = text(container, "state", "waiting", "message") or text(container, "state", "terminated", "message")
        if said:
            return said
    scheduled = condition(obj, "PodScheduled")
    return text(scheduled, "message") if scheduled.get("status") == "False" else ""
