"""The first actions of every migration: preflight, backup, secrets. Put together from an opened estate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from labtui.core.lab import Lab
from labtui.core.migration.action import Action
from labtui.core.migration.backup import SaveStack
from labtui.core.migration.fencing import Fence, FencedSecrets
from labtui.core.migration.preflight import Preflight, RunPreflight
from labtui.core.migration.secrets import secret_actions
from labtui.core.stackplan import PlannedStack, namespace_of
from labtui.domain.checks import Check
from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.findings import PlannedSecret, StackPlan
from labtui.domain.conversion.rules.listening import port_entries
from labtui.domain.errors import Refused
from labtui.domain.ref import Ref


def preflight(
    lab: Lab,
    planned: PlannedStack,
    applications: Sequence[Ref] = (),
    *,
    obstacles: Callable[[], Sequence[str]] | None = None,
    holder: Callable[[], str] | None = None,
    place: Callable[[], Iterable[Check]] | None = None,
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
        place=place,
        objects=tuple(objects),
        random_ports=random_ports(planned.stack),
    )


def random_ports(stack: Stack) -> tuple[str, ...]:
    """SERVICE:PORT of what others reach on a port that Docker chooses when a container starts."""
    found = ((s.name, e) for s in stack.services for e in port_entries(s))
    return tuple(f"{name}:{entry.target}" for name, entry in found if entry.published is None and not entry.loopback)


def safety_actions(
    lab: Lab,
    place: tuple[str, str],
    secrets: Sequence[PlannedSecret],
    plan: Callable[[], StackPlan],
    migration: str,
    checks: Callable[[], Iterable[Check]],
    fence: Fence,
) -> tuple[Action, ...]:
    """PREFLIGHT, BACKUP and SECRETS, in this order. `place` is site and stack; `plan` is asked only when a secret is written,
    for the values that `secrets` do not have; it is written behind `fence`. Raises Refused without an engine, or with
    secrets and no Vault."""
    tools = lab.stacks.moving
    found: list[Action] = [
        RunPreflight(checks),
        SaveStack(lab.backup_parts(), *place, tools.folder, migration),
    ]
    if secrets:
        if tools.vault is None:
            raise Refused(
                f"{'/'.join(place)} has secrets, and the estate has no Vault", "", "Name it in the estate file"
            )
        found += secret_actions(secrets, FencedSecrets(tools.vault, fence), lab.vault_mount, lambda: plan().secrets)
    return tuple(found)
