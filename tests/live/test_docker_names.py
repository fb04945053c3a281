"""Labels that hold anything: the engine takes them, so labtui must."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from labtui.domain.ref import Ref
from tests.contract.docker_rig import LiveRig, Watcher
from tests.live.compose_fixture import docker

pytestmark = pytest.mark.live

PROJECT = "\x1b[2J\x1b[31m[red]evil[/red]\u202e\n界"
SERVICE = "a/b\t\u200b'\";$(reboot)"


@pytest.fixture
def container() -> Iterator[str]:
    name = f"lt-names-{uuid.uuid4().hex[:8]}"
    labels = {"project": PROJECT + name, "service": SERVICE, "container-number": "many", "oneoff": "maybe"}
    words = [word for key, value in labels.items() for word in ("--label", f"com.docker.compose.{key}={value}")]
    docker("kyiv", "run", "--detach", "--name", name, *words, f"{os.environ['LIVE_REGISTRY']}/pause:3")
    yield name
    docker("kyiv", "rm", "--force", name)


def test_hostile_labels_are_kept_as_they_are(container: str, tmp_path: Path) -> None:
    rig = LiveRig("kyiv", tmp_path)
    with Watcher(rig.feed()) as watcher:
        watcher.until_live()
        found = watcher.services[Ref(watcher.feed.source, "ComposeService", PROJECT + container, SERVICE)]
        assert found.worst.name == container
        assert found.worst.number == 1
        docker("kyiv", "stop", "--time", "1", container)
        watcher.until("exited", lambda w: w.services[found.ref].worst.state == "exited", 5)
