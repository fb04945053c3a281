"""`labtui promote`: the diff of what would change, confirmation, one commit."""

from __future__ import annotations

from labtui.cli.argocd import Asking, perform, show_plan
from labtui.cli.output import Exit
from labtui.core.lab import Lab


def promote(lab: Lab, application: str, source: str, target: str, dry_run: bool, asking: Asking) -> Exit:
    """Promote an application's values; `dry_run` stops after the plan. Nothing is asked where nothing differs."""
    operation = lab.promote(application, source, target)
    if dry_run:
        return show_plan(operation.plan(), asking)
    return perform(lab, operation, asking)
