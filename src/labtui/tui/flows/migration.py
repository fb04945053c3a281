"""What the screen does with migrations: see `tui.migration.flow`."""

from __future__ import annotations

from labtui.core.actions import Action
from labtui.domain.resources import Migration
from labtui.tui.flows.flow import Flow


class MigrationActions(Flow):
    """Hands each action to the flow of migrations."""

    def start(self, action: Action, resource: Migration) -> None:
        """Begin an action on a migration."""
        self.runs.migrations.start(action.id, resource)
