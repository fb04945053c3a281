"""Manifests as YAML and what differs between them, without secret values and without what only the server sets."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

import yaml

from labtui.adapters.argocd.parse import Raw, child, text
from labtui.domain.plan import DiffItem

Key = tuple[str, str, str, str]  # group, kind, namespace, name
_SERVER_SET = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LARGEST = 1_000_000


def managed(items: Iterable[Raw]) -> tuple[DiffItem, ...]:
    """The answer of managed-resources: live against what a sync would make of it. Hooks are left out, they always run."""
    found = []
    for item in items:
        if item.get("hook") is True:
            continue
        live = _state(item, "normalizedLiveState", "liveState")
        wanted = _state(item, "predictedLiveState", "targetState")
        pruned = live is not None and _state(item, "targetState") is None
        if pruned:
            wanted = None
        note = "not in git any more: deleted by a sync with prune" if pruned else ""
        diff = compare(text(item, "kind"), text(item, "namespace"), text(item, "name"), live, wanted, note)
        if diff is not None:
            found.append(diff)
    return tuple(found)


def manifests(old: Iterable[object], new: Iterable[object]) -> tuple[DiffItem, ...]:
    """What differs between two sets of manifests (JSON texts)."""
    before, after = _by_key(old), _by_key(new)
    found = []
    for key in sorted(before.keys() | after.keys()):
        _, kind, namespace, name = key
        note = "" if key in before and key in after else ("only in the newer" if key in after else "only in the older")
        diff = compare(kind, namespace, name, before.get(key), after.get(key), note)
        if diff is not None:
            found.append(diff)
    return tuple(found)


def compare(kind: str, namespace: str, name: str, old: Raw | None, new: Raw | None, note: str = "") -> DiffItem | None:
    """Unified diff of both as YAML, None where nothing differs. Masks the data of Secrets, whoever masked it before."""
    if old is None and new is None:
        return None
    old, new = _bare(old), _bare(new)
    if kind == "Secret":
        mask(old, new)
    if old == new:
        return None
    lines = difflib.unified_diff(_yaml(old), _yaml(new), "live" if not note else "old", "desired", lineterm="", n=3)
    return DiffItem(kind, namespace, name, tuple(lines)[2:], note)


def mask(old: Raw | None, new: Raw | None) -> None:
    """Replace values by pluses in place; equal values by equally many, so that it shows that one has changed."""
    for section in ("data", "stringData"):
        seen: dict[str, dict[str, str]] = {}
        for side in (old, new):
            for key, value in list(child(side or {}, section).items()):
                masks = seen.setdefault(key, {})
                word = json.dumps(value, sort_keys=True)
                masks.setdefault(word, "+" * (8 + len(masks)))
                child(side or {}, section)[key] = masks[word]


def _state(item: Raw, *keys: str) -> Raw | None:
    """The first of the states that is there at all; None where it is `null`: no such object."""
    for key in keys:
        found = text(item, key)
        if found:
            return _load(found)
    return None


def _load(document: str) -> Raw | None:
    if len(document) > _LARGEST:
        return {"labtui": f"too large to compare ({len(document)} bytes)"}
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _by_key(documents: Iterable[object]) -> dict[Key, Raw]:
    found: dict[Key, Raw] = {}
    for document in documents:
        raw = _load(document) if isinstance(document, str) else None
        if raw is not None:
            meta = child(raw, "metadata")
            group = text(raw, "apiVersion").rpartition("/")[0]
            found[(group, text(raw, "kind"), text(meta, "namespace"), text(meta, "name"))] = raw
    return found


def _bare(raw: Raw | None) -> Raw | None:
    if raw is None:
        return None
    found = {key: value for key, value in raw.items() if key != "status"}
    if isinstance(raw.get("metadata"), dict):
        meta = {key: value for key, value in raw["metadata"].items() if key not in _SERVER_SET}
        if isinstance(meta.get("annotations"), dict):
            meta["annotations"] = {k: v for k, v in meta["annotations"].items() if k != _APPLIED}
        found["metadata"] = meta
    return found


def _yaml(raw: Raw | None) -> list[str]:
    if raw is None:
        return []
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    written: str = yaml.dump(raw, Dumper=dumper, allow_unicode=True, sort_keys=True, width=1000)
    return written.splitlines()
