"""What the cluster should show of a stack, asked of the API server: pods that are ready, and what is behind its Services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labtui.core.migration.action import Report
from labtui.core.migration.gitops.values import Stand
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, MustUndo, OutcomeUnknown, SignedOut, Unreachable
from labtui.domain.text import clean
from labtui.ports.stacks import PodState, SliceState, StackCluster

DOCKER = "labtui.dev"  # manager of the slices that lead to Docker
RESTARTS = 3  # a program that ended so often will not be ready
GRACE = 0.5  # of the limit: how much longer a cluster is waited for that does not answer when the limit is reached


class NotShown(OutcomeUnknown):
    """The cluster answered to the end, and did not show what was waited for."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A Service whose traffic moves: its name, and the address of the Docker host."""

    service: str
    host: str


def behind(values: Mapping[str, Any]) -> tuple[Behind, ...]:
    """The Services of components that have `docker`, with their aliases (the app chart's `app.docker`)."""
    components = values.get("components") or {}
    top = values.get("docker") or {}
    found = []
    for name, component in components.items():
        own = component.get("docker") or {}
        port = own.get("port") or (top.get("port") if len(components) == 1 else None)
        if component.get("ports") and (port or own.get("ports")):
            service = component.get("service") or {}
            for alias in dict.fromkeys((str(name), *(service.get("aliases") or ()))):
                found.append(Behind(str(alias), str(own.get("host") or top.get("host") or "")))
    return tuple(found)


