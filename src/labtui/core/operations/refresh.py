"""Small operations on Argo CD applications: compare with git now; end a running operation."""

from __future__ import annotations

from labtui.core.executor import Report
from labtui.core.operations.watching import Pace, until
from labtui.domain.plan import Danger, Outcome, Plan, Result, Step
from labtui.domain.planning import shorts
from labtui.domain.ref import Ref
from labtui.ports import Applications


class Refresh:
    """Compare with git now; `hard` also drops Argo CD's manifest cache. Changes nothing in the cluster."""

    def __init__(self, applications: Applications, target: Ref, *, hard: bool = False) -> None:
        self.target = target
        self.hard = hard
        self._applications = applications

    @property
    def action(self) -> str:
        """Its id in the registry of actions."""
        return "argocd.hard_refresh" if self.hard else "argocd.refresh"

    def plan(self) -> Plan:
        """Nothing to confirm."""
        kind = "hard" if self.hard else "normal"
        step = Step("Compare with git now", f"GET /api/v1/applications/{self.target.name}?refresh={kind}")
        return Plan(self.action, f"Refresh {self.target.name}", self.target, (step,), danger=Danger.NONE, changes=False)

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Ask, and say what came out."""
        report("refreshing", plan.steps[0].title)
        app = self._applications.refresh(self.target, hard=self.hard)
        return Outcome(Result.DONE, f"{app.sync}, {app.health} at {shorts(app.revisions)}")


class Terminate:
    """End the running operation of an application."""

    action = "argocd.terminate"

    def __init__(self, applications: Applications, target: Ref, pace: Pace | None = None) -> None:
        self.target = target
        self._applications = applications
        self._pace = pace or Pace(limit=60)

    def plan(self) -> Plan:
        """Raises Unreachable, SignedOut, Denied, NotFound."""
        app = self._applications.get(self.target)
        operation = app.operation
        refusals = () if app.busy else ("no operation is in progress",)
        started = operation.started.isoformat() if operation and operation.started and app.busy else "none"
        return Plan(
            action=self.action,
            title=f"Terminate the operation of {self.target.name}",
            target=self.target,
            steps=(Step("End the operation", f"DELETE /api/v1/applications/{self.target.name}/operation"),),
            warnings=("What it has applied so far stays applied",),
            refusals=refusals,
            exclusive=False,
            facts=(("operation started", started),),
            summary=(("Operation", operation.message or operation.phase if operation else "none"),),
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Ask for it and wait until the operation has ended."""
        report("terminating", plan.steps[0].title)
        self._applications.terminate(self.target)
        app = until(self._applications, self.target, lambda a: not a.busy, report, self._pace, "the operation end")
        phase = app.operation.phase if app.operation else "ended"
        return Outcome(Result.DONE, f"the operation ended: {phase}", f"{app.sync}, {app.health}")
