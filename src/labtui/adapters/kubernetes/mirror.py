"""The copies of the migrations' journals: a ConfigMap a stack, replaced by compare-and-swap."""

from __future__ import annotations

from labtui.adapters.kubernetes.own_objects import LABELS, OwnObjects
from labtui.adapters.kubernetes.reading import Json, text
from labtui.adapters.kubernetes.wire import Conflict
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Refused
from labtui.domain.migration.names import NAMESPACE, object_name
from labtui.ports.migration import MirrorCopy

_KIND = "labtui.dev/kind"
_JOURNAL = "journal.jsonl"


class KubernetesMirror:
    """`ports.migration.JournalMirror` in ConfigMaps `labtui-migration-SITE-STACK`."""

    def __init__(self, connection: KubernetesConnection, namespace: str = NAMESPACE) -> None:
        self._objects = OwnObjects(connection, "/api/v1", "configmaps", namespace)
        self._namespace = namespace

    def read(self, site: str, stack: str) -> MirrorCopy | None:
        """See `ports.migration.JournalMirror`."""
        found = self._objects.get(object_name(site, stack))
        return None if found is None else _copy(found)

    def write(self, copy: MirrorCopy) -> MirrorCopy:
        """See `ports.migration.JournalMirror`."""
        name = object_name(copy.site, copy.stack)
        metadata: Json = {"name": name, "namespace": self._namespace, "labels": {**LABELS, _KIND: "migration"}}
        body: Json = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {
                "migration": copy.migration,
                "site": copy.site,
                "stack": copy.stack,
                "fence": str(copy.fence),
                _JOURNAL: copy.text,
            },
        }
        try:
            if copy.version:
                metadata["resourceVersion"] = copy.version
                return _copy(self._objects.replace(name, body))
            return _copy(self._objects.create(body))
        except Conflict as error:
            raise Refused("Somebody else wrote the journal's copy in the cluster", f"ConfigMap {name}") from error

    def all(self) -> tuple[MirrorCopy, ...]:
        """See `ports.migration.JournalMirror`."""
        return tuple(_copy(found) for found in self._objects.list(f"{_KIND}=migration"))

    def close(self) -> None:
        """End its connections."""
        self._objects.close()


def _copy(found: Json) -> MirrorCopy:
    try:
        fence = int(text(found, "data", "fence") or "0")
    except ValueError as error:
        name = text(found, "metadata", "name")
        raise Refused("The journal's copy in the cluster is damaged", f"ConfigMap {name}: its fence") from error
    return MirrorCopy(
        text(found, "data", "migration"),
        text(found, "data", "site"),
        text(found, "data", "stack"),
        fence,
        text(found, "data", _JOURNAL),
        text(found, "metadata", "resourceVersion"),
    )
