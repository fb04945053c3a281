"""The few objects that labtui keeps in the cluster for itself: read, made and replaced in its own namespace."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from labtui.adapters.kubernetes.reading import Json, rows
from labtui.adapters.kubernetes.wire import Conflict, Expired, Wire
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, NotFound, Unreachable
from labtui.domain.migration.names import NAMESPACE

TIMEOUT = 5.0  # seconds for an answer: these are small, and a lease cannot wait long
LABELS = {"app.kubernetes.io/managed-by": "labtui", "app.kubernetes.io/part-of": "labtui"}


class OwnObjects:
    """One kind of object in the namespace `labtui`, which is made when it is missing. May be used from several threads."""

    def __init__(self, connection: KubernetesConnection, api: str, plural: str, namespace: str = NAMESPACE) -> None:
        """`api` is the path of the group: `/api/v1`, `/apis/coordination.k8s.io/v1`."""
        self._connection = connection
        self._folder = f"{api}/namespaces/{namespace}/{plural}"
        self._plural, self._namespace = plural, namespace
        self._lock = threading.Lock()
        self._wire: Wire | None = None

    def get(self, name: str) -> Json | None:
        """The object, None when there is none."""
        with self._translated("get"):
            try:
                return self._open().get(f"{self._folder}/{name}", timeout=TIMEOUT)
            except NotFound:
                return None

    def create(self, body: Json) -> Json:
        """Make it. Raises Conflict when it is there already."""
        with self._translated("create"):
            wire = self._open()
            try:
                return wire.post(self._folder, body, TIMEOUT)
            except NotFound:
                self._make_namespace(wire)
                return wire.post(self._folder, body, TIMEOUT)

    def replace(self, name: str, body: Json) -> Json:
        """Replace the object of the resource version in `body`. Raises Conflict when it is another one, or gone, by now."""
        with self._translated("update"):
            try:
                return self._open().put(f"{self._folder}/{name}", body, TIMEOUT)
            except NotFound as error:
                raise Conflict(error.title, error.detail) from error

    def list(self, selector: str) -> tuple[Json, ...]:
        """All that have these labels."""
        with self._translated("list"):
            return tuple(rows(self._open().get(self._folder, {"labelSelector": selector}, TIMEOUT), "items"))

    def close(self) -> None:
        """End its connections."""
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _open(self) -> Wire:
        from labtui.adapters.kubernetes.kubeconfig import load

        with self._lock:
            if self._wire is None:
                wire = Wire(lambda: load(self._connection, lambda: wire.closed))
                wire.open()
                self._wire = wire
            return self._wire

    def _make_namespace(self, wire: Wire) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace, "labels": LABELS}}
        try:
            wire.post("/api/v1/namespaces", body, TIMEOUT)
        except Conflict:
            return  # somebody else has just made it

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        try:
            yield
        except Denied as error:
            raise Denied(
                f"labtui may not {verb} {self._plural} in the namespace {self._namespace}",
                error.detail,
                f"Ask for a role that may get, list, create and update {self._plural} there",
            ) from error
        except Expired as error:
            raise Unreachable("The cluster does not answer", str(error)) from error
