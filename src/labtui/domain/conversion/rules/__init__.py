"""One function a key. `REGISTRY` is the list of them; a key that is not in it is refused, never dropped.

Its order is the order in which the rules of a service run, whatever the order of the file: a rule may rely on what
those above it have put into the component. `x-` is for all keys that begin so. A theme is a module with `RULES`
(key → rule) and, if it needs them, `STACK_RULES` (key of the file beside its services → rule), `FIRST` and `PASSES`
(functions that look at the whole stack, before and after the rules of all keys).
"""

from __future__ import annotations

from collections.abc import Mapping

from labtui.domain.conversion.context import Pass, Rule, StackRule
from labtui.domain.conversion.rules import (
    command,
    environment,
    file_contents,
    fitting,
    image,
    ingress,
    labels,
    machine,
    memory,
    names,
    network,
    placing,
    ports,
    probes,
    resources,
    secrets,
    security,
    sharing,
    toplevel,
    volumes,
    waiting,
)

REGISTRY: Mapping[str, Rule] = {
    **image.RULES,
    **names.RULES,
    **environment.RULES,
    **command.RULES,
    **ports.RULES,
    **probes.RULES,
    **waiting.RULES,
    **labels.RULES,
    **resources.RULES,
    **security.RULES,
    **network.RULES,
    **machine.RULES,
    **volumes.RULES,
    **memory.RULES,
    **file_contents.RULES,
}
STACK_REGISTRY: Mapping[str, StackRule] = {**toplevel.STACK_RULES}
FIRST: tuple[Pass, ...] = (*names.FIRST, *environment.FIRST)
PASSES: tuple[Pass, ...] = (
    *names.PASSES,
    *network.PASSES,
    *image.PASSES,
    *waiting.PASSES_ONCE,  # what runs once is no component: before all that looks at components
    *ports.PASSES,
    *ingress.PASSES,
    *ports.PASSES_AFTER_INGRESS,
    *probes.PASSES,
    *waiting.PASSES,
    *resources.PASSES,
    *placing.PASSES,  # what is mounted is known
    *sharing.PASSES,  # replicas are known
    *fitting.PASSES,  # all that it compares is known
    *secrets.PASSES,  # last: what goes to Vault is known
)
