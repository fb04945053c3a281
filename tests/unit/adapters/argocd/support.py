"""An Argo CD server in memory: routes to answers, and what it was asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from labtui.adapters.argocd import ArgocdSource
from labtui.domain.connections import ArgocdConnection
from labtui.domain.ref import Ref

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
Handler = Callable[[httpx.Request], httpx.Response]


class FixedClock:
    """Always the same moment."""

    def now(self) -> datetime:
        """The moment."""
        return NOW


def raw_app(name: str = "web", namespace: str = "argocd", version: str = "1", **changes: Any) -> dict[str, Any]:
    """A raw Application; `changes` replace spec, status or parts of metadata."""
    app: dict[str, Any] = {
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": version},
        "spec": {"project": "team", "source": {"repoURL": "https://git.example.org/estate", "path": name}},
        "status": {"sync": {"status": "Synced", "revision": "a" * 40}, "health": {"status": "Healthy"}},
    }
    for key, value in changes.items():
        app[key] = app[key] | value if key == "metadata" else value
    return app


def token(left: timedelta | None) -> str:
    """A JSON Web Token that ends then."""
    claims = {} if left is None else {"exp": int((NOW + left).timestamp())}
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({"alg": "HS256"}, claims)]
    return ".".join([*parts, "c2ln"])


def refusal(status: int, code: int, message: str) -> httpx.Response:
    """An error as grpc-gateway writes it."""
    return httpx.Response(status, json={"error": message, "code": code, "message": message})


class Server:
    """Answers by `METHOD path`; a list is answered from first to last, the last one for ever. Knows the applications of `apps`."""

    def __init__(
        self, routes: dict[str, httpx.Response | Exception | Handler], apps: list[dict[str, Any]] | None = None
    ) -> None:
        self.routes = routes
        self.apps = [raw_app()] if apps is None else apps
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        key = f"{request.method} {request.url.raw_path.decode().partition('?')[0]}"
        answer = self.routes.get(key)
        if answer is None and key == "GET /api/v1/applications":
            return httpx.Response(200, json={"items": self.apps, "metadata": {"resourceVersion": "9"}})
        if answer is None and request.method == "GET" and request.url.path.count("/") == 4:
            named = [a for a in self.apps if request.url.path.endswith(f"/{a['metadata']['name']}")]
            return httpx.Response(200, json=named[0]) if named else refusal(403, 7, "permission denied")
        if answer is None:
            raise AssertionError(f"nobody expected {key}")
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def source(self, secret: str | None = "t0ken", **settings: Any) -> ArgocdSource:
        """The adapter, connected to this."""
        connection = ArgocdConnection("argo.example.org", token=lambda: secret, **settings)
        return ArgocdSource(connection, FixedClock(), transport=httpx.MockTransport(self))

    def bodies(self, method: str) -> list[Any]:
        """What was sent with that method."""
        return [json.loads(r.content) for r in self.asked if r.method == method]


def ref(source: ArgocdSource, name: str = "web", namespace: str = "argocd") -> Ref:
    """Identity of an application there."""
    return Ref(source.source, "Application", namespace, name)
