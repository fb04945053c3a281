"""The token of an Argo CD server: read when it is needed, renewed by the server, never shown."""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie

from labtui.domain.connections import Secret
from labtui.domain.errors import SignedOut

_COOKIE = "argocd.token"
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+\Z")
WORTH_TELLING = timedelta(days=7)


class Tokens:
    """The configured token, or the one that a login or a renewal gave in its place.

    A held token is used as long as the configured one stays what it was, and until the server refuses it: so a fresh
    `argocd login` in another terminal wins.
    """

    def __init__(self, configured: Secret) -> None:
        self._configured = configured
        self._lock = threading.Lock()
        self._held: tuple[str | None, str] | None = None

    def current(self) -> str | None:
        """The token to send now. Raises SignedOut when what is configured cannot be a token."""
        token = (self._configured() or "").strip() or None
        with self._lock:
            if self._held is not None and self._held[0] == token:
                return self._held[1]
            self._held = None
        if token is not None and not _HEADER_SAFE.match(token):
            raise SignedOut("The Argo CD token is damaged", "it holds characters that no token has", "Sign in again")
        return token

    def hold(self, token: str) -> None:
        """Use this one from now on, in this process only."""
        configured = (self._configured() or "").strip() or None
        with self._lock:
            self._held = (configured, token)

    def refused(self, token: str | None) -> None:
        """The server does not take it: if it was a held one, go back to the configured one."""
        with self._lock:
            if self._held is not None and self._held[1] == token:
                self._held = None

    def renew(self, set_cookies: Iterable[str]) -> None:
        """Take over a renewed token (`Set-Cookie: argocd.token`, in several parts if it is long: util/http/http.go)."""
        parts: dict[str, str] = {}
        for header in set_cookies:
            try:
                parts |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
            except CookieError:
                continue
        token = parts.get(_COOKIE, "")
        count, colon, first = token.partition(":")
        if colon and count.isdigit() and int(count) < 100:
            token = first + "".join(parts.get(f"{_COOKIE}-{n}", "") for n in range(1, int(count)))
        if token and _HEADER_SAFE.match(token):
            self.hold(token)


def expires(token: str | None) -> datetime | None:
    """When a JSON Web Token ends by its own claim `exp` (RFC 7519 4.1.4); None if it never does or is no such token."""
    parts = (token or "").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        seconds = claims["exp"]
        return datetime.fromtimestamp(float(seconds), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def time_left(token: str | None, now: datetime) -> str:
    """`2d left`, `5h left`, `less than 1h left`, `expired`; empty when it lasts longer than a week or for ever.

    Coarse, so that an idle screen stays still.
    """
    end = expires(token)
    if end is None or end - now > WORTH_TELLING:
        return ""
    seconds = (end - now).total_seconds()
    if seconds <= 0:
        return "expired"
    if seconds < 3600:
        return "less than 1h left"
    return f"{int(seconds // 86400)}d left" if seconds >= 86400 else f"{int(seconds // 3600)}h left"
