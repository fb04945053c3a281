"""What reads, runs and plans Compose stacks. Made when it is first wanted: the screen starts without any of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from labtui.core.stackplan import StackPlanner
    from labtui.ports import ComposeControl, ComposeFiles, StackFacts
    from labtui.ports.migration import OwnCheck, Prober, SideUse
    from labtui.ports.moving import Allowances, ClusterQuestions, DataStores, SecretWriter, StackSources
    from labtui.ports.stacks import GitHistory, Objects, StackCluster, StackContainers


@dataclass(frozen=True)
class MovingTools:
    """What backups are made from, and what the first steps of a migration ask and write. `stores` are by site, `folder` is
    where backups go that are given no other place. None: the estate has no such server."""

    sources: StackSources | None = None
    stores: Mapping[str, DataStores] = field(default_factory=dict)
    folder: Path = field(default_factory=Path)
    vault: SecretWriter | None = None
    cluster: ClusterQuestions | None = None
    allowances: Allowances | None = None


@dataclass(frozen=True)
class MigrationTools:
    """What the later steps of a migration act upon. `history` is None in an estate without a repository. `use` opens what measures
    both sides of a stack: site, stack, namespace and release."""

    cluster: StackCluster
    objects: Objects
    containers: StackContainers
    prober: Prober
    use: Callable[[str, str, str, str], AbstractContextManager[SideUse | None]]
    history: GitHistory | None = None
    own: OwnCheck | None = None
    environment: str = ""


@dataclass
class StackTools:
    """`files` and `control` are None when the estate has no site, `planner` when no site names a Compose folder."""

    files: ComposeFiles | None = None
    control: ComposeControl | None = None
    facts: StackFacts | None = None
    planner: StackPlanner | None = None
    moving: MovingTools = field(default_factory=MovingTools)
