"""Which mounts of a stack are data, and what a manifest says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labtui.domain.backup import (
    DataPlace,
    LeftOut,
    Manifest,
    PlaceKind,
    PlaceState,
    SavedPlace,
    SavedSecret,
    data_places,
)
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.conversion.facts import Facts, Kind, MountFacts


def stack(*mounts: dict[str, Any] | str, volumes: dict[str, Any] | None = None) -> Stack:
    services = [Service(f"s{n}", {"volumes": [mount]}) for n, mount in enumerate(mounts)]
    return Stack("wroclaw", "web", tuple(services), {"volumes": volumes or {}}, folder="/srv/site")


def bind(source: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": "/x", "read_only": read_only}


def volume(source: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"type": "volume", "source": source, "target": "/v", "read_only": read_only}


def test_what_is_written_to_is_data_and_what_is_read_stays_where_it_is() -> None:
    found, left = data_places(
        stack(
            volume("db"),
            bind("/srv/site/web/config"),
            bind("/srv/site/web/conf.yaml", read_only=True),
            bind("/mnt/photos"),
            bind("/mnt/media", read_only=True),
            bind("/etc/localtime", read_only=True),
            bind("/proc", read_only=True),
            bind("/var/run/docker.sock"),
            {"type": "tmpfs", "target": "/tmp"},
            volumes={"db": {"name": "web_db"}},
        ),
        Facts(mounts={"web_db": MountFacts(Kind.FOLDER, 5000)}),
    )
    assert found == (
        DataPlace(PlaceKind.VOLUME, "web_db", ("s0:/v",), 5000),
        DataPlace(PlaceKind.BIND, "/srv/site/web/config", ("s1:/x",)),
        DataPlace(PlaceKind.BIND, "/srv/site/web/conf.yaml", ("s2:/x",)),
        DataPlace(PlaceKind.BIND, "/mnt/photos", ("s3:/x",)),
    )
    assert left == (
        LeftOut("/mnt/media", "it is only read here"),
        LeftOut("/etc/localtime", "it belongs to the host"),
        LeftOut("/proc", "it belongs to the host"),
        LeftOut("/var/run/docker.sock", "it belongs to the host"),
    )


def test_one_writer_makes_it_data_for_all() -> None:
    found, left = data_places(stack(bind("/mnt/a", read_only=True), bind("/mnt/a")), Facts())
    assert [p.source for p in found] == ["/mnt/a"] and left == ()


def test_what_another_machine_keeps_is_left_out() -> None:
    facts = Facts(mounts={"/mnt/nas": MountFacts(Kind.FOLDER, network_share="nas:/media")})
    nfs = {"driver_opts": {"type": "nfs", "device": ":/export", "o": "addr=nas"}}
    found, left = data_places(stack(bind("/mnt/nas"), volume("media"), volumes={"media": nfs}), facts)
    assert found == ()
    assert [o.why for o in left] == ["it lies on nas:/media, which keeps it", "it lies on :/export, which keeps it"]


def test_a_manifest_comes_back_from_its_json() -> None:
    state = PlaceState(True, "local", {"o": "x"}, {"a": "b"})
    saved = SavedPlace(
        DataPlace(PlaceKind.VOLUME, "v\n☃", ("s:/v",)), "data/1.tar", "data/1.jsonl", state, 3, 9, ("a: b",), 1
    )
    whole = Manifest(
        "w", "s", "now", "ada", ("files/x",), (saved,), (LeftOut("/m", "y"),), (SavedSecret("p", 2, (2,)),), ("i",)
    )
    assert Manifest.of(json.loads(json.dumps(whole.document()))) == whole
    with pytest.raises(ValueError, match="format 2"):
        Manifest.of({**whole.document(), "format": 2})
