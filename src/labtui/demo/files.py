"""The reference estate's files, compose/ and manifests/: where they are, and what the simulated estate needs of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from labtui.domain.errors import Invalid, NotFound

SITES = ("wroclaw", "kyiv")
EXTRA = (
    Path(__file__).resolve().parent / "extra"
)  # what only the demo has: stacks that keep nothing, and so can be moved
_VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^}]*))?[^}]*\}")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads ten times faster, where it is


@dataclass(frozen=True, slots=True)
class ComposeService:
    """A service of the merged Compose files of one stack."""

    stack: str
    name: str
    image: str
    container_name: str
    ports: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    health_check: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationEntry:
    """An application of the app-of-apps values. `automated` is the effective block of its sync policy, None for manual."""

    name: str
    layer: str
    path: str
    namespace: str
    value_files: tuple[str, ...]
    automated: Mapping[str, bool] | None
    sync_options: tuple[str, ...]
    enabled: bool = True
    annotations: Mapping[str, str] = field(default_factory=dict)


def data_folder(name: str, package: Path | None = None) -> Path:
    """The folder `compose` or `manifests`: in an installed labtui under `labtui/data`, else at the top of the checkout.

    `package` is the folder of the package labtui (for tests). Raises NotFound when it is in neither place.
    """
    package = package or Path(__file__).resolve().parent.parent
    for folder in (package / "data" / name, package.parent.parent / name):
        if folder.is_dir():
            return folder
    raise NotFound(f"The reference estate's folder {name} is missing", str(package), "Install labtui again")


def compose_folders() -> tuple[Path, ...]:
    """Where the simulated sites' stacks are: the reference estate's, and those that only the demo has."""
    return data_folder("compose"), EXTRA / "compose"


def load_stacks(site: str, compose: Path) -> tuple[ComposeService, ...]:
    """All services of a site's stacks: `_base/<stack>.yaml` with `<site>/<stack>.yaml` over it."""
    found: list[ComposeService] = []
    for file in sorted((compose / site).glob("*.yaml")):
        merged = merged_files(compose, site, file.stem)
        for name, service in merged.get("services", {}).items():
            found.append(_service(site, file.stem, name, service, merged.get("networks") or {}))
    return tuple(found)


def merged_files(compose: Path, site: str, stack: str) -> dict[str, Any]:
    """The stack's base file with the site's over it, nothing filled in."""
    base = compose / "_base" / f"{stack}.yaml"
    return _merge(read_yaml(base) if base.exists() else {}, read_yaml(compose / site / f"{stack}.yaml"))


def load_applications(
    manifests: Path, environment: str = "homelab"
) -> tuple[dict[str, Any], tuple[ApplicationEntry, ...]]:
    """The app-of-apps defaults, and every entry of an environment, enabled or not: the demo shows the estate as planned."""
    defaults = read_yaml(manifests / "app-of-apps" / "values.yaml")
    own = read_yaml(manifests / "app-of-apps" / "values" / f"{environment}.yaml")
    return defaults, applications_of(defaults, own)


def applications_of(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[ApplicationEntry, ...]:
    """Every entry of an environment's values, with what it has of the defaults."""
    layers = own.get("layers", {})
    found = []
    for layer, group in layers.items():
        for entry in group.get("applications", ()):
            policy: dict[str, Any] = {}
            for source in (defaults, own, group, entry):  # as templates/applications.yaml does
                policy |= source.get("syncPolicy") or {}
            found.append(
                ApplicationEntry(
                    name=entry["name"],
                    layer=layer,
                    path=entry["path"],
                    namespace=entry["namespace"],
                    value_files=tuple((entry.get("helm") or {}).get("valueFiles", ())),
                    automated=policy.get("automated"),
                    sync_options=tuple(policy.get("syncOptions") or ()),
                    enabled=entry.get("enabled") is True,
                    annotations=entry.get("annotations") or {},
                )
            )
    return tuple(found)


def read_yaml(file: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping. Raises Invalid for another one."""
    content = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # a safe loader
    if not isinstance(content, dict):
        raise Invalid(f"{file} is no YAML mapping")
    return content


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """As Compose merges these files: mappings by key, lists one after the other, all else replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merge(old, value)
        elif isinstance(old, list) and isinstance(value, list) and key != "command":
            merged[key] = [*old, *value]
        else:
            merged[key] = value
    return merged


def _service(
    site: str, stack: str, name: str, service: Mapping[str, Any], networks: Mapping[str, Any]
) -> ComposeService:
    joined = service.get("networks") or ([] if "network_mode" in service else ["default"])
    return ComposeService(
        stack=stack,
        name=name,
        image=_filled(service["image"], site),
        container_name=service.get("container_name") or f"{stack}-{name}-1",
        ports=(
            *(_filled(str(p), site) for p in service.get("ports", ())),
            *(str(p) for p in service.get("expose", ())),
        ),
        depends_on=tuple(service.get("depends_on", ())),
        networks=tuple(f"{stack}_{n}" for n in joined if n == "default" or n in networks),
        mounts=tuple(_mount(v, site, stack) for v in service.get("volumes", ())),
        health_check="healthcheck" in service,
    )


def _mount(volume: Any, site: str, stack: str) -> str:
    if isinstance(volume, Mapping):
        text = f"{volume['source']}:{volume['target']}" + (":ro" if volume.get("read_only") else "")
    else:
        text = str(volume)
    text = _filled(text, site)
    return text if text.startswith("/") else f"{stack}_{text}"


def _filled(text: str, site: str) -> str:
    """Variables replaced by their defaults; PWD is the site's folder on its host."""
    return _VARIABLE.sub(lambda m: f"/srv/{site}" if m[1] == "PWD" else m[2] or "", text)
