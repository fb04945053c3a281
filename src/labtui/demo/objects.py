"""Manifests as mappings: their identity, and what the simulated cluster reads from them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import yaml

Manifest = Mapping[str, Any]
Key = tuple[str, str, str, str]  # group, kind, namespace, name

_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SafeDumper):  # type: ignore[misc]
    """Writes equal parts out each time, as Kubernetes does: no `&id001`, no `*id001`."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def key_of(manifest: Manifest) -> Key:
    """Group, kind, namespace and name."""
    group, slash, _ = manifest["apiVersion"].partition("/")
    meta = manifest["metadata"]
    return (group if slash else "", manifest["kind"], meta.get("namespace", ""), meta["name"])


def file_of(manifest: Manifest) -> str:
    """The name of its file in the simulated repository."""
    return f"templates/{manifest['kind'].lower()}-{manifest['metadata']['name']}.yaml"


def to_yaml(manifest: Manifest | None) -> str:
    """As `kubectl get -o yaml` would order it; empty for nothing."""
    if manifest is None:
        return ""
    return str(yaml.dump(manifest, Dumper=_Dumper, sort_keys=True, default_flow_style=False))


def unified(old: Manifest | None, new: Manifest | None, names: tuple[str, str] | None = None) -> tuple[str, ...]:
    """Unified diff lines, with the two lines of names if there are any; empty when both are equal."""
    if old == new:
        return ()
    before, after = to_yaml(old).splitlines(), to_yaml(new).splitlines()
    lines = tuple(difflib.unified_diff(before, after, *(names or ("", "")), lineterm=""))
    return lines if names else lines[2:]


def pod_template(manifest: Manifest) -> Mapping[str, Any]:
    """The pod template of a workload; empty for all else."""
    spec: Mapping[str, Any] = manifest.get("spec") or {}
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: Mapping[str, Any] = spec.get("template") or {}
    return template


def images(manifest: Manifest) -> tuple[str, ...]:
    """The images of a workload's containers."""
    containers = (pod_template(manifest).get("spec") or {}).get("containers") or ()
    return tuple(c["image"] for c in containers)


def pairs(mapping: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Labels and selectors, sorted."""
    return tuple(sorted((mapping or {}).items()))
