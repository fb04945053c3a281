"""The composition root: from an estate file and the environment to an opened `Lab`. The only module that sees adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from labtui.core.audit import JsonLinesAudit, MemoryAudit
from labtui.core.clock import SystemClock
from labtui.core.executor import Executor
from labtui.core.lab import Lab, operator
from labtui.core.paths import config_dir, state_dir
from labtui.estate.file import Estate, find_estate_file, load_estate

if TYPE_CHECKING:
    from labtui.ports import Diagnosable, Feed, GitOps

READ_ONLY = "labtui was started with --read-only"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides about the estate to open."""

    estate: Path | None = None
    demo: bool = False
    faults: Sequence[str] = ()
    read_only: bool = False
    frozen_at: datetime | None = None
    cwd: Path = field(default_factory=Path.cwd)
    home: Path = field(default_factory=Path.home)


def open_lab(options: Options, environ: Mapping[str, str]) -> Lab:
    """The demo or the real estate. Connects to nothing. Raises Invalid for a bad estate file."""
    return _open_demo(options, environ) if options.demo else _open_real(options, environ)


def audit_path(environ: Mapping[str, str], home: Path) -> Path:
    """Where the audit log of real estates is."""
    return state_dir(environ, home) / "audit.jsonl"


def _open_demo(options: Options, environ: Mapping[str, str]) -> Lab:
    from labtui.demo import DemoClock, DemoEstate, parse_faults

    clock = DemoClock(options.frozen_at)
    world = DemoEstate(clock, parse_faults(options.faults))
    executor = Executor(MemoryAudit(), clock, by="you@demo", read_only=READ_ONLY if options.read_only else "")
    return Lab(
        name=world.name,
        clock=clock,
        feeds=world.feeds,
        executor=executor,
        applications=world.applications,
        secrets=world.secrets,
        gitops=world.gitops,
        logins=world.logins,
        diagnosables=world.diagnosables,
        demo=True,
        theme_dirs=(config_dir(environ, options.home) / "themes",),
    )


def _open_real(options: Options, environ: Mapping[str, str]) -> Lab:
    from labtui.estate.resolve import resolve

    path = find_estate_file(options.estate, options.cwd, environ, options.home)
    estate = load_estate(path)
    connections = resolve(estate, environ, options.home)
    clock = SystemClock()
    audit = JsonLinesAudit(audit_path(environ, options.home))
    executor = Executor(audit, clock, by=operator(), read_only=READ_ONLY if options.read_only else "")
    lab = Lab(
        name=estate.name,
        clock=clock,
        feeds=(),
        executor=executor,
        gitops=_gitops(estate, path),
        problems=connections.problems,
        theme_dirs=(config_dir(environ, options.home) / "themes",),
    )
    feeds: list[Feed] = []
    diagnosables: list[tuple[str, Diagnosable]] = []
    for docker in connections.docker:
        from labtui.adapters.docker import DockerSource

        site = DockerSource(docker, clock)
        feeds.append(site)
        diagnosables.append((docker.site, site))
    if connections.kubernetes is not None:
        from labtui.adapters.kubernetes import KubernetesSource

        cluster = KubernetesSource(connections.kubernetes, clock)
        feeds.append(cluster)
        diagnosables.append(("cluster", cluster))
    if connections.argocd is not None:
        from labtui.adapters.argocd import ArgocdSource

        argocd = ArgocdSource(connections.argocd, clock)
        feeds.append(argocd)
        diagnosables.append(("argocd", argocd))
        lab.applications = argocd
        lab.logins = {argocd.source: argocd}
    if connections.vault is not None:
        from labtui.adapters.vault import VaultSource

        vault = VaultSource(connections.vault, clock)
        feeds.append(vault)
        diagnosables.append(("vault", vault))
        lab.secrets = vault
    lab.feeds = tuple(feeds)
    lab.diagnosables = tuple(diagnosables)
    return lab


def _gitops(estate: Estate, path: Path) -> GitOps | None:
    if estate.gitops is None:
        return None
    from labtui.adapters.git import GitRepository

    folder = Path(estate.gitops.repository).expanduser()
    if not folder.is_absolute():
        folder = path.parent / folder
    return GitRepository(folder, estate.gitops.remote, estate.gitops.branch)
