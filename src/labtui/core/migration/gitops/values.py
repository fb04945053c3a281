"""The texts of a stack in git: its values, and its entry in the list of applications. Pure; comments survive."""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from labtui.core.promotion.text import read_values, rewrite
from labtui.domain.errors import Invalid, Refused
from labtui.domain.plain import plain

TRAFFIC = ("docker", "both", "kubernetes")
APP_CHART = "applications/charts/app"
LAYER = "applications"


@dataclass(frozen=True, slots=True)
class Stand:
    """What the two deciding values of a stack say."""

    workload: bool = False
    traffic: str = "docker"

    def __str__(self) -> str:
        pods = "pods" if self.workload else "no pods"
        return f"{pods}, traffic to {'both sides' if self.traffic == 'both' else self.traffic.capitalize()}"

    @property
    def number(self) -> int:
        """How far the stack has come with it: 0 is all on Docker."""
        return TRAFFIC.index(self.traffic) + int(self.workload)

    @property
    def note(self) -> str:
        """As one word, for annotations and the journal: `workload=true,traffic=both`."""
        return f"workload={str(self.workload).lower()},traffic={self.traffic}"

    @classmethod
    def noted(cls, text: str) -> Stand | None:
        """The stand of such a word; None when it is none."""
        parts = dict(part.partition("=")[::2] for part in text.split(",") if "=" in part)
        if parts.get("traffic") not in TRAFFIC:
            return None
        return cls(parts.get("workload") == "true", parts["traffic"])


def stand_of(text: str, name: str) -> Stand:
    """What a values file says. Raises Invalid for values that the chart does not take either."""
    values = read_values(text, name)
    workload, traffic = values.get("workload", False), values.get("traffic", "docker")
    if not isinstance(workload, bool) or traffic not in TRAFFIC:
        raise Invalid(f"{name} says workload: {workload!r}, traffic: {traffic!r}", "", "See the app chart's README")
    return Stand(workload, traffic)


def with_stand(text: str, name: str, stand: Stand) -> str:
    """The same text with these two values, and nothing else changed."""
    return with_values(text, name, {"workload": stand.workload, "traffic": stand.traffic})


def with_values(text: str, name: str, changes: Mapping[str, Any]) -> str:
    """The same text with other values of these top-level keys. Raises Refused where that cannot be done line by line."""
    values = {**read_values(text, name), **plain(changes)}
    if not text.strip():
        return new_text(values)
    return rewrite(text, values, new_text(values), name)


def whole(text: str, name: str) -> bool:
    """Does a values file say enough to run pods: a component, and an image for each?"""
    components = read_values(text, name).get("components")
    if not isinstance(components, Mapping) or not components:
        return False
    return all(isinstance(c, Mapping) and c.get("image") for c in components.values())


