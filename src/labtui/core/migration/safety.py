"""The first actions of every migration: preflight, backup, secrets. Put together from an opened estate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labtui.core.lab import Lab
from labtui.core.migration.action import Action
from labtui.core.migration.backup import SaveStack
from labtui.core.migration.preflight import Preflight, RunPreflight
from labtui.core.migration.secrets import secret_actions
from labtui.core.stackplan import PlannedStack, namespace_of
from labtui.domain.errors import Refused
from labtui.domain.ref import Ref


def preflight(
    lab: Lab,
    planned: PlannedStack,
    applications: Sequence[Ref] = (),
    *,
    obstacles: Callable[[], Sequence[str]] | None = None,
    holder: Callable[[], str] | None = None,
    objects: Sequence[Mapping[str, Any]] = (),
    namespace: str = "",
) -> Preflight:
    """What is asked before a stack of this estate is moved: its own site, not the others'."""
    tools = lab.stacks.moving
    known = {name for name, _ in lab.diagnosables} - set(lab.stacks.moving.stores) | {planned.stack.site}
    return Preflight(
        planned.plan,
        planned.facts,
        namespace or namespace_of(planned.stack.name),
        tuple((name, source) for name, source in lab.diagnosables if name in known),
        tools.cluster,
        lab.applications,
        tools.allowances,
        tuple(applications),
        vault=tools.vault,
        obstacles=obstacles,
        holder=holder,
        objects=tuple(objects),
    )


def safety_actions(lab: Lab, planned: PlannedStack, migration: str, checks: Preflight) -> tuple[Action, ...]:
    """PREFLIGHT, BACKUP and SECRETS, in this order. Raises Refused without an engine, or with secrets and no Vault."""
    tools = lab.stacks.moving
    site, stack = planned.stack.site, planned.stack.name
    found: list[Action] = [
        RunPreflight(checks.checks),
        SaveStack(lab.backup_parts(), site, stack, tools.folder, migration),
    ]
    if planned.plan.secrets:
        if tools.vault is None:
            raise Refused(f"{site}/{stack} has secrets, and the estate has no Vault", "", "Name it in the estate file")
        found += secret_actions(planned.plan.secrets, tools.vault, lab.vault_mount)
    return tuple(found)
