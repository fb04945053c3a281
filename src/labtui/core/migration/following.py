"""What both sides of a stack use, from feeds of its own: a migration is followed with or without a screen."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from labtui.core.feeds import start_all, stop_all
from labtui.core.inventory import Inventory
from labtui.core.migration.sides import InventoryUse
from labtui.domain.changes import Change
from labtui.domain.ref import SourceId
from labtui.domain.resources import Resource
from labtui.ports import Clock, Feed
from labtui.ports.migration import SideUse

_STOP_SECONDS = 0.5


@contextmanager
def followed_use(
    docker: Feed, cluster: Feed, clock: Clock, stack: str, namespace: str, release: str
) -> Iterator[SideUse]:
    """Follow a site and the cluster until the block is left. The feeds must not be followed by anybody else."""
    inventory, lock = Inventory(), threading.Lock()

    def put(change: Change) -> None:
        with lock:
            inventory.apply([change])

    def resources(source: SourceId, kinds: Sequence[str]) -> tuple[Resource, ...]:
        with lock:
            return tuple(inventory.of(source, kinds))

    runners = start_all([docker, cluster], put, clock)
    try:
        yield InventoryUse(resources, docker.source, stack, cluster.source, namespace, release)
    finally:
        stop_all(runners, _STOP_SECONDS)
