"""Asking a pod through the API server: its answers are the pod's own, its refusals are told as what they are."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.adapters.kubernetes.podproxy import PodProxyClient
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, LabError, SignedOut, Unreachable
from labtui.domain.migration.probes import PodPort

POD = PodPort("shop", "web-0", 8080)


class ApiServer(ThreadingHTTPServer):
    """Answers everything with `reply` (status, type, body), and remembers what was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reply: tuple[int, str, bytes] = (200, "text/plain", b"web-0\n")
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.more: list[tuple[str, str]] = []
        self.hold = threading.Event()
        self.hold.set()


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.server.hold.wait(10)
        status, kind, body = self.server.reply
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.server.more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    found = ApiServer()
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.hold.set()
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def proxy(server: ApiServer, tmp_path: Path) -> PodProxyClient:
    address = f"http://127.0.0.1:{server.server_address[1]}"
    config = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": address}}],
        "users": [{"name": "a", "user": {"token": "hush-hush"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    return PodProxyClient(KubernetesConnection("a", (tmp_path / "kubeconfig",)))


def test_the_pods_answer(server: ApiServer, proxy: PodProxyClient) -> None:
    answer = proxy.ask(POD, "/a%20b?q=1&r=%2F", (("X-Y", "z"),), 5)
    assert (answer.status, answer.prefix, answer.header("content-type")) == (200, b"web-0\n", "text/plain")
    ((path, headers),) = server.asked
    assert path == "/api/v1/namespaces/shop/pods/web-0:8080/proxy/a%20b?q=1&r=%2F"
    assert (headers["authorization"], headers["x-y"]) == ("Bearer hush-hush", "z")


def test_an_authorization_for_the_pod_never_replaces_that_for_the_cluster(
    server: ApiServer, proxy: PodProxyClient
) -> None:
    proxy.ask(POD, "/", (("Authorization", "Basic other"),), 5)
    assert server.asked[0][1]["authorization"] == "Bearer hush-hush"


@pytest.mark.parametrize("own", [[], ["no-cache, private"], ["max-age=5"]])
def test_headers_that_the_api_server_adds_are_not_the_pods(
    server: ApiServer, proxy: PodProxyClient, own: list[str]
) -> None:
    server.more = [("Audit-Id", "1"), ("Cache-Control", "no-cache, private"), ("X-Kubernetes-Pf-Flowschema-Uid", "2")]
    server.more += [("Cache-Control", value) for value in own]
    answer = proxy.ask(POD, "/", (), 5)
    assert [value for name, value in answer.headers if name == "cache-control"] == own
    assert {name for name, _ in answer.headers} <= {"server", "date", "content-type", "content-length", "cache-control"}


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500, 503])
def test_what_the_pod_refuses_is_an_answer(server: ApiServer, proxy: PodProxyClient, status: int) -> None:
    server.reply = (status, "application/json", b'{"error": "no"}')
    assert proxy.ask(POD, "/", (), 5).status == status


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SignedOut, "credentials"),
        (403, Denied, "get pods/proxy in shop"),
        (404, Unreachable, 'pods "web-0" not found'),
        (503, Unreachable, "connection refused"),
    ],
)
def test_what_the_api_server_refuses_is_none(
    server: ApiServer, proxy: PodProxyClient, status: int, error: type[LabError], words: str
) -> None:
    message = 'pods "web-0" not found' if status == 404 else "dial tcp 10.0.0.7:8080: connect: connection refused"
    said = {"kind": "Status", "apiVersion": "v1", "message": message}
    server.reply = (status, "application/json", json.dumps(said).encode())
    with pytest.raises(error) as caught:
        proxy.ask(POD, "/", (), 5)
    assert words in str(caught.value) and "hush" not in str(caught.value)


def test_time_is_limited(server: ApiServer, proxy: PodProxyClient) -> None:
    server.hold.clear()
    began = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        proxy.ask(POD, "/", (), 0.5)
    assert time.monotonic() - began < 3 and caught.value.title == "No answer from pod web-0 through the API server"
