"""A migration on the simulated estate whose clock stands still: it takes no time at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labtui.core.lab import Lab
from labtui.core.migration.service import Record
from labtui.demo import DemoClock, DemoEstate, parse_faults
from labtui.domain.changes import Remove, Upsert
from labtui.domain.migration.progress import Event, MigrationProgress
from labtui.domain.migration.steps import StepName
from labtui.domain.ref import Ref
from labtui.domain.resources import EndpointSlice
from labtui.domain.resources.docker import DockerService
from labtui.estate.bootstrap import Options, demo_lab
from tests.unit.demo.following import NOON


@dataclass
class Moved:
    """An opened demo, its world, and what its migrations told."""

    lab: Lab
    world: DemoEstate
    told: list[MigrationProgress] = field(default_factory=list)
    meanwhile: Callable[[MigrationProgress], None] = lambda progress: None

    def watch(self, progress: MigrationProgress) -> None:
        """Hear what happens, then do what a test wants at that moment."""
        self.told.append(progress)
        self.meanwhile(progress)

    def migrate(self, stack: str, until: StepName | None = None) -> Record:
        """To Kubernetes, or on the way."""
        return self.lab.migrations.migrate("wroclaw", stack, until, self.watch)[0]

    def undo(self, record: Record, to: StepName | None = None) -> Record:
        """Back."""
        return self.lab.migrations.undo(record.about.id, to, self.watch)[0]

    def resume(self, record: Record) -> Record:
        """Where it was going."""
        return self.lab.migrations.resume(record.about.id, self.watch)[0]

    def latest(self, stack: str) -> Record:
        """The last migration of a stack."""
        found = self.lab.migrations.latest("wroclaw", stack)
        assert found is not None
        return found

    def report(self, record: Record) -> dict[str, Any]:
        """Its report."""
        return self.lab.migrations.report(record)

    def steps(self, event: Event) -> list[str]:
        """The steps that had this event, in order, each once."""
        return list(dict.fromkeys(p.step.value for p in self.told if p.event is event and p.step))

    def running(self, stack: str) -> dict[str, bool]:
        """Its containers, and whether they run."""
        engine = self.world.engines["wroclaw"]
        found = (s for s in self.world.world.of(engine.source) if isinstance(s, DockerService) and s.stack == stack)
        return {s.service: s.worst.state == "running" for s in found}

    def objects(self, namespace: str) -> set[tuple[str, str]]:
        """Kind and name of what Argo CD has put into a namespace."""
        return {(key[1], key[3]) for key in self.world.cluster.objects if key[2] == namespace}

    def ref(self, name: str) -> Ref:
        """An application."""
        return Ref(self.world.argocd.source, "Application", "argocd", name)


def opened(tmp_path: Path, *faults: str) -> Moved:
    """The demo at noon. Life goes on in it, as it does on the screen."""
    world = DemoEstate(DemoClock(NOON), parse_faults(faults))
    return Moved(demo_lab(world, Options(demo=True, home=tmp_path)), world)


class Ways:
    """At every change of the cluster: does every Service that an Ingress leads to have somebody who answers?"""

    def __init__(self, world: DemoEstate, namespace: str) -> None:
        self._world, self._namespace = world.world, namespace
        self._cluster = world.cluster
        self.seen: list[tuple[str, ...]] = []
        self.gaps: list[str] = []
        self._managers: Sequence[str] = ()
        tell = self._world._tell

        def told(source: Any, change: Any) -> None:
            tell(source, change)
            if isinstance(change, Upsert | Remove) and source == self._cluster.source:
                self._look()

        self._world._tell = told  # type: ignore[method-assign]

    def _look(self) -> None:
        slices = [
            s
            for s in self._world.of(self._cluster.source, ("EndpointSlice",))
            if isinstance(s, EndpointSlice) and s.ref.namespace == self._namespace
        ]
        for key, manifest in self._cluster.objects.items():
            if key[1] != "Ingress" or key[2] != self._namespace:
                continue
            service = manifest["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
            behind = tuple(sorted(s.managed_by for s in slices if s.service == service and s.ready))
            if not self.seen or self.seen[-1] != behind:
                self.seen.append(behind)
            if not behind:
                self.gaps.append(f"{service} at {self._world.clock.now():%H:%M:%S}")
