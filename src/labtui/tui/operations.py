"""From a key to a confirmed change: ask for the plan, show it, run what was agreed to, tell how it ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App

from labtui.core.actions import BY_ID
from labtui.core.executor import Operation
from labtui.core.lab import Lab
from labtui.domain.plan import Danger, Outcome, Plan, Progress, Result
from labtui.domain.ref import Ref
from labtui.domain.resources import Resource
from labtui.tui.asking import Asking, Severity
from labtui.tui.background import deliver
from labtui.tui.screens.confirm import ConfirmScreen
from labtui.tui.screens.operation import Next, OperationScreen, Run

if TYPE_CHECKING:
    from labtui.tui.flows.flow import Flow
    from labtui.tui.migration.flow import MigrationFlow

T = TypeVar("T")
Make = Callable[[], Operation]
RUNS_KEPT = 50
ASKING = "Asking what this would do …"


class ActionFlow(Asking):
    """Carries out the actions of `core.actions` for the chosen row."""

    def __init__(self, app: App[Any], lab: Lab) -> None:
        super().__init__(app, lab)
        self._flows: dict[str, Flow] = {}
        self._runs: list[Run] = []
        self._screens: dict[int, OperationScreen] = {}  # by id of the run, those that are open

    def start(self, action_id: str, resource: Resource) -> None:
        """Begin an action. What it cannot do is said in a toast. Raises KeyError for an id that the registry does not have."""
        action = BY_ID[action_id]
        reason = action.why_not(resource)
        if reason is None:
            reason = f"{action.title} is not something for this row"
        elif action.changes and self.lab.executor.read_only:
            reason = self.lab.executor.read_only
        if reason:
            self.toast(action.title, f"{resource.ref.name}: {reason}", "warning")
            return
        self.flow_of(action.group).start(action, resource)

    def flow_of(self, group: str) -> Flow:
        """What carries out the actions of a group. Raises LookupError for one that there is none for."""
        if group not in self._flows:
            self._flows[group] = _flow(group, self)
        return self._flows[group]

    def show_run(self, target: Ref) -> bool:
        """Open the newest operation on `target` of this run of labtui again; False when there is none."""
        for run in reversed(self._runs):
            if run.plan.target == target:
                if id(run) not in self._screens:
                    self._open(run)
                return True
        return False

    @cached_property
    def migrations(self) -> MigrationFlow:
        """What is done with migrations. Made when first needed: it brings their engine with it."""
        from labtui.tui.migration.flow import MigrationFlow

        return MigrationFlow(self.app, self.lab)

    def asks_before_leaving(self) -> bool:
        """Does something run that ends with labtui? True: the user is being asked."""
        return self.migrations.asks_before_leaving()

    # Plan, confirm, run

    def plan(
        self,
        title: str,
        make: Make,
        then: Callable[[tuple[Operation, Plan]], None],
        what: str = ASKING,
    ) -> None:
        def work() -> tuple[Operation, Plan]:
            operation = make()
            return operation, operation.plan()

        self.ask(title, what, work, then)

    def confirm(self, title: str, make: Make, what: str = ASKING) -> None:
        def planned(answer: tuple[Operation, Plan]) -> None:
            operation, plan = answer
            if plan.danger is Danger.NONE and not plan.refusals:
                self.run(operation, plan)
                return
            self.push(ConfirmScreen(plan), lambda yes: self.run(operation, plan) if yes else None)

        self.plan(title, make, planned, what)

    def run(self, operation: Operation, plan: Plan) -> None:
        run = Run(plan)
        self._open(run)
        self.begin(run, operation)

    def _open(self, run: Run) -> None:
        screen = OperationScreen(run)
        self._screens[id(run)] = screen
        self.push(screen, partial(self._closed, run))

    def _closed(self, run: Run, wanted: Next | None) -> None:
        self._screens.pop(id(run), None)
        ref = run.plan.target
        if wanted is Next.FINISH:
            self.confirm("Make rollback last", lambda: self.lab.finish_rollback(ref))
        elif wanted is Next.AGAIN:
            self.ask(
                ref.name, "Asking Argo CD …", lambda: self.lab.argocd().get(ref), partial(self.start, run.plan.action)
            )

    def begin(self, run: Run, operation: Operation) -> None:
        self._runs.append(run)
        del self._runs[:-RUNS_KEPT]

        def report(phase: str, text: str) -> None:
            progress = Progress(self.lab.clock.now(), phase, text)
            deliver(self.app, lambda: self._progressed(run, progress))

        def done(outcome: Outcome) -> None:
            deliver(self.app, lambda: self._ended(run, outcome))

        self.lab.executor.start(operation, self.lab.executor.confirm(run.plan), report, done)

    def _progressed(self, run: Run, progress: Progress) -> None:
        run.lines.append(progress)
        if screen := self._screens.get(id(run)):
            screen.update_run()

    def _ended(self, run: Run, outcome: Outcome) -> None:
        run.outcome = outcome
        screen = self._screens.get(id(run))
        if screen is not None:
            screen.update_run()
            return
        more = " F makes it last; until then auto-sync stays off." if run.can_finish else ""
        severity: Severity = "information" if outcome.result is Result.DONE else "error"
        self.toast(
            f"{run.plan.title}: {outcome.result.value}",
            f"{outcome.message}.{more}" if more else outcome.message,
            severity,
        )


def _flow(group: str, runs: ActionFlow) -> Flow:
    """Each brings its screens with it, so they are imported when first needed."""
    match group:
        case "argocd":
            from labtui.tui.flows.argocd import ArgocdFlow

            return ArgocdFlow(runs)
        case "docker":
            from labtui.tui.flows.docker import DockerFlow

            return DockerFlow(runs)
        case "migration":
            from labtui.tui.flows.migration import MigrationActions

            return MigrationActions(runs)
        case "vault":
            from labtui.tui.flows.vault import VaultFlow

            return VaultFlow(runs)
    raise LookupError(f"no flow for {group}")
