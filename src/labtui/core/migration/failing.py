"""How a run of the engine fails: errors that keep their class and say what to type next, and defects turned into errors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from labtui.domain.errors import (
    BudgetExceeded,
    Denied,
    Invalid,
    LabError,
    MustUndo,
    NotFound,
    OutcomeUnknown,
    Refused,
    SignedOut,
    Unreachable,
)
from labtui.domain.migration.journal import Aim, Goal

log = logging.getLogger(__name__)
T = TypeVar("T")
_KNOWN_ERRORS: tuple[type[LabError], ...] = (
    BudgetExceeded,
    MustUndo,
    Unreachable,
    SignedOut,
    Denied,
    NotFound,
    Refused,
    OutcomeUnknown,
    Invalid,
)


class Stop(Exception):
    """The run ends here and nothing more may be written: the lease is lost, or the journal cannot be kept, or a person is asked.

    No LabError, so that an action that catches those does not swallow it. `otherwise`: another way on than the usual one.
    """

    def __init__(self, error: LabError, otherwise: str = "") -> None:
        super().__init__(str(error))
        self.error, self.otherwise = error, otherwise


def guarded(work: Callable[[], T]) -> T:
    """A defect in an action must end in the journal and in words, not in a traceback that leaves things half done."""
    try:
        return work()
    except (LabError, Stop):
        raise
    except Exception as error:
        log.exception("an action of a migration failed")
        raise LabError(f"Internal error: {type(error).__name__}", "the log file has the details") from error


def like(error: LabError, detail: str, hint: str) -> LabError:
    """An error of the same class and title, with another detail and hint."""
    kind = next((known for known in _KNOWN_ERRORS if isinstance(error, known)), LabError)
    return kind(error.title, detail, hint)


def goal_words(goal: Goal) -> str:
    """What a run is for, in words."""
    if goal.aim is Aim.FORWARD:
        return f"Go on up to {goal.step}" if goal.step else "Go on to the end"
    return f"Undo what came after {goal.step}" if goal.step else "Undo everything"
