"""Running helm on the charts of manifests/. Where helm is missing these tests are skipped, or fail where live tests are required."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.demo.files import data_folder

MANIFESTS = data_folder("manifests")
ENVIRONMENTS = ("homelab", "staging")
WRAPPERS = (
    "infrastructure/charts/ingress-nginx",
    "infrastructure/charts/cert-manager",
    "platform/charts/vault",
    "platform/charts/external-secrets",
    "platform/charts/argocd",
)


def helm() -> str:
    """The helm program in PATH."""
    found = shutil.which("helm")
    if found:
        return found
    words = "helm is not in PATH (https://helm.sh/docs/intro/install/)"
    if os.environ.get("LABTUI_LIVE_REQUIRED") == "1":
        pytest.fail(words)
    pytest.skip(words)


def lint(chart: Path, *files: Path) -> None:
    """`helm lint --strict`; fails with its words."""
    done = _run("lint", "--strict", str(chart), *_values(files))
    assert done.returncode == 0, done.stdout + done.stderr


def template(
    chart: Path, *files: Path, name: str = "test", namespace: str = "argocd", values: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The objects that `helm template` prints; `values` come over the files."""
    text = yaml.safe_dump(dict(values)) if values is not None else None
    done = _run(
        "template", name, str(chart), "-n", namespace, *_values(files), *(("-f", "-") if text else ()), text=text
    )
    assert done.returncode == 0, done.stderr
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def refusal(chart: Path, *files: Path, values: Mapping[str, Any]) -> str:
    """What helm says to values that it must not take."""
    done = _run("template", "test", str(chart), *_values(files), "-f", "-", text=yaml.safe_dump(dict(values)))
    assert done.returncode, "helm took values that it must refuse"
    return done.stderr


def without_dependencies(chart: Path, folder: Path) -> Path:
    """A copy of a wrapper chart that is its own templates alone: its upstream charts are not in the repository."""
    copy = folder / chart.name
    shutil.copytree(chart, copy)
    metadata = yaml.safe_load((copy / "Chart.yaml").read_text(encoding="utf-8"))
    del metadata["dependencies"]
    (copy / "Chart.lock").unlink()
    (copy / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    return copy


def value_file(chart: str, environment: str) -> Path:
    """`infrastructure/charts/x` and `homelab` → `infrastructure/values/homelab/x.yaml`."""
    layer, _, name = chart.split("/")
    return MANIFESTS / layer / "values" / environment / f"{name}.yaml"


def _values(files: Sequence[Path]) -> list[str]:
    return [word for file in files for word in ("-f", str(file))]


def _run(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm(), *arguments], input=text, capture_output=True, text=True, check=False, timeout=60)
