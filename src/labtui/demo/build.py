"""Putting the simulated estate together: the reference files, with the script's states and history over them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from labtui.demo.cluster import MIB, NODE, Cluster
from labtui.demo.controller import Controller
from labtui.demo.engine import Engine
from labtui.demo.files import SITES, ApplicationEntry, compose_folders, data_folder, load_applications, load_stacks
from labtui.demo.objects import Manifest, file_of, images, key_of, pod_template
from labtui.demo.repository import BRANCH, Repository
from labtui.demo.script.containers import CONTAINERS, EXTRA_CONTAINERS, STRAYS, Running
from labtui.demo.script.history import BUMPS, FIRST_DAYS, MINUTE, PARENT, PARENT_PATH, WINDOWS, Bump
from labtui.demo.script.workloads import EXTERNALS, WORKLOADS, Scripted, external_manifests, manifests
from labtui.demo.simple_objects import claim
from labtui.demo.simulated_app import SimulatedApp
from labtui.demo.world import World
from labtui.domain.ref import Ref
from labtui.domain.resources import Node
from labtui.domain.resources.argocd import ApplicationSource, AutoSync, Operation
from labtui.domain.resources.kubernetes import Usage

NAMESPACE = "argocd"


def build_engines(world: World) -> dict[str, Engine]:
    """The sites' engines with what compose/ and the script say."""
    engines = {}
    for site in SITES:
        engine = engines[site] = Engine(world, site)
        for service in (s for folder in compose_folders() for s in load_stacks(site, folder)):
            known = (site, service.stack, service.name)
            engine.install(service, CONTAINERS.get(known) or EXTRA_CONTAINERS.get(known) or Running())
        for name, image, running in STRAYS[site]:
            engine.install_stray(name, image, running)
    return engines


def build_argocd(world: World) -> Controller:
    """The cluster, the repository, and Argo CD between them."""
    defaults, entries = load_applications(data_folder("manifests"))
    cluster = Cluster(world)
    repository = Repository(defaults["repository"], world.clock.now)
    controller = Controller(world, cluster, repository)
    parent = _parent(world, defaults)
    apps = [make_app(world, defaults, entry, parent.ref) for entry in entries]
    controller.apps = {app.ref: app for app in (parent, *apps)}
    _write_history(controller, {app.name: app for app in apps}, world.began)
    scripted = {(w.namespace, w.name): w for w in WORKLOADS}
    for app in (parent, *apps):
        app.live = dict(repository.objects(app.history[-1].revisions[0], controller.place(app)))
        if app is not parent:
            _install(cluster, app.live.values(), app.name, scripted)
    _install_rest(cluster)
    for app in (parent, *apps):
        last = app.history[-1]
        app.operation = Operation(
            "Succeeded",
            "successfully synced (all tasks run)",
            started=last.deployed - timedelta(seconds=4) if last.deployed else None,
            finished=last.deployed,
            revisions=last.revisions,
            automated=last.by == "auto-sync",
            by="" if last.by == "auto-sync" else last.by,
        )
        app.attempted = repository.head()
        controller.compare(app)
        app.health_since = world.began - timedelta(minutes=12) if app.health == "Degraded" else last.deployed
        controller.publish(app)
    return controller


def _parent(world: World, defaults: Manifest) -> SimulatedApp:
    return SimulatedApp(
        ref=Ref(world.sources["argocd"], "Application", NAMESPACE, PARENT),
        source=ApplicationSource(defaults["repository"], PARENT_PATH, target_revision=BRANCH),
        namespace=NAMESPACE,
        layer="",
        auto_sync=AutoSync(True, None, True, True),
        sync_options=("ServerSideApply=true",),
        parent=None,
        created=world.began - timedelta(days=FIRST_DAYS),
    )


def make_app(world: World, defaults: Manifest, entry: ApplicationEntry, parent: Ref) -> SimulatedApp:
    """An application of the list as it is when it comes."""
    automated = entry.automated
    policy = AutoSync()
    if automated is not None:
        policy = AutoSync(
            True, automated.get("enabled"), automated.get("prune", False), automated.get("selfHeal", False)
        )
    return SimulatedApp(
        ref=Ref(world.sources["argocd"], "Application", NAMESPACE, entry.name),
        source=ApplicationSource(
            defaults["repository"], entry.path, target_revision=defaults["revision"], value_files=entry.value_files
        ),
        namespace=entry.namespace,
        layer=entry.layer,
        auto_sync=policy,
        sync_options=entry.sync_options,
        parent=parent,
        created=world.began - timedelta(days=FIRST_DAYS),
        windows=WINDOWS.get(entry.name, ()),
    )


# The repository


