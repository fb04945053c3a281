"""The simulated cluster: what is applied to it becomes workloads, pods, Services and events, and rolls out over time."""

from __future__ import annotations

import hashlib
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from labtui.demo.objects import Key, Manifest, images, key_of, pairs, pod_template
from labtui.demo.pod_troubles import Trouble, trouble_of, trouble_of_fault, use_of
from labtui.demo.script.workloads import Scripted
from labtui.demo.simple_objects import simple_object
from labtui.demo.world import World
from labtui.domain.ref import Ref
from labtui.domain.resources import EndpointSlice, KubeEvent, Pod, Workload
from labtui.domain.resources.kubernetes import WORKLOAD_KINDS, Usage
from labtui.domain.states import Level

MIB = 1024 * 1024
NODE = "mac-mini"
ROLL_OUT = 2.5  # seconds from a new pod to a ready one
MOST_EVENTS = 200  # a real cluster forgets them after an hour
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class _Owned:
    """A workload object that was applied: its manifest, whose it is, and what its pods are like."""

    manifest: Manifest
    application: str
    cpu: float = 0.01
    memory: int = 24 * MIB
    generation: int = 1
    rolling: bool = False
    trouble: Trouble | None = None  # of its pods, whatever its image
    created_days: float = 0.0
    changed_days: float = 0.0


