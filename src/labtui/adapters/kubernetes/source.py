"""The feed of one Kubernetes cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from labtui.adapters.kubernetes.kubefile import current_context
from labtui.domain.checks import Check
from labtui.domain.connections import KubernetesConnection
from labtui.domain.ref import SourceId, SourceKind
from labtui.ports import Clock, Emit

if TYPE_CHECKING:
    from labtui.adapters.kubernetes.session import Session
    from labtui.domain.conversion.gathering import ClusterReading


class KubernetesSource:
    """Follows a cluster (`ports.Feed`), examines it (`ports.Diagnosable`) and reads what room it has (`ports.ClusterInspector`).

    Without a named context it is the current one of the moment it is made: `kubectl config use-context` elsewhere does not
    make it another cluster. The kubeconfig is read anew at each connection, and when the server no longer takes its
    credentials. A kind that may
    not be read becomes a note of `Live`; Denied is raised only when neither pods nor any workload may be read.
    """

    def __init__(self, connection: KubernetesConnection, clock: Clock) -> None:
        context = connection.context or current_context(connection)
        self._connection = replace(connection, context=context)
        # no kubeconfig yet: the feed says so, and finds it when it is there
        self._source = SourceId(SourceKind.KUBERNETES, context or "current-context")
        self._clock = clock
        self._lock = threading.Lock()
        self._session: Session | None = None

    @property
    def source(self) -> SourceId:
        """The cluster, known by its kubeconfig context."""
        return self._source

    def follow(self, emit: Emit, stop: threading.Event) -> None:
        """See `ports.Feed`. Raises Invalid for a bad kubeconfig, else SignedOut, Denied or Unreachable."""
        session = self._new_session()
        with self._lock:
            self._session = session
        try:
            session.run(emit, stop)
        finally:
            with self._lock:
                self._session = None

    def close(self) -> None:
        """See `ports.Feed`."""
        with self._lock:
            session = self._session
        if session is not None:
            session.close()

    def check(self) -> Iterator[Check]:
        """See `ports.Diagnosable`: connection, version, clock, permissions, metrics."""
        from labtui.adapters.kubernetes.doctor import examine

        yield from examine(self._connection, self.source, self._clock)

    def read(self) -> ClusterReading:
        """See `ports.ClusterInspector`. Over a connection of its own."""
        from labtui.adapters.kubernetes.capacity import read_cluster

        return read_cluster(self._connection)

    def _new_session(self) -> Session:
        from labtui.adapters.kubernetes.kubeconfig import load
        from labtui.adapters.kubernetes.session import Session
        from labtui.adapters.kubernetes.wire import Wire

        connection = self._connection
        wire = Wire(lambda: load(connection, lambda: wire.closed))
        return Session(self.source, wire, self._clock)
