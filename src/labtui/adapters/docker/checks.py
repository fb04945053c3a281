"""What `labtui doctor` finds out about an engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

from labtui.adapters.docker.engine import FAILURES, Engine, Wires, explain
from labtui.adapters.docker.link import Link, open_link
from labtui.adapters.docker.parse import moment
from labtui.adapters.docker.ssh import Relay
from labtui.domain.checks import Check, Verdict
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.ref import SourceId
from labtui.domain.text import clean
from labtui.ports import Clock

SKEW_SECONDS = 5.0


def examine(connection: DockerConnection, source: SourceId, clock: Clock) -> Iterator[Check]:
    """Connect once and look."""
    link: Link | None = None
    engine: Engine | None = None
    try:
        begun = time.monotonic()
        link = open_link(connection)
        link.ready(Event())
        engine = Engine(connection, link, Wires())
        took = time.monotonic() - begun
        via = f" (context {connection.context})" if connection.context else ""
        yield Check(source.label, "connection", Verdict.OK, clean(f"{connection.host}{via}, {took * 1000:.0f} ms"))
        if isinstance(link, Relay):
            yield Check(source.label, "ssh", Verdict.OK, f"{link.ssh} {clean(str(link.target))}")
        version = engine.version
        detail = f"Docker {version.get('Version', '?')}, API {version.get('ApiVersion', '?')}"
        yield Check(source.label, "version", Verdict.OK, clean(f"{detail}, {version.get('Os')}/{version.get('Arch')}"))
        yield _clock(engine, source, clock)
    except (*FAILURES, LabError) as error:
        known = explain(error, connection)
        if isinstance(known, Unreachable) and link is not None:
            known = link.fault() or known
        unreachable = isinstance(known, Unreachable)
        hint = known.hint or f"Look whether the engine of {source.label} is up and reachable, then try again"
        name = "connection" if engine is None else "clock"
        yield Check(source.label, name, Verdict.FAIL, f"{known.title}: {known.cause}", hint, unreachable)
    finally:
        if engine is not None:
            engine.close()
        if link is not None:
            link.close()


def _clock(engine: Engine, source: SourceId, clock: Clock) -> Check:
    before = clock.now()
    theirs = moment(engine.info().get("SystemTime"))
    ours = before + (clock.now() - before) / 2
    if theirs is None:
        return Check(source.label, "clock", Verdict.SKIP, "the engine does not say its time")
    skew = (theirs - ours).total_seconds()
    if abs(skew) <= SKEW_SECONDS:
        return Check(source.label, "clock", Verdict.OK, f"{abs(skew):.1f} s apart")
    words = f"the engine's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    return Check(source.label, "clock", Verdict.WARN, words, "Synchronize the clocks (NTP) on both machines")
