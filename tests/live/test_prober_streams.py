"""WebSockets and long downloads through a real ingress: held while all is well, and seen when they break."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from labtui.adapters.probe import NetworkProber
from labtui.domain.migration.probes import Counts, Kind, Load, Side, Target
from labtui.ports.migration import Probing
from tests.live.chart_fixture import kubectl
from tests.live.gitops_fixture import wait_until
from tests.unit.adapters.probe.servers import BadServer, serving

pytestmark = pytest.mark.live


class Chat:
    """A WebSocket server on this machine; its connections can be cut."""

    def __init__(self, address: str) -> None:
        self.open: list[ServerConnection] = []
        self._server: Server = serve(self._talk, address, 0)
        self.port = int(self._server.socket.getsockname()[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _talk(self, connection: ServerConnection) -> None:
        self.open.append(connection)
        try:
            for message in connection:
                connection.send(message)
        except ConnectionClosed:
            return

    def cut(self) -> None:
        for connection in self.open:
            connection.close_socket()

    def close(self) -> None:
        self.cut()
        self._server.shutdown()


def outside(name: str, address: str, port: int) -> list[dict[str, Any]]:
    """A Service of the cluster that leads to a port of this machine, as it leads to a Docker host."""
    labels = {"kubernetes.io/service-name": name}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": port}]}}
    piece = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"port": port}],
        "endpoints": [{"addresses": [address]}],
    }
    return [service, piece]


@pytest.fixture
def chat() -> Iterator[Chat]:
    found = Chat(os.environ["LIVE_NODE_IP"])
    yield found
    found.close()


@pytest.fixture
def files() -> Iterator[BadServer]:
    with serving(address=os.environ["LIVE_NODE_IP"]) as found:
        yield found


@pytest.fixture
def edge(space: str, chat: Chat, files: BadServer) -> Target:
    """The Ingress: `/chat` leads to the WebSocket server, everything else to the other one."""
    node, host = os.environ["LIVE_NODE_IP"], f"{space}-streams.example.org"
    paths = [
        {"path": path, "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": port}}}}
        for path, name, port in (("/chat", "chat", chat.port), ("/", "files", files.port))
    ]
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "streams"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": paths}}]},
    }
    objects = [*outside("chat", node, chat.port), *outside("files", node, files.port), ingress]
    kubectl("-n", space, "apply", "-f", "-", text=yaml.safe_dump_all(objects))
    where = urlsplit(os.environ["LIVE_INGRESS"])
    found = Target(Side.INGRESS, str(where.hostname), where.port or 80, host=host, path="/ok")
    prober = NetworkProber()
    wait_until("the ingress knows the host name", lambda: prober.ask(found).status == 200, 60)
    return found


def first(session: Probing, number: int) -> Counts:
    return session.counts()[number]


def test_they_are_held_and_their_end_is_seen(edge: Target, chat: Chat) -> None:
    held = Load(replace(edge, path="/chat", kind=Kind.WEBSOCKET), rate=20)
    body = Load(replace(edge, path="/big", kind=Kind.DOWNLOAD), rate=1, throttle=1_500_000)
    session = NetworkProber().start([held] * 5 + [body] * 3)
    try:
        wait_until("downloads that came whole", lambda: all(first(session, n).answered for n in (5, 6, 7)), 30)
        seen = session.counts()
        assert [(c.failed, c.reopened) for c in seen] == [(0, 0)] * 8, [c.failures for c in seen]
        assert len(chat.open) == 5 and all(c.answered >= 20 for c in seen[:5])
        assert all(c.p50 is not None and c.p50 > 1.5 for c in seen[5:])
        chat.cut()
        wait_until("the cut", lambda: all(first(session, n).failed == 1 for n in range(5)), 5)
        wait_until("new ones", lambda: all(first(session, n).reopened == 1 for n in range(5)), 5)
    finally:
        counts = session.stop()
    assert [c.failed for c in counts] == [1] * 5 + [0] * 3


def test_a_download_that_the_server_cuts_is_seen_through_the_ingress(edge: Target) -> None:
    session = NetworkProber().start([Load(replace(edge, path="/big_cut", kind=Kind.DOWNLOAD), rate=5)])
    try:
        wait_until("a failure", lambda: first(session, 0).failed > 0, 20)
    finally:
        (counts,) = session.stop()
    assert counts.answered == 0
    assert counts.failures[0].why.startswith(("the body was cut after ", "connection reset", "the body was cut"))
