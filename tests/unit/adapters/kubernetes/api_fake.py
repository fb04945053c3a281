"""An API server in memory, behind the connection pool: objects with resource versions, conflicts, and outages."""

from __future__ import annotations

import json
import re
import threading
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ProtocolError


class Api:
    """Answers GET, POST and PUT on named objects. `down`: no answers; `lost`: changes happen, their answers do not come."""

    def __init__(self, *namespaces: str) -> None:
        self.objects: dict[str, dict[str, Any]] = {f"/api/v1/namespaces/{name}": {} for name in namespaces}
        self.pool_classes_by_scheme: dict[str, type] = {}
        self.requests: list[str] = []
        self.down = False
        self.lost = 0
        self._version = 0
        self._lock = threading.RLock()

    def request(self, method: str, url: str, **more: Any) -> urllib3.HTTPResponse:
        """As `PoolManager.request`."""
        path = urlsplit(url).path
        with self._lock:
            self.requests.append(f"{method} {path}")
            if self.down:
                raise ProtocolError("down", ConnectionRefusedError())
            status, body = self._answer(method, path, json.loads(more.get("body") or "null"))
            if method != "GET" and self.lost:
                self.lost -= 1
                raise ProtocolError("lost", ConnectionResetError())
        return urllib3.HTTPResponse(body=json.dumps(body).encode(), status=status, preload_content=True)

    def clear(self) -> None:
        """As `PoolManager.clear`."""

    def change(self, path: str, **spec: Any) -> None:
        """Somebody else changes an object's spec."""
        with self._lock:
            found = self.objects[path]
            self._store(path, {**found, "spec": {**found.get("spec", {}), **spec}})

    def _answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            folder, path = path, f"{path}/{body['metadata']['name']}"
            space = re.match(r".*/namespaces/([^/]+)/", folder + "/")
            if space and f"/api/v1/namespaces/{space[1]}" not in self.objects:
                return 404, {"message": f"namespaces {space[1]} not found"}
            if path in self.objects:
                return 409, {"reason": "AlreadyExists", "message": "it is there"}
            return 201, self._store(path, body)
        found = self.objects.get(path)
        if found is None:
            return 404, {"message": "not found"}
        if method == "PUT":
            if body["metadata"].get("resourceVersion") != found["metadata"]["resourceVersion"]:
                return 409, {"reason": "Conflict", "message": "it has been modified"}
            return 200, self._store(path, body)
        return 200, found

    def _store(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        made = {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": str(self._version)}}
        self.objects[path] = json.loads(json.dumps(made))
        return self.objects[path]
