"""What the screen does with Compose services and their stacks."""

from __future__ import annotations

from labtui.core.actions import Action
from labtui.core.migration.service import Record
from labtui.core.stackplan import PlannedStack, StackPlanner
from labtui.domain.resources import DockerService
from labtui.tui.flows.flow import Flow
from labtui.tui.screens.plan import PlanScreen


class DockerFlow(Flow):
    """Plan moves."""

    def start(self, action: Action, resource: DockerService) -> None:
        """Begin an action on a service."""
        if action.id == "docker.plan":
            self._plan_move(resource)
        else:
            super().start(action, resource)

    def _plan_move(self, service: DockerService) -> None:
        site, stack = service.ref.source.scope, service.stack
        name = f"{site}/{stack}"
        can_move = self.lab.make_migrations is not None

        def work() -> Record | tuple[StackPlanner, PlannedStack]:
            there = self.runs.migrations.under_way(site, stack) if can_move else None
            if there is not None:
                return there
            planner = self.lab.planning()
            return planner, planner.plan(*planner.find(name))

        def show(answer: Record | tuple[StackPlanner, PlannedStack]) -> None:
            if isinstance(answer, tuple):
                self.runs.push(
                    PlanScreen(*answer, self._save_answers, self.runs.migrations.begin if can_move else None)
                )
            else:
                self.runs.migrations.open(answer.about.site, answer.about.stack, answer)

        if can_move and self.runs.migrations.open_running(site, stack):
            return
        what = "docker compose merges its files, then images, volumes and the cluster are looked at …"
        self.runs.ask(f"Plan a move to Kubernetes: {name}", what, work, show)

    def _save_answers(self, planned: PlannedStack) -> None:
        if self.lab.executor.read_only:
            self.runs.toast("Save the answers: not now", self.lab.executor.read_only, "warning")
            return
        self.runs.confirm("Save the answers", lambda: self.lab.save_answers(planned), "Asking git for the branch …")
