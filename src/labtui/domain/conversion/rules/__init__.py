"""One function a key. `REGISTRY` is the list of them; a key that is not in it is refused, never dropped.

Its order is the order in which the rules of a service run, whatever the order of the file: a rule may rely on what
those above it have put into the component. A theme is a module with `RULES` (key → rule) and, if it needs them,
`STACK_RULES` (key of the file beside its services → rule), `FIRST` and `PASSES` (functions that look at the whole stack,
before and after the rules of all keys).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labtui.domain.conversion.context import Pass, Rule, StackRule
from labtui.domain.conversion.rules import names, toplevel

REGISTRY: Mapping[str, Rule] = {**names.RULES}
STACK_REGISTRY: Mapping[str, StackRule] = {**toplevel.STACK_RULES}
FIRST: tuple[Pass, ...] = (*names.FIRST,)
PASSES: tuple[Pass, ...] = (*names.PASSES,)


def rule_for(registry: Mapping[str, Any], key: str) -> Any | None:
    """The rule of a key; all `x-…` keys share the one of `x-`."""
    return registry.get("x-" if key.startswith("x-") else key)
