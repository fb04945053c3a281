"""The simulated estate as the contract suites want to drive it: one rig a kind of source."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from threading import Event
from typing import Any, TypeVar

from labtui.demo import DemoClock, DemoEstate, Fault
from labtui.demo.argocd import SimulatedArgocd
from labtui.demo.build import application_manifest
from labtui.demo.files import ComposeService
from labtui.demo.objects import file_of
from labtui.demo.simulated_app import SimulatedApp
from labtui.domain.checks import Check
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.argocd import ApplicationSource, AutoSync
from labtui.ports import Applications, Emit, Feed, SiteInspector, SyncWindow
from tests.contract.argocd_rig import ArgocdRig
from tests.contract.demo_kubernetes import DemoKubernetes
from tests.contract.docker_rig import DockerRig, StackRig
from tests.contract.kubernetes_rig import KubernetesRig
from tests.contract.vault_rig import VaultFeed, VaultRig

T = TypeVar("T")

_number = itertools.count(1)


def estate() -> DemoEstate:
    """A world of its own in which nothing happens by itself, and all else fast."""
    return DemoEstate(DemoClock(), life=False, speed=8)


# Docker


class _Stack:
    """A stack of web, cache and worker on a simulated engine."""

    def __init__(self, world: DemoEstate, site: str, name: str) -> None:
        self._engine = world.engines[site]
        self._name = name or f"demo-{next(_number)}"

    @property
    def name(self) -> str:
        return self._name

    def up(self) -> None:
        self._create("web", ports=("18080:8080",), health_check=True)
        self._create("cache")
        self._create("worker", depends_on=("cache",))

    def stop(self, service: str) -> None:
        self._engine.end(self._ref(service), 137)

    def start(self, service: str) -> None:
        self._engine.start(self._ref(service))

    def crash(self, service: str, code: int = 3) -> None:
        self._engine.end(self._ref(service), code)

    def sicken(self) -> None:
        self._engine.judge(self._ref("web"), healthy=False)

    def heal(self) -> None:
        self._engine.judge(self._ref("web"), healthy=True)

    def rm(self, service: str) -> None:
        self._engine.remove(self._ref(service))

    def down(self) -> None:
        for service in ("web", "cache", "worker"):
            self._engine.remove(self._ref(service))

    def _create(
        self,
        name: str,
        *,
        ports: tuple[str, ...] = (),
        depends_on: tuple[str, ...] = (),
        health_check: bool = False,
    ) -> None:
        image = "busybox:1.37.0"
        container = f"{self.name}-{name}-1"
        networks = (f"{self.name}_default",)
        service = ComposeService(self.name, name, image, container, ports, depends_on, networks, (), health_check)
        self._engine.create(service)

    def _ref(self, service: str) -> Ref:
        return self._engine.ref(self.name, service)


class _DockerRig:
    def __init__(self, world: DemoEstate, site: str) -> None:
        self._world = world
        self._site = site
        self._engine = world.engines[site]
        self._stacks: list[_Stack] = []
        self._strays: list[str] = []
        self._other: _DockerRig | None = None

    def feed(self) -> Feed:
        return self._world.feed(self._site)

    def inspector(self) -> SiteInspector:
        return self._world.site_inspectors[self._site]

    def stack(self, name: str = "") -> StackRig:
        made = _Stack(self._world, self._site, name)
        self._stacks.append(made)
        return made

    def elsewhere(self) -> DockerRig:
        if self._other is None:
            self._other = _DockerRig(self._world, "kyiv" if self._site == "wroclaw" else "wroclaw")
        return self._other

    def run_stray(self) -> str:
        name = f"stray-{next(_number)}"
        self._engine.run_stray(name, "busybox:1.37.0")
        self._strays.append(name)
        return name

    def remove_stray(self, name: str) -> None:
        self._engine.remove(self._engine.stray_ref(name))
        self._strays.remove(name)

    def close(self) -> None:
        for name in list(self._strays):
            self.remove_stray(name)
        for stack in self._stacks:
            stack.down()
        if self._other is not None:
            self._other.close()


def docker_rig() -> DockerRig:
    """The engine of wroclaw; kyiv is elsewhere."""
    return _DockerRig(estate(), "wroclaw")


# Vault


class _VaultSource:
    """Feed, secrets and examination in one object, as the adapter is."""

    def __init__(self, world: DemoEstate) -> None:
        self._feed = world.feed("vault")
        self._secrets = world.vault

    @property
    def source(self) -> SourceId:
        return self._feed.source

    def follow(self, emit: Emit, stop: Event) -> None:
        self._feed.follow(emit, stop)

    def close(self) -> None:
        self._feed.close()

    def check(self) -> Iterator[Check]:
        return self._feed.check()

    def open(self, ref: Ref) -> None:
        self._secrets.open(ref)

    def reveal(self, ref: Ref, version: int | None = None) -> Mapping[str, str]:
        return self._secrets.reveal(ref, version)

    def keys(self, ref: Ref) -> tuple[str, ...]:
        return self._secrets.keys(ref)


class _VaultRig:
    """The simulated estate has one user: its rights are those of the source that was asked for last."""

    folder = "apps/contract/"
    closed_folder = "contract/"

    def __init__(self) -> None:
        self._world = estate()

    def source(self, who: str = "admin") -> VaultFeed:
        self._world.set_fault("vault", Fault.EXPIRED if who == "nobody" else None)
        if who == "reader":
            self._world.vault.deny(self.closed_folder)
            self._world.vault.deny(self.folder, values_only=True)
        return _VaultSource(self._world)

    def ref(self, path: str) -> Ref:
        return self._world.vault.ref(path)

    def write(self, path: str, values: Mapping[str, str]) -> None:
        self._world.vault.write(path, values)

    def delete(self, path: str) -> None:
        self._world.vault.delete(path)

    def remove(self, path: str) -> None:
        self._world.vault.remove(path)

    def close(self) -> None:
        pass


def vault_rig() -> VaultRig:
    """A Vault of its own."""
    return _VaultRig()


# Kubernetes


def kubernetes_rig() -> KubernetesRig:
    """A cluster of its own."""
    return DemoKubernetes(estate())


# Argo CD


class _ArgocdRig:
    def __init__(self) -> None:
        self._world = estate()
        self._controller = self._world.controller
        self._numbers = itertools.count(1)
        self.applications: Applications = self._world.argocd
        self.viewer: Applications = SimulatedArgocd(self._controller, viewer=True)
        automatic = AutoSync(True, None, prune=True, self_heal=True)
        parent = self._make("contract-parent", automatic)
        child = self._make("contract-child", automatic, parent=parent.ref)
        second = self._make("contract-second", AutoSync())
        self._commit("an app of apps", parent, application_manifest(child))
        for app in (child, second):
            self._commit(f"{app.name}: the first of it", app, _config_map(app, 0), _deployment(app))
        self.parent, self.child, self.second = parent.ref, child.ref, second.ref
        for app in (parent, child, second):
            self._controller.compare(app)

    def feed(self) -> Feed:
        return self._world.feed("argocd")

    def twin(self) -> Ref:
        twin = self._make(self.second.name, AutoSync(), namespace="elsewhere")
        self._controller.compare(twin)
        return twin.ref

    def new_revision(self, ref: Ref) -> str:
        app = self._controller.apps[ref]
        return self._commit(f"{app.name}: another value", app, _config_map(app, next(self._numbers)))

    def set_enabled(self, ref: Ref, enabled: bool | None) -> None:
        with self._world.world.lock:
            app = self._controller.apps[ref]
            app.auto_sync = replace(app.auto_sync, enabled=enabled)
            self._controller.compare(app)

    def add_slow_step(self, ref: Ref) -> None:
        app = self._controller.apps[ref]
        self._commit(f"{app.name}: a slow hook", app, _slow_hook(app))

    def remove_slow_step(self, ref: Ref) -> None:
        app = self._controller.apps[ref]
        file = f"{self._controller.place(app)}/{file_of(_slow_hook(app))}"
        now = self._world.clock.now()
        self._world.repository.add(f"{app.name}: no slow hook", "tester", now, {file: None})

    def close_window(self) -> None:
        self._windows((SyncWindow("deny", "* * * * *", "1h", active=True),))

    def open_window(self) -> None:
        self._windows(())

    def until(self, what: str, probe: Callable[[], T | None], seconds: float = 60.0) -> T:
        end = time.monotonic() + min(seconds, 20)
        while not (found := probe()):
            assert time.monotonic() < end, f"did not see: {what}"
            time.sleep(0.02)
        return found

    def close(self) -> None:
        pass

    def _windows(self, windows: tuple[SyncWindow, ...]) -> None:
        for ref in (self.parent, self.child, self.second):
            self._controller.apps[ref].windows = windows

    def _make(
        self, name: str, auto_sync: AutoSync, *, parent: Ref | None = None, namespace: str = "argocd"
    ) -> SimulatedApp:
        url = self._world.repository.url
        app = SimulatedApp(
            ref=Ref(self._world.world.sources["argocd"], "Application", namespace, name),
            source=ApplicationSource(url, f"contract/{namespace}/{name}", target_revision="main"),
            namespace=name,
            layer="",
            auto_sync=auto_sync,
            sync_options=("ServerSideApply=true",),
            parent=parent,
            created=self._world.clock.now(),
        )
        self._controller.apps[app.ref] = app
        return app

    def _commit(self, subject: str, app: SimulatedApp, *manifests: dict[str, Any] | Any) -> str:
        place = self._controller.place(app)
        files = {f"{place}/{file_of(manifest)}": manifest for manifest in manifests}
        with self._world.world.lock:
            return self._world.repository.add(subject, "tester", self._world.clock.now(), files).revision


def _config_map(app: SimulatedApp, value: int) -> dict[str, Any]:
    meta = {"name": "settings", "namespace": app.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"value": str(value)}}


def _deployment(app: SimulatedApp) -> dict[str, Any]:
    labels = {"app": app.name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "busybox:1.37.0"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    meta = {"name": "main", "namespace": app.namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def _slow_hook(app: SimulatedApp) -> dict[str, Any]:
    meta = {"name": "slow", "namespace": app.namespace, "annotations": {"argocd.argoproj.io/hook": "PreSync"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"activeDeadlineSeconds": 600}}


def argocd_rig() -> ArgocdRig:
    """A server with the suite's three applications beside those of the demo."""
    return _ArgocdRig()
