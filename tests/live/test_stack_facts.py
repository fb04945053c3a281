"""Facts of a stack from real engines and a real cluster."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labtui.adapters.docker import DockerSource
from labtui.adapters.kubernetes import KubernetesSource
from labtui.core.clock import SystemClock
from labtui.core.stack_facts import GatheredFacts
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.connections import DockerConnection, KubernetesConnection
from labtui.domain.conversion.facts import Facts, Kind
from tests.live.compose_fixture import docker

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.environ.get("LABTUI_LIVE") != "1", reason="needs LABTUI_LIVE=1 (tests/live/README.md)"),
]

MIB = 1024**2
_FILE = """\
services:
  web:
    image: {registry}/busybox:latest
    command: ["sh", "-c", "dd if=/dev/zero of=/data/blob bs=1M count=8 && touch /ready && exec sleep 3600"]
    healthcheck: {{test: ["CMD-SHELL", "test -e /ready"], interval: 1s, retries: 30}}
    user: "0"
    stop_grace_period: 1s
    networks: {{default: {{aliases: [front]}}}}
    volumes:
      - data:/data
      - {folder}/conf:/conf:ro
      - {folder}/one.txt:/etc/one.txt:ro
      - {folder}/big:/big
  idle:
    image: {registry}/busybox:latest
    command: ["sh", "-c", "exit 0"]
    volumes: ["{folder}/idle:/idle", "spare:/spare"]
volumes: {{data: {{}}, spare: {{}}}}
"""


def mount(source: str, target: str, kind: str = "bind", read_only: bool = False) -> dict[str, Any]:
    return {"type": kind, "source": source, "target": target, "read_only": read_only}


@pytest.fixture(scope="module", params=["wroclaw", "kyiv"])
def deployed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of a service that runs and one that has ended, with every kind of mount."""
    site: str = request.param
    folder = tmp_path_factory.mktemp("facts")
    name = f"lt-{uuid.uuid4().hex[:8]}"
    for path in ("conf", "big", "idle"):
        (folder / path).mkdir()
    (folder / "conf" / "a.conf").write_text("a = 1\n")
    (folder / "conf" / "b.conf").write_text("b = 2\n")
    (folder / "one.txt").write_text("one\n")
    (folder / "big" / "blob").write_bytes(os.urandom(3 * MIB))
    image = f"{os.environ['LIVE_REGISTRY']}/busybox:latest"
    file = folder / "compose.yaml"
    file.write_text(_FILE.format(registry=os.environ["LIVE_REGISTRY"], folder=folder))
    command = ("compose", "--project-name", name, "-f", str(file))
    web = {
        "image": image,
        "volumes": [
            mount("data", "/data", "volume"),
            mount(f"{folder}/conf", "/conf", read_only=True),
            mount(f"{folder}/one.txt", "/etc/one.txt", read_only=True),
            mount(f"{folder}/big", "/big"),
        ],
    }
    idle = {"image": image, "volumes": [mount(f"{folder}/idle", "/idle"), mount("spare", "/spare", "volume")]}
    volumes = {v: {"name": f"{name}_{v}"} for v in ("data", "spare")}
    services = (Service("web", web), Service("idle", idle), Service("never", {"image": "never.invalid/never:1"}))
    try:
        docker(site, *command, "up", "--detach", "--quiet-pull", "--wait", "web")
        docker(site, *command, "up", "--detach", "--quiet-pull", "idle")
        yield Stack(site, name, services, {"volumes": volumes}, folder=str(folder))
    finally:
        docker(site, *command, "down", "--timeout", "1", "--volumes")


def source(site: str) -> DockerSource:
    host = os.environ["LIVE_DOCKER_WROCLAW" if site == "wroclaw" else "LIVE_DOCKER_KYIV"]
    return DockerSource(DockerConnection(site, host), SystemClock())


@pytest.fixture(scope="module")
def facts(deployed: Stack) -> Facts:
    files = tuple(Path(p) for p in os.environ["KUBECONFIG"].split(os.pathsep))
    cluster = KubernetesSource(KubernetesConnection("", files), SystemClock())
    return GatheredFacts({deployed.site: source(deployed.site)}, {deployed.site: "10.0.0.1"}, cluster).facts(deployed)


def test_images_say_what_they_are(facts: Facts, deployed: Stack) -> None:
    image = facts.images[deployed.services[0].image]
    assert image.architectures and image.architectures[0] in ("amd64", "arm64")
    assert "PATH" in image.variables
    assert "never.invalid/never:1" not in facts.images


def test_mounts_of_a_running_container_are_measured(facts: Facts, deployed: Stack) -> None:
    folder = deployed.folder
    data = facts.mounts[f"{deployed.name}_data"]
    assert data.kind is Kind.FOLDER and data.size is not None and 8 * MIB <= data.size < 9 * MIB
    big = facts.mounts[f"{folder}/big"]
    assert big.size is not None and 3 * MIB <= big.size < 4 * MIB and big.files is None
    assert facts.mounts[f"{folder}/conf"].files == {"a.conf": "a = 1\n", "b.conf": "b = 2\n"}
    one = facts.mounts[f"{folder}/one.txt"]
    assert (one.kind, one.size, one.text) == (Kind.FILE, 4, "one\n")


def test_mounts_of_an_ended_container_are_seen(facts: Facts, deployed: Stack) -> None:
    assert facts.mounts[f"{deployed.folder}/idle"].kind is Kind.FOLDER
    spare = facts.mounts[f"{deployed.name}_spare"]
    assert spare.kind is Kind.FOLDER and spare.size == 0  # measured by the engine


def test_use_and_names_of_what_runs(facts: Facts) -> None:
    use = facts.usage["web"]
    assert use.memory and use.cpu is not None and "idle" not in facts.usage
    assert {"web", "front"} <= set(facts.networks_peers["web"])


def test_the_cluster_and_the_host(facts: Facts) -> None:
    assert facts.problems == () and facts.cluster is not None
    node = facts.cluster.nodes[0]
    assert 0 < node.memory_free <= node.memory and node.cpu_free > 0 and node.architecture
    assert facts.cluster.storage_classes and facts.cluster.default_storage_class in facts.cluster.storage_classes
    # the live estate runs all of it on one machine
    assert facts.same_host is True


def test_looking_leaves_nothing_behind(deployed: Stack) -> None:
    before = docker(deployed.site, "ps", "--all", "--quiet", "--no-trunc")
    source(deployed.site).look(deployed)
    assert docker(deployed.site, "ps", "--all", "--quiet", "--no-trunc") == before
    container = docker(deployed.site, "compose", "--project-name", deployed.name, "ps", "--quiet", "web")
    assert "du" not in docker(deployed.site, "top", container)


def test_an_engine_that_is_down_is_a_problem(deployed: Stack) -> None:
    gone = DockerSource(DockerConnection(deployed.site, "unix:///nowhere/docker.sock"), SystemClock())
    found = GatheredFacts({deployed.site: gone}, {}, None).facts(deployed)
    assert len(found.problems) == 1 and "/nowhere/docker.sock" in found.problems[0]
    assert not found.images and found.cluster is None
