"""Data of stacks through a fake engine: how the helper is made, what it is told, and that it goes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labtui.adapters.docker.stores import EngineStores
from labtui.domain.backup import DataPlace, PlaceKind, PlaceState
from labtui.domain.connections import DockerConnection
from labtui.domain.errors import Invalid, NotFound, OutcomeUnknown, Refused
from tests.unit.adapters.docker.fake_engine import FakeEngine

VOLUME = DataPlace(PlaceKind.VOLUME, "web_db")
FOLDER = DataPlace(PlaceKind.BIND, "/srv/web")
CREATED: tuple[int, dict[str, str], bytes] = (201, {}, b'{"Id": "h1"}')


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path / "docker.sock") as fake:
        fake.routes["GET /images/web:1/json"] = (200, {}, b'{"Id": "sha256:1"}')
        fake.routes["POST /containers/create"] = CREATED
        fake.routes["DELETE /containers/h1"] = (204, {}, b"")
        yield fake


def stores(engine: FakeEngine) -> EngineStores:
    return EngineStores(DockerConnection("kyiv", f"unix://{engine.path}"))


def stat(mode: int) -> tuple[int, dict[str, str], bytes]:
    words = base64.b64encode(json.dumps({"name": "x", "mode": mode, "size": 3}).encode()).decode()
    return 200, {"X-Docker-Container-Path-Stat": words}, b""


def test_a_place_is_read_through_a_helper_that_has_it_alone_and_read_only(engine: FakeEngine) -> None:
    engine.routes["GET /containers/h1/archive"] = (200, {}, b"tar" * 300_000)
    with stores(engine).open("me", ["gone:1", "web:1"]) as store, store.read(VOLUME) as read:
        assert read(5) == b"tarta"
        rest = read(2_000_000)
        assert len(rest) == 900_000 - 5 and read(1) == b""
    path, body = engine.posted[0]
    made = json.loads(body)
    assert "name=labtui-data-" in path
    assert made["Labels"] == {"labtui.dev/helper": "me"} and made["Image"] == "sha256:1"
    (mount,) = made["HostConfig"]["Mounts"]
    assert mount == {
        "Type": "volume",
        "Source": "web_db",
        "Target": "/labtui-data",
        "ReadOnly": True,
        "VolumeOptions": {"NoCopy": True},
    }
    assert [r for r in engine.requests if r.startswith("DELETE")] == ["DELETE /v1.41/containers/h1?force=1&v=1"]
    assert not any("/start" in r for r, _ in engine.posted), "it never runs"


def test_helpers_of_an_earlier_run_are_removed_when_it_begins(engine: FakeEngine) -> None:
    engine.documents["h1"] = {}
    with stores(engine).open("me", ["web:1"]):
        assert "DELETE /v1.41/containers/h1?force=1&v=1" in engine.requests
    asked = [r for r in engine.requests if "/containers/json" in r]
    assert "labtui.dev%2Fhelper%3Dme" in asked[0]


@pytest.mark.parametrize(("mode", "folder"), [(1 << 31 | 0o755, True), (0o644, False)])
def test_what_is_at_a_path(engine: FakeEngine, mode: int, folder: bool) -> None:
    engine.routes["HEAD /containers/h1/archive"] = stat(mode)
    with stores(engine).open("me", ["web:1"]) as store:
        assert store.state(FOLDER) == PlaceState(folder)
    engine.routes["HEAD /containers/h1/archive"] = stat(1 << 24)
    with stores(engine).open("me", ["web:1"]) as store:
        assert store.state(FOLDER) is None, "a socket is nothing to save"


def test_what_is_not_there(engine: FakeEngine) -> None:
    words = b'{"message": "invalid mount config for type \\"bind\\": bind source path does not exist: /srv/web"}'
    engine.routes["POST /containers/create"] = (400, {}, words)
    with stores(engine).open("me", ["web:1"]) as store:
        assert store.state(FOLDER) is None and store.state(VOLUME) is None
        with pytest.raises(NotFound), store.read(FOLDER):
            pass


def test_an_engine_without_images_says_what_to_do(engine: FakeEngine) -> None:
    engine.routes["GET /images/json"] = (200, {}, b"[]")
    with stores(engine).open("me", ["other:1"]) as store, pytest.raises(Refused, match="no image") as caught:
        store.state(FOLDER)
    assert "Pull any" in caught.value.hint


def test_a_stream_is_unpacked_from_the_top_and_a_file_in_its_folder(engine: FakeEngine) -> None:
    engine.routes["PUT /containers/h1/archive"] = (200, {}, b"")
    with stores(engine).open("me", ["web:1"]) as store:
        store.write(FOLDER, PlaceState(True), iter([b"one", b"two"]))
        store.write(DataPlace(PlaceKind.BIND, "/srv/web/a.conf"), PlaceState(False), iter([b"x"]))
    assert engine.sent == [
        ("/v1.41/containers/h1/archive?path=%2F", b"onetwo"),
        ("/v1.41/containers/h1/archive?path=%2Flabtui-data", b"x"),
    ]
    binds = [json.loads(body)["HostConfig"]["Binds"] for _, body in engine.posted]
    assert binds == [["/srv/web:/labtui-data"], ["/srv/web:/labtui-data"]]


@pytest.mark.parametrize("source", ["relative", "/a:/etc", "/a/../etc"])
def test_a_path_that_is_more_than_a_path_is_refused(engine: FakeEngine, source: str) -> None:
    with stores(engine).open("me", ["web:1"]) as store, pytest.raises(Invalid, match="cannot be restored"):
        store.write(DataPlace(PlaceKind.BIND, source), PlaceState(True), iter([b"x"]))
    assert engine.posted == []


def test_an_engine_that_goes_while_it_unpacks_leaves_the_outcome_unknown(engine: FakeEngine) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 1000
        raise ConnectionResetError(104, "Connection reset by peer")

    with stores(engine).open("me", ["web:1"]) as store, pytest.raises(OutcomeUnknown, match="did not say"):
        store.write(FOLDER, PlaceState(True), chunks())
    assert "DELETE /v1.41/containers/h1?force=1&v=1" in engine.requests


def test_what_the_engine_refuses_is_said_in_its_words(engine: FakeEngine) -> None:
    engine.routes["PUT /containers/h1/archive"] = (500, {}, b'{"message": "no space left on device"}')
    engine.routes["DELETE /volumes/web_db"] = (409, {}, b'{"message": "volume is in use - [abc]"}')
    with stores(engine).open("me", ["web:1"]) as store:
        with pytest.raises(Refused) as caught:
            store.write(FOLDER, PlaceState(True), iter([b"x"]))
        assert caught.value.detail == "no space left on device"
        with pytest.raises(Refused) as caught:
            store.remove_volume("web_db")
        assert caught.value.detail == "volume is in use - [abc]"
