"""Sync an Argo CD application."""

from __future__ import annotations

from labtui.core.executor import Report
from labtui.core.operations.watching import Pace, operation_ended, window_now
from labtui.domain.errors import LabError, Refused, SignedOut, Unreachable
from labtui.domain.plan import DiffItem, Outcome, Plan, Result
from labtui.domain.planning import plan_sync, shorts
from labtui.domain.ref import Ref
from labtui.ports import Applications, SyncRequest


class Sync:
    """`spec` to `status`: make the cluster what git says."""

    action = "argocd.sync"

    def __init__(
        self,
        applications: Applications,
        target: Ref,
        request: SyncRequest | None = None,
        pace: Pace | None = None,
        *,
        with_diff: bool = True,
    ) -> None:
        self.target = target
        self.request = request or SyncRequest()
        self._applications = applications
        self._pace = pace or Pace()
        self._with_diff = with_diff

    def plan(self) -> Plan:
        """Ask for state, windows and diff. Raises Unreachable, SignedOut, Denied, NotFound."""
        app = self._applications.get(self.target)
        window, notes = window_now(self._applications, self.target)
        diff: tuple[DiffItem, ...] = ()
        if self._with_diff:
            try:
                diff = self._applications.diff(self.target)
            except (Unreachable, SignedOut):
                raise
            except LabError as error:
                notes = (*notes, f"The diff could not be read: {error.cause}")
        return plan_sync(
            app,
            revision=self.request.revision,
            prune=self.request.prune,
            dry_run=self.request.dry_run,
            resources=self.request.resources,
            window=window,
            diff=diff,
            notes=notes,
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Start the sync and follow it to its end."""
        before = self._applications.get(self.target).operation
        report("starting", plan.steps[0].title)
        self._applications.sync(self.target, self.request)
        app = operation_ended(self._applications, self.target, before, report, self._pace)
        operation = app.operation
        if operation is None:  # `operation_ended` returns only with one
            raise Refused("Argo CD shows no operation")
        state = f"{app.sync}, {app.health}, revision {shorts(app.revisions)}"
        words = f"{'dry run' if self.request.dry_run else 'sync'} {operation.phase.lower()}"
        message = f"{words}: {operation.message}" if operation.message else words
        data: dict[str, object] = {"phase": operation.phase, "revisions": list(operation.revisions)}
        if operation.phase != "Succeeded":
            return Outcome(Result.FAILED, message, state, data=data)
        return Outcome(Result.DONE, message, state, data=data)
