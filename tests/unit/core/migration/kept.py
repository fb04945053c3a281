"""A stack whose data stays in place, on a host that has both the containers and the pods: everything in memory, and killable.

Whoever may write is noted at every change; that two could at once is a violation, and so is a file that was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from labtui.core.migration.action import Action, Data, Look, Report, Seen
from labtui.core.migration.baseline import AskDocker, CompareWithDocker, DockerPlan, answered_by_pods
from labtui.core.migration.gitops.cluster import StackWorld, behind
from labtui.core.migration.gitops.deliver import Change
from labtui.core.migration.gitops.plan import DockerSide, Moving
from labtui.core.migration.gitops.retire import RestartOff, StopStack
from labtui.core.migration.gitops.values import Stand
from labtui.core.migration.sides import Sides
from labtui.core.migration.verify import VerifyPlan
from labtui.core.operations.watching import Pace
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.migration.journal import Entry
from labtui.domain.migration.probes import Answer, Side, Target
from labtui.domain.migration.steps import StepName
from labtui.ports import ServiceState
from labtui.ports.stacks import DataUser, PodState, SliceState, WorkloadState
from tests.support.migration_fakes import TestClock
from tests.unit.core.fakes import Clock
from tests.unit.core.migration.fakes import FakeProber, answer
from tests.unit.core.migration.world import HOST, PLANNED, STACK, Time

PLACE = "/srv/shop/data"
VALUES: dict[str, Any] = {
    **PLANNED,
    "components": {
        **PLANNED["components"],
        "db": {
            "image": "db:1",
            "volumes": [{"name": "data", "mountPath": "/data", "hostPath": {"path": PLACE}}],
        },
    },
}
VOLUMES = (
    PlannedVolume("db", "/data", PLACE, False, "hostPath", writer=True, kept=True),
    PlannedVolume("reader", "/pictures", f"{PLACE}/pictures", True, "hostPath", kept=True),
    PlannedVolume("cache", "/cache", "cache", False, "emptyDir"),
)
SERVICES = ("cache", "db", "reader", "web")
DOCKER = Target(Side.DOCKER, HOST, 8080, host="shop.example.org")
PODS = Target(Side.KUBERNETES, "10.0.0.1", 8080, host="shop.example.org")
INGRESS = Target(Side.INGRESS, "192.168.88.3", 80, host="shop.example.org")


class Host:
    """The world. `tick` is called around every change of it, and may raise what kills the process."""

    def __init__(self) -> None:
        self.time = Time()
        self.state = dict.fromkeys(SERVICES, "running")
        self.policies = {f"shop-{name}-1": "unless-stopped" for name in SERVICES}
        self.others: list[DataUser] = []
        self.stand: Stand | None = None
        self.leaving = 0  # waits until the last pod is gone
        self.sick = False
        self.said: list[str] = []
        self.done: list[str] = []
        self.violations: list[str] = []
        self.away: list[LabError] = []  # what the engine says next instead of an answer
        self.refuses_stop = False
        self.tick: Callable[[str], None] = lambda where: None
        self.time.each.append(self._pass)

    def report(self, words: str) -> None:
        self.said.append(words)

    def _pass(self) -> None:
        self.leaving = max(0, self.leaving - 1)

    @property
    def pods_write(self) -> bool:
        return bool(self.leaving or (self.stand and self.stand.workload))

    @property
    def docker_writes(self) -> bool:
        return any(self.state[name] == "running" for name in ("db", "reader"))

    def change(self, what: str, apply: Callable[[], None]) -> None:
        self.tick(f"before {what}")
        apply()
        self.done.append(what)
        if self.pods_write and self.docker_writes:
            self.violations.append(f"two writers after: {what}")
        self.tick(f"after {what}")

    # ports.ComposeControl

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        self._answer()
        return tuple(
            ServiceState(n, f"shop-{n}-1", s, exit_code=None if s == "running" else 0) for n, s in self.state.items()
        )

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Report) -> None:
        self._answer()
        if verb == "stop" and self.refuses_stop:
            raise LabError("docker compose stop failed", "no such thing")
        wanted = list(services or self.state)
        if verb == "up" and "web" in wanted:
            wanted.append("db")  # web depends on it: docker compose starts that as well
        for name in wanted:  # one after the other, as the engine does it

            def apply(name: str = name) -> None:
                self.state[name] = "running" if verb == "up" else "exited"

            self.change(f"{verb} {name}", apply)

    def preview(self, site: str, stack: str, verb: str, services: Sequence[str]) -> Any:
        raise AssertionError("not asked")

    def logs(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("not asked")

    # ports.StackContainers

    def restart_policies(self, site: str, stack: str) -> Mapping[str, str]:
        self._answer()
        return dict(self.policies)

    def set_restart_policy(self, site: str, container: str, policy: str) -> None:
        def apply() -> None:
            self.policies[container] = policy

        self.change(f"{container} {policy}", apply)

    def connections(self, site: str, stack: str) -> int | None:
        return 0

    def data_users(self, site: str, places: Sequence[str]) -> tuple[DataUser, ...]:
        self._answer()
        own = tuple(
            DataUser(f"shop-{name}-1", STACK, name, PLACE, self.state[name] == "running", name == "db")
            for name in ("db", "reader")
        )
        return (*own, *self.others) if PLACE in places else ()

    def _answer(self) -> None:
        if self.away:
            raise self.away.pop()

    # ports.StackCluster

    def workloads(self, namespace: str, release: str) -> tuple[WorkloadState, ...]:
        if not (self.stand and self.stand.workload):
            return ()
        ready = 0 if self.sick else 1
        return tuple(WorkloadState("Deployment", name, ready, 1, 1) for name in sorted(VALUES["components"]))

    def pods(self, namespace: str, release: str) -> tuple[PodState, ...]:
        if not (self.stand and self.stand.workload):
            return ()
        return (PodState("db-1", "db", not self.sick, "CrashLoopBackOff" if self.sick else "Running", 9, self.sick),)

    def remaining(self, namespace: str, release: str) -> tuple[PodState, ...]:
        leaving = (PodState("db-0", "db", False, "Terminating"),) if self.leaving else ()
        return leaving + self.pods(namespace, release)

    def last_words(self, namespace: str, pod: str, lines: int = 20) -> tuple[str, ...]:
        return ("no such table",)

    def slices(self, namespace: str) -> tuple[SliceState, ...]:
        found = []
        for each in behind(VALUES):
            traffic = self.stand.traffic if self.stand else ""
            if traffic in ("docker", "both"):
                found.append(SliceState(f"{each.service}-docker", each.service, "labtui.dev", (each.host,)))
            if traffic in ("kubernetes", "both"):
                ready = () if self.sick else ("10.0.0.1",)
                found.append(SliceState(f"{each.service}-x", each.service, "endpointslice-controller.k8s.io", ready))
        return tuple(found)


class Delivered:
    """`Delivery`: what is asked for is there at once."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def stand(self) -> Stand | None:
        return self.host.stand

    def look(self, change: Change, earlier: Data) -> Look:
        stand = self.host.stand
        if change.first:
            return Look(Seen.DONE if stand else Seen.NOT_DONE)
        done = stand is not None and (stand == change.after or stand.number > change.after.number)
        return Look(Seen.DONE if done else Seen.NOT_DONE, str(stand), {"commit": change.action} if done else {})

    def restore(self, change: Change, report: Report) -> None:
        raise AssertionError("nobody else changes anything here")

    def do(self, change: Change, earlier: Data, report: Report) -> Data:
        self._turn(change.subject, change.after)
        return {"commit": change.action}

    def undo(self, change: Change, data: Data, report: Report) -> None:
        stand = self.host.stand
        if stand is None or (not change.first and stand.number <= change.before.number):
            return
        self._turn(change.back, None if change.first else change.before)

    def _turn(self, what: str, stand: Stand | None) -> None:
        def apply() -> None:
            if self.host.stand and self.host.stand.workload and not (stand and stand.workload):
                self.host.leaving = 3
            self.host.stand = stand

        self.host.change(what, apply)


