"""The value files of the simulated repository: those of manifests/, and what has been committed over them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from labtui.demo.objects import Manifest, images, pod_template
from labtui.demo.repository import BRANCH, Repository
from labtui.domain.errors import NotFound, Refused
from labtui.ports import Commit


class DemoFiles:
    """Implements `ports.GitFiles`. A new image in a value file is a new image in what is rendered from it."""

    def __init__(self, repository: Repository, manifests: Path) -> None:
        self._repository = repository
        self._manifests = manifests
        self._written: list[tuple[str, Mapping[str, str]]] = []  # revision, texts: oldest first

    def head(self) -> str:
        """The newest revision."""
        return self._repository.head()

    def read(self, revision: str, path: str) -> str:
        """See `ports.GitFiles`."""
        self._repository.commit(revision)
        for made, texts in reversed(self._written):
            if path in texts and self._repository.contains(revision, made):
                return texts[path]
        folder, _, rest = path.partition("/")
        file = self._manifests / rest
        if folder != "manifests" or not file.resolve().is_relative_to(self._manifests.resolve()) or not file.is_file():
            raise NotFound(f"The repository has no file {path}", f"at {revision[:12]} of {BRANCH}")
        return file.read_text(encoding="utf-8")

    def seen(self, path: str) -> str | None:
        """See `ports.GitFiles`: nobody has a checkout here."""
        return self._text(self.head(), path)

    def _text(self, revision: str, path: str) -> str | None:
        try:
            return self.read(revision, path)
        except NotFound:
            return None

    def write(self, base: str, files: Mapping[str, str], message: str) -> Commit:
        """See `ports.GitFiles`."""
        if base != self.head():
            raise Refused("Somebody pushed to git meanwhile", "", "Nothing was pushed; look at the plan again")
        changes: dict[str, Manifest | None] = {}
        for path, text in files.items():
            new = _images(yaml.safe_load(text))
            old = _images(yaml.safe_load(self._text(base, path) or ""))
            renamed = {old[name]: image for name, image in new.items() if old.get(name, image) != image}
            for file, manifest in self._repository.files(base, (path,)).items():
                if set(images(manifest)) & set(renamed):
                    changes[file] = _with_images(manifest, renamed)
        commit = self._repository.add(message.splitlines()[0], "you@demo", self._repository.now(), changes)
        self._written.append((commit.revision, dict(files)))
        return commit


def _images(values: Any) -> dict[str, str]:
    components = values.get("components") if isinstance(values, Mapping) else None
    return dict(_pairs(components)) if isinstance(components, Mapping) else {}


def _pairs(components: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, component in components.items():
        if isinstance(component, Mapping) and isinstance(component.get("image"), str):
            yield name, component["image"]


def _with_images(manifest: Manifest, renamed: Mapping[str, str]) -> Manifest:
    changed = copy.deepcopy(dict(manifest))
    for container in pod_template(changed)["spec"]["containers"]:
        container["image"] = renamed.get(container["image"], container["image"])
    return changed
