"""`labtui migrate` on the demo estate, whose clock stands still here: what it prints, and its exit statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labtui.cli import main
from labtui.demo import DemoClock, DemoEstate, parse_faults
from labtui.estate import bootstrap
from tests.unit.demo.following import NOON

STEPS = ["plan", "preflight", "backup", "secrets", "workload", "verify", "cut over", "soak", "retire"]


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The demo at noon, and nobody's own settings."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")  # no helm, no git, no docker
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def opened(options: bootstrap.Options, themes: tuple[Path, ...]) -> Any:
        return bootstrap.demo_lab(DemoEstate(DemoClock(NOON), parse_faults(options.faults)), options, themes)

    monkeypatch.setattr(bootstrap, "_open_demo", opened)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = main(list(arguments))
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


def test_a_whole_migration_ends_with_its_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, err = run(capsys, "migrate", "wroclaw/searxng", "--demo", "--yes", "--json")
    found = json.loads(out)
    assert (status, found["result"]) == (0, "done")
    report = found["report"]
    assert [s["step"] for s in report["steps"]] == STEPS
    assert report["requests"]["sent"] > 300 and report["requests"]["failed"] == 0
    assert report["state"] == "on Kubernetes"
    assert "pushed" in err and "Argo CD: searxng is Synced" in err
    left = {f.name for f in tmp_path.rglob("*") if f.is_file()}
    assert left <= {"labtui.log"}, "nothing of a demo is left in the user's folders"


def test_up_to_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--demo", "migrate", "wroclaw/tools", "--yes", "--until", "workload", "--json")
    found = json.loads(out)
    assert status == 0 and "labtui migration resume wroclaw-tools-" in found["remaining"][0]
    assert found["report"]["steps"][-1]["step"] == "workload"


def test_pods_that_do_not_come_up_fail_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--demo", "migrate", "wroclaw/tools", "--yes", "--json", "--fault", "pods=no-image")
    found = json.loads(out)
    assert (status, found["result"]) == (1, "failed")
    assert "ImagePullBackOff" in found["message"] + found["state"] + json.dumps(found)
    assert "The traffic goes to Docker, as before" in json.dumps(found)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["migrate", "wroclaw/emby", "--yes"], 3, "questions that are not answered"),
        (["migrate", "kyiv/transmission", "--yes"], 3, "cannot move to Kubernetes"),
        (["migrate", "wroclaw/serxng", "--yes"], 2, "searxng"),
        (["migration", "undo", "wroclaw-searxng-20260314-120000", "--yes"], 2, "There is no migration"),
        (["migrate", "wroclaw/tools", "--yes", "--fault", "argocd=down"], 4, "Argo CD does not answer"),
        (["migrate", "wroclaw/tools", "--yes", "--read-only"], 3, "--read-only"),
    ],
)
def test_what_it_says_no_to(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, words: str) -> None:
    found, out, err = run(capsys, "--demo", *arguments)
    assert (found, words in out + err) == (status, True), out + err


def test_there_are_no_migrations_at_first(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--demo", "migration", "list", "--json")
    assert (status, json.loads(out)["migrations"]) == (0, [])


def test_the_plan_shows_the_objects_without_helm(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "--demo", "plan", "wroclaw/searxng", "--out", str(tmp_path / "out"))
    assert status == 0 and "not rendered" not in out
    assert "kind: ExternalSecret" in "".join(f.read_text() for f in (tmp_path / "out").rglob("*.yaml"))
