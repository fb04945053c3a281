"""Does a stack fit on a node beside what is there: by what pods ask for, and by what is really used. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labtui.domain.conversion.facts import NodeFacts, UsageFacts
from labtui.domain.conversion.rules.common import in_words
from labtui.domain.conversion.rules.names import label

TIGHT = 0.9  # of a node's memory: more than this is worth a warning


@dataclass(frozen=True, slots=True)
class Adds:
    """What the pods of a stack add to a node: cores and bytes, once both sides run."""

    cpu_requests: float = 0.0
    memory_requests: int = 0
    memory: int = 0  # what they will really use: as measured on Docker, at least what they ask for
    frees: int = 0  # what the containers give back later, on the same machine


@dataclass(frozen=True, slots=True)
class Fit:
    """How it fits best. `why` is a sentence with the numbers; `fits` False: it does not."""

    fits: bool
    why: str
    tight: bool = False
    node: str = ""


def added(components: Mapping[str, Any], usage: Mapping[str, UsageFacts], *, same_host: bool) -> Adds:
    """What these components of the app chart add. `usage` is by Compose service; `same_host`: its containers run on the node."""
    cpu = 0.0
    requests = memory = 0
    used = {label(service): facts for service, facts in usage.items()}
    for name, component in components.items():
        replicas = int(component.get("replicas", 1))
        resources = component.get("resources") or {}
        # a limit without a request is the request (kubernetes.io, Resource Management for Pods and Containers)
        wanted = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        cpu += replicas * quantity(wanted.get("cpu"))
        asked = int(quantity(wanted.get("memory")))
        measured = used[name].memory if name in used else None
        requests += replicas * asked
        memory += max(replicas * asked, measured or 0)
    frees = sum(u.memory or 0 for u in usage.values()) if same_host else 0
    return Adds(round(cpu, 3), requests, memory, frees)


_UNITS = {
    **{unit: 1000.0**power for power, unit in enumerate(("", "k", "M", "G", "T", "P"))},
    **{unit: 1024.0**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), start=1)},
    "m": 1e-3,
}


def quantity(value: Any) -> float:
    """A Kubernetes quantity (`250m`, `1536Mi`, `2`) as a number; 0 for none, and for what is no quantity."""
    text = "" if value is None else str(value).strip()
    digits = text.rstrip("kmKMGTPi")
    try:
        return float(digits) * _UNITS[text[len(digits) :]]
    except (ValueError, KeyError):
        return 0.0


def fit(nodes: tuple[NodeFacts, ...], measured: Mapping[str, int], adds: Adds, limit: int = 0) -> Fit:
    """The node that it fits on best. `measured`: bytes in use now, by node; a node without is judged by requests alone.
    `limit`: no more than this of a node's memory may be used, whatever it has; 0: all of it."""
    if not nodes:
        return Fit(False, "no node takes pods now")
    tries = [_on(node, measured.get(node.name), adds, limit) for node in nodes]
    return min(tries, key=lambda t: (not t.fits, t.tight))


def _on(node: NodeFacts, used: int | None, adds: Adds, limit: int) -> Fit:
    total = min(node.memory, limit) if limit and node.memory else node.memory or limit
    where = f"{node.name} has {in_words(total)} of memory"
    if adds.cpu_requests > node.cpu_free:
        words = f"the pods ask for {adds.cpu_requests:g} cores, and {node.name} has {max(node.cpu_free, 0):g} left to promise"
        return Fit(False, words, node=node.name)
    if adds.memory_requests > node.memory_free:
        asked, left = in_words(adds.memory_requests), in_words(max(node.memory_free, 0))
        return Fit(False, f"the pods ask for {asked}, and {node.name} has {left} left to promise", node=node.name)
    if used is None:
        words = f"{where}; the pods add {in_words(adds.memory)}; how much is in use is not measured"
        return Fit(True, words, tight=True, node=node.name)
    after = used + adds.memory
    later = f", {in_words(max(after - adds.frees, 0))} once the containers are stopped" if adds.frees else ""
    words = f"{where}, {in_words(used)} in use; the move adds {in_words(adds.memory)}: {in_words(after)} while both run{later}"
    if total and after > total:
        return Fit(False, f"{words}; {in_words(after - total)} too much", node=node.name)
    return Fit(True, words, tight=bool(total) and after > TIGHT * total, node=node.name)
