"""The names of an estate as far as files of this machine tell them, for the shell's completion: no server is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labtui.estate.file import Estate

GREATEST_FILE = 1_000_000  # bytes of a values file


def stacks(estate: Estate) -> list[str]:
    """SITE/STACK of every stack that a site's Compose folder has files for."""
    from labtui.adapters.compose.places import Place

    return [
        f"{site.name}/{stack}"
        for site in estate.sites
        if site.compose
        for stack in Place(site.name, estate.local(site.compose)).stacks()
    ]


def environments(estate: Estate) -> list[str]:
    """The environments that the app of apps has values for."""
    return [file.stem for file in _values_files(estate)]


def applications(estate: Estate) -> list[str]:
    """The Argo CD applications that the app of apps has, of the estate's own environment where it names one."""
    own = estate.gitops.environment if estate.gitops else ""
    files = [file for file in _values_files(estate) if own in ("", file.stem)]
    return sorted({name for file in files for name in _names_in(file)})


def _values_files(estate: Estate) -> list[Path]:
    if estate.gitops is None:
        return []
    folder = estate.local(estate.gitops.repository) / estate.gitops.manifests / "app-of-apps" / "values"
    return sorted(file for file in folder.glob("*.yaml") if file.is_file())


def _names_in(file: Path) -> Iterator[str]:
    import yaml

    try:
        if file.stat().st_size > GREATEST_FILE:
            return
        values: Any = yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return  # a file that is wrong is said by the commands that need it
    layers = values.get("layers") if isinstance(values, dict) else None
    for layer in layers.values() if isinstance(layers, dict) else ():
        entries = layer.get("applications") if isinstance(layer, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                yield entry["name"]
