"""A short visit to an engine: connect, ask a few things, hang up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from labtui.adapters.docker.engine import FAILURES, Engine, Wires, explain
from labtui.adapters.docker.link import Link, open_link
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import LabError, Unreachable


@contextmanager
def visit(connection: DockerConnection) -> Iterator[Engine]:
    """An engine for the time of the block. Raises LabError when it cannot be reached, or is lost meanwhile."""
    link: Link | None = None
    engine: Engine | None = None
    wires = Wires()
    kept: socket.socket | None = None
    try:
        link = open_link(connection)
        link.ready(Event())
        # An ssh master ends with its last session. Attached programs close the connection that they come over, so the
        # master's own one is kept out of their way.
        kept = link.take()
        engine = Engine(connection, link, wires)
        yield engine
    except (*FAILURES, LabError) as error:
        known = explain(error, connection)
        if isinstance(known, Unreachable) and link is not None:
            known = link.fault() or known
        raise known from error
    finally:
        wires.cut()
        if engine is not None:
            engine.close()
        if kept is not None:
            kept.close()
        if link is not None:
            link.close()
