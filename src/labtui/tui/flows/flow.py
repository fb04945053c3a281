"""What every flow has: the app, the estate, and the machinery that plans, asks, runs and tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labtui.core.actions import Action

if TYPE_CHECKING:
    from labtui.tui.operations import ActionFlow, Make


class Flow:
    """Carries out the actions of one group. `runs` asks servers, shows plans and runs operations."""

    def __init__(self, runs: ActionFlow) -> None:
        self.runs = runs
        self.app = runs.app
        self.lab = runs.lab

    def operation(self, action: Action, resource: Any) -> Make | None:
        """What makes the operation of an action that needs nothing but the row; None when there is more to ask.

        It is called away from the screen's thread. Marked rows can be acted on only through it.
        """
        return None

    def start(self, action: Action, resource: Any) -> None:
        """Begin an action: here one that needs nothing but the row, whose plan is shown and confirmed.

        Raises LookupError for an action that this flow does not know.
        """
        make = self.operation(action, resource)
        if make is None:
            raise LookupError(f"no flow for {action.id}")
        self.runs.confirm(action.title, make, self.asking)

    asking = "Asking what this would do …"  # while the plan is made
