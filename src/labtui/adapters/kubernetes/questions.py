"""What a migration asks of a cluster before it begins. Implements `ports.moving.ClusterQuestions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import quote

from labtui.adapters.kubernetes import metrics
from labtui.adapters.kubernetes.reading import pairs, quantity, rows, text, value
from labtui.adapters.kubernetes.wire import Busy, Expired, Wire
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, NotFound, Unreachable
from labtui.domain.migration.preflight import IngressState, Right

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class KubernetesQuestions:
    """A connection of its own for each question."""

    def __init__(self, connection: KubernetesConnection) -> None:
        self._connection = connection

    def lacking(self, rights: Sequence[Right]) -> tuple[Right, ...]:
        """See `ports.moving.ClusterQuestions`."""
        with self._wire() as wire:
            return tuple(right for right in rights if not _may(wire, right))

    def config(self, namespace: str, name: str) -> Mapping[str, str]:
        """See `ports.moving.ClusterQuestions`."""
        with self._wire() as wire:
            path = f"/api/v1/namespaces/{quote(namespace, safe='')}/configmaps/{quote(name, safe='')}"
            return dict(pairs(wire.get(path), "data"))

    def ingresses(self) -> tuple[IngressState, ...]:
        """See `ports.moving.ClusterQuestions`."""
        with self._wire() as wire:
            found = rows(wire.get("/apis/networking.k8s.io/v1/ingresses"), "items")
        return tuple(
            IngressState(
                text(one, "metadata", "namespace"),
                text(one, "metadata", "name"),
                text(one, "spec", "ingressClassName")
                or text(one, "metadata", "annotations", "kubernetes.io/ingress.class"),
                tuple(host for rule in rows(one, "spec", "rules") if (host := text(rule, "host"))),
                tuple(
                    a
                    for b in rows(one, "status", "loadBalancer", "ingress")
                    if (a := text(b, "ip") or text(b, "hostname"))
                ),
            )
            for one in found
        )

    def memory_in_use(self) -> Mapping[str, int]:
        """See `ports.moving.ClusterQuestions`."""
        with self._wire() as wire:
            try:
                nodes = rows(wire.get(f"{metrics.PATH}/nodes"), "items")
            except (NotFound, Denied, Busy):  # not installed, not for us, not up: as good as not measured
                return {}
        return {text(node, "metadata", "name"): int(quantity(node, "usage", "memory")) for node in nodes}

    @contextmanager
    def _wire(self) -> Iterator[Wire]:
        from labtui.adapters.kubernetes.kubeconfig import load

        connection = self._connection
        wire = Wire(lambda: load(connection, lambda: wire.closed))
        try:
            wire.open()
            yield wire
        except Expired:
            raise Unreachable("The cluster does not answer", "its list had expired", "Try again") from None
        finally:
            wire.close()


def _may(wire: Wire, right: Right) -> bool:
    resource, _, part = right.resource.partition("/")
    attributes = {"verb": right.verb, "group": right.group, "resource": resource, "namespace": right.namespace}
    if part:
        attributes["subresource"] = part
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return value(wire.post(_REVIEWS, review), "status", "allowed") is True
