"""Rendering the repository's charts with helm, and looking into what comes out."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
APP_CHART = MANIFESTS / "applications" / "charts" / "app"
ENVIRONMENTS = ("homelab", "staging")
MONITORING = ("victoriametrics", "victorialogs", "grafana", "alloy")  # entries that share the namespace monitoring

Object = dict[str, Any]


def app_values(environment: str) -> dict[str, Path]:
    """Every values file of the app chart of an environment, by the application's name."""
    folders = [MANIFESTS / layer / "values" / environment for layer in ("applications", "platform")]
    found = {file.stem: file for folder in folders for file in sorted(folder.glob("*.yaml"))}
    return {name: file for name, file in found.items() if "components" in read(file)}


def namespace(name: str) -> str:
    """The namespace of an application: its stack's name."""
    return "monitoring" if name in MONITORING else name


def read(file: Path) -> Object:
    """A YAML file that holds one mapping."""
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(found, dict), file
    return found


class HelmFailed(Exception):
    """What helm said."""


@dataclass(frozen=True)
class Helm:
    """The program, and a folder for the values that it is given."""

    program: str
    folder: Path

    def lint(self, chart: Path, *files: Path) -> str:
        """`helm lint --strict`; answers what it said."""
        return self._run("lint", "--strict", str(chart), *_values(files))

    def template(
        self, values: Mapping[str, Any] | Path, name: str = "web", space: str = "web", chart: Path = APP_CHART
    ) -> list[Object]:
        """The objects of one release. Raises HelmFailed."""
        text = self.text(values, name, space, chart)
        return [document for document in yaml.safe_load_all(text) if document]

    def text(
        self, values: Mapping[str, Any] | Path, name: str = "web", space: str = "web", chart: Path = APP_CHART
    ) -> str:
        """The same as text, as helm prints it."""
        file = values if isinstance(values, Path) else self.folder / "values.yaml"
        if not isinstance(values, Path):
            # as JSON: PyYAML writes strings such as y and 1e3 plain, and helm takes them for something else
            file.write_text(json.dumps(dict(values)), encoding="utf-8")
        return self._run("template", name, str(chart), "--namespace", space, *_values([file]))

    def _run(self, *words: str) -> str:
        done = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise HelmFailed(done.stdout + done.stderr)
        return done.stdout


def _values(files: tuple[Path, ...] | list[Path]) -> list[str]:
    return [word for file in files for word in ("--values", str(file))]


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """The objects of a kind by their names."""
    return {found["metadata"]["name"]: found for found in objects if found["kind"] == kind}


def one(objects: list[Object], kind: str, name: str) -> Object:
    """The object of this kind and name."""
    return of_kind(objects, kind)[name]


def pod_templates(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Every pod template, with kind/name of what it belongs to."""
    for found in objects:
        template = found.get("spec", {}).get("template") if found["kind"] != "ExternalSecret" else None
        if template:
            yield f"{found['kind']}/{found['metadata']['name']}", template


def empty_values(found: Any, path: str = "") -> Iterator[str]:
    """The paths of everything that is null, or an empty mapping or list."""
    if found is None or found == {} or found == []:
        yield path
    elif isinstance(found, Mapping):
        for key, value in found.items():
            yield from empty_values(value, f"{path}.{key}")
    elif isinstance(found, list):
        for index, value in enumerate(found):
            yield from empty_values(value, f"{path}[{index}]")
