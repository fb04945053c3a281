"""Puts together what migrates the stacks of a real estate. Read when a migration is wanted, never before."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labtui.adapters.docker.containers import EngineContainers
from labtui.adapters.docker.source import DockerSource
from labtui.adapters.git import GitRepository
from labtui.adapters.kubernetes import KubernetesSource
from labtui.adapters.kubernetes.lease import KubernetesLeases
from labtui.adapters.kubernetes.mirror import KubernetesMirror
from labtui.adapters.kubernetes.podproxy import PodProxyClient
from labtui.adapters.kubernetes.stack import KubernetesStack
from labtui.adapters.probe import CheckProgram, NetworkProber
from labtui.core.lab import Lab, operator
from labtui.core.migration.assembly import Assembly
from labtui.core.migration.following import followed_use
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.report_file import ReportFiles
from labtui.core.migration.reporting import Reporting
from labtui.core.migration.service import Migrations
from labtui.core.migration.watching import Observation
from labtui.core.paths import state_dir
from labtui.core.stacks import MigrationTools
from labtui.domain.connections import KubernetesConnection

if TYPE_CHECKING:
    from labtui.estate.file import Estate
    from labtui.estate.resolve import Connections
    from labtui.ports.migration import SideUse


def make_migrations(
    lab: Lab,
    estate: Estate,
    connections: Connections,
    cluster: KubernetesConnection,
    environ: Mapping[str, str],
    home: Path,
) -> Migrations:
    """The migrations of an opened estate that has a cluster."""
    state, stack = state_dir(environ, home), KubernetesStack(cluster)
    gitops = estate.gitops
    folder = estate.local(gitops.repository) if gitops else estate.path.absolute().parent
    tools = MigrationTools(
        stack,
        stack,
        EngineContainers(connections.docker),
        NetworkProber(PodProxyClient(cluster)),
        partial(_use, lab, connections, cluster),
        lab.git_files if isinstance(lab.git_files, GitRepository) else None,
        CheckProgram(folder, environ),
        gitops.environment if gitops else "",
    )

    def observe(seen: Observation) -> None:
        if (told := made.observe) is not None:
            told(seen)

    assembly = Assembly(lab, tools, observe, lambda: made.list())
    made = Migrations(
        JournalFolder(state / "migrations"),
        KubernetesMirror(cluster),
        KubernetesLeases(cluster, operator()),
        assembly.actions,
        lab.clock,
        operator(),
        reporter=Reporting(ReportFiles(state)),
        ended=assembly.ended,
    )
    return made


def _use(
    lab: Lab,
    connections: Connections,
    cluster: KubernetesConnection,
    site: str,
    stack: str,
    namespace: str,
    release: str,
) -> AbstractContextManager[SideUse | None]:
    """Feeds of its own: the screen's have other followers."""
    docker = next((c for c in connections.docker if c.site == site), None)
    if docker is None:
        return nullcontext(None)
    feeds = DockerSource(docker, lab.clock), KubernetesSource(cluster, lab.clock)
    return followed_use(*feeds, lab.clock, stack, namespace, release)
