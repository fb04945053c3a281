"""Ports, the Services they make, and the way in from outside."""

from __future__ import annotations

from typing import Any

import pytest

from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts
from labtui.domain.conversion.findings import Verdict
from tests.unit.domain.conversion.stacks import component, finding, plan, service, stack

HERE = Facts(site_address="192.168.88.2", domain="example.org")


def port(target: int, published: str = "", **more: str) -> dict[str, Any]:
    return {"mode": "ingress", "target": target, "published": published, "protocol": "tcp", **more}


def names(made: Any, of: str = "app") -> dict[str, tuple[int, str]]:
    return {p["name"]: (p["port"], p["protocol"]) for p in component(made, of).get("ports", ())}


@pytest.mark.parametrize(
    ("ports", "wanted", "docker"),
    [
        # by container port, not by the published one, which peers never use
        ([port(80, "8080")], {"http": (80, "TCP")}, {"http": 8080}),
        ([port(5432, "15432")], {"postgres": (5432, "TCP")}, {"postgres": 15432}),
        # two of one kind, TLS, UDP beside TCP
        (
            [port(80, "80"), port(9000, "9000")],
            {"http": (80, "TCP"), "http-9000": (9000, "TCP")},
            {"http": 80, "http-9000": 9000},
        ),
        ([port(443, "443"), port(80, "80")], {"http": (80, "TCP"), "https": (443, "TCP")}, {"http": 80, "https": 443}),
        (
            [port(53, "53"), port(53, "53", protocol="udp")],
            {"dns": (53, "TCP"), "dns-udp": (53, "UDP")},
            {"dns": 53, "dns-udp": 53},
        ),
        # one container port published twice
        ([port(80, "80"), port(80, "8080")], {"http": (80, "TCP")}, {"http": 80}),
        # the loopback address of the site is out of the cluster's reach
        ([port(80, "80", host_ip="127.0.0.1")], {"http": (80, "TCP")}, None),
        ([port(80, "80", host_ip="::1")], {"http": (80, "TCP")}, None),
        # Docker chooses the published port: nothing to point at
        ([port(80)], {"http": (80, "TCP")}, None),
        ([port(80, "8000-8010")], {"http": (80, "TCP")}, None),
        # a name of one's own, what is spoken
        ([port(7000, "7000", name="Web_UI")], {"web-ui": (7000, "TCP")}, {"web-ui": 7000}),
        ([port(7000, "7000", app_protocol="tcp")], {"tcp-7000": (7000, "TCP")}, {"tcp-7000": 7000}),
    ],
)
def test_ports_become_a_service(ports: list[Any], wanted: dict[str, Any], docker: dict[str, int] | None) -> None:
    made = plan({"ports": ports}, HERE)
    assert names(made) == wanted
    assert component(made).get("docker") == ({"ports": docker} if docker else None)
    assert made.values["docker"] == {"host": "192.168.88.2"}


def test_an_address_of_its_own_is_where_docker_answers() -> None:
    made = plan({"ports": [port(80, "80", host_ip="192.168.88.9")]}, HERE)
    assert component(made)["docker"] == {"ports": {"http": 80}, "host": "192.168.88.9"}
    made = plan({"ports": [port(80, "80", host_ip="0.0.0.0")]}, HERE)
    assert "host" not in component(made)["docker"]


def test_without_the_sites_address_nothing_points_to_docker() -> None:
    made = plan({"ports": [port(80, "80")]})
    assert finding(made, "docker", of="").verdict is Verdict.REFUSED
    assert "docker" not in component(made) and "docker" not in made.values


def test_a_port_that_cannot_be_read_is_refused_and_the_others_are_not() -> None:
    made = plan({"ports": [{"target": "x"}, port(80, "80")]}, HERE)
    assert finding(made, "ports.x/tcp").verdict is Verdict.REFUSED
    assert names(made) == {"http": (80, "TCP")}


@pytest.mark.parametrize("entry", ["6379", "6379/tcp", 6379])
def test_expose_alone_makes_a_service(entry: Any) -> None:
    made = plan({"expose": [entry]})
    assert names(made) == {"redis": (6379, "TCP")}
    assert finding(made, "expose").verdict is Verdict.CONVERTED
    assert "ingress" not in made.values


def test_expose_takes_ranges_and_refuses_endless_ones() -> None:
    assert len(names(plan({"expose": ["3000-3002/udp"]}))) == 3
    assert finding(plan({"expose": ["1-65535"]}), "expose").verdict is Verdict.REFUSED


def test_a_port_that_peers_are_told_of_is_in_the_service_without_being_declared() -> None:
    made = convert(stack(service("app", {}, CACHE="redis://cache:6390/0"), service("cache", {"expose": ["6379"]})))
    assert names(made, "cache") == {"redis": (6379, "TCP"), "tcp-6390": (6390, "TCP")}
    assert "6390 (tcp-6390)" in finding(made, "expose", of="cache").detail


