"""A source that cannot even be tried is shown as down, never left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labtui.cli.main import main
from labtui.core.lab import Lab
from labtui.estate.bootstrap import Options, open_lab

ESTATE = """estate: lab
sites:
  kyiv: {docker: {context: nosuch}}
  wroclaw: {docker: {host: "unix:///nonexistent.sock"}}
vault: {}
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    (tmp_path / "labtui.yaml").write_text(ESTATE)
    return open_lab(Options(cwd=tmp_path, home=tmp_path), {})


def test_it_is_a_source_in_the_usual_order(lab: Lab) -> None:
    assert [source.label for source in lab.sources] == ["wroclaw", "kyiv", "vault"]


def test_status_has_it_with_the_reason(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "ARGOCD_SERVER", "ARGOCD_OPTS", "VAULT_ADDR", "DOCKER_CONFIG", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert main(["status", "--json"]) == 4
    sources = {s["name"]: s for s in json.loads(capsys.readouterr().out)["sources"]}
    assert {name: s["state"] for name, s in sources.items()} == {"wroclaw": "down", "kyiv": "down", "vault": "down"}
    assert "no docker context nosuch" in sources["kyiv"]["detail"]
    assert sources["vault"]["detail"] == "no address is set"
    assert main(["status"]) == 4
    assert capsys.readouterr().out.count("no docker context nosuch") == 1


def test_a_setting_that_only_looks_wrong_does_not_make_a_source(tmp_path: Path) -> None:
    (tmp_path / "labtui.yaml").write_text("estate: lab\n")
    lab = open_lab(Options(cwd=tmp_path, home=tmp_path), {"ARGOCD_OPTS": "'"})
    assert lab.problems and lab.sources == ()
