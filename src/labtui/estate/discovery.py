"""What there is on this machine that an estate file can name. Reads settings files, connects to nothing, knows no secret."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path
from typing import Any

import yaml

from labtui.adapters.docker.contexts import DEFAULT, DockerContext, current_context, find_context, load_contexts
from labtui.domain.errors import Invalid
from labtui.estate.argocd_cli import config_path, parse_opts, read_config
from labtui.estate.file import RESERVED_NAMES
from labtui.estate.resolve import docker_folder, kubeconfig_paths

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
BASE = "_base"
_DEEPEST = 3
_MOST_FOLDERS = 2000
_GIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class FoundSite:
    """A place that Docker runs at: a docker context, a Compose folder (relative to where was looked), or both."""

    name: str
    context: str = ""
    host: str = ""
    compose: str = ""


@dataclass(frozen=True, slots=True)
class FoundRepository:
    """A git repository around the folder: `path` relative to it. `branch` is the remote's own, else the current one."""

    path: str
    remote: str = ""
    branch: str = ""
    manifests: str = ""
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found. Names are as they are: untrusted."""

    folder: Path
    kube_contexts: tuple[str, ...] = ()
    kube_current: str = ""
    sites: tuple[FoundSite, ...] = ()
    compose_folders: tuple[str, ...] = ()  # folders with Compose files where the convention of sites is not used
    argocd_servers: tuple[str, ...] = ()
    argocd_server: str = ""
    argocd_plaintext: bool = False
    argocd_insecure: bool = False
    vault_address: str = ""
    repository: FoundRepository | None = None


def discover(environ: Mapping[str, str], home: Path, cwd: Path) -> Found:
    """Look into the settings of kubectl, docker, argocd and vault, and into the folder `cwd` and those below. Never raises."""
    contexts, current = _kube(environ, home)
    folders = tuple(_folders(cwd))
    sites, loose = _sites(environ, home, cwd, folders)
    server, plaintext, insecure, servers = _argocd(environ, home)
    return Found(
        cwd,
        contexts,
        current,
        sites,
        loose,
        servers,
        server,
        plaintext,
        insecure,
        environ.get("VAULT_ADDR", ""),
        _repository(environ, cwd),
    )


def site_name(text: str, taken: set[str]) -> str:
    """A valid site name made of `text`, different from those `taken`; it joins them."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "site"
    if name in RESERVED_NAMES:
        name = f"{name}-site"
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    taken.add(unique)
    return unique


def _kube(environ: Mapping[str, str], home: Path) -> tuple[tuple[str, ...], str]:
    names: dict[str, None] = {}
    current = ""
    for path in kubeconfig_paths(environ, home):
        document = _yaml(path)
        if not isinstance(document, dict):
            continue
        listed = document.get("contexts")
        for entry in listed if isinstance(listed, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                names[entry["name"]] = None
        first = document.get("current-context")
        current = current or (first if isinstance(first, str) else "")
    return tuple(names), current if current in names else ""


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return None


def _argocd(environ: Mapping[str, str], home: Path) -> tuple[str, bool, bool, tuple[str, ...]]:
    """The server that the argocd program would talk to, how, and all servers that it knows."""
    try:
        options = parse_opts(environ.get("ARGOCD_OPTS", ""))
    except Invalid:
        options = {}
    config = read_config(Path(options.get("config", ("",))[-1] or config_path(environ, home)))
    given = options.get("server", ("",))[-1] or environ.get("ARGOCD_SERVER", "")
    context = config.for_server(given) if given else config.current_context()
    server = given or (context.server if context and not context.core else "")
    plaintext = "plaintext" in options or bool(context and context.plaintext)
    insecure = "insecure" in options or bool(context and context.insecure)
    return server, plaintext, insecure, tuple(c.server for c in config.contexts)


def _folders(top: Path) -> Iterator[Path]:
    """The folder and those below it, the highest first, without hidden and dependency folders and without links."""
    level = [top]
    count = 0
    for _ in range(_DEEPEST + 1):
        following: list[Path] = []
        for folder in level:
            yield folder
            count += 1
            if count >= _MOST_FOLDERS:
                return
            try:
                entries = sorted(os.scandir(folder), key=lambda e: e.name)
            except OSError:
                continue
            skipped = ("node_modules", "venv", "__pycache__")
            below = (e for e in entries if not e.name.startswith(".") and e.name not in skipped)
            following += [Path(e.path) for e in below if e.is_dir(follow_symlinks=False)]
        level = following


def _sites(
    environ: Mapping[str, str], home: Path, cwd: Path, folders: tuple[Path, ...]
) -> tuple[tuple[FoundSite, ...], tuple[str, ...]]:
    """Docker contexts and Compose folders of one name belong together; a folder without context and the reverse stand alone."""
    contexts = _docker_contexts(environ, home)
    bases = [f.parent for f in folders if f.name == BASE and f.is_dir()]
    compose = {f.name: f for f in folders if f.parent in bases and not f.name.startswith("_")}
    taken: set[str] = set()
    sites = []
    for name, folder in sorted(compose.items()):
        context = contexts.pop(name, None)
        relative = folder.relative_to(cwd).as_posix()
        sites.append(
            FoundSite(
                site_name(name, taken), context.name if context else "", context.host if context else "", relative
            )
        )
    used = {s.host for s in sites if s.host}
    for context in contexts.values():
        if context.host not in used:
            used.add(context.host)
            named = "local" if context.name == DEFAULT else context.name
            sites.append(FoundSite(site_name(named, taken), context.name, context.host))
    # os.path: a folder that may not be entered holds nothing for us, and is no error
    loose = () if bases else tuple(_relative(f, cwd) for f in folders if any(isfile(f / c) for c in COMPOSE_FILES))
    return tuple(sites), loose


def _docker_contexts(environ: Mapping[str, str], home: Path) -> dict[str, DockerContext]:
    """By name, the current one first; `default` only if its socket is there or DOCKER_HOST names it."""
    folder = docker_folder(environ, home)
    found = {c.name: c for c in load_contexts(folder) if c.name and c.host and not c.warning}
    default = find_context(folder, DEFAULT, environ)
    if (
        default
        and default.host
        and (environ.get("DOCKER_HOST") or Path(default.host.removeprefix("unix://")).is_socket())
    ):
        found[DEFAULT] = default
    current = current_context(folder, environ)
    order = sorted(found, key=lambda name: (name != current, name == DEFAULT, name))
    return {name: found[name] for name in order}


def _relative(folder: Path, cwd: Path) -> str:
    return folder.relative_to(cwd).as_posix()


def _repository(environ: Mapping[str, str], cwd: Path) -> FoundRepository | None:
    top = _git(environ, cwd, "rev-parse", "--show-toplevel")
    if not top:
        return None
    remotes = _git(environ, cwd, "remote").splitlines()
    remote = "origin" if "origin" in remotes else (remotes[0] if remotes else "")
    branch = ""
    if remote:
        head = _git(environ, cwd, "symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD")
        branch = head.removeprefix(f"{remote}/")
    branch = branch or _git(environ, cwd, "symbolic-ref", "--quiet", "--short", "HEAD")
    manifests = Path(top) / "manifests"
    if not manifests.is_dir():
        return FoundRepository(os.path.relpath(top, cwd.resolve()), remote, branch)
    values = [f for f in _folders(manifests) if f.parent.name == "values"]
    environments = tuple(sorted({f.name for f in values}))
    return FoundRepository(os.path.relpath(top, cwd.resolve()), remote, branch, "manifests", environments)


def _git(environ: Mapping[str, str], cwd: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env={**environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()
