"""The registry of actions: one place feeds the keys, the footer, the help page, the palette, `keys.yaml` and the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labtui.domain.plan import Danger
from labtui.domain.resources import Application, DockerService, Migration, Resource, SecretPath


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the operator can do to the chosen row.

    `why_not` answers with the reason when the action does not fit this resource now, with None where it makes no sense
    at all (then it is not offered), and with an empty text when it fits. `key` is the default key (Textual's names).
    """

    id: str
    key: str
    title: str
    help: str
    why_not: Callable[[Resource], str | None]
    danger: Danger
    changes: bool = True


def _application(check: Callable[[Application], str] = lambda app: "") -> Callable[[Resource], str | None]:
    def why_not(resource: Resource) -> str | None:
        return check(resource) if isinstance(resource, Application) else None

    return why_not


def _not_busy(app: Application) -> str:
    return "an operation is in progress" if app.busy else "it is being deleted" if app.deleting else ""


def _secret(resource: Resource) -> str | None:
    if not isinstance(resource, SecretPath) or resource.folder:
        return None
    return resource.denied


def _stack(resource: Resource) -> str | None:
    if not isinstance(resource, DockerService):
        return None
    return "" if resource.stack else "it belongs to no Compose stack"


def _migration(check: Callable[[Migration], str] = lambda found: "") -> Callable[[Resource], str | None]:
    def why_not(resource: Resource) -> str | None:
        return check(resource) if isinstance(resource, Migration) else None

    return why_not


def _runs_here(found: Migration) -> str:
    return "" if found.running else "it does not run in this labtui"


def _can_go_on(found: Migration) -> str:
    return _busy(found) or ("it has ended" if found.ended else "")


def _can_go_back(found: Migration) -> str:
    return _busy(found) or ("everything is on Docker" if found.ended and not found.moved else "")


def _busy(found: Migration) -> str:
    if found.running:
        return "it runs; pause it first"
    return f"{found.holder} works on it" if found.holder else ""


ACTIONS: tuple[Action, ...] = (
    Action(
        "argocd.sync",
        "s",
        "Sync",
        "Make the cluster what git says; shows the diff first",
        _application(_not_busy),
        Danger.CONFIRM,
    ),
    Action(
        "argocd.rollback",
        "R",
        "Roll back",
        "Back to an earlier deployment, also when auto-sync is on",
        _application(_not_busy),
        Danger.HIGH,
    ),
    Action(
        "argocd.finish_rollback",
        "F",
        "Make rollback last",
        "After a rollback: revert the change in git, then turn auto-sync on again",
        _application(lambda app: "" if app.rollback else "it was not rolled back by labtui"),
        Danger.CONFIRM,
    ),
    Action(
        "argocd.diff",
        "d",
        "Diff",
        "What differs between git and the cluster",
        _application(),
        Danger.NONE,
        changes=False,
    ),
    Action(
        "argocd.tree",
        "t",
        "Resource tree",
        "Everything that belongs to the application, with its health",
        _application(),
        Danger.NONE,
        changes=False,
    ),
    Action(
        "argocd.refresh",
        "ctrl+r",
        "Refresh",
        "Compare with git now",
        _application(),
        Danger.NONE,
        changes=False,
    ),
    Action(
        "argocd.hard_refresh",
        "H",
        "Hard refresh",
        "Compare with git now, without Argo CD's manifest cache",
        _application(),
        Danger.NONE,
        changes=False,
    ),
    Action(
        "argocd.terminate",
        "X",
        "Terminate",
        "End the running operation",
        _application(lambda app: "" if app.busy else "no operation is in progress"),
        Danger.CONFIRM,
    ),
    Action(
        "docker.plan",
        "m",
        "Plan a move to Kubernetes",
        "What the move of the stack would be, line by line; changes nothing",
        _stack,
        Danger.NONE,
        changes=False,
    ),
    Action(
        "migration.pause",
        "p",
        "Pause",
        "Let the action that runs end, then stop; nothing is lost, and it can be gone on with at any time",
        _migration(_runs_here),
        Danger.NONE,
        changes=False,
    ),
    Action(
        "migration.resume",
        "c",
        "Continue",
        "Go on where it stopped, was cut off or has failed, also from another machine",
        _migration(_can_go_on),
        Danger.CONFIRM,
    ),
    Action(
        "migration.undo",
        "U",
        "Undo all",
        "Take everything back, the last step first: the stack is on Docker again",
        _migration(_can_go_back),
        Danger.HIGH,
    ),
    Action(
        "migration.report",
        "r",
        "Report",
        "What was done when, what users noticed, how both sides compare",
        _migration(lambda found: "" if found.id else "nothing has been done yet"),
        Danger.NONE,
        changes=False,
    ),
    Action(
        "vault.reveal",
        "v",
        "Show values",
        "Read the secret's values and show them until the dialog is closed",
        _secret,
        Danger.CONFIRM,
        changes=False,
    ),
)

BY_ID = {action.id: action for action in ACTIONS}


def offered(resource: Resource, read_only: str = "") -> tuple[tuple[Action, str], ...]:
    """The actions that make sense for a resource, each with the reason why it cannot be done now (empty: it can)."""
    found = []
    for action in ACTIONS:
        reason = action.why_not(resource)
        if reason is not None:
            found.append((action, read_only if read_only and action.changes else reason))
    return tuple(found)
