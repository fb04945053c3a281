"""Roll an Argo CD application back, also when auto-sync is on.

The rules behind it: Argo CD refuses a rollback while auto-sync is on; `automated: null` would lose prune and selfHeal and is
healed by a parent application; `automated.enabled: false` is neither. So: pause, check that the parent leaves the pause alone,
roll back, and leave a record on the application that says what remains to be done.
"""

from __future__ import annotations

from labtui.core.executor import Report
from labtui.core.operations.watching import Pace, operation_ended, window_now
from labtui.domain.errors import Invalid, LabError, NotFound, OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.plan import DiffItem, Outcome, Plan, Result
from labtui.domain.planning import plan_rollback, previous, shorts
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application, Deployment, RollbackRecord
from labtui.ports import Applications, Clock


class Rollback:
    """Back to an entry of the history; the newest different one when `to` is None."""

    action = "argocd.rollback"

    def __init__(
        self,
        applications: Applications,
        target: Ref,
        clock: Clock,
        by: str,
        *,
        to: int | None = None,
        prune: bool = False,
        dry_run: bool = False,
        pace: Pace | None = None,
    ) -> None:
        self.target = target
        self.to = to
        self.prune = prune
        self.dry_run = dry_run
        self._applications = applications
        self._clock = clock
        self._by = by
        self._pace = pace or Pace()

    def plan(self) -> Plan:
        """Ask for state, history, windows and the diff of both revisions. Raises also Refused without a history."""
        app = self._applications.get(self.target)
        to = self._entry(app)
        window, notes = window_now(self._applications, self.target)
        diff: tuple[DiffItem, ...] = ()
        try:
            diff = self._applications.diff_revisions(self.target, app.history[-1], to)
        except (Unreachable, SignedOut):
            raise
        except LabError as error:
            notes = (*notes, f"What it changes could not be computed: {error.cause}")
        return plan_rollback(app, to, prune=self.prune, window=window, diff=diff, notes=notes, dry_run=self.dry_run)

    def _entry(self, app: Application) -> Deployment:
        if self.to is None:
            found = previous(app)
            if found is None:
                raise Refused(
                    f"There is nothing to roll {app.ref.name} back to",
                    "its history has no earlier, different deployment",
                    "Argo CD writes the history at each full sync",
                )
            return found
        for entry in app.history:
            if entry.id == self.to:
                return entry
        known = ", ".join(f"{h.id} ({shorts(h.revisions)})" for h in app.history) or "none"
        raise NotFound(f"The history of {app.ref.name} has no deployment {self.to}", f"it has {known}")

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Pause, check, roll back, follow, check again. What was paused is put back if nothing was rolled back."""
        app = self._applications.get(self.target)
        to = self._entry(app)
        if self.dry_run:
            raise Invalid("A dry run of a rollback has nothing to run", hint="Read its plan")
        paused = app.auto_sync.on
        record = RollbackRecord(
            to_id=to.id,
            from_revisions=app.rollback.from_revisions if app.rollback else app.revisions,
            to_revisions=to.revisions,
            paused=paused or bool(app.rollback and app.rollback.paused),
            former_enabled=app.rollback.former_enabled if app.rollback else app.auto_sync.enabled,
            at=self._clock.now(),
            by=self._by,
        )
        report("pausing", "pausing auto-sync" if paused else "noting the rollback on the application")
        after = self._applications.pause_auto_sync(self.target, record)
        try:
            if paused and not after.auto_sync.paused:
                raise Refused(
                    "This Argo CD does not know how to pause auto-sync",
                    "it dropped spec.syncPolicy.automated.enabled (servers before 3.1 do)",
                    "Revert the change in git instead; nothing was rolled back",
                )
            self._check_parent(app, paused, report)
            report("rolling back", f"rolling back to {to.id}: {shorts(to.revisions)}")
            self._applications.rollback(self.target, to.id, prune=self.prune)
        except OutcomeUnknown:
            raise
        except LabError as error:
            self._put_back(app, paused, report)
            raise _with(error, "nothing was rolled back") from error
        done = operation_ended(self._applications, self.target, app.operation, report, self._pace)
        return self._judge(app, done, to, paused, report)

    def _judge(self, before: Application, done: Application, to: Deployment, paused: bool, report: Report) -> Outcome:
        operation = done.operation
        phase = operation.phase if operation else "Unknown"
        message = operation.message if operation else ""
        if phase == "Succeeded":
            done = self._compared(done, report)
        state = f"{done.sync}, {done.health}, auto-sync {'paused' if done.auto_sync.paused else 'as before'}"
        data: dict[str, object] = {"phase": phase, "to": to.id, "revisions": list(to.revisions)}
        remaining = remaining_steps(done)
        if phase != "Succeeded":
            return Outcome(Result.FAILED, f"rollback {phase.lower()}: {message}", state, remaining, data)
        try:
            self._check_parent(before, paused, report)
        except LabError as error:
            return Outcome(Result.FAILED, f"rolled back, but it will not last: {error}", state, remaining, data)
        return Outcome(Result.DONE, f"rolled back to {to.id} ({shorts(to.revisions)})", state, remaining, data)

    def _compared(self, done: Application, report: Report) -> Application:
        """Argo CD compares with git after the operation's end: until then it still says what was so before."""
        report("comparing", "asking Argo CD to compare it with git")
        try:
            return self._applications.refresh(self.target)
        except LabError as error:
            report("comparing", f"it could not: {error}")
            return done

    def _check_parent(self, app: Application, paused: bool, report: Report) -> None:
        """A parent that sees the pause as drift will undo it: find out by asking it to compare now."""
        if not paused or app.parent is None:
            return
        report("checking", f"asking the parent application {app.parent.name} whether it leaves the pause alone")
        try:
            parent = self._applications.refresh(app.parent)
        except NotFound:
            return  # the tracking annotation of a parent that is gone
        for child in parent.resources:
            if (child.kind, child.name, child.namespace) == ("Application", app.ref.name, app.ref.namespace):
                if child.sync == "OutOfSync" and self._pause_lost():
                    raise Refused(
                        f"The parent application {app.parent.name} sees the pause as drift and would undo it",
                        "",
                        "Revert the change in git instead, or give the parent ignoreDifferences for "
                        "/spec/syncPolicy/automated with RespectIgnoreDifferences=true",
                    )
                return

    def _pause_lost(self) -> bool:
        """The child may differ from its parent's manifest for other reasons: what counts is whether that heals the pause."""
        app = self._applications.get(self.target)
        if not app.auto_sync.paused:
            return True
        if app.parent is None:
            return False
        parent = self._applications.get(app.parent)
        return parent.auto_sync.on and parent.auto_sync.self_heal

    def _put_back(self, app: Application, paused: bool, report: Report) -> None:
        if app.rollback is not None:
            return  # an earlier rollback stands; its pause and its record stay
        report("restoring", "turning auto-sync on again" if paused else "taking the note away")
        try:
            self._applications.resume_auto_sync(self.target, app.auto_sync if paused else None)
        except LabError as error:
            raise Refused(
                "The rollback was refused, and auto-sync could not be turned on again",
                error.cause,
                f"Auto-sync of {app.ref.name} is off now: turn it on with labtui rollback {app.ref.name} --finish",
            ) from error


def remaining_steps(app: Application) -> tuple[str, ...]:
    """What makes a rollback last, in words, from what the application itself says."""
    record = app.rollback
    if record is None:
        return ()
    steps = []
    if app.sync != "Synced":
        steps.append(
            f"git, at {shorts(record.from_revisions)}, still has the newer one: put the older one back, so that both agree"
        )
    if record.paused:
        steps.append(f"{'then ' if steps else ''}turn auto-sync on again")
    elif app.sync == "Synced":
        steps.append("take the note of the rollback away")
    return tuple(steps)


def _with(error: LabError, words: str) -> LabError:
    return type(error)(error.title, error.detail, f"{error.hint}; {words}" if error.hint else words)
