"""The simulated estate behind the same ports as the real one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from labtui.demo.argocd import SimulatedArgocd
from labtui.demo.build import build_argocd, build_engines
from labtui.demo.clock import DemoClock
from labtui.demo.cluster_secrets import DemoClusterSecrets
from labtui.demo.faults import Fault
from labtui.demo.feed import DemoFeed
from labtui.demo.files import EXTRA, SITES, compose_folders, data_folder
from labtui.demo.git_files import DemoFiles
from labtui.demo.life import Life
from labtui.demo.script.workloads import DOMAIN
from labtui.demo.vault import SimulatedVault
from labtui.demo.world import World
from labtui.domain.ref import SourceId, SourceKind
from labtui.ports import (
    Applications,
    ChartRenderer,
    ClusterInspector,
    ClusterSecrets,
    ComposeControl,
    Diagnosable,
    Feed,
    GitOps,
    Login,
    Secrets,
    SiteInspector,
)

if TYPE_CHECKING:
    from labtui.demo.compose import DemoCompose
    from labtui.demo.deploying import Deploying
    from labtui.demo.migration.parts import DemoMigration

NAME = "homelab"
USER = "you@demo"
SOURCES = (  # in the order in which people see them
    SourceId(SourceKind.DOCKER, "wroclaw"),
    SourceId(SourceKind.DOCKER, "kyiv"),
    SourceId(SourceKind.KUBERNETES, NAME),
    SourceId(SourceKind.ARGOCD, "argocd.example.org"),
    SourceId(SourceKind.VAULT, "vault.example.org"),
)
_NOTES = {"vault": ("token 2d left",)}


class DemoEstate:
    """One world, its feeds and what can be done in it.

    `life` False: nothing happens by itself. `speed`: how many times faster than in reality what was begun goes on.
    With a frozen clock everything waits for `clock.advance`.
    """

    name = NAME
    domain = DOMAIN

    def __init__(
        self,
        clock: DemoClock,
        faults: Mapping[str, Fault] | None = None,
        *,
        seed: int = 7,
        life: bool = True,
        speed: float = 1.0,
    ) -> None:
        self.clock = clock
        self.world = World(clock, SOURCES, faults or {}, speed)
        with self.world.lock:
            self.engines = build_engines(self.world)
            self.controller = build_argocd(self.world)
            self.cluster = self.controller.cluster
            self.repository = self.controller.repository
            self.vault = SimulatedVault(self.world)
            self.vault.fill()
            if life:
                Life(self.controller, self.engines, self.vault, seed).begin()
        self.argocd = SimulatedArgocd(self.controller)
        sources = self.world.sources
        feeds = {label: self.feed(label) for label in sources}
        self.feeds: tuple[Feed, ...] = tuple(feeds.values())
        self.diagnosables: tuple[tuple[str, Diagnosable], ...] = tuple(feeds.items())
        self.applications: Applications = self.argocd
        self.secrets: Secrets = self.vault
        self.gitops: GitOps = self.repository
        manifests = (data_folder("manifests"), EXTRA / "manifests")
        self.git_files = DemoFiles(self.repository, manifests, self._deploying, lambda: self.world.demand("git"))
        self.sites = SITES
        self.cluster_secrets: ClusterSecrets = DemoClusterSecrets(self.vault, self.cluster)
        self.logins: Mapping[SourceId, Login] = {sources["argocd"]: self.argocd}

    # Stacks: made when they are first wanted, as the real ones are

    @cached_property
    def stacks(self) -> DemoCompose:
        """The Compose files: the reference estate's, and those of stacks that only the demo has."""
        from labtui.demo.compose import DemoCompose

        return DemoCompose(*compose_folders())

    @cached_property
    def stack_control(self) -> ComposeControl:
        """What runs them on the simulated engines."""
        from labtui.demo.compose_control import DemoComposeControl

        return DemoComposeControl(self.stacks, self.engines)

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where pods reach the ports that each site publishes."""
        from labtui.demo.script.places import ADDRESSES

        return ADDRESSES

    @cached_property
    def site_inspectors(self) -> Mapping[str, SiteInspector]:
        """What a plan asks of each site."""
        from labtui.demo.stack_facts import DemoSite

        return {site: DemoSite(engine) for site, engine in self.engines.items()}

    @cached_property
    def cluster_inspector(self) -> ClusterInspector:
        """What a plan asks of the cluster."""
        from labtui.demo.stack_facts import DemoClusterRoom

        return DemoClusterRoom(self.world, self.cluster.source)

    @cached_property
    def chart(self) -> ChartRenderer:
        """The app chart of the repository, rendered without helm."""
        from labtui.demo.chart import DemoChart

        return DemoChart(data_folder("manifests") / "applications" / "charts" / "app")

    @cached_property
    def migration(self) -> DemoMigration:
        """What a migration needs beside the rest."""
        from labtui.demo.migration.parts import DemoMigration

        return DemoMigration(self, USER)

    def _deploying(self) -> Deploying:
        from labtui.demo.deploying import Deploying

        return Deploying(self.controller)

    def feed(self, label: str) -> DemoFeed:
        """One more feed of a source, as a second labtui would have it."""
        return DemoFeed(self.world, self.world.sources[label], _NOTES.get(label, ()))

    def set_fault(self, source: str, fault: Fault | None) -> None:
        """Break a source by its name (argocd, cluster, kubernetes, wroclaw, kyiv, vault), or heal it with None.

        Raises Invalid for an unknown name.
        """
        self.world.set_fault(source, fault)
