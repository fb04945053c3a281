"""What the simulated repository renders of applications that came later than the script: their Application, and the app chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import yaml

from labtui.demo.build import application_manifest, location, make_app
from labtui.demo.chart import DemoChart
from labtui.demo.controller import Controller
from labtui.demo.files import ApplicationEntry, applications_of, data_folder, read_yaml
from labtui.demo.objects import Manifest, file_of
from labtui.demo.script.history import PARENT_PATH

Read = Callable[[str], str | None]  # the text of a file; None: not there
LIST = "manifests/app-of-apps/values/homelab.yaml"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CHART = "manifests/applications/charts/app"


class Deploying:
    """The applications that were there at first have their manifests from the script, whatever their value files say."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        manifests = data_folder("manifests")
        self._chart = DemoChart(manifests / "applications" / "charts" / "app")
        self._defaults: Mapping[str, Any] = read_yaml(manifests / "app-of-apps" / "values.yaml")
        self._scripted = frozenset(app.name for app in controller.apps.values())
        self._parent = next(app.ref for app in controller.apps.values() if app.parent is None)

    def scripted(self, path: str) -> bool:
        """Does a value file belong to an application of the script?"""
        return any(
            self._controller.place(a) == path for a in self._controller.apps.values() if a.name in self._scripted
        )

    def changes(self, before: Read, after: Read) -> dict[str, Manifest | None]:
        """The rendered files that differ; None for those that are gone. Raises Invalid for values that the chart refuses."""
        old, new = self._rendered(before), self._rendered(after)
        gone: dict[str, Manifest | None] = {path: None for path in old if path not in new}
        return gone | {path: manifest for path, manifest in new.items() if old.get(path) != manifest}

    def _rendered(self, read: Read) -> dict[str, Manifest]:
        found: dict[str, Manifest] = {}
        for entry in applications_of(self._defaults, _loaded(read(LIST))):
            if entry.name in self._scripted or not entry.enabled:
                continue
            app = make_app(self._controller.world, self._defaults, entry, self._parent)
            child = _noted(application_manifest(app), entry.annotations)
            found[location(PARENT_PATH, child)] = child
            found |= self._of_chart(entry, read)
        return found

    def _of_chart(self, entry: ApplicationEntry, read: Read) -> dict[str, Manifest]:
        path = entry.value_files[0].strip("/") if entry.value_files else ""
        text = read(path) if path and entry.path.strip("/") == CHART else None
        if text is None:
            return {}
        objects = self._chart.render(_loaded(text), entry.name, entry.namespace)
        return {f"{path}#{file_of(obj)}": obj for obj in objects}


def _loaded(text: str | None) -> Mapping[str, Any]:
    return yaml.load(text or "", Loader=_Loader) or {}  # a safe loader


def _noted(manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
    return (
        {**manifest, "metadata": {**manifest["metadata"], "annotations": dict(annotations)}}
        if annotations
        else manifest
    )