def writers(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Components that write to data which outlives their pods and has one writer at a time (the chart's `app.writes`)."""
    found = []
    for name, component in (values.get("components") or {}).items():
        for volume in component.get("volumes") or ():
            shared = "ReadWriteMany" in ((volume.get("pvc") or {}).get("accessModes") or ())
            if not volume.get("readOnly") and not shared and any(k in volume for k in ("pvc", "nfs", "hostPath")):
                found.append(str(name))
                break
    return tuple(found)


@dataclass(frozen=True, slots=True)
class StackWorld:
    """A stack's part of the cluster. `values` are those of its chart."""

    cluster: StackCluster
    namespace: str
    release: str
    services: tuple[Behind, ...]
    pace: Pace = field(default_factory=lambda: Pace(limit=600.0))

    # Traffic

    def traffic_missing(self, stand: Stand) -> tuple[str, ...]:
        """What is not yet as `stand` says, in words; empty when all of it is."""
        slices = self.cluster.slices(self.namespace)
        return tuple(words for each in self.services for words in _missing(each, slices, stand))

    def traffic_wrong(self, stand: Stand) -> tuple[str, ...]:
        """The part of it that does not come by waiting: slices to Docker that are there or not against `stand`."""
        slices = self.cluster.slices(self.namespace)
        return tuple(words for each in self.services if (words := _docker_side(each, slices, stand)))

    def await_traffic(self, stand: Stand, report: Report) -> None:
        """Wait until what is behind the Services is as `stand` says. Raises NotShown after the limit, OutcomeUnknown when the
        cluster does not answer."""
        where = _where(stand)
        self._wait(lambda: self.traffic_missing(stand), f"the traffic go to {where}", report, self.pace.limit)
        report(f"the EndpointSlices show traffic to {where}")

    def await_docker(self, stand: Stand, report: Report) -> None:
        """On the way back: the slices to Docker are there, and for `docker` nothing else is. Pods need not be ready."""

        def look() -> tuple[str, ...]:
            return self.traffic_missing(stand) if stand.traffic == "docker" else self.traffic_wrong(stand)

        self._wait(look, f"the traffic go to {_where(stand)}", report, self.pace.limit)
        report(
            f"the EndpointSlices show traffic to {'Docker again' if stand.traffic != 'kubernetes' else 'Kubernetes'}"
        )

    def await_no_route(self, report: Report) -> None:
        """Wait until no slice of these Services leads anywhere."""
        names = {each.service for each in self.services}

        def look() -> tuple[str, ...]:
            slices = self.cluster.slices(self.namespace)
            return tuple(f"slice {s.name} is there" for s in slices if s.service in names and s.manager == DOCKER)

        self._wait(look, "the route is gone", report, self.pace.limit)
        report("the route is gone")

    # Pods

    def pods_missing(self) -> tuple[str, ...]:
        """Workloads that are not ready, in words; also when there are none at all."""
        found = self.cluster.workloads(self.namespace, self.release)
        if not found:
            return ("the workloads are not there yet",)
        return tuple(f"{w.kind} {w.name}: {w.ready} of {w.desired} ready" for w in found if not w.settled)

    def await_pods(self, report: Report) -> None:
        """Wait until every pod is ready. Raises MustUndo, with the pod's last words, when one cannot become so."""

        def look() -> tuple[str, ...]:
            missing = self.pods_missing()
            if missing:
                for pod in self.cluster.pods(self.namespace, self.release):
                    if pod.broken and (pod.restarts >= RESTARTS or _hopeless(pod)):
                        raise self._failed(pod)
            return missing

        try:
            self._wait(look, "all pods ready", report, self.pace.limit)
        except NotShown as error:
            self.demand_ready(f"not ready within {self.pace.limit:.0f} s")
            raise MustUndo(error.title, error.detail) from error
        report("all pods are ready")

    def demand_ready(self, why: str) -> None:
        """Raise MustUndo, with its last words, for a pod that is not ready."""
        unready = [p for p in self.cluster.pods(self.namespace, self.release) if not p.ready]
        if unready:
            raise self._failed(unready[0], why)

    def await_no_pods(self, report: Report) -> None:
        """Wait until the pods and workloads are gone."""

        def look() -> tuple[str, ...]:
            kinds = tuple(f"{w.kind} {w.name} is there" for w in self.cluster.workloads(self.namespace, self.release))
            return kinds + tuple(f"pod {p.name} is there" for p in self.cluster.pods(self.namespace, self.release))

        self._wait(look, "no pods", report, self.pace.limit)
        report("the pods are gone")

    def _failed(self, pod: PodState, why: str = "") -> LabError:
        try:
            said = self.cluster.last_words(self.namespace, pod.name)
        except LabError as error:
            said = (f"(its log cannot be read: {error.cause})",)
        detail = "; ".join(p for p in (clean(pod.status, 60), clean(pod.message, 300), why) if p)
        if pod.restarts:
            detail += f"; started {pod.restarts + 1} times"
        log = "".join(f"\n  {clean(line, 200)}" for line in said)
        return MustUndo(
            f"The pod {clean(pod.name, 80)} does not become ready",
            detail + (f". Its last words:{log}" if log else ". It has said nothing"),
            "Correct its values, or what it needs, and migrate again",
        )

    def _wait(self, look: Callable[[], tuple[str, ...]], what: str, report: Report, limit: float) -> None:
        """Look until nothing is missing. A silence is no answer: what is not there is said by a look after the limit alone."""
        end = self.pace.monotonic() + limit
        told: tuple[str, ...] = ()
        away = False
        missing: tuple[str, ...] = ("nothing was seen",)
        while True:
            asked = self.pace.monotonic()
            try:
                missing = look()
                if away:
                    report("the cluster answers again")
                    away = False
                if not missing:
                    return
                if asked > end:
                    raise NotShown(f"Did not see {what} in {limit:.0f} s", "; ".join(missing[:6]))
                if missing != told:
                    told = missing
                    report(f"waiting: {'; '.join(clean(m, 100) for m in missing[:4])}")
            except (Unreachable, SignedOut) as error:
                if not away:
                    report(f"the cluster does not answer ({error.cause}); still looking")
                away = True
                if asked > end + GRACE * limit:
                    words = f"the cluster does not answer: {error.cause}. Seen last: {'; '.join(missing[:6])}"
                    hint = "Nobody knows how it is now; a resume looks again"
                    raise OutcomeUnknown(f"Did not see {what} in {asked - end + limit:.0f} s", words, hint) from error
            self.pace.wait(self.pace.every)


def _where(stand: Stand) -> str:
    return "both sides" if stand.traffic == "both" else stand.traffic.capitalize()


def _hopeless(pod: PodState) -> bool:
    """A pod that no waiting helps: its image is not there, or cannot be run."""
    return pod.status.removeprefix("Init:") in (
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CrashLoopBackOff",
    )


def _missing(each: Behind, slices: tuple[SliceState, ...], stand: Stand) -> list[str]:
    found = [words] if (words := _docker_side(each, slices, stand)) else []
    pods = [s for s in slices if s.service == each.service and s.manager != DOCKER]
    ready = {address for s in pods for address in s.ready}
    if stand.traffic == "docker" and ready:
        found.append(f"Service {each.service} still leads to pods")
    if stand.traffic != "docker" and not ready:
        found.append(f"Service {each.service} has no ready pod behind it")
    return found


def _docker_side(each: Behind, slices: tuple[SliceState, ...], stand: Stand) -> str:
    addresses = {a for s in slices if s.service == each.service and s.manager == DOCKER for a in s.ready}
    if stand.traffic == "kubernetes":
        return f"Service {each.service} still leads to Docker" if addresses else ""
    if each.host and addresses and addresses != {each.host}:
        return f"Service {each.service} leads to {', '.join(sorted(addresses))}, not to {each.host}"
    return "" if addresses else f"Service {each.service} does not lead to Docker"
