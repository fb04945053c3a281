"""Errors that a person can act on.

    LabError            what went wrong (title), why (detail, in the server's own words), what to do (hint)
    ├── Unreachable     no answer: refused, timed out, name unknown, connection lost
    ├── SignedOut       no credentials, or they have expired
    ├── Denied          signed in, but this is not allowed
    ├── NotFound        the thing is not there
    ├── Refused         the server, or labtui itself, will not do it (unsafe, impossible, another operation runs)
    ├── OutcomeUnknown  a change was sent and no answer came: it may or may not have happened
    ├── MustUndo        a step of a migration missed its aim, and what it did is to be taken back at once
    │   └── BudgetExceeded  more requests failed, or nothing was answered for longer, than the operator allows
    └── Invalid         the user's input or a file is wrong

No message holds a secret value. Exit statuses of the command line follow from the class (`labtui.cli`).
"""

from __future__ import annotations

from collections.abc import Mapping


class LabError(Exception):
    """Base of all errors that labtui reports to its user."""

    def __init__(self, title: str, detail: str = "", hint: str = "") -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.hint = hint
        self.left: Mapping[str, object] = {}  # what a failed action of a migration leaves in the journal, plain JSON

    def __str__(self) -> str:
        return ". ".join(part.rstrip(".") for part in (self.title, self.detail, self.hint) if part)

    @property
    def cause(self) -> str:
        """The detail if there is one, else the title: what a pane has room for."""
        return self.detail or self.title


class Unreachable(LabError):
    """The server did not answer."""


class SignedOut(LabError):
    """There are no credentials, or the server no longer takes them."""


class Denied(LabError):
    """The credentials are good, the permission is missing."""


class NotFound(LabError):
    """The thing that was asked for does not exist."""


class Refused(LabError):
    """Will not be done: unsafe, impossible now, or against a rule of the server."""


class OutcomeUnknown(LabError):
    """A change was sent and no answer came back; observe, do not guess and do not repeat."""


class MustUndo(LabError):
    """A step of a migration missed its aim (pods that never get ready, say): the engine takes it back by itself."""


class BudgetExceeded(MustUndo):
    """More requests failed, or nothing was answered for longer, than the operator allows: the cut-over is taken back."""


class Invalid(LabError):
    """Wrong usage, or a file that cannot be understood."""
