"""One Argo CD server: its feed, its applications, signing in, and its health."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from labtui.adapters.argocd import failures, parse
from labtui.adapters.argocd.allowances import may
from labtui.adapters.argocd.api import Api
from labtui.adapters.argocd.applications import ApplicationCalls
from labtui.adapters.argocd.checks import Examination
from labtui.adapters.argocd.feed import Following
from labtui.adapters.argocd.known import Known
from labtui.domain.checks import Check
from labtui.domain.connections import ArgocdConnection
from labtui.domain.errors import OutcomeUnknown, Refused, SignedOut, Unreachable
from labtui.domain.ref import SourceId, SourceKind
from labtui.ports import Clock, Emit

if TYPE_CHECKING:
    import httpx


class ArgocdSource(ApplicationCalls):
    """Implements the ports Feed, Applications, Login, Allowances and Diagnosable for one server."""

    def __init__(
        self, connection: ArgocdConnection, clock: Clock, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """`transport` takes the place of the network in tests."""
        source = SourceId(SourceKind.ARGOCD, connection.url.partition("://")[2])
        super().__init__(Api(connection, transport), source, Known())
        self._clock = clock
        self._lock = threading.Lock()
        self._following: Following | None = None

    @property
    def source(self) -> SourceId:
        """Argo CD at its address."""
        return self._source

    # Feed

    def follow(self, emit: Emit, stop: threading.Event) -> None:
        """List all applications, then follow every change of them."""
        following = Following(self._api, self._source, self._known, self._clock, emit, stop)
        with self._lock:
            self._following = following
        try:
            if not stop.is_set():
                following.run()
        finally:
            with self._lock:
                self._following = None

    def close(self) -> None:
        """End a running `follow` at once."""
        with self._lock:
            following = self._following
        if following is not None:
            following.interrupt(Unreachable("The connection to Argo CD was closed"))

    # Login

    def login(self, username: str, password: str) -> None:
        """Exchange name and password for a token, and use that from now on in this process."""
        try:
            body = {"username": username, "password": password}
            answer = self._api.change("POST", "/api/v1/session", (), body, anonymous=True)
        except OutcomeUnknown as error:  # nothing was changed by it
            raise Unreachable(error.title, error.detail) from error
        if answer.code:
            refusal = failures.of_answer(answer.status, answer.code, answer.message, changing=False)
            if isinstance(refusal, SignedOut | Refused):
                hint = "Check both; after several failures Argo CD waits a while"
                raise SignedOut("Argo CD does not take this name and password", answer.message, hint)
            raise refusal
        token = parse.text(answer.data if isinstance(answer.data, dict) else {}, "token")
        if not token:
            raise SignedOut("Argo CD gave no token", "its answer to the login has none")
        self._api.tokens.hold(token)

    # Allowances

    def may(self, resource: str, action: str, what: str) -> bool:
        """See `ports.moving.Allowances`."""
        return may(self._api, resource, action, what)

    # Diagnosable

    def check(self) -> Iterator[Check]:
        """Connection, version, clock, who is signed in, what that account may do."""
        return Examination(self._api, self._source, self._clock).run()
