"""The way to an engine: the address itself for `unix://` and `tcp://`, a relay through the ssh program for `ssh://`."""

from __future__ import annotations

import socket
from threading import Event
from typing import Protocol

from labtui.adapters.docker.ssh import Relay
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import Invalid, LabError
from labtui.domain.text import clean


class Link(Protocol):
    """A way to an engine. Used once: after `close` it stays closed."""

    @property
    def address(self) -> str:
        """What the SDK connects to: `unix:///…` or `tcp://…`."""

    @property
    def closed(self) -> bool:
        """`close` was called."""

    def ready(self, stop: Event) -> None:
        """Wait until `address` takes connections, or `stop` is set. Raises LabError when there is no way through."""

    def take(self) -> socket.socket | None:
        """A connection to the engine that is already made; once, None if there is none. The caller closes it."""

    def fault(self) -> LabError | None:
        """Why the way is blocked, if it knows better than the SDK's error."""

    def close(self) -> None:
        """From any thread, any number of times: end every process, socket and file of this way."""


class Direct:
    """The engine's own socket."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._closed = Event()

    @property
    def address(self) -> str:
        """The address itself."""
        return self._address

    @property
    def closed(self) -> bool:
        """`close` was called."""
        return self._closed.is_set()

    def ready(self, stop: Event) -> None:
        """At once."""

    def take(self) -> socket.socket | None:
        """Has none."""
        return None

    def fault(self) -> LabError | None:
        """Never knows better."""
        return None

    def close(self) -> None:
        """Only notes it."""
        self._closed.set()


def open_link(connection: DockerConnection) -> Link:
    """Start on the way to the engine; does not wait for it. Raises Invalid for an address of another form, LabError without ssh."""
    if connection.host.startswith("ssh://"):
        return Relay(connection.host)
    if connection.host.startswith(("unix:///", "tcp://")):
        return Direct(connection.host)
    raise Invalid(
        f"Not the address of a Docker engine: {clean(connection.host, 80)}",
        hint="It is unix:///path, tcp://host:port or ssh://[user@]host[:port]",
    )
