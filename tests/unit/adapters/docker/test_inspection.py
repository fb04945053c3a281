"""One look at a stack over a fake engine: what it asks, what it makes of the answers, what it leaves out."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labtui.adapters.docker import DockerSource
from labtui.core.clock import SystemClock
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.connections import DockerConnection
from labtui.domain.conversion.facts import Kind
from labtui.domain.conversion.gathering import SiteFacts
from labtui.domain.errors import Unreachable
from tests.unit.adapters.docker.documents import inspected, sampled
from tests.unit.adapters.docker.fake_engine import FakeEngine
from tests.unit.adapters.docker.test_peeking import tar

FOLDER, BOOT = 1 << 31, "6ce831a9-61d0-4967-b560-9c3f4b6977d3"
MOUNTS: list[dict[str, Any]] = [
    {"type": "bind", "source": "/srv/a", "target": "/a"},
    {"type": "bind", "source": "/srv/one.txt", "target": "/one.txt", "read_only": True},
    {"type": "volume", "source": "data", "target": "/data"},
    {"type": "volume", "source": "spare", "target": "/spare"},
]


def stack(mounts: list[dict[str, Any]] = MOUNTS) -> Stack:
    volumes = {v: {"name": f"media_{v}"} for v in ("data", "spare")}
    services = (Service("web", {"image": "web:1", "volumes": mounts}), Service("idle", {"image": "gone:1"}))
    return Stack("kyiv", "media", services, {"volumes": volumes})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path / "e.sock") as fake:
        document = inspected("c1", service="web", project="media")
        document["Mounts"] = [{"Destination": p} for p in ("/a", "/one.txt", "/data")]
        document["NetworkSettings"]["Networks"] = {"media_default": {"Aliases": ["web", "front", "c1"]}}
        fake.documents["c1"] = document
        stats = sampled("2026-01-02T00:00:02Z", 2_000_000_000, 300, inactive_file=100)
        before = sampled("2026-01-02T00:00:01Z", 1_500_000_000)
        fake.stats["c1"] = [{**stats, "preread": before["read"], "precpu_stats": before["cpu_stats"]}]
        image = {"Architecture": "arm64", "Config": {"User": "7"}}
        fake.routes["GET /images/web:1/json"] = (200, {}, json.dumps(image).encode())
        yield fake


def look(engine: FakeEngine, of: Stack | None = None) -> SiteFacts:
    return DockerSource(DockerConnection("kyiv", f"unix://{engine.path}"), SystemClock()).look(of or stack())


def has(engine: FakeEngine, mode: int, size: int = 0) -> None:
    """Every path in the container is this, to a HEAD of its archive."""
    raw = base64.b64encode(json.dumps({"name": "x", "size": size, "mode": mode}).encode()).decode()
    engine.routes["HEAD /containers/c1/archive"] = (200, {"X-Docker-Container-Path-Stat": raw}, b"")


def runs(engine: FakeEngine, out: str, status: int = 0) -> None:
    """Every program says this."""
    data = out.encode() + b"\4" + str(status).encode() + b"\n"
    engine.routes["POST /containers/c1/exec"] = (201, {}, b'{"Id": "x1"}')
    engine.routes["POST /exec/x1/start"] = (200, {}, struct.pack(">BxxxL", 1, len(data)) + data)


def test_images_use_and_names(engine: FakeEngine) -> None:
    found = look(engine)
    assert list(found.images) == ["web:1"] and found.images["web:1"].user == "7"
    assert found.usage["web"].cpu == pytest.approx(0.5) and found.usage["web"].memory == 200
    assert found.peers == {"web": ("front", "web")}


def test_folders_are_measured_in_the_container(engine: FakeEngine) -> None:
    has(engine, FOLDER)
    table = "1 2 0:1 / /a rw - nfs4 nas:/srv rw\n"
    runs(engine, f"{table}{BOOT}\n12\t/data\n")
    found = look(engine)
    assert found.host.boot_id == ""  # the last line is no boot id here
    assert found.mounts["media_data"].size == 12 * 1024
    assert found.mounts["/srv/a"].network_share == "nas:/srv" and found.mounts["/srv/a"].size is None
    runs(engine, f"{table}{BOOT}\n")
    assert look(engine).host.boot_id == BOOT


def test_a_small_file_is_read(engine: FakeEngine) -> None:
    has(engine, 0o644, 4)
    engine.routes["GET /containers/c1/archive"] = (200, {}, tar(("one.txt", b"one\n")))
    one = look(engine).mounts["/srv/one.txt"]
    assert (one.kind, one.size, one.text) == (Kind.FILE, 4, "one\n")


def test_a_big_file_is_not(engine: FakeEngine) -> None:
    has(engine, 0o644, 10_000_000)
    look(engine)
    assert not [r for r in engine.requests if "/archive" in r]  # a GET of it


@pytest.mark.parametrize(
    ("mode", "kind"),
    [(1 << 24, Kind.SOCKET), (1 << 25, Kind.SOCKET), (1 << 26, Kind.DEVICE), (1 << 26 | 1 << 21, Kind.DEVICE)],
)
def test_sockets_and_devices(engine: FakeEngine, mode: int, kind: Kind) -> None:
    has(engine, mode)
    assert look(engine).mounts["/srv/a"].kind is kind


def test_volumes_without_a_container_are_asked_of_the_engine(engine: FakeEngine) -> None:
    engine.routes["GET /volumes/media_spare"] = (200, {}, b"{}")
    usage = {"Volumes": [{"Name": "media_spare", "UsageData": {"Size": 5}}, {"Name": "x", "UsageData": None}]}
    engine.routes["GET /system/df"] = (200, {}, json.dumps(usage).encode())
    spare = look(engine).mounts["media_spare"]
    assert (spare.kind, spare.size) == (Kind.FOLDER, 5)
    engine.routes["GET /system/df"] = (500, {}, b"")
    assert look(engine).mounts["media_spare"].size is None
    del engine.routes["GET /volumes/media_spare"]
    assert look(engine).mounts["media_spare"].kind is Kind.MISSING


def test_what_the_engine_refuses_is_left_out(engine: FakeEngine) -> None:
    engine.routes["GET /images/web:1/json"] = (500, {}, b"")
    engine.routes["POST /containers/c1/exec"] = (409, {}, b"")
    engine.routes["HEAD /containers/c1/archive"] = (403, {}, b"")
    found = look(engine)
    assert not found.images and "/srv/a" not in found.mounts and found.usage["web"].memory == 200


def test_a_stack_that_does_not_run_is_seen_on_this_machine(engine: FakeEngine, tmp_path: Path) -> None:
    engine.documents.clear()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "a.txt").write_text("a")
    there = [{"type": "bind", "source": "/srv/kyiv/conf", "target": "/c", "read_only": True}]
    elsewhere = Stack("kyiv", "media", stack(there).services, {}, folder="/srv/kyiv", folder_here=str(tmp_path))
    found = look(engine, elsewhere)
    assert found.mounts["/srv/kyiv/conf"].files == {"a.txt": "a"}
    assert not found.usage and not found.peers
    here = str(tmp_path / "conf")
    mounts = [{"type": "bind", "source": here, "target": "/c", "read_only": True}]
    same = Stack("kyiv", "media", stack(mounts).services, {}, folder=str(tmp_path))
    assert look(engine, same).mounts[here].files == {"a.txt": "a"}


def test_an_engine_that_is_not_there() -> None:
    source = DockerSource(DockerConnection("kyiv", "unix:///nowhere/d.sock"), SystemClock())
    with pytest.raises(Unreachable):
        source.look(stack())


@pytest.mark.parametrize(
    ("source", "archives"),
    [("/", False), ("/var/lib", False), ("/var/lib/docker", False), ("/var/lib/docker-data", True), ("/proc", True)],
)
def test_a_container_that_has_the_host_mounted_is_asked_for_no_archive(
    engine: FakeEngine, source: str, archives: bool
) -> None:
    engine.documents["c1"]["Mounts"][2]["Source"] = source
    has(engine, FOLDER)  # what the archive says
    runs(engine, "81a4 7\n")  # what its programs say: a file of mode 0644
    found = look(engine).mounts
    assert {found[place].kind for place in ("/srv/a", "/srv/one.txt")} == {Kind.FOLDER if archives else Kind.FILE}
    assert found["/srv/one.txt"].text == (None if archives else "81a4 7\n")


def test_what_neither_archive_nor_program_may_tell_is_looked_at_from_here(engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("one\n")
    engine.documents["c1"]["Mounts"][1].update(Destination="/one.txt", Source=str(tmp_path / "one.txt"))
    engine.documents["c1"]["Mounts"].append({"Destination": "/host", "Source": "/"})
    has(engine, FOLDER)
    for status in ("running", "exited"):
        engine.documents["c1"]["State"]["Status"] = status
        mounts = [{"type": "bind", "source": str(tmp_path / "one.txt"), "target": "/one.txt", "read_only": True}]
        here = replace(stack(mounts), folder=str(tmp_path))
        one = look(engine, here).mounts[str(tmp_path / "one.txt")]
        assert (one.kind, one.text) == (Kind.FILE, "one\n")
