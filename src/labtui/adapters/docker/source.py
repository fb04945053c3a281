"""The Docker feed of one site and what `labtui doctor` asks of it. Loads the SDK only when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Lock
from typing import TYPE_CHECKING

from labtui.adapters.docker.link import Link, open_link
from labtui.domain.errors import LabError
from labtui.domain.ref import SourceId, SourceKind

if TYPE_CHECKING:
    from labtui.adapters.docker.session import Session
    from labtui.domain.checks import Check
    from labtui.domain.compose.stack import Stack
    from labtui.domain.connections import DockerConnection
    from labtui.domain.conversion.gathering import SiteFacts
    from labtui.ports import Clock, Emit


class DockerSource:
    """`ports.Feed`, `ports.Diagnosable` and `ports.SiteInspector` for one engine.

    Emits `DockerService`s: Compose services (kind `ComposeService`, namespace = project) and containers of their own (kind
    `Container`). A connection lost (the engine's end of file, an ssh that ended, 8 s of silence and 4 s without an answer to a
    ping) makes `follow` raise; calling it again connects anew, over ssh with a new ssh process.
    """

    def __init__(self, connection: DockerConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._source = SourceId(SourceKind.DOCKER, connection.site)
        self._lock = Lock()
        self._dialed: Link | None = None
        self._link: Link | None = None
        self._session: Session | None = None

    @property
    def source(self) -> SourceId:
        """Docker, and the site."""
        return self._source

    def dial(self) -> None:
        """Begin the ssh handshake of the first `follow` now, where there is one: it takes longer than all else at the start.

        Does not wait and raises nothing: `follow` tells what is wrong.
        """
        if self._connection.host.startswith("ssh://"):
            with suppress(LabError):
                self._dialed = open_link(self._connection)

    def follow(self, emit: Emit, stop: Event) -> None:
        """See `ports.Feed`. Raises Unreachable, Denied, Refused or Invalid."""
        if stop.is_set():
            return
        with self._lock:
            link, self._dialed = self._dialed, None
        link = link or open_link(self._connection)
        with self._lock:
            self._link = link
        try:
            # an ssh handshake is under way while the SDK is imported
            from labtui.adapters.docker.session import Session

            session = Session(self._connection, self._source, link)
            with self._lock:
                self._session = session
            if link.closed:
                session.abort()
            session.run(emit, stop)
        finally:
            link.close()
            with self._lock:
                self._link = self._session = None

    def close(self) -> None:
        """See `ports.Feed`."""
        with self._lock:
            links, session = (self._link, self._dialed), self._session
        for link in links:
            if link is not None:
                link.close()
        if session is not None:
            session.abort()

    def check(self) -> Iterator[Check]:
        """`connection`, then `ssh` (where it is used), `version` and `clock`."""
        from labtui.adapters.docker.checks import examine

        return examine(self._connection, self._source, self._clock)

    def look(self, stack: Stack) -> SiteFacts:
        """See `ports.SiteInspector`. Over a connection of its own."""
        from labtui.adapters.docker.inspection import inspect

        return inspect(self._connection, stack)
