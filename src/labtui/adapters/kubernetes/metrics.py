"""Measured use (metrics.k8s.io): read every half minute, and kept still unless it means something."""

from __future__ import annotations

from collections.abc import Mapping

from labtui.adapters.kubernetes.reading import quantity, rows, text
from labtui.adapters.kubernetes.wire import Transport
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.kubernetes import Usage

PATH = "/apis/metrics.k8s.io/v1beta1"
MIB = 1024 * 1024


def read(wire: Transport, source: SourceId) -> dict[Ref, Usage]:
    """Use of all pods and nodes now. Raises a LabError, NotFound when metrics are not served."""
    found: dict[Ref, Usage] = {}
    for node in rows(wire.get(f"{PATH}/nodes"), "items"):
        ref = Ref(source, "Node", "", text(node, "metadata", "name"))
        found[ref] = _use(quantity(node, "usage", "cpu"), quantity(node, "usage", "memory"))
    for pod in rows(wire.get(f"{PATH}/pods"), "items"):
        ref = Ref(source, "Pod", text(pod, "metadata", "namespace"), text(pod, "metadata", "name"))
        containers = rows(pod, "containers")
        cpu = sum(quantity(c, "usage", "cpu") for c in containers)
        found[ref] = _use(cpu, sum(quantity(c, "usage", "memory") for c in containers))
    return found


def _use(cpu: float, memory: float) -> Usage:
    """Rounded to a thousandth of a core and to MiB."""
    return Usage(round(cpu, 3), round(memory / MIB) * MIB)


def settle(shown: Mapping[Ref, Usage], new: Mapping[Ref, Usage]) -> dict[Ref, Usage]:
    """The new measurements, but what has hardly changed stays as it is shown, so that an idle screen stands still."""
    return {ref: old if (old := shown.get(ref)) and _close(old, use) else use for ref, use in new.items()}


def _close(old: Usage, new: Usage) -> bool:
    """Within a hundredth of a core or a fifth, and within 5 MiB or a tenth."""
    cpu = abs(new.cpu - old.cpu) <= max(0.01, old.cpu / 5)
    return cpu and abs(new.memory - old.memory) <= max(5 * MIB, old.memory // 10)
