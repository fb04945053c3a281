"""Which actions a stack's move has: put together from its values and what the estate offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labtui.core.migration.action import Action
from labtui.core.migration.gitops.cluster import StackWorld, writers
from labtui.core.migration.gitops.deliver import Change, Delivery
from labtui.core.migration.gitops.turn import Refusal, Turn
from labtui.core.migration.gitops.values import Stand
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.migration.steps import StepName

ON_DOCKER = Stand(False, "docker")
WITH_PODS = Stand(True, "docker")
BOTH = Stand(True, "both")
ON_KUBERNETES = Stand(True, "kubernetes")


@dataclass(frozen=True, slots=True)
class Moving:
    """A stack that is to be moved: its name, the values of its plan, and how changes reach its part of the cluster."""

    stack: str
    values: Mapping[str, Any]
    volumes: Sequence[PlannedVolume]
    delivery: Delivery
    world: StackWorld

    @property
    def stateless(self) -> bool:
        """May both sides answer at the same time?"""
        return not writers(self.values)

    def workload(self) -> tuple[Action, ...]:
        """The step workload: a first route for a stack that has none, then its pods."""
        if why := self._cannot():
            return (Refusal(StepName.WORKLOAD, "pods", f"The data of {self.stack} cannot be moved yet", why),)
        route = Change(
            "route", ON_DOCKER, ON_DOCKER, f"{self.stack}: a route to Docker", f"{self.stack}: no route", first=True
        )
        pods = Change("pods", ON_DOCKER, WITH_PODS, f"{self.stack}: pods beside Docker", f"{self.stack}: no pods")
        return (
            self._turn(StepName.WORKLOAD, "give the stack an application, its traffic still to Docker", route),
            self._turn(StepName.WORKLOAD, "start the pods, all traffic still to Docker", pods),
        )

    def cut_over(self) -> tuple[Action, ...]:
        """The step cut over: by way of both sides where two may answer, at once where one of them writes."""
        alone = f"{self.stack}: traffic to Kubernetes"
        if not self.stateless:
            change = Change("kubernetes", WITH_PODS, ON_KUBERNETES, alone, f"{self.stack}: traffic to Docker")
            return (self._turn(StepName.CUT_OVER, "send the traffic to Kubernetes", change),)
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

    def _cannot(self) -> str:
        """Why the stack's data cannot be moved yet; the step quiesce is where copying will be."""
        written = [v for v in self.volumes if v.writer and not v.read_only and v.becomes in ("pvc", "nfs", "hostPath")]
        names = ", ".join(f"{v.service}:{v.target}" for v in written) or ", ".join(writers(self.values))
        if not names:
            return ""
        return f"{names}: its containers write there, and labtui does not copy written data yet"