@pytest.mark.parametrize("text", ["my-cache:6390", "cache.example.org:6390", "cache-2:6390"])
def test_another_host_of_a_similar_name_is_not_meant(text: str) -> None:
    made = convert(stack(service("app", {}, OTHER=text), service("cache", {"expose": ["6379"]})))
    assert names(made, "cache") == {"redis": (6379, "TCP")}


def test_what_the_image_declares_is_in_the_service() -> None:
    facts = Facts(images={"b:1": ImageFacts(ports=("5000/tcp", "6000/udp", "1-60000/tcp"))})
    made = convert(stack(service("app", {"depends_on": {"b": {}}}), service("b", {"image": "b:1"})), facts)
    assert names(made, "b") == {"http": (5000, "TCP"), "udp-6000": (6000, "UDP")}


@pytest.mark.parametrize(
    ("image", "answer", "wanted", "settled"),
    [
        ("redis:7", "", {"redis": (6379, "TCP")}, False),
        ("ghcr.io/immich-app/postgres:14", "", {"postgres": (5432, "TCP")}, False),
        ("mine:1", "", {}, False),
        ("mine:1", "7000", {"tcp-7000": (7000, "TCP")}, True),
        ("mine:1", "none", {}, True),
        ("mine:1", "99999", {}, False),
    ],
)
def test_a_service_that_others_need_gets_a_port(image: str, answer: str, wanted: dict[str, Any], settled: bool) -> None:
    two = stack(service("app", {"depends_on": {"b": {"condition": "service_started"}}}), service("b", {"image": image}))
    made = convert(two, None, {("b", "expose"): answer})
    assert names(made, "b") == wanted
    assert finding(made, "expose", of="b").settled is settled
    if not wanted:  # peers still find its name
        assert component(made, "b")["service"] == {"headless": True}


