"""The actions that turn the two values: a first route, the pods, traffic to both sides, traffic to Kubernetes alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from labtui.core.migration.action import ACCEPTED, Data, Look, Report, Seen
from labtui.core.migration.gitops.cluster import NotShown, StackWorld
from labtui.core.migration.gitops.deliver import Change, Delivery, back_of
from labtui.core.migration.gitops.values import Stand
from labtui.domain.errors import LabError, MustUndo, Refused
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
            why = "traffic is moved from a place that is known; a sync puts the cluster back to what was asked for"
            return Look(Seen.CHANGED, words, found.data, firm=why)
        return found

    def do(self, earlier: Data, report: Report) -> Data:
        """Ask for it, then wait for pods and EndpointSlices. Nothing moves before the stand before it is there in full.

        Raises MustUndo when the cluster answers and does not show it in time; a cluster that is silent leaves it unknown.
        """
        if not self.change.first:
            stand = self.delivery.stand()
            if stand is None:
                raise Refused(
                    f"{self.world.release} has no route of its own", "", "Somebody took it away; migrate again"
                )
            if earlier.get(ACCEPTED):
                self.delivery.restore(self.change, report)
            if stand == self.change.before:
                self._await_before(report)
        data = self.delivery.do(self.change, earlier, report)
        if self.change.after.workload and not back_of(self.change, data).workload:
            self.world.await_pods(report)
        self._await(self.change.after, report)
        return data

    def _await_before(self, report: Report) -> None:
        """Nothing of this action is done yet: what the traffic of both sides lacks is an earlier one's, and taken back."""
        if self.change.before.traffic != "docker":
            self._await(self.change.before, report)
            return
        try:
            self.world.await_traffic(self.change.before, report)
        except NotShown as error:
            hint = "See what took it away: kubectl get endpointslices"
            raise Refused(
                "The traffic does not go to Docker as it should", error.detail, f"Nothing was moved. {hint}"
            ) from error

    def _await(self, stand: Stand, report: Report) -> None:
        try:
            self.world.await_traffic(stand, report)
        except NotShown as error:
            if stand.workload:
                self.world.demand_ready(error.detail)
            raise MustUndo(error.title, error.detail, "See kubectl get endpointslices, and the controllers") from error

    def undo(self, data: Data, report: Report) -> None:
        """Take it back; on the way to Docker nothing waits for pods, which may be what is wrong."""
        self.delivery.undo(self.change, data, report)
        if self.change.first:
            if self.delivery.stand() is None:  # else the route was there before the migration, and stays
                self.world.await_no_route(report)
            return
        back = back_of(self.change, data)
        self.world.await_docker(back, report)
        if self.change.after.workload and not back.workload:
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
