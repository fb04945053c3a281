"""`labtui init` on a machine with real contexts, and doctor on what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labtui.estate.file import load_estate
from labtui.estate.resolve import resolve

pytestmark = pytest.mark.live


def labtui(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labtui", *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_init_finds_this_estate(tmp_path: Path) -> None:
    for name in ("DOCKER_CONFIG", "KUBECONFIG", "ARGOCD_SERVER", "VAULT_ADDR"):
        if not os.environ.get(name):
            pytest.skip(f"{name} is not set")
    for site in ("_base", "kyiv", "wroclaw"):
        (tmp_path / "compose" / site).mkdir(parents=True)
    done = labtui(tmp_path, "init", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["found"]
    estate = load_estate(tmp_path / "labtui.yaml")
    assert {"kyiv", "wroclaw"} <= {s.name for s in estate.sites if s.context == s.name}
    assert estate.cluster and estate.cluster.context
    assert estate.argocd and estate.argocd.server == os.environ["ARGOCD_SERVER"]
    assert estate.vault and estate.vault.address == os.environ["VAULT_ADDR"]
    text = (tmp_path / "labtui.yaml").read_text()
    for name in ("VAULT_TOKEN", "ARGOCD_AUTH_TOKEN"):
        assert os.environ[name] not in text

    connections = resolve(estate, os.environ, Path.home())
    assert connections.kubernetes and connections.argocd and connections.vault
    assert {d.site for d in connections.docker} >= {"kyiv", "wroclaw"}
    assert connections.problems == ()

    again = labtui(tmp_path, "init")
    assert again.returncode == 3 and "--force" in again.stderr
    assert (tmp_path / "labtui.yaml").read_text() == text


def test_doctor_examines_vault(tmp_path: Path) -> None:
    if not os.environ.get("VAULT_ADDR"):
        pytest.skip("VAULT_ADDR is not set")
    (tmp_path / "labtui.yaml").write_text("estate: test\nvault: {mount: kv}\n")
    done = labtui(tmp_path, "doctor", "--json")
    checks = json.loads(done.stdout)["checks"]
    vault = {c["name"]: c for c in checks if c["subject"] == "vault"}
    assert {"connection", "seal", "version", "clock", "token", "mount", "may list"} <= vault.keys()
    assert {c["verdict"] for c in vault.values()} == {"ok"}
