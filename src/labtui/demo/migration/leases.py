"""Leases and mirrored journals of the simulated cluster, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from labtui.demo.world import World
from labtui.domain.errors import Refused
from labtui.domain.migration.names import object_name
from labtui.ports.migration import LeaseHolder, MirrorCopy

_CLUSTER = "cluster"


@dataclass
class _Record:
    """A Lease: its holder, None when it was given back."""

    fence: int = 0
    holder: SimulatedLease | None = None


class SimulatedLeases:
    """`ports.migration.Leases`. Nobody dies in the simulated estate but by `drop`, which stands for a lease that ran out."""

    def __init__(self, world: World, by: str) -> None:
        self._world, self._by = world, by
        self._records: dict[str, _Record] = {}

    def acquire(self, site: str, stack: str, above: int, report: Callable[[str], None]) -> SimulatedLease:
        """See `ports.migration.Leases`."""
        self._world.answer(self._world.sources[_CLUSTER])
        with self._world.lock:
            record = self._records.setdefault(object_name(site, stack), _Record())
            if record.holder is not None:
                other = record.holder
                raise Refused(
                    "Another labtui works on this stack",
                    f"{other.by} holds it since {other.since:%Y-%m-%d %H:%M:%S} UTC",
                    "Wait until it has ended, or end it there",
                )
            record.fence = max(record.fence, above) + 1
            record.holder = SimulatedLease(self._world, record, record.fence, self._by, self._world.clock.now())
            return record.holder

    def holder(self, site: str, stack: str) -> LeaseHolder | None:
        """See `ports.migration.Leases`."""
        self._world.answer(self._world.sources[_CLUSTER])
        with self._world.lock:
            record = self._records.get(object_name(site, stack))
            held = record.holder if record else None
            return LeaseHolder(held.by, held.since, held.fence) if held else None

    def drop(self, site: str, stack: str) -> None:
        """Its holder is gone: the next one may take it."""
        with self._world.lock:
            self._records[object_name(site, stack)].holder = None


@dataclass(eq=False)
class SimulatedLease:
    """`ports.migration.HeldLease`."""

    _world: World = field(repr=False)
    _record: _Record = field(repr=False)
    fence: int
    by: str
    since: datetime

    def check(self) -> None:
        """See `ports.migration.HeldLease`."""
        self._world.answer(self._world.sources[_CLUSTER])
        self.glance()

    def glance(self) -> None:
        """See `ports.migration.HeldLease`."""
        with self._world.lock:
            now = self._record.holder
            if now is self:
                return
            why = f"{now.by} holds it since {now.since:%Y-%m-%d %H:%M:%S} UTC" if now else "nobody holds it now"
            raise Refused("This labtui no longer holds the migration, so it does no further step", why)

    def release(self) -> None:
        """See `ports.migration.HeldLease`."""
        with self._world.lock:
            if self._record.holder is self:
                self._record.holder = None


class SimulatedMirror:
    """`ports.migration.JournalMirror`, with the compare-and-swap of the real one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._copies: dict[str, MirrorCopy] = {}
        self._version = 0

    def read(self, site: str, stack: str) -> MirrorCopy | None:
        """See `ports.migration.JournalMirror`."""
        self._world.answer(self._world.sources[_CLUSTER])
        return self._copies.get(object_name(site, stack))

    def write(self, copy: MirrorCopy) -> MirrorCopy:
        """See `ports.migration.JournalMirror`."""
        self._world.answer(self._world.sources[_CLUSTER])
        name = object_name(copy.site, copy.stack)
        with self._world.lock:
            there = self._copies.get(name)
            if (there.version if there else "") != copy.version:
                raise Refused("Somebody else wrote the journal's copy in the cluster", f"ConfigMap {name}")
            self._version += 1
            self._copies[name] = replace(copy, version=str(self._version))
            return self._copies[name]

    def all(self) -> tuple[MirrorCopy, ...]:
        """See `ports.migration.JournalMirror`."""
        self._world.answer(self._world.sources[_CLUSTER])
        return tuple(self._copies.values())
