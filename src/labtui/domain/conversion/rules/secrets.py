"""Values that go to Vault: which key each gets there, and the Secret of the chart that brings them to the pods."""

from __future__ import annotations

import re
from typing import Any

from labtui.domain.conversion.context import Conversion, Pass
from labtui.domain.conversion.findings import PlannedSecret
from labtui.domain.conversion.rules.names import label


def secret_name(c: Conversion) -> str:
    """The name of the stack's one Secret."""
    return label(c.stack.name)


def vault_path(c: Conversion) -> str:
    """Where the stack's secrets are, under the KV v2 mount."""
    return "apps/" + (re.sub(r"[^A-Za-z0-9_.-]+", "-", c.stack.name) or "stack")


def keep(
    c: Conversion, service: str, variable: str, value: str | None, reason: str, names: tuple[str, ...] = ()
) -> str:
    """Plan a value for Vault; answers its key there, which is also the key in the Secret.

    The key is the first of `names`, else the variable, that is free or holds the same value for another service: a
    database and its client share one. `variable` is an environment variable or a file's path in the container.
    """
    candidates = (*names, variable, f"{c.component(service)}_{variable}")
    wanted = [re.sub(r"[^-._a-zA-Z0-9]+", "_", name).strip("_")[:200] or "value" for name in candidates]
    taken = {s.key: s.value for s in c.secrets}
    key = next((k for k in wanted if k not in taken or taken[k] == value), "")
    number = 2
    while not key:
        numbered = f"{wanted[-1]}_{number}"
        key, number = (numbered if taken.get(numbered, value) == value else ""), number + 1
    c.secrets.append(PlannedSecret(service, vault_path(c), key, variable, reason, value))
    return key


def keep_variable(
    c: Conversion,
    service: str,
    component: dict[str, Any],
    variable: str,
    value: str | None,
    reason: str,
    names: tuple[str, ...] = (),
) -> str:
    """`keep`, and the component's environment gets the variable from there. Answers `path#key`, for people."""
    key = keep(c, service, variable, value, reason, names)
    component.setdefault("secretEnv", {})[variable] = {"secret": secret_name(c), "key": key}
    return f"{vault_path(c)}#{key}"


def gather(c: Conversion) -> None:
    """The chart's `secrets`: one Secret for each Vault path, with all keys that are planned there."""
    for secret in c.secrets:
        if secret.service in c.left_out and not _used(c, secret.key):
            continue
        entry = c.values.setdefault("secrets", {}).setdefault(secret_name(c), {"path": secret.path, "keys": {}})
        entry["keys"][secret.key] = secret.key


def _used(c: Conversion, key: str) -> bool:
    def within(value: Any) -> bool:
        if isinstance(value, dict):
            return value.get("key") == key or any(within(v) for v in value.values())
        return isinstance(value, list) and any(within(v) for v in value)

    return any(within(c.components[name]) for name in c.components if name not in c.left_out)


PASSES: tuple[Pass, ...] = (gather,)
