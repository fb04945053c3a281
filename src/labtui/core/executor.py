"""The single gate that every change passes: confirmed, allowed, still true, alone, and on the record."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from labtui.domain.errors import Denied, Invalid, LabError, NotFound, OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.plan import Confirmed, Outcome, Plan, Progress, Result
from labtui.domain.ref import Ref
from labtui.ports import AuditLog, Clock

log = logging.getLogger(__name__)

Report = Callable[[str, str], None]  # phase, text


class Operation(Protocol):
    """Something that can be planned and done."""

    @property
    def action(self) -> str:
        """Its id in `core.actions`."""

    @property
    def target(self) -> Ref:
        """What it is done to."""

    def plan(self) -> Plan:
        """Ask the world and say what would be done. Changes nothing."""

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Do what the plan says, report each phase as it happens, read the world back. Raises LabError when it fails."""


@dataclass(frozen=True, slots=True)
class Running:
    """An operation that is being run now."""

    id: str
    plan: Plan
    since: datetime
    last: Progress | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """An operation of this run of labtui that has ended."""

    id: str
    plan: Plan
    at: datetime
    outcome: Outcome


class Executor:
    """Runs confirmed operations: at most one for each thing at a time, none in read-only mode, each in the audit log."""

    def __init__(
        self,
        audit: AuditLog,
        clock: Clock,
        *,
        by: str,
        read_only: str = "",
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`read_only` is the reason (`--read-only`), empty when changes are allowed. `changed` is called after every
        progress, start and end, from the thread that runs the operation."""
        self.audit = audit
        self.read_only = read_only
        self.by = by
        self.changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[Ref, str] = {}
        self._running: dict[str, Running] = {}
        self._ended: list[Ended] = []

    def running(self) -> tuple[Running, ...]:
        """What is being done now, oldest first."""
        with self._lock:
            return tuple(self._running.values())

    def ended(self) -> tuple[Ended, ...]:
        """What was done since the start, oldest first."""
        with self._lock:
            return tuple(self._ended)

    def confirm(self, plan: Plan) -> Confirmed:
        """Note that the user has said yes to this plan."""
        return Confirmed(plan, self.by, self._clock.now())

    def start(
        self, operation: Operation, confirmed: Confirmed, report: Report, done: Callable[[Outcome], None]
    ) -> None:
        """Like `run`, in a daemon thread of its own; `done` is called there at the end."""

        def work() -> None:
            done(self.run(operation, confirmed, report))

        threading.Thread(target=work, name=f"operation {confirmed.plan.action}", daemon=True).start()

    def run(self, operation: Operation, confirmed: Confirmed, report: Report) -> Outcome:
        """Run it and say how it ended; errors become outcomes, nothing is raised but an interruption from the keyboard."""
        plan, identity = confirmed.plan, uuid.uuid4().hex[:12]
        try:
            self._hold(plan, identity)
        except Refused as error:
            return _refused(error)
        try:
            return self._run_held(identity, operation, confirmed, report)
        finally:
            self._release(identity)

    def _run_held(self, identity: str, operation: Operation, confirmed: Confirmed, report: Report) -> Outcome:
        plan = confirmed.plan

        def progress(phase: str, text: str) -> None:
            with self._lock:
                running = self._running[identity]
                self._running[identity] = Running(
                    identity, running.plan, running.since, Progress(self._clock.now(), phase, text)
                )
            report(phase, text)
            self.changed()

        try:
            self._check_still_true(operation, plan)
            self._record(identity, "intent", plan, {"steps": [s.title for s in plan.steps], "facts": dict(plan.facts)})
        except LabError as error:
            return self._end(identity, plan, _refused(error))
        outcome = Outcome(Result.UNKNOWN, "interrupted", "It was cut off; look at the state before you do it again")
        try:
            outcome = self._attempt(operation, plan, progress)
        finally:  # also when the program is interrupted from the keyboard: the log says so
            extra = {"result": outcome.result.value, "message": outcome.message, "state": outcome.state}
            self._record_outcome(identity, plan, extra)
        return self._end(identity, plan, outcome)

    def _attempt(self, operation: Operation, plan: Plan, report: Report) -> Outcome:
        try:
            return operation.run(plan, report)
        except OutcomeUnknown as error:
            return Outcome(Result.UNKNOWN, str(error), "It may or may not have happened; look before you do it again")
        except LabError as error:
            return Outcome(Result.FAILED, str(error))
        except Exception as error:  # a defect must end in an outcome and in the audit log, not in silence
            log.exception("%s failed", plan.action)
            return Outcome(Result.FAILED, f"Internal error: {type(error).__name__}; the log file has the details")

    def _check_still_true(self, operation: Operation, plan: Plan) -> None:
        if plan.refusals:
            raise Refused(plan.title, "; ".join(plan.refusals))
        fresh = operation.plan()
        if fresh.refusals:
            raise Refused(plan.title, "; ".join(fresh.refusals))
        if fresh.digest != plan.digest:
            old, new = dict(plan.facts), dict(fresh.facts)
            different = [
                f"{k}: {old.get(k, '-')} → {new.get(k, '-')}" for k in {**old, **new} if old.get(k) != new.get(k)
            ]
            raise Refused(
                "Things have changed since this plan was made, so nothing was done",
                "; ".join(different),
                "Look at the new plan",
            )

    def _hold(self, plan: Plan, identity: str) -> None:
        if self.read_only and plan.changes:
            raise Refused(plan.title, self.read_only)
        wanted = (plan.target, *plan.also) if plan.exclusive else ()
        with self._lock:
            for ref in wanted:
                if ref in self._held:
                    holder = self._running[self._held[ref]].plan.title
                    raise Refused(plan.title, f"another operation runs: {holder}", "Wait until it has ended")
            for ref in wanted:
                self._held[ref] = identity
            self._running[identity] = Running(identity, plan, self._clock.now())
        self.changed()

    def _release(self, identity: str) -> None:
        with self._lock:
            self._running.pop(identity, None)
            for ref in [r for r, holder in self._held.items() if holder == identity]:
                del self._held[ref]
        self.changed()

    def _end(self, identity: str, plan: Plan, outcome: Outcome) -> Outcome:
        with self._lock:
            self._ended.append(Ended(identity, plan, self._clock.now(), outcome))
            del self._ended[:-100]
        return outcome

    def _record(self, identity: str, event: str, plan: Plan, extra: dict[str, Any]) -> None:
        if not plan.changes:
            return
        target = plan.target
        self.audit.append(
            {
                "at": self._clock.now().isoformat(),
                "event": event,
                "id": identity,
                "by": self.by,
                "action": plan.action,
                "title": plan.title,
                "target": {
                    "source": str(target.source),
                    "kind": target.kind,
                    "namespace": target.namespace,
                    "name": target.name,
                },
                **extra,
            }
        )

    def _record_outcome(self, identity: str, plan: Plan, extra: dict[str, Any]) -> None:
        try:
            self._record(identity, "outcome", plan, extra)
        except LabError as error:
            # the change has happened: losing its record is bad, hiding its result would be worse
            log.error("the outcome of %s is not in the audit log: %s", plan.action, error)


def _refused(error: LabError) -> Outcome:
    known = isinstance(error, Refused | Denied | SignedOut | NotFound | Invalid | Unreachable)
    return Outcome(Result.REFUSED if known else Result.FAILED, str(error), "Nothing was changed")
