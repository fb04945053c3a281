"""Which actions a stack's move has: put together from its values and what the estate offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labtui.core.migration.action import Action
from labtui.core.migration.gitops.cluster import StackWorld, writers
from labtui.core.migration.gitops.deliver import Change, Delivery
from labtui.core.migration.gitops.law import PATIENCE, OneWriter, writers_in_place
from labtui.core.migration.gitops.quiesce import Guarded, HoldWriters, StartPods, StopWriters
from labtui.core.migration.gitops.turn import Refusal, Turn
from labtui.core.migration.gitops.values import Stand
from labtui.core.operations.watching import Pace
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.migration.steps import StepName
from labtui.ports.stacks import StackContainers, StackControl

ON_DOCKER = Stand(False, "docker")
WITH_PODS = Stand(True, "docker")
BOTH = Stand(True, "both")
ON_KUBERNETES = Stand(True, "kubernetes")
OUTLIVES = ("pvc", "nfs", "hostPath")  # what a volume becomes that outlives its pods


@dataclass(frozen=True, slots=True)
class DockerSide:
    """The stack on Docker, for one whose data stays in place: who stops and starts it. `answered` says why users are not
    answered through the Ingress, empty when they are."""

    site: str
    stack: str
    control: StackControl
    containers: StackContainers
    answered: Callable[[], str] = lambda: ""
    pace: Pace = field(default_factory=lambda: Pace(limit=300.0))
    patience: Pace = field(default_factory=lambda: PATIENCE)


@dataclass(frozen=True, slots=True)
class Moving:
    """A stack that is to be moved: its name, the values of its plan, and how changes reach its part of the cluster."""

    stack: str
    values: Mapping[str, Any]
    volumes: Sequence[PlannedVolume]
    delivery: Delivery
    world: StackWorld
    docker: DockerSide | None = None

    @property
    def stateless(self) -> bool:
        """May both sides answer at the same time?"""
        return not writers(self.values)

    @property
    def in_place(self) -> bool:
        """Is data written that stays where it is? Then the whole stack moves by way of the step quiesce."""
        return not self._cannot() and not self.stateless

    def workload(self) -> tuple[Action, ...]:
        """The step workload: a first route for a stack that has none, then its pods if they may run beside the containers."""
        if why := self._cannot():
            return (Refusal(StepName.WORKLOAD, "pods", f"The data of {self.stack} cannot be moved yet", why),)
        route = Change(
            "route", ON_DOCKER, ON_DOCKER, f"{self.stack}: a route to Docker", f"{self.stack}: no route", first=True
        )
        first = self._turn(StepName.WORKLOAD, "give the stack an application, its traffic still to Docker", route)
        if not self.stateless:
            return (first,)
        pods = self._pods(f"{self.stack}: pods beside Docker")
        return (first, self._turn(StepName.WORKLOAD, "start the pods, all traffic still to Docker", pods))

    def quiesce(self, before: Sequence[Action] = (), after: Sequence[Action] = ()) -> tuple[Action, ...]:
        """The step quiesce of a stack whose written data stays in place; none for another one.

        `before` comes right before the stop, `after` when the pods are ready and no user is sent to them yet.
        """
        law = self._law() if self.in_place else None
        if law is None or self.docker is None:
            return ()
        pods = self._pods(f"{self.stack}: pods instead of Docker's writers")
        start = self._turn(StepName.QUIESCE, "start the pods, which have the data now", pods)
        return (HoldWriters(law), *before, StopWriters(law, self.docker.pace), StartPods(start, law), *after)

    def cut_over(self) -> tuple[Action, ...]:
        """The step cut over: by way of both sides where two may answer, at once where one of them writes."""
        alone = f"{self.stack}: traffic to Kubernetes"
        if not self.stateless:
            change = Change("kubernetes", WITH_PODS, ON_KUBERNETES, alone, f"{self.stack}: traffic to Docker")
            turn = self._turn(StepName.CUT_OVER, "send the traffic to Kubernetes", change)
            law = self._law()
            return (turn,) if law is None or self.docker is None else (Guarded(turn, law, self.docker.answered),)
        both = Change(
            "both", WITH_PODS, BOTH, f"{self.stack}: traffic to both sides", f"{self.stack}: traffic to Docker"
        )
        last = Change("kubernetes", BOTH, ON_KUBERNETES, alone, f"{self.stack}: traffic to both sides")
        return (
            self._turn(StepName.CUT_OVER, "send the traffic to both sides", both),
            self._turn(StepName.CUT_OVER, "send the traffic to Kubernetes alone", last),
        )

    def _turn(self, step: StepName, title: str, change: Change) -> Turn:
        return Turn(step, change.action, title, change, self.delivery, self.world)

    def _pods(self, subject: str) -> Change:
        return Change("pods", ON_DOCKER, WITH_PODS, subject, f"{self.stack}: no pods")

    def _law(self) -> OneWriter | None:
        side, found = self.docker, writers_in_place(self.volumes)
        if side is None or not found.services:
            return None
        return OneWriter(
            side.site,
            side.stack,
            found,
            side.control,
            side.containers,
            self.world,
            self.delivery.stand,
            side.patience,
        )

    def _cannot(self) -> str:
        """Why the stack's data cannot be moved yet; the step quiesce is where copying will be.

        What is left behind (emptyDir) or only read is nobody's to copy; what is kept has to be known to be the same data.
        """
        written = [v for v in self.volumes if v.writer and not v.read_only and v.becomes in OUTLIVES]
        moved = [v for v in written if not v.kept]
        unknown = set(writers(self.values)) and not written
        names = ", ".join(f"{v.service}:{v.target}" for v in moved) or (
            ", ".join(writers(self.values)) if unknown else ""
        )
        if names:
            return f"{names}: its containers write there, and labtui does not copy written data yet"
        if written and self.docker is None:
            return "its containers write to data that stays in place, and there is nobody to stop them"
        return ""
