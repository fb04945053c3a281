"""Where the sides of a migration are asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labtui.core.migration.agreement import Agreement
from labtui.core.migration.places import Door, Places, door_of
from labtui.domain.errors import Refused, Unreachable
from labtui.domain.migration.probes import Kind, Side
from labtui.ports.stacks import PodState
from tests.unit.core.fakes import Clock
from tests.unit.core.migration.fakes import FakeProber, answer

WEB = {"ports": [{"name": "metrics", "port": 9090}, {"name": "http", "port": 8080}], "docker": {"ports": {"http": 80}}}
VALUES: dict[str, Any] = {
    "docker": {"host": "192.168.88.2"},
    "ingress": {"component": "web", "port": "http", "host": "shop.example.org", "issuer": "letsencrypt"},
    "components": {"cache": {"ports": [{"name": "redis", "port": 6379}]}, "web": WEB},
}


class Cluster:
    def __init__(self) -> None:
        self.found = [PodState("web-0", "web", False, "Pending"), PodState("web-1", "web", True, "Running")]

    def pods(self, namespace: str, release: str) -> tuple[PodState, ...]:
        assert (namespace, release) == ("shops", "shop")
        return (PodState("cache-1", "cache", True, "Running", address="10.0.0.9"), *self.found)

    def all(self, kind: str, namespace: str = "") -> tuple[dict[str, Any], ...]:
        assert (kind, namespace) == ("Ingress", "shops")
        status = {"loadBalancer": {"ingress": [{"ip": "192.168.88.3"}]}}
        return (
            {
                "spec": {"rules": [{"host": "other.example.org"}]},
                "status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}]}},
            },
            {"spec": {"rules": [{"host": "shop.example.org"}]}, "status": status},
        )


def places(values: dict[str, Any] = VALUES, edge: str = "") -> Places:
    prober = FakeProber(Clock())
    cluster: Any = Cluster()
    return Places(Agreement("shop", "shops", values), prober, cluster, cluster, edge)


def test_the_door_is_the_port_behind_the_ingress() -> None:
    assert door_of(VALUES) == Door("web", 8080, "192.168.88.2", 80)
    single = {"docker": {"host": "h", "port": 90}, "components": {"a": {"ports": [{"name": "x", "port": 1}]}}}
    assert door_of(single) == Door("a", 1, "h", 90)
    udp = {
        "components": {
            "a": {"ports": [{"name": "x", "port": 1, "protocol": "UDP"}], "docker": {"port": 1, "host": "h"}}
        }
    }
    assert door_of(udp) is None and door_of({}) is None


def test_each_side_is_asked_with_the_name_that_users_type() -> None:
    found = places()
    found.cluster.found[1] = PodState("web-1", "web", True, "Running", address="10.0.0.7")  # type: ignore[attr-defined]
    said: list[str] = []
    sides = found.sides(said.append)
    assert (sides.docker.address, sides.docker.port, sides.docker.host) == ("192.168.88.2", 80, "shop.example.org")
    assert (sides.kubernetes.address, sides.kubernetes.port) == ("10.0.0.7", 8080)
    assert sides.ingress is not None
    assert (sides.ingress.address, sides.ingress.port, sides.ingress.tls) == ("192.168.88.3", 443, True)
    assert {t.host for t in (sides.docker, sides.kubernetes, sides.ingress)} == {"shop.example.org"}
    assert sides.kubernetes_identity.names == ("web-1",) and said == [
        "requests go to 192.168.88.3:443 for shop.example.org"
    ]


def test_a_pod_that_cannot_be_reached_is_asked_through_the_api_server() -> None:
    sides = places().sides(lambda line: None)
    assert sides.kubernetes.through is not None and sides.kubernetes.through.pod == "web-1"
    assert sides.kubernetes_identity.prefix.endswith("/web-1:8080/proxy")


def test_the_operator_may_say_where_the_ingress_answers() -> None:
    sides = places(edge="http://10.9.9.9:18000").sides(lambda line: None)
    assert sides.ingress is not None
    assert (sides.ingress.address, sides.ingress.port, sides.ingress.tls) == ("10.9.9.9", 18000, False)


def test_an_ingress_that_does_not_answer_says_what_to_do() -> None:
    found = places()
    found.prober.answers[Side.INGRESS, "/"] = Unreachable("no", "connection refused")  # type: ignore[attr-defined]
    with pytest.raises(Unreachable, match="The Ingress does not answer from here") as refused:
        found.sides(lambda line: None)
    assert "checks file (edge:" in refused.value.hint
    assert "192.168.88.3:443" in refused.value.detail and "shop.example.org:443" in refused.value.detail


def test_without_a_host_name_connections_are_opened() -> None:
    values = {**VALUES, "ingress": {"enabled": False}}
    found = places(values)
    found.cluster.found[1] = PodState("web-1", "web", True, "Running", address="10.0.0.7")  # type: ignore[attr-defined]
    found.prober.answers[Side.KUBERNETES, "/"] = answer()  # type: ignore[attr-defined]
    sides = found.sides(lambda line: None)
    assert sides.ingress is None and {sides.docker.kind, sides.kubernetes.kind} == {Kind.TCP}


def test_no_ready_pod_and_no_port_say_so() -> None:
    found = places()
    found.cluster.found.clear()  # type: ignore[attr-defined]
    with pytest.raises(Unreachable, match="No pod of web is ready"):
        found.sides(lambda line: None)
    with pytest.raises(Refused, match="publishes no port"):
        places({"components": {}}).sides(lambda line: None)


def test_a_certificate_that_is_not_trusted_here_can_be_allowed() -> None:
    found = places()
    words = "its certificate is not trusted: self-signed certificate"
    found.prober.answers[Side.INGRESS, "/"] = Unreachable("no", words)  # type: ignore[attr-defined]
    with pytest.raises(Unreachable) as refused:
        found.sides(lambda line: None)
    assert "certificate: any in the stack's checks file" in refused.value.hint
    allowed = replace(places(), trusted=False).sides(lambda line: None)
    assert allowed.ingress is not None and allowed.ingress.tls and not allowed.ingress.verify
    assert sides_verify(places()) and sides_verify(places(edge="https://10.9.9.9"))


def sides_verify(found: Places) -> bool:
    ingress = found.sides(lambda line: None).ingress
    return ingress is not None and ingress.verify
