"""The registry of actions: one place feeds the keys, the footer, the help page, the palette, `keys.yaml` and the command line.

One module for each group; `tui/flows` has a module of the same name that carries them out on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from labtui.core.actions import argocd, docker, migration, vault
from labtui.core.actions.action import Action
from labtui.domain.resources import Resource

ACTIONS: tuple[Action, ...] = (*argocd.ACTIONS, *docker.ACTIONS, *migration.ACTIONS, *vault.ACTIONS)

BY_ID = {action.id: action for action in ACTIONS}


def offered(resource: Resource, read_only: str = "") -> tuple[tuple[Action, str], ...]:
    """The actions that make sense for a resource, each with the reason why it cannot be done now (empty: it can)."""
    found = []
    for action in ACTIONS:
        reason = action.why_not(resource)
        if reason is not None:
            found.append((action, read_only if read_only and action.changes else reason))
    return tuple(found)


def meant(actions: Sequence[Action], resource: Resource) -> Action | None:
    """Of actions that share a key, the one that is for this row."""
    return next((action for action in actions if action.why_not(resource) is not None), None)


__all__ = ["ACTIONS", "BY_ID", "Action", "meant", "offered"]
