"""From the engine's documents to containers and services."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from labtui.adapters.docker.parse import moment, placed
from labtui.domain.ref import Ref
from labtui.domain.resources.docker import Port, container_level
from labtui.domain.states import Level
from tests.unit.adapters.docker.documents import SITE, inspected


def test_a_compose_container_belongs_to_its_service() -> None:
    doc = inspected(
        container_number="3",
        oneoff="False",
    )
    doc["Config"]["Labels"] |= {
        "com.docker.compose.project.config_files": "/srv/_base/media.yaml,/srv/kyiv/media.yaml",
        "com.docker.compose.project.working_dir": "/srv/_base",
        "com.docker.compose.depends_on": "cache:service_started:false,db:service_healthy:true",
    }
    found = placed(doc, SITE)
    assert found.ref == Ref(SITE, "ComposeService", "media", "web")
    assert found.config_files == ("/srv/_base/media.yaml", "/srv/kyiv/media.yaml")
    assert found.working_dir == "/srv/_base"
    assert found.depends_on == ("cache", "db")
    container = found.container
    assert (container.number, container.restarts, container.image) == (3, 2, "registry.example/web:1")
    assert container.started == datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)
    assert container.finished is None
    assert container.exit_code is None
    assert container.networks == ("media_default",)


@pytest.mark.parametrize(
    "doc",
    [
        inspected(project="", service=""),
        inspected(oneoff="True"),
        inspected(project="media", service=""),
        inspected(project="", service="web"),
    ],
)
def test_all_others_are_strays(doc: dict[str, object]) -> None:
    assert placed(doc, SITE).ref == Ref(SITE, "Container", "", "media-web-1")


@pytest.mark.parametrize(
    ("state", "health", "code", "level"),
    [
        ("running", "", 0, Level.WELL),
        ("running", "none", 0, Level.WELL),
        ("running", "starting", 0, Level.MOVING),
        ("running", "healthy", 0, Level.WELL),
        ("running", "unhealthy", 0, Level.BROKEN),
        ("exited", "unhealthy", 0, Level.OFF),
        ("exited", "", 143, Level.OFF),
        ("exited", "", 137, Level.OFF),
        ("exited", "", 1, Level.BROKEN),
        ("restarting", "", 1, Level.BROKEN),
        ("dead", "", 0, Level.BROKEN),
        ("created", "", 0, Level.OFF),
        ("paused", "", 0, Level.OFF),
        ("removing", "", 0, Level.MOVING),
    ],
)
def test_state_and_health_make_the_level(state: str, health: str, code: int, level: Level) -> None:
    container = placed(inspected(state=state, health=health, code=code), SITE).container
    assert container.state == state
    assert container_level(container) is level


def test_a_stopped_container_keeps_its_exit_code_and_has_no_health() -> None:
    container = placed(inspected(state="exited", health="unhealthy", code=3), SITE).container
    assert (container.exit_code, container.health) == (3, "")
    assert container.finished is not None


def test_ports_once_for_both_families_published_and_exposed() -> None:
    doc = inspected()
    doc["NetworkSettings"]["Ports"] = {
        "443/tcp": None,
        "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
        "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}, {"HostIp": "10.0.0.1", "HostPort": "53"}],
    }
    assert placed(doc, SITE).container.ports == (
        Port(53, "udp", 53, "10.0.0.1"),
        Port(53, "udp", 53, "127.0.0.1"),
        Port(80, "tcp", 8080, "0.0.0.0"),
        Port(443),
    )


def test_mounts_as_in_compose_files() -> None:
    doc = inspected()
    doc["Mounts"] = [
        {"Type": "bind", "Source": "/srv/a", "Destination": "/a", "RW": False},
        {"Type": "volume", "Name": "media_data", "Source": "/var/lib/docker/…", "Destination": "/data", "RW": True},
        {"Type": "tmpfs", "Destination": "/tmp"},
    ]
    assert placed(doc, SITE).container.mounts == ("/srv/a:/a:ro", "media_data:/data", "tmpfs:/tmp")


def test_hostile_text_is_kept_as_it_is() -> None:
    doc = inspected(project="\x1b[31m[b]", service="\u202eevil\ud800", container_number="²")
    found = placed(doc, SITE)
    assert (found.ref.namespace, found.ref.name) == ("\x1b[31m[b]", "\u202eevil\ud800")
    assert found.container.number == 1


def test_a_document_full_of_nulls_is_read() -> None:
    doc = {
        "Id": "0123456789abcdef",
        "Name": None,
        "State": None,
        "Config": None,
        "NetworkSettings": None,
        "Mounts": None,
    }
    found = placed(doc, SITE)
    assert found.ref == Ref(SITE, "Container", "", "0123456789ab")
    assert found.container.state == "unknown"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "", "yesterday", None, 7])
def test_what_is_not_a_time_is_none(text: object) -> None:
    assert moment(text) is None
