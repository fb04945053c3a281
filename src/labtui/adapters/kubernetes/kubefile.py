"""Kubeconfig files, merged as kubectl merges them, as plain dictionaries. Reads with PyYAML alone, so that it is quick.

Rules (kubernetes.io, "Organizing Cluster Access Using kubeconfig Files"): of several files the first one that names a
thing wins; relative paths count from the file that they are in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from labtui.adapters.kubernetes.reading import Json, rows, sub, text
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Invalid
from labtui.domain.text import clean


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cluster and the user of one context, each with the folder that its relative paths count from."""

    context: str
    cluster: Json
    cluster_folder: Path
    user: Json
    user_folder: Path


def config_files(connection: KubernetesConnection) -> tuple[Path, ...]:
    """The files, in kubectl's order: the given ones, else KUBECONFIG, else ~/.kube/config."""
    if connection.kubeconfig:
        return tuple(path.expanduser() for path in connection.kubeconfig)
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return tuple(Path(part).expanduser() for part in named) or (Path.home() / ".kube" / "config",)


def choose(files: tuple[Path, ...], context: str) -> Chosen:
    """The parts of `context`, or of the current one if that is empty. Raises Invalid, never quoting a file's content."""
    documents = _documents(files)
    wanted = context or _current(documents)
    contexts = _named(documents, "contexts", "context")
    if wanted not in contexts:
        names = ", ".join(clean(name, 60) for name in contexts) or "none"
        missing = f"{clean(wanted, 60)} is missing" if wanted else "no current context is set"
        raise Invalid("The kubeconfig has no such context", f"{missing}; there are: {names}")
    chosen, _ = contexts[wanted]
    clusters = _named(documents, "clusters", "cluster")
    name = text(chosen, "cluster")
    if name not in clusters:
        raise Invalid(
            "The kubeconfig cannot be used", f"the context {clean(wanted, 60)} names no cluster that is there"
        )
    cluster, cluster_folder = clusters[name]
    user, user_folder = _named(documents, "users", "user").get(text(chosen, "user"), ({}, Path()))
    return Chosen(wanted, cluster, cluster_folder, user, user_folder)


def current_context(connection: KubernetesConnection) -> str:
    """The name of the current context, empty when there is none or no kubeconfig that can be read."""
    try:
        return _current(_documents(config_files(connection)))
    except Invalid:
        return ""


def _current(documents: list[tuple[Path, Json]]) -> str:
    return next((text(d, "current-context") for _, d in documents if text(d, "current-context")), "")


def _documents(files: tuple[Path, ...]) -> list[tuple[Path, Json]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = []
    for file in files:
        if not file.exists():
            continue
        try:
            document = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            # YAML errors quote the file, which may hold a token: only the place is told
            mark = getattr(error, "problem_mark", None)
            place = f"line {mark.line + 1}" if mark is not None else type(error).__name__
            raise Invalid("The kubeconfig cannot be read", f"{file}: {place}") from None
        if document is not None and not isinstance(document, dict):
            raise Invalid("The kubeconfig cannot be used", f"{file} is not a kubeconfig")
        found.append((file.absolute().parent, document or {}))
    if not found:
        missing = ", ".join(str(path) for path in files)
        hint = "Set KUBECONFIG, or copy the cluster's file there"
        raise Invalid("There is no kubeconfig", f"{missing} does not exist", hint)
    return found


def _named(documents: list[tuple[Path, Json]], section: str, key: str) -> dict[str, tuple[Json, Path]]:
    found: dict[str, tuple[Json, Path]] = {}
    for folder, document in documents:
        for entry in rows(document, section):
            if text(entry, "name"):
                found.setdefault(text(entry, "name"), (sub(entry, key), folder))
    return found
