"""From a key to a confirmed change: ask for the plan, show it, run what was agreed to, tell how it ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import App

from labtui.core.actions import BY_ID, Action
from labtui.core.executor import Operation
from labtui.core.lab import Lab
from labtui.core.stackplan import PlannedStack, StackPlanner
from labtui.domain.errors import LabError, Refused
from labtui.domain.plan import Danger, Outcome, Plan, Progress, Result
from labtui.domain.ref import Ref
from labtui.domain.resources import Application, DockerService, Migration, Resource, SecretPath
from labtui.ports import Secrets, SyncRequest
from labtui.tui.asking import Asking, Severity
from labtui.tui.background import deliver, in_background
from labtui.tui.screens.confirm import ConfirmScreen, ConfirmSyncScreen
from labtui.tui.screens.operation import Next, OperationScreen, Run
from labtui.tui.screens.plan import PlanScreen
from labtui.tui.screens.rollback import RollbackChoice, RollbackScreen
from labtui.tui.screens.secret import SecretScreen
from labtui.tui.screens.text import TextScreen, tree_lines
from labtui.tui.widgets.lines import diff_lines

if TYPE_CHECKING:
    from labtui.core.migration.service import Record
    from labtui.tui.migration.flow import MigrationFlow

T = TypeVar("T")
Make = Callable[[], Operation]
DIFF_LINES = 20_000
RUNS_KEPT = 50


class ActionFlow(Asking):
    """Carries out the actions of `core.actions` for the chosen row."""

    def __init__(self, app: App[Any], lab: Lab) -> None:
        super().__init__(app, lab)
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
            self._toast(action.title, f"{resource.ref.name}: {reason}", "warning")
            return
        match resource:
            case Application():
                self._start_application(action, resource)
            case SecretPath():
                self._reveal(resource)
            case DockerService():
                self._plan_move(resource)
            case Migration():
                self.migrations.start(action_id, resource)
            case _:
                self._toast(action.title, f"{action.title} is not something for this row", "warning")

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

    # Argo CD applications

    def _start_application(self, action: Action, app: Application) -> None:
        ref = app.ref
        match action.id:
            case "argocd.sync":
                self._sync(app)
            case "argocd.rollback":
                self._choose_rollback(ref)
            case "argocd.finish_rollback":
                self._confirm(action.title, lambda: self.lab.finish_rollback(ref))
            case "argocd.terminate":
                self._confirm(action.title, lambda: self.lab.terminate(ref))
            case "argocd.refresh" | "argocd.hard_refresh":
                self._refresh(ref, hard=action.id == "argocd.hard_refresh")
            case "argocd.diff":
                self._diff(ref)
            case "argocd.tree":
                self._tree(app)
            case other:
                raise LookupError(f"no flow for {other}")

    def _sync(self, app: Application) -> None:
        def planned(answer: tuple[Operation, Plan]) -> None:
            request = SyncRequest()
            operations = {request: answer[0]}
            screen = ConfirmSyncScreen(answer[1], request, app.resources, partial(self._replan, app.ref, operations))

            def answered(yes: bool | None) -> None:
                if yes:
                    self._run(operations[screen.request], screen.plan)

            self._push(screen, answered)

        self._plan(f"Sync {app.ref.name}", lambda: self.lab.sync(app.ref), planned)

    def _replan(
        self, ref: Ref, operations: dict[SyncRequest, Operation], screen: ConfirmSyncScreen, request: SyncRequest
    ) -> None:
        def work() -> tuple[Operation, Plan]:
            operation = self.lab.sync(ref, request)
            return operation, operation.plan()

        def done(answer: tuple[Operation, Plan] | LabError) -> None:
            if not screen.is_attached:
                return  # cancelled meanwhile
            if isinstance(answer, LabError):
                screen.failed(answer)
                return
            operations[request] = answer[0]
            screen.show_request(answer[1], request)

        in_background(self.app, work, done, f"plan sync {ref.name}")

    def _choose_rollback(self, ref: Ref) -> None:
        def known(app: Application) -> None:
            if not app.history:
                self._problem(
                    Refused(f"There is nothing to roll {ref.name} back to", "its history is empty", _HISTORY),
                    "Roll back",
                )
                return
            self._push(RollbackScreen(app, self.lab), partial(self._rollback_chosen, ref))

        self._ask(
            f"Roll back {ref.name}", "Asking Argo CD for the history …", lambda: self.lab.argocd().get(ref), known
        )

    def _rollback_chosen(self, ref: Ref, choice: RollbackChoice | None) -> None:
        if choice is not None:
            self._confirm("Roll back", lambda: self.lab.rollback(ref, to=choice.to, prune=choice.prune))

    def _refresh(self, ref: Ref, *, hard: bool) -> None:
        try:
            operation = self.lab.refresh(ref, hard=hard)
            plan = operation.plan()  # asks nobody
        except LabError as error:
            self._problem(error, "Refresh")
            return
        self._toast(plan.title, "Asking Argo CD to compare it with git …")
        self._begin(Run(plan), operation)

    def _diff(self, ref: Ref) -> None:
        def show(items: Any) -> None:
            if not items:
                self._toast(f"Diff of {ref.name}", "git and the cluster agree: there are no differences")
                return
            note = "What a sync would change: - is in the cluster, + is in git"
            self._push(TextScreen(f"{ref.name}: git against the cluster", diff_lines(items, DIFF_LINES), note))

        self._ask(f"Diff of {ref.name}", "Asking Argo CD what differs …", lambda: self.lab.argocd().diff(ref), show)

    def _tree(self, app: Application) -> None:
        def show(nodes: Any) -> None:
            note = f"{len(nodes)} resources · ● healthy ⇄ progressing ✗ degraded or missing ○ suspended"
            self._push(TextScreen(f"{app.ref.name}: resource tree", tree_lines(app, nodes), note))

        name = app.ref.name
        self._ask(
            f"Resources of {name}", "Asking Argo CD for the tree …", lambda: self.lab.argocd().tree(app.ref), show
        )

    # Vault

    def _reveal(self, secret: SecretPath) -> None:
        secrets = self.lab.secrets
        if secrets is None:
            advice = "Name it in the estate file (vault.address) or in VAULT_ADDR"
            self._problem(Refused("This estate has no Vault server", "", advice), "Show values")
            return
        vault: Secrets = secrets

        def show(keys: tuple[str, ...]) -> None:
            self._push(SecretScreen(secret, keys, vault))

        self._ask(secret.path, "Asking Vault for the keys …", lambda: vault.keys(secret.ref), show)

    # Docker

    def _plan_move(self, service: DockerService) -> None:
        site, stack = service.ref.source.scope, service.stack
        name = f"{site}/{stack}"
        can_move = self.lab.make_migrations is not None

        def work() -> Record | tuple[StackPlanner, PlannedStack]:
            there = self.migrations.under_way(site, stack) if can_move else None
            if there is not None:
                return there
            planner = self.lab.planning()
            return planner, planner.plan(*planner.find(name))

        def show(answer: Record | tuple[StackPlanner, PlannedStack]) -> None:
            if isinstance(answer, tuple):
                self._push(PlanScreen(*answer, self._save_answers, self.migrations.begin if can_move else None))
            else:
                self.migrations.open(answer.about.site, answer.about.stack, answer)

        if can_move and self.migrations.open_running(site, stack):
            return
        what = "docker compose merges its files, then images, volumes and the cluster are looked at …"
        self._ask(f"Plan a move to Kubernetes: {name}", what, work, show)

    def _save_answers(self, planned: PlannedStack) -> None:
        if self.lab.executor.read_only:
            self._toast("Save the answers: not now", self.lab.executor.read_only, "warning")
            return
        self._confirm("Save the answers", lambda: self.lab.save_answers(planned), "Asking git for the branch …")

    # Plan, confirm, run

    def _plan(
        self,
        title: str,
        make: Make,
        then: Callable[[tuple[Operation, Plan]], None],
        what: str = "Asking Argo CD what this would do …",
    ) -> None:
        def work() -> tuple[Operation, Plan]:
            operation = make()
            return operation, operation.plan()

        self._ask(title, what, work, then)

    def _confirm(self, title: str, make: Make, what: str = "Asking Argo CD what this would do …") -> None:
        def planned(answer: tuple[Operation, Plan]) -> None:
            operation, plan = answer
            if plan.danger is Danger.NONE and not plan.refusals:
                self._run(operation, plan)
                return
            self._push(ConfirmScreen(plan), lambda yes: self._run(operation, plan) if yes else None)

        self._plan(title, make, planned, what)

    def _run(self, operation: Operation, plan: Plan) -> None:
        run = Run(plan)
        self._open(run)
        self._begin(run, operation)

    def _open(self, run: Run) -> None:
        screen = OperationScreen(run)
        self._screens[id(run)] = screen
        self._push(screen, partial(self._closed, run))

    def _closed(self, run: Run, wanted: Next | None) -> None:
        self._screens.pop(id(run), None)
        ref = run.plan.target
        if wanted is Next.FINISH:
            self._confirm("Make rollback last", lambda: self.lab.finish_rollback(ref))
        elif wanted is Next.AGAIN:
            self._ask(
                ref.name, "Asking Argo CD …", lambda: self.lab.argocd().get(ref), partial(self.start, run.plan.action)
            )

    def _begin(self, run: Run, operation: Operation) -> None:
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
        self._toast(
            f"{run.plan.title}: {outcome.result.value}",
            f"{outcome.message}.{more}" if more else outcome.message,
            severity,
        )


_HISTORY = "Argo CD writes the history at each full sync: sync it once"
