"""Everything of the simulated world that a migration needs, made when the first one is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from labtui.demo.estate import DemoEstate
from labtui.demo.migration.cluster import SimulatedStackCluster
from labtui.demo.migration.containers import SimulatedContainers
from labtui.demo.migration.data import SimulatedSources, SimulatedStores
from labtui.demo.migration.leases import SimulatedLeases, SimulatedMirror
from labtui.demo.migration.prober import SimulatedProber
from labtui.demo.migration.questions import SimulatedAllowances, SimulatedQuestions
from labtui.demo.migration.routing import Routing
from labtui.demo.migration.vault import SimulatedWriter
from labtui.domain.ref import SourceId
from labtui.domain.resources import Resource


class DemoMigration:
    """The ports of a migration over one simulated estate."""

    def __init__(self, estate: DemoEstate, by: str) -> None:
        """`by` is who works, as leases and journals name it."""
        self._estate, self._world = estate, estate.world
        self.cluster = SimulatedStackCluster(estate.controller)
        self.routing = Routing(estate.cluster, estate.engines, estate.addresses)
        self.prober = SimulatedProber(self._world, self.routing)
        self.containers = SimulatedContainers(estate.stacks, estate.engines, self.prober.connected)
        self.sources = SimulatedSources(estate.stacks, estate.engines)
        self.vault = SimulatedWriter(estate.vault)
        self.questions = SimulatedQuestions(self._world)
        self.allowances = SimulatedAllowances(estate.argocd)
        self.leases = SimulatedLeases(self._world, by)
        self.mirror = SimulatedMirror(self._world)

    @cached_property
    def stores(self) -> Mapping[str, SimulatedStores]:
        """By site."""
        return {site: SimulatedStores(engine) for site, engine in self._estate.engines.items()}

    def resources(self, source: SourceId, kinds: Sequence[str]) -> Iterable[Resource]:
        """What a source has of these kinds now; asked of it."""
        self._world.answer(source)
        return self._world.of(source, kinds)
