"""Actions on Argo CD applications."""

from __future__ import annotations

from labtui.core.actions.action import Action, checking
from labtui.domain.plan import Danger
from labtui.domain.resources import Application

_ON = (Application,)


def _not_busy(app: Application) -> str:
    return "an operation is in progress" if app.busy else "it is being deleted" if app.deleting else ""


_IDLE = checking(Application, _not_busy)

ACTIONS = (
    Action(
        "argocd.sync", "s", "Sync", "Make the cluster what git says; shows the diff first", _ON, _IDLE, Danger.CONFIRM,
        command="sync APP", bulk=True,
    ),
    Action(
        "argocd.rollback", "R", "Roll back", "Back to an earlier deployment, also when auto-sync is on", _ON, _IDLE,
        Danger.HIGH, command="rollback APP",
    ),
    Action(
        "argocd.finish_rollback", "F", "Make rollback last",
        "After a rollback: revert the change in git, then turn auto-sync on again", _ON,
        checking(Application, lambda app: "" if app.rollback else "it was not rolled back by labtui"), Danger.CONFIRM,
        command="rollback APP --finish",
    ),
    Action(
        "argocd.diff", "d", "Diff", "What differs between git and the cluster", _ON, changes=False, command="diff APP"
    ),
    Action(
        "argocd.tree", "t", "Resource tree", "Everything that belongs to the application, with its health", _ON,
        changes=False, screen_only="argocd app resources prints it",
    ),
    Action(
        "argocd.refresh", "ctrl+r", "Refresh", "Compare with git now", _ON, changes=False,
        screen_only="each command asks Argo CD afresh", bulk=True,
    ),
    Action(
        "argocd.hard_refresh", "H", "Hard refresh", "Compare with git now, without Argo CD's manifest cache", _ON,
        changes=False, screen_only="each command asks Argo CD afresh", bulk=True,
    ),
    Action(
        "argocd.terminate", "X", "Terminate", "End the running operation", _ON,
        checking(Application, lambda app: "" if app.busy else "no operation is in progress"), Danger.CONFIRM,
        screen_only="not yet on the command line",
    ),
)  # fmt: skip
