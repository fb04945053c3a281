"""Written data that stays in place: when it is known to be the same data, who owns it, and how long nobody is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labtui.domain.conversion.facts import ClusterFacts, ImageFacts
from labtui.domain.conversion.findings import Verdict
from labtui.domain.conversion.rules.interruption import ANYWAY, canonical
from tests.unit.domain.conversion.stacks import FOLDER, component, finding, plan
from tests.unit.domain.conversion.test_volume_rules import NODE, bind, known, named, one


@pytest.mark.parametrize(
    ("same_host", "node", "nodes", "kept", "selector"),
    [
        (True, "orbstack", 1, True, None),
        (True, "", 1, True, None),
        (True, "orbstack", 2, True, {"kubernetes.io/hostname": "orbstack"}),
        (True, "control", 1, True, {"kubernetes.io/hostname": "control"}),  # the site's host takes no pods now
        (True, "", 2, False, None),
        (None, "", 1, False, None),
    ],
)
def test_what_is_written_in_place_is_known_to_be_the_same_data(
    same_host: bool | None, node: str, nodes: int, kept: bool, selector: dict[str, str] | None
) -> None:
    source = f"{FOLDER}/config"
    cluster = ClusterFacts((NODE, replace(NODE, name="other"))[:nodes])
    facts = replace(known(source, same_host=same_host), host_node=node, cluster=cluster)
    made = one(bind(source, "/config"), facts, answer="keep")
    assert (made.volumes[0].becomes, made.volumes[0].kept) == ("hostPath", kept)
    assert component(made).get("nodeSelector") == selector


def test_the_owner_of_what_is_written_in_place_is_said() -> None:
    source = f"{FOLDER}/config"
    facts = replace(known(source, same_host=True), images={"app:1": ImageFacts(user="70")})
    mount = {"volumes": [bind(source, "/config")], "image": "app:1"}
    answers = {"volumes./config": "keep"}
    said = finding(plan(mount, facts, answers), "volumes./config.owner")
    assert "as user 70" in said.detail and said.verdict is Verdict.CONVERTED
    assert "as user 1000" in finding(plan({**mount, "user": "1000"}, facts, answers), "volumes./config.owner").detail
    unknown = plan({**mount, "image": "other:1"}, facts, answers)
    assert "which is not known" in finding(unknown, "volumes./config.owner").detail
    copied = plan(mount, facts, {"volumes./config": "copy"})
    assert "volumes./config.owner" not in {f.key for f in copied.findings}


@pytest.mark.parametrize(
    ("answer", "share", "kept"),
    [
        ("nfs", "192.168.1.2:/srv/media", True),  # the share that it lies on
        ("nfs:192.168.1.2:/srv/media", "192.168.1.2:/srv/media", True),
        ("nfs:192.168.1.3:/srv/media", "192.168.1.2:/srv/media", False),
        ("nfs", "", True),  # the site exports the folder itself
        ("nfs:192.168.1.2:/srv/other", "", False),
    ],
)
def test_a_share_is_the_same_data_only_if_it_is_the_same_export(answer: str, share: str, kept: bool) -> None:
    made = one(bind("/srv/media", "/media"), known("/srv/media", network_share=share), answer=answer)
    assert (made.volumes[0].becomes, made.volumes[0].writer, made.volumes[0].kept) == ("nfs", True, kept)


def test_a_volume_that_is_a_share_is_the_same_data() -> None:
    options = {"type": "nfs", "o": "addr=192.168.1.2,rw", "device": ":/srv/media"}
    top = {"volumes": {"data": {"name": "media_data", "driver_opts": options}}}
    assert one(named("data", "/data"), top=top).volumes[0].kept
    assert not one(named("data", "/data"), top=top, answer="nfs:192.168.1.2:/srv/x").volumes[0].kept
    assert not one(named("data", "/data"), top=top, answer="copy").volumes[0].kept


SOURCE = f"{FOLDER}/config"


def kept(images: frozenset[str] = frozenset(), **more: Any) -> Any:
    facts = replace(
        known(SOURCE, same_host=True), cluster=ClusterFacts((NODE,), images=images), images={"app:1": ImageFacts()}
    )
    return plan({"volumes": [bind(SOURCE, "/config")], "image": "app:1", **more}, facts, {"volumes./config": "keep"})


def test_how_long_nobody_is_answered_is_said_before() -> None:
    made = kept()
    assert made.window == ANYWAY and f"about {ANYWAY} seconds by estimate" in made.interruption
    check = {"test": ["CMD", "true"], "interval": "20s", "start_period": "60s"}
    slow = kept(healthcheck=check)
    assert slow.window is not None and slow.window > ANYWAY and f"about {slow.window} seconds" in slow.interruption


def test_images_that_the_node_would_have_to_get_first_are_named() -> None:
    assert "node" not in kept().interruption  # which ones it has is not known
    assert "do not list app:1" in kept(frozenset({"docker.io/library/other:1"})).interruption
    assert "are on the node already" in kept(frozenset({"docker.io/library/app:1"})).interruption


def test_copied_data_has_no_estimate() -> None:
    copied = one(bind(SOURCE, "/config"), known(SOURCE, same_host=True), answer="copy")
    assert copied.window is None and copied.interruption and "estimate" not in copied.interruption
    assert one(bind(SOURCE, "/config", True), known(SOURCE, same_host=True), answer="keep").window is None


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("redis:7", "docker.io/library/redis:7"),
        ("emby/embyserver:4", "docker.io/emby/embyserver:4"),
        ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ("localhost/a:1", "localhost/a:1"),
        ("10.0.0.1:5000/a", "10.0.0.1:5000/a:latest"),
        ("redis@sha256:abc", "docker.io/library/redis@sha256:abc"),
    ],
)
def test_an_image_has_the_name_that_a_node_lists(image: str, name: str) -> None:
    assert canonical(image) == name
