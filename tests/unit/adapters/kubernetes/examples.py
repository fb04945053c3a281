"""Objects as an API server sends them, cut down to what is read, and a way to vary them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from labtui.adapters.kubernetes.wire import Query, Stream
from labtui.domain.errors import Unreachable
from labtui.domain.ref import SourceId, SourceKind

SOURCE = SourceId(SourceKind.KUBERNETES, "homelab")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Json = dict[str, Any]


class StoppedClock:
    """It is always NOW, unless told."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


def meta(name: str, namespace: str = "media", **more: Any) -> Json:
    return {
        "name": name,
        "namespace": namespace,
        "resourceVersion": "100",
        "creationTimestamp": "2026-03-01T10:00:00Z",
        **more,
    }


def owned(kind: str, name: str) -> list[Json]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": True}]


def container(name: str = "main", **state: Any) -> Json:
    """A container status; `ready` and `restarts` are taken out, the rest is its state."""
    ready, restarts = state.pop("ready", False), state.pop("restarts", 0)
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, **state.pop("also", {})}


RUNNING: Json = {"running": {"startedAt": "2026-03-01T10:00:05Z"}, "ready": True}


def pod(
    name: str = "emby-5f6d-x1",
    phase: str = "Running",
    statuses: list[Json] | None = None,
    *,
    namespace: str = "media",
    owner: tuple[str, str] | None = ("ReplicaSet", "emby-5f6d"),
    deployment_hash: str = "5f6d",
    **status: Any,
) -> Json:
    metadata = meta(name, namespace, labels={"app": "emby", "pod-template-hash": deployment_hash})
    if owner:
        metadata["ownerReferences"] = owned(*owner)
    return {
        "metadata": metadata,
        "spec": {"nodeName": "mac-mini", "containers": [{"name": "main", "image": "emby:4.9"}]},
        "status": {
            "phase": phase,
            "podIP": "10.0.0.9",
            "containerStatuses": [container(**RUNNING)] if statuses is None else statuses,
            **status,
        },
    }


def deployment(name: str = "emby", namespace: str = "media", replicas: int = 1, **status: Any) -> Json:
    """Rolled out and ready unless `status` says otherwise."""
    counts = {key: replicas for key in ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")}
    return {
        "metadata": meta(name, namespace, generation=2, labels={"app": "emby"}),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "emby"}},
            "template": {"spec": {"containers": [{"name": "main", "image": "emby:4.9"}]}},
        },
        "status": {"observedGeneration": 2, **counts, **status},
    }


def job(name: str = "backup-1", owner: tuple[str, str] | None = None, **status: Any) -> Json:
    metadata = meta(name)
    if owner:
        metadata["ownerReferences"] = owned(*owner)
    template = {"spec": {"containers": [{"name": "main", "image": "restic:1"}]}}
    return {"metadata": metadata, "spec": {"completions": 1, "template": template}, "status": status}


def listing(*items: Json, version: str = "100", more: str = "") -> Json:
    return {"metadata": {"resourceVersion": version, "continue": more}, "items": list(items)}


def event(kind: str, obj: Json, version: str = "") -> bytes:
    """A line of a watch."""
    if version:
        obj = {**obj, "metadata": {**obj.get("metadata", {}), "resourceVersion": version}}
    return json.dumps({"type": kind, "object": obj}).encode()


class Answers:
    """A transport that answers from a script, in order; what was asked stays in `asked`.

    An answer to a list is an object or an exception; to a watch a list of lines (an exception in it is raised there).
    """

    def __init__(self, *script: Json | list[bytes | Exception] | Exception) -> None:
        self._script = list(script)
        self.asked: list[tuple[str, dict[str, str | int]]] = []

    def _next(self, path: str, query: Query | None) -> Any:
        self.asked.append((path, dict(query or {})))
        if not self._script:
            raise Unreachable("The script is at its end", "connection refused")
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get(self, path: str, query: Query | None = None, timeout: float = 0) -> Json:
        answer = self._next(path, query)
        assert isinstance(answer, dict), f"a list was asked for, the script has {answer!r}"
        return answer

    @contextmanager
    def stream(self, path: str, query: Mapping[str, str | int], timeout: float) -> Iterator[Stream]:
        answer = self._next(path, query)
        assert isinstance(answer, list), f"a watch was asked for, the script has {answer!r}"
        yield _Lines(answer)


class _Lines:
    def __init__(self, lines: list[bytes | Exception]) -> None:
        self._lines = lines

    def lines(self) -> Iterator[bytes]:
        for line in self._lines:
            if isinstance(line, Exception):
                raise line
            yield line