class Prober(FakeProber):
    """Whoever runs answers."""

    def __init__(self, host: Host) -> None:
        super().__init__(Clock())
        self.host = host
        self.pods_say = "hello"

    def ask(self, target: Target, timeout: float = 5.0) -> Answer:
        self.asked.append(target)
        host = self.host
        docker = target.side is Side.DOCKER or (
            target.side is Side.INGRESS and host.stand and host.stand.traffic == "docker"
        )
        up = host.state["db"] == "running" if docker else bool(host.stand and host.stand.workload and not host.sick)
        if not up:
            if target.side is Side.INGRESS:
                return answer("bad gateway", 502)
            raise Unreachable("No answer", "connection refused")
        if target.path != "/":
            return answer("not found", 404)
        return answer("hello" if docker else self.pods_say)


class Kept:
    """The actions of a migration of the stack."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.prober = Prober(host)
        self.pace = host.time.pace()
        self.world = StackWorld(host, STACK, STACK, behind(VALUES), self.pace)
        patience = Pace(0.5, 5.0, host.time.wait, lambda: host.time.now)
        side = DockerSide(
            "wroclaw", STACK, host, host, lambda: answered_by_pods(self.prober, lambda: INGRESS), self.pace, patience
        )
        self.moving = Moving(STACK, VALUES, VOLUMES, Delivered(host), self.world, side)

    def actions(self, entries: Sequence[Entry] = ()) -> tuple[Action, ...]:
        host, prober, clock = self.host, self.prober, TestClock()
        plan = DockerPlan(DOCKER)
        asked = [
            AskDocker(step, "shop", lambda: plan, prober, clock, entries)
            for step in (StepName.VERIFY, StepName.QUIESCE)
        ]
        pace = replace(self.pace, limit=5.0)
        compare = CompareWithDocker(asked, lambda: VerifyPlan(Sides(DOCKER, PODS, INGRESS)), prober, pace=pace)
        return (
            *self.moving.workload(),
            asked[0],
            *self.moving.quiesce(before=(asked[1],), after=(compare,)),
            *self.moving.cut_over(),
            RestartOff("wroclaw", STACK, host),
            StopStack("wroclaw", STACK, host, self.world, self.pace, held=True),
        )

    def named(self, name: str, step: StepName = StepName.QUIESCE) -> Action:
        """An action by its name."""
        return next(a for a in self.actions() if a.name == name and a.step is step)
