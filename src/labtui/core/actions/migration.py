"""Actions on migrations."""

from __future__ import annotations

from labtui.core.actions.action import Action, checking
from labtui.domain.plan import Danger
from labtui.domain.resources import Migration

_ON = (Migration,)


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


ACTIONS = (
    Action(
        "migration.pause", "p", "Pause",
        "Let the action that runs end, then stop; nothing is lost, and it can be gone on with at any time", _ON,
        checking(Migration, _runs_here), changes=False, screen_only="ctrl+c does the same to a running command",
    ),
    Action(
        "migration.resume", "c", "Continue",
        "Go on where it stopped, was cut off or has failed, also from another machine", _ON,
        checking(Migration, _can_go_on), Danger.CONFIRM, command="migration resume ID",
    ),
    Action(
        "migration.undo", "U", "Undo all", "Take everything back, the last step first: the stack is on Docker again",
        _ON, checking(Migration, _can_go_back), Danger.HIGH, command="migration undo ID",
    ),
    Action(
        "migration.report", "r", "Report", "What was done when, what users noticed, how both sides compare", _ON,
        checking(Migration, lambda found: "" if found.id else "nothing has been done yet"), changes=False,
        command="migration show ID",
    ),
)  # fmt: skip
