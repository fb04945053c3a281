"""What the screen does with Argo CD applications."""

from __future__ import annotations

from functools import partial
from typing import Any

from labtui.core.actions import Action
from labtui.core.executor import Operation
from labtui.domain.errors import LabError, Refused
from labtui.domain.plan import Plan
from labtui.domain.ref import Ref
from labtui.domain.resources import Application
from labtui.ports import SyncRequest
from labtui.tui.background import in_background
from labtui.tui.flows.flow import Flow
from labtui.tui.operations import Make
from labtui.tui.screens.confirm import ConfirmSyncScreen
from labtui.tui.screens.operation import Run
from labtui.tui.screens.rollback import RollbackChoice, RollbackScreen
from labtui.tui.screens.text import TextScreen, tree_lines
from labtui.tui.widgets.lines import diff_lines

DIFF_LINES = 20_000
_HISTORY = "Argo CD writes the history at each full sync: sync it once"


class ArgocdFlow(Flow):
    """Sync, roll back, look, ask again."""

    asking = "Asking Argo CD what this would do …"

    def operation(self, action: Action, resource: Application) -> Make | None:
        """What needs no more than the application."""
        ref, lab = resource.ref, self.lab
        match action.id:
            case "argocd.sync":
                return lambda: lab.sync(ref)
            case "argocd.finish_rollback":
                return lambda: lab.finish_rollback(ref)
            case "argocd.terminate":
                return lambda: lab.terminate(ref)
            case "argocd.refresh" | "argocd.hard_refresh":
                return lambda: lab.refresh(ref, hard=action.id == "argocd.hard_refresh")
        return None

    def start(self, action: Action, resource: Application) -> None:
        """Begin an action on an application."""
        match action.id:
            case "argocd.sync":
                self._sync(resource)
            case "argocd.rollback":
                self._choose_rollback(resource.ref)
            case "argocd.refresh" | "argocd.hard_refresh":
                self._refresh(resource.ref, hard=action.id == "argocd.hard_refresh")
            case "argocd.diff":
                self._diff(resource.ref)
            case "argocd.tree":
                self._tree(resource)
            case _:
                super().start(action, resource)

    def _sync(self, app: Application) -> None:
        def planned(answer: tuple[Operation, Plan]) -> None:
            request = SyncRequest()
            operations = {request: answer[0]}
            screen = ConfirmSyncScreen(answer[1], request, app.resources, partial(self._replan, app.ref, operations))

            def answered(yes: bool | None) -> None:
                if yes:
                    self.runs.run(operations[screen.request], screen.plan)

            self.runs.push(screen, answered)

        self.runs.plan(f"Sync {app.ref.name}", lambda: self.lab.sync(app.ref), planned, self.asking)

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
                self.runs.problem(
                    Refused(f"There is nothing to roll {ref.name} back to", "its history is empty", _HISTORY),
                    "Roll back",
                )
                return
            self.runs.push(RollbackScreen(app, self.lab), partial(self._rollback_chosen, ref))

        self.runs.ask(
            f"Roll back {ref.name}", "Asking Argo CD for the history …", lambda: self.lab.argocd().get(ref), known
        )

    def _rollback_chosen(self, ref: Ref, choice: RollbackChoice | None) -> None:
        if choice is not None:
            self.runs.confirm(
                "Roll back", lambda: self.lab.rollback(ref, to=choice.to, prune=choice.prune), self.asking
            )

    def _refresh(self, ref: Ref, *, hard: bool) -> None:
        try:
            operation = self.lab.refresh(ref, hard=hard)
            plan = operation.plan()  # asks nobody
        except LabError as error:
            self.runs.problem(error, "Refresh")
            return
        self.runs.toast(plan.title, "Asking Argo CD to compare it with git …")
        self.runs.begin(Run(plan), operation)

    def _diff(self, ref: Ref) -> None:
        def show(items: Any) -> None:
            if not items:
                self.runs.toast(f"Diff of {ref.name}", "git and the cluster agree: there are no differences")
                return
            note = "What a sync would change: - is in the cluster, + is in git"
            self.runs.push(TextScreen(f"{ref.name}: git against the cluster", diff_lines(items, DIFF_LINES), note))

        self.runs.ask(f"Diff of {ref.name}", "Asking Argo CD what differs …", lambda: self.lab.argocd().diff(ref), show)

    def _tree(self, app: Application) -> None:
        def show(nodes: Any) -> None:
            note = f"{len(nodes)} resources · ● healthy ⇄ progressing ✗ degraded or missing ○ suspended"
            self.runs.push(TextScreen(f"{app.ref.name}: resource tree", tree_lines(app, nodes), note))

        name = app.ref.name
        self.runs.ask(
            f"Resources of {name}", "Asking Argo CD for the tree …", lambda: self.lab.argocd().tree(app.ref), show
        )
