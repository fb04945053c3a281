"""What the screen does with secret paths."""

from __future__ import annotations

from labtui.core.actions import Action
from labtui.domain.errors import Refused
from labtui.domain.resources import SecretPath
from labtui.ports import Secrets
from labtui.tui.flows.flow import Flow
from labtui.tui.screens.secret import SecretScreen


class VaultFlow(Flow):
    """Look at secrets."""

    def start(self, action: Action, resource: SecretPath) -> None:
        """Begin an action on a secret path."""
        if action.id == "vault.reveal":
            self._reveal(resource)
        else:
            super().start(action, resource)

    def _reveal(self, secret: SecretPath) -> None:
        secrets = self.lab.secrets
        if secrets is None:
            advice = "Name it in the estate file (vault.address) or in VAULT_ADDR"
            self.runs.problem(Refused("This estate has no Vault server", "", advice), "Show values")
            return
        vault: Secrets = secrets

        def show(keys: tuple[str, ...]) -> None:
            self.runs.push(SecretScreen(secret, keys, vault))

        self.runs.ask(secret.path, "Asking Vault for the keys …", lambda: vault.keys(secret.ref), show)
