"""One writer: the containers and the pods never both have data that is written. Asked of the world, not assumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from labtui.core.migration.action import Report
from labtui.core.migration.gitops.cluster import StackWorld
from labtui.core.migration.gitops.values import Stand
from labtui.core.operations.watching import Pace
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.errors import Refused, Unreachable
from labtui.domain.text import clean
from labtui.ports.stacks import DataUser, StackContainers, StackControl

T = TypeVar("T")
RUNNING = ("running", "restarting", "paused")
PATIENCE = Pace(every=1.0, limit=60.0)  # users wait, too: an engine that is away for longer ends the step


@dataclass(frozen=True, slots=True)
class Writers:
    """What is written in place, and who has it: places of the site's host, and the services that mount them."""

    places: tuple[str, ...]
    services: tuple[str, ...]


def writers_in_place(volumes: Sequence[PlannedVolume]) -> Writers:
    """Of a plan's volumes. Who only reads what is written in place has to be stopped, too."""
    places = tuple(dict.fromkeys(v.source for v in volumes if v.kept and v.writer and v.source))
    services = dict.fromkeys(v.service for v in volumes if any(_overlap(v.source, place) for place in places))
    return Writers(places, tuple(sorted(services)))


def _overlap(one: str, other: str) -> bool:
    first, second = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return bool(one) and (first.startswith(second) or second.startswith(first))


@dataclass(frozen=True, slots=True)
class OneWriter:
    """Law 1 for one stack. `stand` answers what is asked for in the cluster now. Every method waits for an engine that is
    away for a moment, and raises Unreachable after that: what cannot be seen is not assumed."""

    site: str
    stack: str
    writers: Writers
    control: StackControl
    containers: StackContainers
    world: StackWorld
    stand: Callable[[], Stand | None]
    patience: Pace = field(default_factory=lambda: PATIENCE)

    def containers_running(self) -> tuple[DataUser, ...]:
        """Containers that may write to the data, or read what pods write: the stack's own services, and who else writes there."""

        def ask() -> tuple[DataUser, ...]:
            users = self.containers.data_users(self.site, self.writers.places)
            found = [user for user in users if user.running and (self.own(user) or user.writes)]
            seen = {user.container for user in found}
            # a volume that is a folder of the host by its driver's options is not seen in the mounts
            for state in self.control.states(self.site, self.stack):
                if state.service in self.writers.services and state.state in RUNNING and state.container not in seen:
                    found.append(DataUser(state.container, self.stack, state.service, "the data", True, True))
            return tuple(found)

        return self._patiently(ask)

    def own(self, user: DataUser) -> bool:
        """Is it a container of the stack, which the stack's files can stop?"""
        return user.stack == self.stack and user.service in self.writers.services

    def pods_there(self) -> tuple[str, ...]:
        """What may write in the cluster, or make a pod that does: pods, also leaving ones, workloads, what git asks for."""

        def ask() -> tuple[str, ...]:
            cluster, place = self.world.cluster, (self.world.namespace, self.world.release)
            pods = tuple(f"pod {clean(p.name, 80)} is there" for p in cluster.remaining(*place))
            kinds = tuple(f"{w.kind} {clean(w.name, 80)} is there" for w in cluster.workloads(*place))
            stand = self.stand()
            wanted = (f"the values say: {stand}",) if stand is not None and stand.workload else ()
            return pods + kinds + wanted

        return self._patiently(ask)

    def demand_no_others(self) -> None:
        """Before anything is stopped. Raises Refused while a container writes there that is no part of the stack."""
        if others := tuple(user for user in self.containers_running() if not self.own(user)):
            hint = "Stop them, or take the folder from them, and migrate again"
            raise Refused("Other containers write to the data of this stack", in_words(others), hint)

    def demand_containers_stopped(self) -> None:
        """Before pods start. Raises Refused while a container has the data."""
        running = self.containers_running()
        if running:
            hint = "Stop what is no part of the stack by hand; the stack's own containers are stopped by the migration"
            raise Refused("The pods were not started: containers have their data", in_words(running), hint)

    def demand_no_pods(self) -> None:
        """Before containers start. Raises Refused while a pod may be there."""
        there = self.pods_there()
        if there:
            words = "; ".join(there[:4])
            raise Refused("The containers were not started: pods have their data, or may get it", words)

    def await_no_pods(self, report: Report) -> None:
        """Wait until the last pod is gone, also one that is leaving. Raises Refused after the limit."""
        end = self.world.pace.monotonic() + self.world.pace.limit
        told: tuple[str, ...] = ()
        while there := self.pods_there():
            if there != told:
                told = there
                report(f"waiting: {'; '.join(there[:4])}")
            if self.world.pace.monotonic() > end:
                self.demand_no_pods()
            self.world.pace.wait(self.world.pace.every)
        report("no pod has the data any more")

    def _patiently(self, ask: Callable[[], T]) -> T:
        end = self.patience.monotonic() + self.patience.limit
        while True:
            try:
                return ask()
            except Unreachable:
                if self.patience.monotonic() >= end:
                    raise
            self.patience.wait(self.patience.every)


def in_words(users: Sequence[DataUser]) -> str:
    """`web-1 of shop has /srv/shop`, four of them at most."""
    said = (
        f"{clean(u.container, 80)}{f' of {clean(u.stack, 60)}' if u.stack else ''} has {clean(u.place, 120)}"
        for u in users[:4]
    )
    return "; ".join(said)
