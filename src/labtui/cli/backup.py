"""`labtui backup SITE/STACK` and `labtui restore FILE`."""

from __future__ import annotations

import argparse
from pathlib import Path

from labtui.cli.argocd import Asking, perform, show_plan
from labtui.cli.compose import split_target
from labtui.cli.output import Exit
from labtui.core.lab import Lab


def run(lab: Lab, options: argparse.Namespace, asking: Asking) -> Exit:
    """Either command."""
    if options.command == "backup":
        return backup(lab, options.stack, options.to, options.dry_run, asking)
    return restore(lab, options.file, options.to, options.overwrite, options.dry_run, asking)


def backup(lab: Lab, target: str, folder: Path | None, dry_run: bool, asking: Asking) -> Exit:
    """Make one; nobody is asked, since nothing but a new file is made."""
    site, stack = split_target(target)
    operation = lab.backup(site, stack, folder.absolute() if folder else None)
    if dry_run:
        return show_plan(operation.plan(), asking)
    return perform(lab, operation, asking, harmless=True)


def restore(lab: Lab, file: Path, folder: str, overwrite: bool, dry_run: bool, asking: Asking) -> Exit:
    """Verify the file, show where its data goes, ask, restore, compare."""
    operation = lab.restore(file, folder, overwrite=overwrite)
    if dry_run:
        return show_plan(operation.plan(), asking)
    return perform(lab, operation, asking)
