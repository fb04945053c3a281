"""The actions that turn the two values: a first route, the pods, traffic to both sides, traffic to Kubernetes alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.gitops.cluster import StackWorld
from labtui.core.migration.gitops.deliver import Change, Delivery
from labtui.domain.errors import LabError, Refused
from labtui.domain.migration.steps import StepName


@dataclass(frozen=True, slots=True)
class Turn:
    """One change of the values. It waits until the API server shows what it should before it is done, and so does its undo."""

    step: StepName
    name: str
    title: str
    change: Change
    delivery: Delivery
    world: StackWorld
    lasting: str = field(default="", kw_only=True)

    def look(self, earlier: Data) -> Look:
        """What is asked for decides; where the cluster does not show it yet the action is half done."""
        found = self.delivery.look(self.change, earlier)
        if found.seen is Seen.CHANGED:
            return found
        stand = self.delivery.stand()
        if found.seen is Seen.DONE:
            missing = self._missing() if stand == self.change.after else ()
            if missing:
                return Look(Seen.NOT_DONE, f"{found.words}; the cluster: {'; '.join(missing[:4])}", found.data)
            return found
        if earlier or self.change.first or stand is None:  # begun or being undone: the cluster may well be on its way
            return found
        wrong = self.world.traffic_wrong(self.change.before)
        if wrong:
            words = f"{found.words}; but in the cluster: {'; '.join(wrong[:4])}"
            return Look(Seen.CHANGED, words, found.data)
        return found

    def do(self, earlier: Data, report: Report) -> Data:
        """Ask for it, then wait for pods and EndpointSlices. Nothing moves before the stand before it is there in full."""
        if not self.change.first:
            stand = self.delivery.stand()
            if stand is None:
                raise Refused(
                    f"{self.world.release} has no route of its own", "", "Somebody took it away; migrate again"
                )
            if stand == self.change.before:
                self.world.await_traffic(self.change.before, report)
        data = self.delivery.do(self.change, earlier, report)
        if self.change.after.workload and not self.change.before.workload:
            self.world.await_pods(report)
        self.world.await_traffic(self.change.after, report)
        return data

    def undo(self, data: Data, report: Report) -> None:
        """Take it back; on the way to Docker nothing waits for pods, which may be what is wrong."""
        self.delivery.undo(self.change, data, report)
        if self.change.first:
            if self.delivery.stand() is None:  # else the route was there before the migration, and stays
                self.world.await_no_route(report)
            return
        self.world.await_docker(self.change.before, report)
        if self.change.after.workload and not self.change.before.workload:
            self.world.await_no_pods(report)

    def _missing(self) -> tuple[str, ...]:
        missing = self.world.traffic_missing(self.change.after)
        if self.change.after.workload and not self.change.before.workload:
            missing = (*self.world.pods_missing(), *missing)
        return missing


@dataclass(frozen=True, slots=True)
class Refusal:
    """In the place of a step that this stack cannot take: says why, and does nothing."""

    step: StepName
    name: str
    title: str
    why: str
    lasting: str = ""

    def look(self, earlier: Data) -> Look:
        """Never done."""
        return Look(Seen.NOT_DONE, self.why)

    def do(self, earlier: Data, report: Report) -> Data:
        """Raises Refused."""
        raise self._error()

    def undo(self, data: Data, report: Report) -> None:
        """There is nothing to take back."""
        report(f"nothing to take back: {self.title}")

    def _error(self) -> LabError:
        return Refused(
            self.title, self.why, "It stays on Docker; labtui plan shows its volumes and the choices there are"
        )
