"""Puts together what plans, backs up and migrates the stacks of the simulated estate. Read when one of it is wanted, never before."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from labtui.core.lab import Lab
from labtui.core.migration.assembly import Assembly
from labtui.core.migration.engine import PATIENCE
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.report_file import ReportFiles
from labtui.core.migration.reporting import Reporting
from labtui.core.migration.service import Migrations
from labtui.core.migration.sides import InventoryUse
from labtui.core.migration.watching import Observation
from labtui.core.stacks import MigrationTools, MovingTools
from labtui.demo import DemoEstate
from labtui.ports.migration import SideUse


def demo_moving(world: DemoEstate, folder: Path) -> MovingTools:
    """What backups and the first steps of a migration need. `folder` is where backups go."""
    parts = world.migration
    return MovingTools(parts.sources, parts.stores, folder, parts.vault, parts.questions, parts.allowances)


def demo_migrations(world: DemoEstate, lab: Lab, folder: Path) -> Migrations:
    """The migrations of the simulated estate; their journals are in `folder`."""
    parts = world.migration

    def use(site: str, stack: str, namespace: str, release: str) -> AbstractContextManager[SideUse | None]:
        sources = world.world.sources
        return nullcontext(
            InventoryUse(parts.resources, sources[site], stack, world.cluster.source, namespace, release)
        )

    def observe(seen: Observation) -> None:
        if (told := made.observe) is not None:
            told(seen)

    tools = MigrationTools(
        parts.cluster,
        parts.cluster,
        parts.containers,
        parts.prober,
        use,
        world.git_files,
        environment=world.name,
    )
    assembly = Assembly(lab, tools, observe, lambda: made.list())
    made = Migrations(
        JournalFolder(folder / "migrations"),
        parts.mirror,
        parts.leases,
        assembly.actions,
        lab.clock,
        lab.executor.by,
        reporter=Reporting(ReportFiles(folder)),
        patience=replace(lab.pace, every=PATIENCE.every, limit=PATIENCE.limit),
        ended=assembly.ended,
    )
    return made


def passing_folder(owner: object) -> Path:
    """A folder that goes when `owner` goes, with all that is in it: nothing of a demo stays on the machine."""
    folder = Path(tempfile.mkdtemp(prefix="labtui-demo-"))
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return folder
