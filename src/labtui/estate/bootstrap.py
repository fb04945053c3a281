"""The composition root: from an estate file and the environment to an opened `Lab`. The only module that sees adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from labtui.core.paths import config_dir, state_dir

# Opening an estate imports the whole core: what only prepares it (the first frame waits for that) must not.
if TYPE_CHECKING:
    from labtui.adapters.compose import Place
    from labtui.adapters.docker.source import DockerSource
    from labtui.adapters.git import GitRepository
    from labtui.adapters.programs import Programs
    from labtui.core.lab import Lab
    from labtui.core.migration.service import Migrations
    from labtui.core.stackplan import StackPlanner
    from labtui.core.stacks import MovingTools, StackTools
    from labtui.demo import DemoEstate
    from labtui.domain.connections import KubernetesConnection
    from labtui.estate.file import Estate
    from labtui.estate.resolve import Connections
    from labtui.ports import ClusterInspector, ComposeFiles, Diagnosable, Feed, StackFacts

READ_ONLY = "labtui was started with --read-only"
DEMO_NAME = "homelab"
_APP_CHART = Path("applications/charts/app")


@dataclass(frozen=True)
class Options:
    """What the command line decides about the estate to open."""

    estate: Path | None = None
    demo: bool = False
    faults: Sequence[str] = ()
    read_only: bool = False
    frozen_at: datetime | None = None
    cwd: Path = field(default_factory=Path.cwd)
    home: Path = field(default_factory=Path.home)


@dataclass(frozen=True)
class Prepared:
    """An estate that is known to be right and is still to be opened."""

    name: str
    theme_dirs: tuple[Path, ...]
    open: Callable[[], Lab]


def prepare(options: Options, environ: Mapping[str, str], *, dial: bool = False) -> Prepared:
    """Read the estate file, or the demo's faults. Raises Invalid for what is wrong with them.

    With `dial` the ssh handshakes begin at once: they last as long as all that is imported meanwhile.
    """
    themes = (config_dir(environ, options.home) / "themes",)
    if options.demo:
        if options.faults:
            from labtui.demo import parse_faults

            parse_faults(options.faults)
        return Prepared(DEMO_NAME, themes, partial(_open_demo, options, themes))
    from labtui.estate.file import find_estate_file, load_estate

    estate = load_estate(find_estate_file(options.estate, options.cwd, environ, options.home))
    from labtui.core.clock import SystemClock
    from labtui.estate.resolve import resolve

    clock = SystemClock()
    connections = resolve(estate, environ, options.home)
    sites = []
    for docker in connections.docker:
        from labtui.adapters.docker.source import DockerSource

        sites.append(DockerSource(docker, clock))
        if dial:
            sites[-1].dial()
    return Prepared(estate.name, themes, partial(_open_real, estate, connections, sites, options, environ, themes))


def open_lab(options: Options, environ: Mapping[str, str]) -> Lab:
    """The demo or the real estate. Connects to nothing. Raises Invalid for a bad estate file."""
    return prepare(options, environ).open()


def audit_path(environ: Mapping[str, str], home: Path) -> Path:
    """Where the audit log of real estates is."""
    return state_dir(environ, home) / "audit.jsonl"


def _open_demo(options: Options, themes: tuple[Path, ...]) -> Lab:
    from labtui.demo import DemoClock, DemoEstate, parse_faults

    world = DemoEstate(DemoClock(options.frozen_at), parse_faults(options.faults))
    return demo_lab(world, options, themes)


def demo_lab(world: DemoEstate, options: Options, themes: tuple[Path, ...] = ()) -> Lab:
    """A simulated estate, opened."""
    from labtui.core.audit import MemoryAudit
    from labtui.core.executor import Executor
    from labtui.core.lab import Lab
    from labtui.core.operations.watching import Pace

    clock = world.clock
    executor = Executor(MemoryAudit(), clock, by="you@demo", read_only=READ_ONLY if options.read_only else "")
    lab = Lab(
        name=world.name,
        clock=clock,
        feeds=world.feeds,
        executor=executor,
        applications=world.applications,
        secrets=world.secrets,
        gitops=world.gitops,
        git_files=world.git_files,
        logins=world.logins,
        diagnosables=world.diagnosables,
        pace=Pace(wait=clock.wait, monotonic=clock.monotonic),
        demo=True,
        theme_dirs=themes,
        cluster_secrets=world.cluster_secrets,
    )
    folder = lru_cache(maxsize=1)(partial(_demo_folder, world))
    lab.make_stacks = partial(_demo_stacks, world, lab, folder)
    lab.make_migrations = partial(_demo_migrations, world, lab, folder)
    return lab


def _demo_folder(world: DemoEstate) -> Path:
    from labtui.estate.demo import passing_folder

    return passing_folder(world)


def _demo_stacks(world: DemoEstate, lab: Lab, folder: Callable[[], Path]) -> StackTools:
    from labtui.core.stack_facts import GatheredFacts
    from labtui.core.stacks import StackTools
    from labtui.estate.demo import demo_moving

    facts = GatheredFacts(world.site_inspectors, world.addresses, world.cluster_inspector, world.domain)
    planner = replace(_planner(lab, world.stacks, facts, world.sites, None, world.name), charts=world.chart)
    return StackTools(world.stacks, world.stack_control, facts, planner, demo_moving(world, folder() / "backups"))


def _demo_migrations(world: DemoEstate, lab: Lab, folder: Callable[[], Path]) -> Migrations:
    from labtui.estate.demo import demo_migrations

    return demo_migrations(world, lab, folder())


def _open_real(
    estate: Estate,
    connections: Connections,
    sites: Sequence[DockerSource],
    options: Options,
    environ: Mapping[str, str],
    themes: tuple[Path, ...],
) -> Lab:
    from labtui.core.audit import JsonLinesAudit
    from labtui.core.clock import SystemClock
    from labtui.core.executor import Executor
    from labtui.core.lab import Lab, operator
    from labtui.estate.unusable import unusable

    clock = SystemClock()
    audit = JsonLinesAudit(audit_path(environ, options.home))
    executor = Executor(audit, clock, by=operator(), read_only=READ_ONLY if options.read_only else "")
    repository = _repository(estate)
    lab = Lab(
        name=estate.name,
        clock=clock,
        feeds=(),
        executor=executor,
        gitops=repository,
        git_files=repository,
        manifests=estate.gitops.manifests if estate.gitops else "",
        problems=connections.problems,
        theme_dirs=themes,
    )
    feeds: list[Feed] = []
    diagnosables: list[tuple[str, Diagnosable]] = []
    for site in sites:
        feeds.append(site)
        diagnosables.append((site.source.scope, site))
    room: ClusterInspector | None = None
    if connections.kubernetes is not None:
        from labtui.adapters.kubernetes import KubernetesSource

        room = cluster = KubernetesSource(connections.kubernetes, clock)
        feeds.append(cluster)
        diagnosables.append(("cluster", cluster))
    if connections.argocd is not None:
        from labtui.adapters.argocd import ArgocdSource

        argocd = ArgocdSource(connections.argocd, clock)
        feeds.append(argocd)
        diagnosables.append(("argocd", argocd))
        lab.applications = argocd
        lab.logins = {argocd.source: argocd}
    if connections.vault is not None:
        from labtui.adapters.vault import VaultSource

        vault = VaultSource(connections.vault, clock)
        feeds.append(vault)
        diagnosables.append(("vault", vault))
        lab.secrets = vault
    if estate.vault is not None:
        lab.vault_mount = estate.vault.mount
    if connections.kubernetes is not None:
        from labtui.adapters.kubernetes.secrets import KubernetesSecrets

        lab.cluster_secrets = KubernetesSecrets(connections.kubernetes)
    lab.make_stacks = partial(_stacks, lab, estate, connections, sites, room, environ, options.home)
    if connections.kubernetes is not None and estate.sites:
        lab.make_migrations = partial(
            _migrations, lab, estate, connections, connections.kubernetes, environ, options.home
        )
    feeds += unusable(connections.problems, [feed.source.label for feed in feeds])
    order = ("docker", "kubernetes", "argocd", "vault")
    lab.feeds = tuple(sorted(feeds, key=lambda feed: order.index(feed.source.kind.value)))
    lab.diagnosables = (*diagnosables, ("this machine", _programs(estate, connections, environ)))
    return lab


def _programs(estate: Estate, connections: Connections, environ: Mapping[str, str]) -> Programs:
    """What labtui runs on this machine, as far as this estate needs it."""
    from labtui.adapters.compose.program import find_program
    from labtui.adapters.programs import Programs

    moves = connections.kubernetes is not None and bool(estate.sites)
    return Programs(environ, estate.gitops is not None, moves, bool(estate.sites), find_program)


def _migrations(
    lab: Lab,
    estate: Estate,
    connections: Connections,
    cluster: KubernetesConnection,
    environ: Mapping[str, str],
    home: Path,
) -> Migrations:
    from labtui.estate.migrations import make_migrations

    return make_migrations(lab, estate, connections, cluster, environ, home)


def _stacks(
    lab: Lab,
    estate: Estate,
    connections: Connections,
    sites: Sequence[DockerSource],
    room: ClusterInspector | None,
    environ: Mapping[str, str],
    home: Path,
) -> StackTools:
    from labtui.core.stacks import StackTools

    if not estate.sites:
        return StackTools()
    from labtui.adapters.compose import ComposeReader, ComposeRunner, Place
    from labtui.core.stack_facts import GatheredFacts

    engines = {connection.site: connection for connection in connections.docker}
    places = []
    for site in estate.sites:
        here = estate.local(site.compose) if site.compose else None
        places.append(Place(site.name, here, site.project_dir or (str(here) if here else ""), engines.get(site.name)))
    files = ComposeReader(places, environ)
    addresses = {site.name: site.address for site in estate.sites if site.address}
    facts = GatheredFacts({site.source.scope: site for site in sites}, addresses, room, estate.domain)
    named = tuple(site.name for site in estate.sites if site.compose)
    gitops = estate.gitops
    chart = estate.local(gitops.repository) / gitops.manifests / _APP_CHART if gitops else None
    planner = _planner(lab, files, facts, named, chart, gitops.environment if gitops else "") if named else None
    moving = _moving(lab, connections, places, environ, home)
    return StackTools(files, ComposeRunner(files, places, environ), facts, planner, moving)


def _moving(
    lab: Lab, connections: Connections, places: Sequence[Place], environ: Mapping[str, str], home: Path
) -> MovingTools:
    from labtui.adapters.argocd import ArgocdSource
    from labtui.adapters.compose.sources import ComposeSources
    from labtui.adapters.docker.stores import EngineStores
    from labtui.adapters.kubernetes.questions import KubernetesQuestions
    from labtui.adapters.vault.writing import VaultWriter
    from labtui.core.stacks import MovingTools

    kubernetes, vault = connections.kubernetes, connections.vault
    return MovingTools(
        ComposeSources(places, environ),
        {connection.site: EngineStores(connection) for connection in connections.docker},
        state_dir(environ, home) / "backups",
        VaultWriter(vault, lab.clock) if vault else None,
        KubernetesQuestions(kubernetes) if kubernetes else None,
        lab.applications if isinstance(lab.applications, ArgocdSource) else None,
    )


def _planner(
    lab: Lab, files: ComposeFiles, facts: StackFacts, sites: Sequence[str], chart: Path | None, environment: str
) -> StackPlanner:
    from labtui.adapters.helm import HelmRenderer
    from labtui.core.stackplan import StackPlanner
    from labtui.demo.files import data_folder
    from labtui.domain.conversion.convert import convert

    if chart is None or not (chart / "Chart.yaml").is_file():  # an estate may well use the chart that comes with labtui
        chart = data_folder("manifests") / _APP_CHART
    return StackPlanner(
        files,
        convert,
        tuple(sites),
        facts,
        HelmRenderer(chart),
        lab.git_files,
        lab.manifests or "manifests",
        environment,
    )


def _repository(estate: Estate) -> GitRepository | None:
    if estate.gitops is None:
        return None
    from labtui.adapters.git import GitRepository

    return GitRepository(estate.local(estate.gitops.repository), estate.gitops.remote, estate.gitops.branch)
