"""Names of components, and the further ones by which peers reach them."""

from __future__ import annotations

import re

import pytest

from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import Verdict
from labtui.domain.conversion.rules.names import label
from tests.unit.domain.conversion.stacks import component, finding, plan, service, stack


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("my_db", "my-db"),
        ("Cache", "cache"),
        ("a.b", "a-b"),
        ("9lives", "c-9lives"),
        ("__", "c"),
        ("ü", "c"),
        ("x" * 99, "x" * 63),
    ],
)
def test_a_label_is_made(text: str, wanted: str) -> None:
    assert label(text) == wanted


def test_component_names_are_valid_and_unique_whatever_the_services_are_called() -> None:
    names = ["my_db", "my-db", "my.db", "MY_DB", "x" * 80, "x" * 90, "1", "_"]
    made = convert(stack(*(service(name, {}) for name in names)))
    assert len(made.components) == len(set(made.components)) == len(names)
    assert all(re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name) for name in made.components)
    assert made.components[1] == "my-db"  # who has a valid name keeps it
    assert "my-db-2" in finding(made, "name", of="my_db").detail


def test_a_renamed_service_that_peers_reach_by_its_name_is_refused() -> None:
    made = convert(stack(service("app", {}, DB="my_db:5432"), service("my_db", {}), service("other_one", {})))
    found = finding(made, "name", of="my_db")
    assert found.verdict is Verdict.REFUSED and "app" in found.detail
    assert finding(made, "name", of="other_one").verdict is Verdict.CONVERTED


def test_a_container_name_is_one_more_service() -> None:
    made = plan({"container_name": "immich-server", "expose": ["80"]})
    assert component(made)["service"] == {"aliases": ["immich-server"]}
    same = plan({"container_name": "app", "expose": ["80"]})
    assert "service" not in component(same)


@pytest.mark.parametrize("name", ["My_Server", "b", "b.example"])
def test_a_container_name_that_no_service_can_have_is_refused(name: str) -> None:
    made = convert(stack(service("app", {"container_name": name}), service("b", {})))
    assert finding(made, "container_name").verdict is Verdict.REFUSED
    assert "service" not in component(made)


def test_two_cannot_have_one_name() -> None:
    made = convert(stack(service("a", {"container_name": "same"}), service("b", {"container_name": "same"})))
    assert finding(made, "container_name", of="a").verdict is Verdict.CONVERTED
    assert finding(made, "container_name", of="b").verdict is Verdict.REFUSED


def test_a_name_seen_on_the_container_counts_when_a_peer_uses_it() -> None:
    facts = Facts(networks_peers={"b": ("media-b-1", "0123456789ab")})
    made = convert(stack(service("app", {}, WHERE="http://media-b-1:80"), service("b", {"expose": ["80"]})), facts)
    assert component(made, "b")["service"] == {"aliases": ["media-b-1"]}


@pytest.mark.parametrize(("text", "wanted"), [("box", "box"), ("Mail.Example.org", "mail"), ("my_host", "my-host")])
def test_a_host_name_is_one_label(text: str, wanted: str) -> None:
    assert component(plan({"hostname": text}))["hostname"] == wanted


def test_what_is_no_host_name_is_refused_and_a_domain_is_asked() -> None:
    assert finding(plan({"hostname": "___"}), "hostname").verdict is Verdict.REFUSED
    choice = finding(plan({"domainname": "example.org"}), "domainname").choice
    assert choice is not None and choice.proposed == "without"
