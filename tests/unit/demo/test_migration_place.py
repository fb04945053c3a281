"""What keeps a move on the demo estate from beginning, and what must not keep it from being taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from labtui.domain.errors import Invalid, Refused
from labtui.domain.migration.journal import State
from labtui.domain.migration.steps import StepName
from labtui.ports.migration import MirrorCopy
from tests.unit.demo.moving import Moved, opened

CHECKS = "manifests/applications/values/homelab/tools.checks.yaml"


@pytest.fixture
def moved(tmp_path: Path) -> Moved:
    return opened(tmp_path)


def test_what_somebody_has_made_by_hand_is_not_taken_over(moved: Moved) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "valkey", "namespace": "searxng"},
        "spec": {"ports": [{"port": 6379}]},
    }
    with moved.world.world.lock:
        moved.world.cluster.apply(service, "")
    with pytest.raises(Refused, match="Nothing was changed") as refused:
        moved.migrate("searxng")
    assert "searxng has Service valkey already, which is not labtui's" in refused.value.detail
    assert moved.objects("searxng") == {("Service", "valkey")}


def test_a_stack_of_the_same_name_elsewhere_is_in_the_way(moved: Moved) -> None:
    """As two operators do it: the other site's stack is under way, and its journal is in the cluster."""
    mirror = moved.world.migration.mirror
    moved.migrate("searxng", StepName.BACKUP)
    there = mirror.read("wroclaw", "searxng")
    assert there is not None
    identity = there.migration.replace("wroclaw", "kyiv")
    text = there.text.replace(there.migration, identity).replace('"site": "wroclaw"', '"site": "kyiv"')
    moved.undo(moved.latest("searxng"))
    mirror.write(MirrorCopy(identity, "kyiv", "searxng", there.fence, text))
    with pytest.raises(Refused, match="Nothing was changed") as refused:
        moved.migrate("searxng")
    assert "kyiv/searxng moves to searxng, too" in refused.value.detail
    assert f"labtui migration undo {identity}" in refused.value.detail


def test_checks_that_cannot_be_read_stop_the_way_there_and_not_the_way_back(moved: Moved) -> None:
    moved.migrate("tools", StepName.WORKLOAD)
    files = moved.world.git_files
    files.write(files.head(), {CHECKS: "rate: [1"}, "a slip of the pen")
    with pytest.raises(Invalid, match="no YAML"):
        moved.resume(moved.latest("tools"))
    assert moved.undo(moved.latest("tools")).state is State.DOCKER


ANSWERS = (
    "emby.volumes./config=empty",
    "emby.volumes./media=nfs",
    "emby.healthcheck=tcp",
    "emby.resources=measured",
    "ingress.host=emby.example.org",
)


def test_answers_that_are_given_to_a_migration_hold_to_its_end(moved: Moved) -> None:
    """Also in a later run, which plans anew for what the journal does not keep."""
    with pytest.raises(Refused, match="questions that are not answered") as refused:
        moved.migrate("emby")
    assert "in labtui migrate wroclaw/emby for this migration alone" in refused.value.hint
    migrations = moved.lab.migrations
    record, _ = migrations.migrate("wroclaw", "emby", StepName.PLAN, moved.watch, ANSWERS)
    assert record.entries[-2].data["plan"]["answers"] == list(ANSWERS)
    migrations.migrate("wroclaw", "emby", StepName.PREFLIGHT, moved.watch)
    assert moved.latest("emby").step is StepName.PREFLIGHT