class _Dumper(yaml.SafeDumper):
    """Quotes what helm's YAML would read as something else than a text: y, 1e3, 0o7 (YAML 1.1 and 1.2 differ)."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value and not value.startswith((" ", "\n")) else None
    if style is None and _ambiguous(value):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _ambiguous(value: str) -> bool:
    if value.lower() in ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ".nan", ".inf", ""):
        return True
    return value[0] in "+-.0123456789"


_Dumper.add_representer(str, _text)


def new_text(values: Mapping[str, Any], comment: str = "") -> str:
    """A values file of labtui's own, in block style."""
    body = yaml.dump(plain(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return "".join(f"# {line}\n" for line in comment.splitlines()) + body


# The list of applications


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in the repository."""

    manifests: str = "manifests"
    environment: str = "homelab"

    @property
    def _top(self) -> str:
        return self.manifests.strip("/").removeprefix("./").removeprefix(".")

    @property
    def list(self) -> str:
        """The list of an environment's applications."""
        return posixpath.join(self._top, "app-of-apps/values", f"{self.environment}.yaml")

    @property
    def chart(self) -> str:
        """The folder of the app chart."""
        return posixpath.join(self._top, APP_CHART)

    def values(self, stack: str) -> str:
        """Where a new stack's values go."""
        return posixpath.join(self._top, "applications/values", self.environment, f"{stack}.yaml")


@dataclass(frozen=True, slots=True)
class Entry:
    """An application in the list. `values` is its value file of this environment, empty if it names none."""

    name: str
    layer: str
    namespace: str
    path: str
    enabled: bool
    values: str
    annotations: Mapping[str, Any]


def entries(text: str, name: str) -> Iterator[Entry]:
    """All applications of a list."""
    layers = read_values(text, name).get("layers")
    for layer, group in layers.items() if isinstance(layers, Mapping) else ():
        for raw in _applications(group):
            notes = raw.get("annotations")
            yield Entry(
                str(raw["name"]),
                str(layer),
                str(raw.get("namespace", "")),
                str(raw.get("path", "")),
                raw.get("enabled") is True,
                _own_values(raw),
                notes if isinstance(notes, Mapping) else {},
            )


def _applications(group: Any) -> list[dict[str, Any]]:
    found = group.get("applications") if isinstance(group, Mapping) else None
    return [e for e in found if isinstance(e, dict) and "name" in e] if isinstance(found, list) else []


def _own_values(raw: Mapping[str, Any]) -> str:
    """The last value file of an entry that is in this repository: the one that wins."""
    helm = raw.get("helm")
    names = helm.get("valueFiles") if isinstance(helm, Mapping) else None
    found = ""
    for file in names if isinstance(names, list) else ():
        if isinstance(file, str) and "://" not in file and not file.startswith("$"):
            place = file if file.startswith("/") else f"/{raw.get('path', '')}/{file}"
            found = posixpath.normpath(place).lstrip("/")
    return found


def find_entry(text: str, name: str, stack: str) -> Entry | None:
    """The application of a stack; None when the list has none."""
    return next((entry for entry in entries(text, name) if entry.name == stack), None)


def with_entry(
    text: str, layout: Layout, stack: str, namespace: str, annotations: Mapping[str, Any], *, beside: bool = False
) -> str:
    """The list with the stack's application in it and enabled. `annotations` are added; a null takes one away. `beside`:
    its namespace may have other applications.

    Raises Refused when the entry has another chart than the app chart, or when its namespace belongs to others.
    """
    name = layout.list
    values = copy.deepcopy(read_values(text, name))
    known = find_entry(text, name, stack)
    if known is None:
        others = [e.name for e in entries(text, name) if e.namespace == namespace and e.path == layout.chart]
        if others and not beside:
            words = f"namespace {namespace} has {', '.join(others)}"
            hint = "Its parts are moved one by one, by their own values"
            raise Refused(f"{stack} is several applications in this repository", words, hint)
        values.setdefault("layers", {}).setdefault(LAYER, {}).setdefault("applications", []).append(
            _new_entry(layout, stack, namespace)
        )
    elif known.path.strip("/") != layout.chart:
        words = f"its entry in {name} deploys {known.path or 'something else'}"
        raise Refused(f"{stack} is not an application of the app chart", words, f"Point it to {layout.chart} first")
    for raw in _applications(values["layers"][known.layer if known else LAYER]):
        if raw["name"] == stack:
            raw["enabled"] = True
            notes = {**(raw.get("annotations") or {}), **annotations}
            raw["annotations"] = {key: value for key, value in notes.items() if value is not None}
            if not raw["annotations"]:
                del raw["annotations"]
    return rewrite(text, values, new_text(values), name)


def _new_entry(layout: Layout, stack: str, namespace: str) -> dict[str, Any]:
    return {
        "name": stack,
        "enabled": True,
        "path": layout.chart,
        "namespace": namespace,
        "helm": {"valueFiles": [f"/{layout.values(stack)}"]},
    }


def emptied(text: str, name: str) -> str:
    """Values that render nothing at all: what an application had is pruned before it is taken away."""
    changes = {"workload": False, "traffic": "docker", "ingress": {"enabled": False}, "components": {}}
    return with_values(text, name, changes)


def without_entry(text: str, layout: Layout, stack: str, *, keep: bool = False) -> str:
    """The list without a stack's application; with `keep` the entry stays, and is not enabled."""
    values = copy.deepcopy(read_values(text, layout.list))
    for group in (values.get("layers") or {}).values():
        if keep:
            for raw in _applications(group):
                if raw["name"] == stack:
                    raw["enabled"] = False
        elif _applications(group):
            group["applications"] = [raw for raw in group["applications"] if raw.get("name") != stack]
    return rewrite(text, values, new_text(values), layout.list)


def route_alone(text: str, path: str) -> str:
    """The same values with the component that users reach alone: no pods, no other Service, and nothing that it waits for."""
    values = read_values(text, path)
    name = (values.get("ingress") or {}).get("component")
    components = {k: v for k, v in (values.get("components") or {}).items() if k == name}
    for component in components.values():
        component.pop("waitFor", None)  # those components are gone, and the chart refuses what waits for them
        service = component.get("service") or {}
        if service.get("aliases"):
            component["service"] = {**service, "aliases": []}
    return with_values(text, path, {"workload": False, "traffic": "docker", "components": components})
