"""`labtui promote` on the demo estate."""

from __future__ import annotations

import json
import os

import pytest

from labtui.cli.main import main
from labtui.core.operations.promote import Promote
from labtui.demo import DemoClock, DemoEstate
from labtui.demo.files import data_folder, load_applications
from labtui.domain.errors import Refused
from tests.unit.demo.following import NOON, app, app_ref


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(("promote", *arguments, "--demo"))
    out, err = capsys.readouterr()
    return status, out, err


def test_a_dry_run_shows_the_diff_and_what_stays(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "emby", "staging", "homelab", "--dry-run")
    assert (status, out) == (0, "")
    assert "-    image: emby/embyserver:4.8.11.0" in err and "+    image: emby/embyserver:4.9.1.80" in err
    assert "homelab keeps" in err and "ingress.issuer" in err
    assert "staging.example.org" not in err


def test_it_is_done_and_reported_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "emby", "staging", "homelab", "--yes", "--json")
    report = json.loads(out)
    assert (status, report["result"]) == (0, "done")
    assert report["files"] == ["manifests/applications/values/homelab/emby.yaml"] and len(report["commit"]) == 40
    assert report["plan"]["action"] == "gitops.promote"


def test_where_nothing_differs_nothing_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115 - closed with the test's process
    status, out, _ = run(capsys, "vault", "staging", "homelab")
    assert status == 0 and "homelab already has what staging has" in out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("emby", "staging", "homelab"), 2, "--yes"),
        (("emby", "staging", "homelab", "--yes", "--read-only"), 3, "--read-only"),
        (("embi", "staging", "homelab"), 2, "Did you mean emby"),
        (("emby", "production", "homelab"), 2, "no environment production"),
    ],
)
def test_exit_statuses(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115 - closed with the test's process
    found, _, err = run(capsys, *arguments)
    assert (found, words in err) == (status, True), err


def test_every_application_of_staging_can_be_promoted() -> None:
    world = DemoEstate(DemoClock(NOON), life=False)
    _, entries = load_applications(data_folder("manifests"), "staging")
    assert entries
    for entry in entries:
        assert not Promote(world.git_files, "manifests", entry.name, "staging", "homelab").plan().refusals, entry.name


def test_the_demos_argo_cd_deploys_what_was_promoted() -> None:
    world = DemoEstate(DemoClock(NOON), life=False)
    operation = Promote(world.git_files, "manifests", "emby", "staging", "homelab")
    plan = operation.plan()
    before = world.git_files.head()
    operation.run(plan, lambda phase, text: None)
    path = "manifests/applications/values/homelab/emby.yaml"
    assert "4.9.1.80" in world.git_files.read(world.git_files.head(), path)
    assert "4.9.1.80" not in world.git_files.read(before, path)
    assert not operation.plan().changes
    world.applications.refresh(app_ref(world, "emby"))
    world.clock.advance(30)
    assert "emby/embyserver:4.9.1.80" in app(world, "emby").images and app(world, "emby").sync == "Synced"
    with pytest.raises(Refused, match="meanwhile"):
        world.git_files.write(before, {path: "components: {}\n"}, "late")
