"""All containers of one engine, grouped into services; knows what has changed since it was last asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from labtui.adapters.docker.parse import COMPOSE_SERVICE, STRAY, Placed
from labtui.adapters.docker.usage import Usage, steady
from labtui.domain.changes import Change, Remove, Resync, Upsert
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.docker import DockerService

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
KINDS = frozenset({COMPOSE_SERVICE, STRAY})


class Catalogue:
    """Containers by id. Not thread-safe: one thread owns it."""

    def __init__(self, source: SourceId) -> None:
        self._source = source
        self._placed: dict[str, Placed] = {}
        self._members: dict[Ref, set[str]] = {}
        self._usage: dict[str, Usage] = {}
        self._touched: set[Ref] = set()
        self._shown: dict[Ref, DockerService] = {}

    def put(self, new: Placed) -> None:
        """A container is new or was inspected again."""
        ident = new.container.id
        old = self._placed.get(ident)
        if old is not None and old.ref != new.ref:
            self._leave(old)
        if new.container.state != "running" or (old is not None and old.container.started != new.container.started):
            self._usage.pop(ident, None)
        self._placed[ident] = new
        self._members.setdefault(new.ref, set()).add(ident)
        self._touched.add(new.ref)

    def drop(self, ident: str) -> None:
        """A container is gone; nothing happens when it was not known."""
        old = self._placed.pop(ident, None)
        self._usage.pop(ident, None)
        if old is not None:
            self._leave(old)

    def measure(self, ident: str, usage: Usage) -> None:
        """A container was measured; small moves are not shown."""
        found = self._placed.get(ident)
        if found is None or found.container.state != "running":
            return
        before = self._usage.get(ident, Usage())
        after = steady(before, usage)
        if after != before:
            self._usage[ident] = after
            self._touched.add(found.ref)

    def running(self) -> frozenset[str]:
        """The ids of the running containers."""
        return frozenset(i for i, p in self._placed.items() if p.container.state == "running")

    def resync(self) -> Resync:
        """Everything."""
        self._touched.clear()
        self._shown = {ref: self._service(ref) for ref in self._members}
        return Resync(self._source, KINDS, tuple(self._shown[ref] for ref in sorted(self._shown)))

    def changes(self) -> Iterable[Change]:
        """What differs from what was handed out before; only once."""
        touched, self._touched = self._touched, set()
        for ref in sorted(touched):
            if ref not in self._members:
                if self._shown.pop(ref, None) is not None:
                    yield Remove(ref)
                continue
            service = self._service(ref)
            if self._shown.get(ref) != service:
                self._shown[ref] = service
                yield Upsert(service)

    def _leave(self, old: Placed) -> None:
        self._touched.add(old.ref)
        members = self._members[old.ref]
        members.discard(old.container.id)
        if not members:
            del self._members[old.ref]

    def _service(self, ref: Ref) -> DockerService:
        members = [self._placed[ident] for ident in self._members[ref]]
        members.sort(key=lambda p: (p.container.number, p.container.name, p.container.id))
        # Compose writes the labels anew with every container: the youngest tells what was deployed last
        newest = max(members, key=lambda p: p.container.created or _LONG_AGO)
        containers = []
        for one in members:
            usage = self._usage.get(one.container.id, Usage())
            containers.append(replace(one.container, cpu=usage.cpu, memory=usage.memory))
        return DockerService(ref, tuple(containers), newest.config_files, newest.working_dir, newest.depends_on)
