"""Everything that a front end needs, put together by the composition root. The screen and the command line know only this."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from labtui.core.executor import Executor, Operation
from labtui.core.inventory import Inventory
from labtui.core.operations import ComposeVerb, FinishRollback, Refresh, Rollback, Sync, Terminate
from labtui.core.operations.watching import Pace
from labtui.core.stacks import StackTools
from labtui.domain.checks import Check
from labtui.domain.errors import Refused
from labtui.domain.ref import Ref, SourceId
from labtui.ports import (
    Applications,
    Clock,
    ClusterSecrets,
    ComposeControl,
    ComposeFiles,
    Diagnosable,
    Feed,
    GitFiles,
    GitOps,
    Login,
    Secrets,
    SyncRequest,
)

if TYPE_CHECKING:  # they read YAML, which the first frame does without
    from labtui.core.migration.service import Migrations
    from labtui.core.operations.backup import BackupParts
    from labtui.core.stackplan import PlannedStack, StackPlanner


@dataclass
class Lab:
    """An opened estate. Nothing is connected before its feeds are started."""

    name: str
    clock: Clock
    feeds: tuple[Feed, ...]  # in the order in which people see them
    executor: Executor
    applications: Applications | None = None
    secrets: Secrets | None = None
    gitops: GitOps | None = None
    git_files: GitFiles | None = None
    manifests: str = "manifests"  # the folder of the app of apps in that repository
    make_stacks: Callable[[], StackTools] = StackTools  # called once, when they are first wanted
    cluster_secrets: ClusterSecrets | None = None
    vault_mount: str = "kv"
    make_migrations: Callable[[], Migrations] | None = None  # called once; None without a cluster
    logins: Mapping[SourceId, Login] = field(default_factory=dict)
    diagnosables: tuple[tuple[str, Diagnosable], ...] = ()
    problems: tuple[Check, ...] = ()  # found while the settings were resolved: sources that cannot even be tried
    inventory: Inventory = field(default_factory=Inventory)
    pace: Pace = field(default_factory=Pace)
    demo: bool = False
    theme_dirs: tuple[Path, ...] = ()
    close: Callable[[], None] = lambda: None

    @property
    def sources(self) -> tuple[SourceId, ...]:
        """Every source, in the order in which people see them."""
        return tuple(feed.source for feed in self.feeds)

    @cached_property
    def stacks(self) -> StackTools:
        """What reads, runs and plans Compose stacks."""
        return self.make_stacks()

    # Operations, ready to be planned

    def argocd(self) -> Applications:
        """The Argo CD server. Raises Refused when the estate has none."""
        if self.applications is None:
            raise Refused(
                "This estate has no Argo CD server",
                "",
                "Name it in the estate file (argocd.server) or in ARGOCD_SERVER",
            )
        return self.applications

    def compose_files(self) -> ComposeFiles:
        """The sites' Compose files. Raises Refused when the estate has no site."""
        if self.stacks.files is None:
            raise Refused("This estate has no site", "", "Name one in the estate file (sites)")
        return self.stacks.files

    def compose_control(self) -> ComposeControl:
        """What runs the sites' stacks. Raises Refused when the estate has no site."""
        if self.stacks.control is None:
            raise Refused("This estate has no site", "", "Name one in the estate file (sites)")
        return self.stacks.control

    @cached_property
    def migrations(self) -> Migrations:
        """What migrates stacks. Raises Refused when the estate has no cluster."""
        if self.make_migrations is None:
            raise Refused(
                "This estate has no cluster to migrate to", "", "Name it in the estate file (cluster) or in KUBECONFIG"
            )
        return self.make_migrations()

    def compose(self, site: str, stack: str, verb: str, services: Sequence[str] = ()) -> Operation:
        """Run a Compose stack: `up`, `stop`, `restart` or `pull`."""
        return ComposeVerb(self.compose_control(), site, stack, verb, services)

    def planning(self) -> StackPlanner:
        """What plans the move of a stack. Raises Refused when the estate names no Compose folder."""
        if self.stacks.planner is None:
            raise Refused(
                "This estate names no Compose folder",
                "",
                "Name one in the estate file (sites.NAME.compose): the plan of a move is made from its files",
            )
        return self.stacks.planner

    def backup_parts(self) -> BackupParts:
        """What backups are made from. Raises Refused when the estate has no site with an engine."""
        from labtui.core.operations.backup import BackupParts, stores_of

        tools = self.stacks.moving
        if tools.sources is None or not tools.stores:
            raise Refused("This estate has no site with a Docker engine", "", "Name one in the estate file (sites)")
        return BackupParts(
            self.compose_files(),
            tools.sources,
            stores_of(tools.stores),
            self.clock,
            self.executor.by,
            self.stacks.facts,
            tools.vault,
            self._secret_paths,
        )

    def _secret_paths(self, site: str, stack: str) -> tuple[str, ...]:
        if self.stacks.planner is None:
            return ()
        return tuple(sorted({s.path for s in self.planning().plan(site, stack).plan.secrets}))

    def backup(self, site: str, stack: str, folder: Path | None = None) -> Operation:
        """Back a stack up into a folder, the estate's own one by default."""
        from labtui.core.operations.backup import Backup

        return Backup(self.backup_parts(), site, stack, folder or self.stacks.moving.folder)

    def restore(self, file: Path, folder: str = "", *, overwrite: bool = False) -> Operation:
        """Restore a backup: where its data was, or into a folder of its site's host. Raises NotFound, Invalid."""
        from labtui.core.operations.backup import Restore, stores_of

        return Restore(stores_of(self.stacks.moving.stores), file, folder, overwrite=overwrite)

    def save_answers(self, planned: PlannedStack) -> Operation:
        """Remember a plan's answers in git."""
        from labtui.core.operations.save_answers import SaveAnswers

        return SaveAnswers(self.planning(), planned)

    def sync(self, target: Ref, request: SyncRequest | None = None, *, with_diff: bool = True) -> Operation:
        """Sync an application."""
        return Sync(self.argocd(), target, request, self.pace, with_diff=with_diff)

    def rollback(self, target: Ref, *, to: int | None = None, prune: bool = False) -> Operation:
        """Roll an application back."""
        return Rollback(self.argocd(), target, self.clock, self.executor.by, to=to, prune=prune, pace=self.pace)

    def finish_rollback(self, target: Ref) -> Operation:
        """Make a rollback last."""
        return FinishRollback(self.argocd(), self.gitops, target, self.pace)

    def promote(self, application: str, source: str, target: str) -> Operation:
        """Promote an application's values from one environment to another. Raises Refused without a GitOps repository."""
        from labtui.core.operations.promote import Promote  # it reads YAML, which the first frame does without

        if self.git_files is None:
            raise Refused("The estate file names no GitOps repository", "", "Name it in section gitops")
        return Promote(self.git_files, self.manifests, application, source, target)

    def refresh(self, target: Ref, *, hard: bool = False) -> Operation:
        """Compare an application with git now."""
        return Refresh(self.argocd(), target, hard=hard)

    def terminate(self, target: Ref) -> Operation:
        """End the running operation of an application."""
        return Terminate(self.argocd(), target, self.pace)


def operator() -> str:
    """Who is at the keyboard, for audit lines and records: `user@host`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no entry in the user database, as in some containers
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