def _write_history(controller: Controller, apps: dict[str, SimulatedApp], now: datetime) -> None:
    repository = controller.repository
    files: dict[str, Manifest | None] = {}
    for app in apps.values():
        for manifest in _first_manifests(app.name):
            files[location(controller.place(app), manifest)] = manifest
        child = application_manifest(app)
        files[location(PARENT_PATH, child)] = child
    began = now - timedelta(days=FIRST_DAYS)
    first = repository.add("The homelab as one app of apps", "olena", began, files)
    for app in controller.apps.values():
        app.deploy(first.revision, began + timedelta(minutes=2), "olena")
    for bump in BUMPS:
        date = now - timedelta(days=bump.days)
        app = apps[bump.application]
        files = dict(bumped(repository.files(repository.head(), (controller.place(app),)), bump))
        commit = repository.add(bump.words, bump.author, date, files)
        if bump.deployed:
            app.deploy(commit.revision, date + timedelta(days=MINUTE), "auto-sync" if app.auto_sync.on else "olena")


def location(place: str, manifest: Manifest) -> str:
    """Where in the repository a manifest of an application is."""
    mark = "#" if place.endswith(".yaml") else "/"
    return f"{place}{mark}{file_of(manifest)}"


def _first_manifests(application: str) -> list[Manifest]:
    """What the first commit holds of an application: its images as they were before all updates."""
    before = {bump.after: bump.before for bump in BUMPS if bump.application == application}
    found: list[Manifest] = []
    for workload in WORKLOADS:
        if workload.application == application:
            found.extend(_with_image(m, _first_image(workload.image, before)) for m in manifests(workload))
    for external in EXTERNALS:
        if external.application == application:
            found.extend(external_manifests(external))
    return found


def _first_image(image: str, before: dict[str, str]) -> str:
    while image in before:
        image = before[image]
    return image


def _with_image(manifest: Manifest, image: str) -> Manifest:
    if not images(manifest):
        return manifest
    changed: dict[str, Any] = copy.deepcopy(dict(manifest))
    pod_template(changed)["spec"]["containers"][0]["image"] = image
    return changed


def bumped(files: dict[str, Manifest], bump: Bump) -> dict[str, Manifest]:
    """The files that a commit changes: all that use its image."""
    changed = {}
    for file, manifest in files.items():
        if bump.before in images(manifest):
            new = changed[file] = _with_image(manifest, bump.after)
            container = pod_template(new)["spec"]["containers"][0]
            for name, value in bump.env:
                container["env"] = [
                    e if e["name"] != name else {"name": name, "value": value} for e in container["env"]
                ]
    return changed


def application_manifest(app: SimulatedApp) -> Manifest:
    """What an app of apps renders for an application."""
    policy: dict[str, Any] = {"syncOptions": list(app.sync_options)}
    if app.auto_sync.configured:
        policy["automated"] = {"prune": app.auto_sync.prune, "selfHeal": app.auto_sync.self_heal}
    source: dict[str, Any] = {
        "repoURL": app.source.repo_url,
        "targetRevision": app.source.target_revision,
        "path": app.source.path,
    }
    if app.source.value_files:
        source["helm"] = {"valueFiles": list(app.source.value_files)}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": app.name, "namespace": app.ref.namespace, "labels": {"labtui.dev/layer": app.layer}},
        "spec": {
            "project": app.project,
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": app.namespace},
            "syncPolicy": policy,
        },
    }


# The cluster


def _install(
    cluster: Cluster, objects: Iterable[Manifest], application: str, scripted: dict[tuple[str, str], Scripted]
) -> None:
    for manifest in objects:
        _, _, namespace, name = key_of(manifest)
        found = scripted.get((namespace, name)) or Scripted(application, namespace, name, "", days=FIRST_DAYS)
        cluster.install(manifest, application, found)
        if manifest["kind"] == "StatefulSet" and found.claim:
            ref = Ref(cluster.source, "PersistentVolumeClaim", namespace, f"data-{name}-0")
            spec = manifest["spec"]["volumeClaimTemplates"][0]["spec"]
            cluster.world.put(claim(ref, spec, cluster.world.began - timedelta(days=found.days)))


def _install_rest(cluster: Cluster) -> None:
    """What no application manages: kube-system, the node, and the Job that a CronJob has made."""
    world = cluster.world
    for workload in WORKLOADS:
        if not workload.application:
            for manifest in manifests(workload):
                cluster.install(manifest, "", workload)
    cron = next(w for w in WORKLOADS if w.kind == "CronJob")
    job = Scripted("", cron.namespace, f"{cron.name}-29391495", cron.image, "Job", days=0.49, owner=cron.name)
    cluster.install(manifests(job)[0], "", job)
    world.put(
        Node(
            Ref(cluster.source, "Node", "", NODE),
            True,
            "Ready",
            version="v1.33.5+orb1",
            architecture="arm64",
            cpu=10,
            memory=16 * 1024 * MIB,
            usage=Usage(0.84, 6300 * MIB),
        )
    )
    ingress = Ref(cluster.source, "Ingress", "emby", "emby")
    cluster.event(ingress, "Normal", "Sync", "Scheduled for sync")
