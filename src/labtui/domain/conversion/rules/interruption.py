"""What users notice of a move whose data has one writer, said before: in words, and for data that stays in place in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labtui.domain.conversion.context import Conversion
from labtui.domain.conversion.rules.common import in_words, shown

ANYWAY = 15
"""Seconds that the rest takes: the stop, two commits and syncs, the API server, the Ingress. Measured: 9 to 19, pods of an instant
start included (tests/live/test_migration_in_place.py)."""


def interruption(conv: Conversion, writers: Sequence[str]) -> str:
    """What users notice, as one text. `writers` are the services that write."""
    copied = [line for line in conv.volumes if line.writer and not line.kept and line.service in writers]
    names = shown(" and ".join(", ".join(writers).rsplit(", ", 1)))
    sizes = [line.size for line in {line.source or line.target: line for line in copied}.values()]
    one = len(writers) == 1
    words = f"{names} {'writes' if one else 'write'} to volumes, and a volume has one writer"
    its = "its container" if one else "their containers"
    stop = "stops" if one else "stop"
    if copied:
        total = sum(size or 0 for size in sizes)
        amount = "data of unknown size" if all(s is None for s in sizes) else f"{in_words(total)} of data"
        amount += ", and some whose size is not known" if None in sizes and total else ""
        words += f": {its} {stop}, what has changed in {amount} since a first copy is copied, and the pods start"
    else:
        words += f": {its} {stop} before the pods start"
    later = "nor for some seconds at each later update"
    seconds = window_seconds(conv)
    if seconds is None:
        return f"{words}. Nobody gets an answer meanwhile, {later}."
    estimate = f"for about {seconds} seconds by estimate, longer where a program takes longer to start"
    return f"{words}. Nobody gets an answer meanwhile ({estimate}), {later}.{_pulls(conv)}"


def window_seconds(conv: Conversion) -> int | None:
    """The estimate for a stack whose written data all stays in place; None for another one."""
    written = [line for line in conv.volumes if line.writer and line.service not in conv.left_out]
    if not written or not all(line.kept for line in written):
        return None
    return ANYWAY + max((_start(component) for component in conv.components.values()), default=0)


def _start(component: Mapping[str, Any]) -> int:
    """Seconds until the probes of a component can first say that it is ready."""
    probes = component.get("probes") or {}
    found = 0
    for name in ("startup", "readiness"):
        probe = probes.get(name) or {}
        if probe:
            found += int(probe.get("initialDelaySeconds", 0)) + int(probe.get("periodSeconds", 10)) // 2
    return found


def _pulls(conv: Conversion) -> str:
    """Images that a node would have to get first, where that is known."""
    there = conv.facts.cluster.images if conv.facts.cluster else frozenset()
    if not there:
        return ""
    wanted = sorted({str(c["image"]) for c in conv.components.values() if c.get("image")})
    missing = [image for image in wanted if image not in there and canonical(image) not in there]
    if not missing:
        return " The images are on the node already."
    words = shown(", ".join(missing[:3]))
    return f" The nodes do not list {words}: the download comes on top, unless they have them before."


def canonical(image: str) -> str:
    """An image's name as a node lists it: `redis:7` is docker.io/library/redis:7."""
    first, slash, _ = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif "." not in first and ":" not in first and first != "localhost":
        image = f"docker.io/{image}"
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"