class Cluster:
    """Everything here is called with the world's lock held."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.source = world.sources["cluster"]
        self.objects: dict[Key, Manifest] = {}
        self._owned: dict[Key, _Owned] = {}
        self._event_number = itertools.count(1)
        self._events: deque[Ref] = deque()
        self.listener: Callable[[str], None] = lambda application: None  # told the application of what has changed

    def ref(self, key: Key) -> Ref:
        """The identity of an object in this cluster."""
        return Ref(self.source, key[1], key[2], key[3])

    # Applying

    def install(self, manifest: Manifest, application: str, scripted: Scripted) -> None:
        """What has been there for a long time: nothing rolls out, ages are those of the script."""
        key = key_of(manifest)
        self.objects[key] = manifest
        if key[1] not in WORKLOAD_KINDS:
            created = self.world.began - timedelta(days=scripted.days)
            for resource in simple_object(self.source, manifest, created):
                self.world.put(resource)
            self._slices(key[2])
            return
        broken = trouble_of(manifest) is not None
        owned = _Owned(
            manifest,
            application,
            scripted.cpu,
            scripted.memory * MIB,
            created_days=scripted.days,
            changed_days=12 / 1440 if broken else scripted.days / 3,
        )
        self._owned[key] = owned
        if key[1] != "CronJob":
            self._make_pods(key, owned, owned.changed_days, ready=True, restarts=7 if broken else scripted.restarts)
        self._join(key, scripted)

    def apply(self, manifest: Manifest, application: str) -> str:
        """Create or change an object. Answers as kubectl does: created, configured or unchanged."""
        key = key_of(manifest)
        before = self.objects.get(key)
        self.objects[key] = manifest
        if before == manifest:
            return "unchanged"
        if key[1] in WORKLOAD_KINDS:
            self._roll(key, manifest, application)
        else:
            old = self.world.get(self.ref(key))
            created = getattr(old, "created", None) or self.world.clock.now()
            for resource in simple_object(self.source, manifest, created):
                self.world.put(resource)
            self._slices(key[2])
        return "configured" if before else "created"

    def delete(self, key: Key) -> None:
        """Remove an object and what belongs to it."""
        self.objects.pop(key, None)
        if self._owned.pop(key, None) is not None:
            for pod in self.pods(key):
                self.world.remove(pod.ref)
        self.world.remove(self.ref(key))
        if key[1] == "Service":
            self.world.remove(self._slice_ref(key[2], key[3]))
        self._slices(key[2])

    def _roll(self, key: Key, manifest: Manifest, application: str) -> None:
        """A workload is new or has changed: new pods come, the old ones go when their strategy says so."""
        before = self._owned.get(key)
        owned = self._owned.setdefault(key, _Owned(manifest, application, *use_of(manifest)))
        new_pods = pod_template(owned.manifest) != pod_template(manifest)
        owned.manifest, owned.application = manifest, application
        owned.changed_days = -self._elapsed_days()
        if key[1] == "CronJob":
            self._join(key)
            return
        owned.generation += new_pods
        if new_pods or before is None:
            owned.trouble = trouble_of_fault(self.world.trouble("pods"), manifest)
        wanted = self._pod_refs(key, owned)
        for pod in self.pods(key):
            if pod.ref not in wanted and new_pods and not _replaced_at_once(manifest):
                continue  # it serves until a new one is ready
            if pod.ref not in wanted or new_pods:
                self.world.remove(pod.ref)
        owned.rolling = True
        self._make_pods(key, owned, owned.changed_days, ready=False)
        self.event(self.ref(key), "Normal", "ScalingReplicaSet", f"Scaled to {len(wanted)}")
        self._join(key)
        generation = owned.generation
        self.world.after(ROLL_OUT, lambda: self._rolled(key, generation))

    def _rolled(self, key: Key, generation: int) -> None:
        owned = self._owned.get(key)
        if owned is None or owned.generation != generation:
            return  # deleted, or a newer change rolls out
        owned.rolling = False
        self._make_pods(key, owned, owned.changed_days, ready=True)
        wanted = self._pod_refs(key, owned)
        if (owned.trouble or trouble_of(owned.manifest)) is None:
            for pod in self.pods(key):
                if pod.ref not in wanted:
                    self.world.remove(pod.ref)
        self._join(key)

    # Pods

    def pods(self, key: Key) -> tuple[Pod, ...]:
        """The pods of a workload."""
        owner = self.ref(key)
        return tuple(p for p in self.world.of(self.source, ("Pod",)) if isinstance(p, Pod) and p.owner == owner)

    def restart(self, pod: Pod, reason: str) -> None:
        """The container of a pod ends and starts again."""
        key = self._key_of_owner(pod)
        if key is None:
            return
        down = replace(pod, ready=0, status="Error", level=Level.BROKEN, restarts=pod.restarts + 1, message=reason)
        self.world.put(down)
        self.event(pod.ref, "Warning", "BackOff", f"Back-off restarting failed container: {reason}")
        self._join(key)

        def again() -> None:
            if self.world.get(pod.ref) is not None:
                self.world.put(replace(pod, restarts=pod.restarts + 1))
                self._join(key)

        self.world.after(ROLL_OUT * 2, again)

    def use(self, pod: Pod, cpu: float, memory: int) -> None:
        """The pod was measured."""
        self.world.put(replace(pod, usage=Usage(round(cpu, 3), memory // MIB * MIB)))
        key = self._key_of_owner(pod)
        if key is not None:
            self._join(key)

    def _key_of_owner(self, pod: Pod) -> Key | None:
        return next((key for key in self._owned if self.ref(key) == pod.owner), None)

    def _wanted(self, key: Key) -> int:
        replicas = (self.objects[key].get("spec") or {}).get("replicas", 1)
        return int(replicas)

    def _pod_refs(self, key: Key, owned: _Owned) -> tuple[Ref, ...]:
        template = _hash(f"{key[2]}/{key[3]}/{images(owned.manifest)}/{owned.generation}", 10)
        names = []
        for number in range(self._wanted(key)):
            unique = _hash(f"{template}/{number}", 5)
            match key[1]:
                case "StatefulSet":
                    names.append(f"{key[3]}-{number}")
                case "DaemonSet":
                    names.append(f"{key[3]}-{unique}")
                case _:
                    names.append(f"{key[3]}-{template}-{unique}")
        return tuple(Ref(self.source, "Pod", key[2], name) for name in names)

    def _make_pods(self, key: Key, owned: _Owned, days: float, *, ready: bool, restarts: int = 0) -> None:
        """The pods that there should be: just made, or (`ready`) as they are after a while. Those that run stay as they are."""
        trouble = (owned.trouble or trouble_of(owned.manifest)) if ready else None
        ended = key[1] == "Job" and ready
        for ref in self._pod_refs(key, owned):
            old = self.world.get(ref)
            if isinstance(old, Pod) and old.level in (Level.WELL, Level.OFF):
                continue
            status, level = ("Running", Level.WELL) if ready else ("ContainerCreating", Level.MOVING)
            if ended:
                status, level = "Completed", Level.OFF
            if trouble:
                status, level = trouble.status, Level.BROKEN
            pod = Pod(
                ref,
                status,
                level,
                int(level is Level.WELL),
                1,
                restarts=max(restarts, 1) if trouble and trouble.restarts else restarts,
                node=NODE,
                ip=_address(ref),
                images=images(owned.manifest),
                created=old.created if isinstance(old, Pod) else self._ago(days),
                owner=self.ref(key),
                labels=pairs((pod_template(owned.manifest).get("metadata") or {}).get("labels")),
                message=trouble.message if trouble else "",
                usage=Usage(owned.cpu, owned.memory) if level is Level.WELL else None,
            )
            self.world.put(pod)
            if trouble:
                self.event(ref, "Warning", trouble.reason, trouble.message, count=max(restarts * 6, 2))

    # Joining

    def _join(self, key: Key, scripted: Scripted | None = None) -> None:
        """Put the workload as its pods make it."""
        owned = self._owned[key]
        manifest, pods = owned.manifest, self.pods(key)
        spec: dict[str, Any] = manifest["spec"]
        created = self._ago(owned.created_days or owned.changed_days)
        old = self.world.get(self.ref(key))
        base = Workload(
            self.ref(key),
            ready=sum(p.ready for p in pods),
            desired=self._wanted(key),
            restarts=sum(p.restarts for p in pods),
            images=images(manifest),
            created=old.created if isinstance(old, Workload) else created,
            changed=self._ago(owned.changed_days),
            labels=pairs(manifest["metadata"].get("labels")),
            selector=pairs((spec.get("selector") or {}).get("matchLabels")),
            application=owned.application,
            usage=_total(pods),
        )
        if key[1] == "CronJob":
            suspended = bool(spec.get("suspend"))
            status, level = ("Suspended", Level.OFF) if suspended else ("Scheduled", Level.WELL)
            ran = self._ago(scripted.days % 1) if scripted else None
            base = replace(base, ready=0, desired=0, status=status, level=level, schedule=spec["schedule"])
            base = replace(base, last_scheduled=ran, changed=ran)
        elif key[1] == "Job":
            owner = Ref(self.source, "CronJob", key[2], scripted.owner) if scripted and scripted.owner else None
            status, level = ("Running", Level.MOVING) if owned.rolling else ("Complete", Level.WELL)
            base = replace(base, ready=int(not owned.rolling), desired=1, status=status, level=level, owner=owner)
        else:
            base = self._judged(base, pods, owned)
        self.world.put(base)
        self._slices(key[2])
        self.listener(owned.application)

    def _judged(self, base: Workload, pods: tuple[Pod, ...], owned: _Owned) -> Workload:
        bad = next((p for p in pods if p.level is Level.BROKEN), None)
        base = replace(base, updated=0 if owned.rolling else base.desired, available=base.ready)
        if bad is not None:
            status = "Progressing" if owned.rolling or base.ready else "Stalled"
            status = "Not ready" if bad.status == "Error" else status  # it comes again by itself
            return replace(base, status=status, level=Level.BROKEN, problem=bad.status, message=bad.message)
        if owned.rolling:
            return replace(base, status="Progressing", level=Level.MOVING)
        if not base.desired:
            return replace(base, status="Scaled to 0", level=Level.OFF)
        return replace(base, status="Ready", level=Level.WELL)

    def _slice_ref(self, namespace: str, service: str) -> Ref:
        return Ref(self.source, "EndpointSlice", namespace, f"{service}-{_hash(f'{namespace}/{service}', 5)}")

    def _slices(self, namespace: str) -> None:
        """The EndpointSlices of the Services with a selector, from the pods that they pick."""
        pods = [p for p in self.world.of(self.source, ("Pod",)) if isinstance(p, Pod) and p.ref.namespace == namespace]
        for key, manifest in self.objects.items():
            if key[1] != "Service" or key[2] != namespace or not manifest["spec"].get("selector"):
                continue
            wanted = set(manifest["spec"]["selector"].items())
            behind = [p for p in pods if wanted <= set(p.labels) and p.level is not Level.OFF]
            self.world.put(
                EndpointSlice(
                    self._slice_ref(namespace, key[3]),
                    key[3],
                    ready=tuple(p.ip for p in behind if p.ready),
                    not_ready=tuple(p.ip for p in behind if not p.ready),
                    ports=tuple(int(p["targetPort"]) for p in manifest["spec"]["ports"]),
                    managed_by="endpointslice-controller.k8s.io",
                )
            )

    def event(self, about: Ref, kind: str, reason: str, message: str, count: int = 1) -> None:
        """Something is told about an object."""
        name = f"{about.name}.{next(self._event_number):016x}"
        ref = Ref(self.source, "Event", about.namespace, name)
        self.world.put(KubeEvent(ref, about, kind, reason, message, count, self.world.clock.now()))
        self._events.append(ref)
        if len(self._events) > MOST_EVENTS:
            self.world.remove(self._events.popleft())

    def health(self, key: Key) -> tuple[str, str]:
        """As Argo CD judges it: status and message; empty for kinds without health."""
        workload = self.world.get(self.ref(key))
        if isinstance(workload, Workload):
            if workload.status == "Stalled":
                return "Degraded", f"Deployment {key[3]!r} exceeded its progress deadline: {workload.problem}"
            if workload.level is Level.MOVING or workload.ready < workload.desired:
                return "Progressing", "Waiting for rollout to finish"
            return "Healthy", ""
        return ("Healthy" if key[1] in ("Service", "Ingress", "PersistentVolumeClaim") else ""), ""

    def _elapsed_days(self) -> float:
        return (self.world.clock.now() - self.world.began).total_seconds() / 86400

    def _ago(self, days: float) -> Any:
        return self.world.began - timedelta(days=days)


def _replaced_at_once(manifest: Manifest) -> bool:
    """Do the old pods go before the new ones are ready?"""
    strategy = (manifest["spec"].get("strategy") or {}).get("type")
    return manifest["kind"] != "Deployment" or strategy == "Recreate"


def _hash(text: str, length: int) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:length])


def _address(ref: Ref) -> str:
    digest = hashlib.sha256(str(ref).encode()).digest()
    return f"10.42.0.{2 + digest[0] % 250}"


def _total(pods: tuple[Pod, ...]) -> Usage | None:
    known = [p.usage for p in pods if p.usage is not None]
    return Usage(round(sum(u.cpu for u in known), 3), sum(u.memory for u in known)) if known else None