def test_the_one_published_http_port_gets_the_ingress() -> None:
    made = plan({"ports": [port(2283, "2283")]}, HERE)
    ingress = dict(made.values["ingress"])
    # a published port cuts no upload short
    assert ingress.pop("annotations")["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"
    assert ingress == {"enabled": True, "component": "app", "port": "http", "host": "media.example.org"}
    assert finding(made, "ingress", of="").verdict is Verdict.CONVERTED
    assert finding(made, "ingress.host", of="").choice is not None
    assert "media.example.org" in finding(made, "ports.2283:2283/tcp").detail


@pytest.mark.parametrize(
    "ports", [[port(80, "80", host_ip="127.0.0.1")], [port(5432, "5432")], [port(80, "80", protocol="udp")]]
)
def test_what_is_not_published_or_no_http_gets_no_ingress(ports: list[Any]) -> None:
    assert "ingress" not in plan({"ports": ports}, HERE).values


def test_the_ingress_can_be_turned_down_and_its_host_changed() -> None:
    two = stack(service("app", {"ports": [port(80, "80")]}))
    assert "ingress" not in convert(two, HERE, {("", "ingress"): "none"}).values
    other = convert(two, HERE, {("", "ingress.host"): "photos.example.net"})
    assert other.values["ingress"]["host"] == "photos.example.net"
    wrong = convert(two, HERE, {("", "ingress.host"): "not a host"})
    assert wrong.values["ingress"]["host"] == "media.example.org"
    assert not finding(wrong, "ingress.host", of="").settled


def test_without_a_domain_the_host_must_be_answered() -> None:
    made = plan({"ports": [port(80, "80")]}, Facts(site_address="192.168.88.2"))
    assert made.values["ingress"]["enabled"] is False
    choice = finding(made, "ingress.host", of="").choice
    assert choice is not None and choice.answer == ""


def test_several_published_ports_are_a_choice() -> None:
    three = stack(
        service("db", {"ports": [port(5432, "5432")]}),
        service("metrics", {"ports": [port(8428, "8428")]}),
        service("grafana", {"ports": [port(3000, "3000")], "depends_on": {"metrics": {}}}),
    )
    made = convert(three, HERE)
    choice = finding(made, "ingress", of="").choice
    assert choice is not None
    assert [o.answer for o in choice.options] == ["metrics:http", "grafana:http", "none"]  # a database speaks no HTTP
    assert choice.proposed == "grafana:http"
    answered = convert(three, HERE, {("", "ingress"): "metrics:http"})
    assert answered.values["ingress"]["component"] == "metrics"


def test_what_speaks_tls_alone_is_told_to_the_ingress() -> None:
    made = plan({"ports": [port(8443, "8443")]}, HERE)
    assert made.values["ingress"]["annotations"]["nginx.ingress.kubernetes.io/backend-protocol"] == "HTTPS"


@pytest.mark.parametrize(
    ("published", "answer", "node_port", "settled"),
    [
        ("5432", "", None, False),
        ("5432", "cluster", None, True),
        ("5432", "30432", 30432, True),
        ("5432", "5432", None, False),  # no NodePort
        ("5432", "30001", None, False),  # another stack's
        ("30432", "", 30432, False),  # one already: proposed
        ("30001", "", None, False),
        ("30002", "", 30002, False),  # this stack's own, from an earlier step
    ],
)
def test_another_published_port_is_a_choice(published: str, answer: str, node_port: int | None, settled: bool) -> None:
    cluster = ClusterFacts(node_ports={30001: "other/web", 30002: "media/app"})
    facts = Facts(site_address="192.168.88.2", cluster=cluster)
    key = f"ports.{published}:5432/tcp"
    made = plan({"ports": [port(5432, published)]}, facts, {key: answer})
    assert component(made)["ports"][0].get("nodePort") == node_port
    found = finding(made, key)
    assert found.verdict is Verdict.CHOICE and found.settled is settled
    assert ("other/web" in found.detail) is (published == "30001")


def test_one_node_port_is_for_one_port_of_the_stack() -> None:
    made = plan({"ports": [port(5432, "30432"), port(6379, "30432")]}, HERE)
    assert [p.get("nodePort") for p in component(made)["ports"]] == [30432, None]


@pytest.mark.parametrize(
    ("issuers", "answer", "issuer", "settled"),
    [
        (("letsencrypt",), "", "letsencrypt", True),
        (("letsencrypt",), "none", None, True),
        (("letsencrypt", "staging"), "", None, False),
        (("letsencrypt", "staging"), "staging", "staging", True),
        ((), "", None, False),
        ((), "my-issuer", "my-issuer", True),
        ((), "No Issuer", None, False),
    ],
)
def test_who_makes_the_certificate(issuers: tuple[str, ...], answer: str, issuer: str | None, settled: bool) -> None:
    facts = Facts(domain="example.org", cluster=ClusterFacts(issuers=issuers))
    made = convert(stack(service("app", {"ports": [port(80, "80")]})), facts, {("", "ingress.issuer"): answer})
    assert made.values["ingress"].get("issuer") == issuer
    assert finding(made, "ingress.issuer", of="").settled is settled


@pytest.mark.parametrize(
    ("variable", "value", "host"),
    [
        ("GF_SERVER_ROOT_URL", "https://grafana.example.org/x", "grafana.example.org"),
        ("GF_SERVER_ROOT_URL", "https://grafana.elsewhere.net", "media.example.org"),
        ("GF_SERVER_ROOT_URL", "https://u:p@grafana.example.org", "media.example.org"),
        ("OAUTH_ISSUER_URL", "https://auth.example.org", "media.example.org"),
    ],
)
def test_the_host_that_a_service_is_told_to_be_reached_under(variable: str, value: str, host: str) -> None:
    made = convert(stack(service("app", {"ports": [port(80, "80")]}, **{variable: value})), HERE)
    assert made.values["ingress"]["host"] == host
    assert not finding(made, "ingress.host", of="").settled


def test_the_way_in_to_a_site_is_replaced_not_moved() -> None:
    raw = {"image": "caddy:2.10.0", "ports": [port(80, "80"), port(443, "443"), port(443, "443", protocol="udp")]}
    made = plan(raw, HERE)
    assert finding(made, "edge").verdict is Verdict.REFUSED and "ingress controller" in finding(made, "edge").detail
    assert "ingress" not in made.values
    assert names(made) == {"http": (80, "TCP"), "https": (443, "TCP"), "http3": (443, "UDP")}
    moved = plan(raw, HERE, {"edge": "move"})
    assert finding(moved, "edge").settled and moved.values["ingress"]["component"] == "app"
    # a web server that publishes them, and a proxy that does not, are no way in
    for other in ({**raw, "image": "nextcloud:31"}, {**raw, "ports": [port(80, "8080")]}):
        assert "edge" not in {f.key for f in plan(other, HERE).findings}


def test_what_is_in_the_network_of_another_has_no_ports_of_its_own() -> None:
    facts = Facts("192.168.88.2", images={"t:1": ImageFacts(ports=("9091/tcp",))})
    vpn = service("vpn", {"ports": [port(9091, "9091")]})
    inside = {"image": "t:1", "network_mode": "service:vpn", "depends_on": ["vpn"]}
    made = convert(stack(vpn, service("app", inside)), facts)
    assert names(made) == {} and "waitFor" not in component(made)
    assert "network_mode" in finding(made, "depends_on.vpn").detail
