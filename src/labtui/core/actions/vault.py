"""Actions on secret paths."""

from __future__ import annotations

from labtui.core.actions.action import Action, checking
from labtui.domain.plan import Danger
from labtui.domain.resources import SecretPath

_ON = (SecretPath,)
_SECRET = checking(SecretPath, lambda secret: None if secret.folder else secret.denied)

ACTIONS = (
    Action(
        "vault.reveal", "v", "Show values", "Read the secret's values and show them until the dialog is closed", _ON,
        _SECRET, Danger.CONFIRM, changes=False, screen_only="not yet on the command line",
    ),
)  # fmt: skip
