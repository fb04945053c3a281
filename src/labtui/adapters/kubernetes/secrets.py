"""Secrets of the cluster, read one at a time and only to be compared."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import quote

from labtui.adapters.kubernetes.wire import Expired, Wire
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, LabError, NotFound, Refused
from labtui.domain.text import clean


class Values(dict[str, bytes]):
    """Keys and values of a Secret; its `repr` has neither, so that no log or traceback can."""

    def __repr__(self) -> str:
        return f"<{len(self)} values>"

    __str__ = __repr__


class KubernetesSecrets:
    """Implements `ports.ClusterSecrets` with a connection of its own for each question."""

    def __init__(self, connection: KubernetesConnection) -> None:
        self._connection = connection

    def read(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """See `ports.ClusterSecrets`."""
        from labtui.adapters.kubernetes.kubeconfig import load

        place = clean(f"{namespace}/{name}")
        connection = self._connection
        wire = Wire(lambda: load(connection, lambda: wire.closed))
        try:
            wire.open()
            found = wire.get(f"/api/v1/namespaces/{quote(namespace, safe='')}/secrets/{quote(name, safe='')}")
        except NotFound:
            raise NotFound(f"The cluster has no Secret {place}") from None
        except Denied as error:
            advice = "Ask for the right to get secrets in that namespace"
            raise Denied(f"You may not read the Secret {place}", error.detail, advice) from None
        except Expired:
            raise Refused(f"The cluster did not give the Secret {place}") from None
        finally:
            wire.close()
        return _decoded(found.get("data"), place)


def _decoded(data: object, place: str) -> Values:
    if not isinstance(data, Mapping):
        return Values()
    try:
        return Values({str(key): base64.b64decode(str(value), validate=True) for key, value in data.items()})
    except (binascii.Error, ValueError):
        raise LabError(f"The Secret {place} cannot be decoded") from None  # the cause would hold the value
