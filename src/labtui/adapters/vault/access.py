"""The token in use: where it comes from, whether it is still good, how long it lasts."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from labtui.domain.connections import VaultConnection
from labtui.domain.errors import Denied, SignedOut

if TYPE_CHECKING:
    from labtui.adapters.vault.client import Client, Token

HINT = "Run: vault login, or set VAULT_TOKEN"
_DAY, _HOUR, _MINUTE = 86400, 3600, 60


class Access:
    """Gives out the token. A token that the user has is read at each use; one from a login is kept and shared."""

    def __init__(self, connection: VaultConnection) -> None:
        self._connection = connection
        self._made = ""
        self._lock = Lock()

    @property
    def logs_in(self) -> bool:
        """Does labtui get the token itself (Kubernetes, AppRole), or is it the user's?"""
        return self._connection.auth != "token"

    def token(self, client: Client) -> str:
        """The token to use now. Raises SignedOut."""
        if not self.logs_in:
            token = self._connection.token()
            if not token:
                raise SignedOut("There is no Vault token", "", HINT)
            return token
        with self._lock:
            if not self._made:
                self._made = client.login()
            return self._made

    def forget(self) -> None:
        """Log in anew at the next use."""
        with self._lock:
            self._made = ""

    def sign_in(self, client: Client) -> Token | None:
        """Have `client` use a good token. None: it is good, but may not ask about itself. Raises SignedOut."""
        client.use(self.token(client))
        try:
            return _examine(client)
        except SignedOut:
            if not self.logs_in:
                raise
        self.forget()
        client.use(self.token(client))
        return _examine(client)


def _examine(client: Client) -> Token | None:
    try:
        return client.lookup()
    except Denied as error:
        if is_policy(error.detail):
            return None
        hint = "It may have been revoked, too. " + HINT
        words = f"token expired or wrong: {error.detail}"
        raise SignedOut("Vault does not take the token", words, hint) from None


def is_policy(words: str) -> bool:
    """Both a bad token and a missing right are 403. The words differ: a bad token is `permission denied` alone (Vault adds
    `invalid token`), what a policy forbids is counted: `1 error occurred: * permission denied`."""
    words = words.lower()
    return "error occurred" in words and "invalid token" not in words and "bad token" not in words


def time_left(seconds: int) -> str:
    """Whole days, hours, then steps of ten minutes: a note that changes seldom."""
    if seconds >= _DAY:
        return f"{seconds // _DAY}d"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR}h"
    if seconds >= 10 * _MINUTE:
        return f"{seconds // (10 * _MINUTE) * 10}m"
    return "<10m"
