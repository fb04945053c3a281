"""A small estate for the actions of a migration: a real git repository, and an Argo CD, a cluster and a Docker site that follow it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from labtui.adapters.git import GitRepository
from labtui.core.migration.action import Action, Data, Seen
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.cluster import StackWorld, behind
from labtui.core.migration.gitops.commits import Commits
from labtui.core.migration.gitops.deliver import GitDelivery, contains
from labtui.core.migration.gitops.plan import Moving
from labtui.core.migration.gitops.values import Layout, entries
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, NotFound
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application, AutoSync, Operation
from labtui.ports import ServiceState, SyncRequest
from labtui.ports.stacks import DataUser, PodState, SliceState, WorkloadState
from tests.unit.core.fakes import T0, application, ref
from tests.unit.core.fakes import Argo as FakeBase

STACK, HOST = "shop", "192.168.88.2"
LIST = "manifests/app-of-apps/values/homelab.yaml"
VALUES = "manifests/applications/values/homelab/shop.yaml"

APPS = """\
# the list
environment: homelab
layers:
  applications:
    annotations:
      wave: "0"
    applications:
      # another one
      - name: emby
        enabled: true
        path: manifests/applications/charts/app
        namespace: emby # its own
        helm:
          valueFiles:
            - /manifests/applications/values/homelab/emby.yaml
"""

COMPONENTS: dict[str, Any] = {
    "web": {
        "image": "web:1",
        "ports": [{"name": "http", "port": 8080}],
        "docker": {"port": 8080},
        "service": {"aliases": ["shop-web"]},
    },
    "cache": {"image": "redis:7", "ports": [{"name": "redis", "port": 6379}]},
}
PLANNED: dict[str, Any] = {
    "workload": False,
    "traffic": "docker",
    "docker": {"host": HOST},
    "ingress": {"enabled": True, "component": "web", "host": "shop.example.org"},
    "components": COMPONENTS,
}


class Time:
    """Passes when somebody waits. `each` is called at every wait."""

    def __init__(self) -> None:
        self.now = 0.0
        self.each: list[Callable[[], None]] = []

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for act in list(self.each):
            act()

    def pace(self, limit: float = 60.0) -> Pace:
        return Pace(every=0.5, limit=limit, wait=self.wait, monotonic=lambda: self.now)


class Repo:
    """A bare remote, the operator's clone, and somebody else's."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.clone, self.other = folder / "lab.git", folder / "lab", folder / "other"
        self.git(folder, "init", "-q", "--bare", "-b", "main", str(self.bare))
        self.git(folder, "clone", "-q", str(self.bare), str(self.clone))
        self.git(self.clone, "switch", "-q", "-C", "main")
        for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org"), ("commit.gpgsign", "false")):
            self.git(self.clone, "config", key, value)
        self.push(self.clone, {LIST: APPS}, "the beginning")
        self.git(folder, "clone", "-q", str(self.bare), str(self.other))
        self.files = GitRepository(self.clone)

    def push(self, place: Path, files: Mapping[str, str], subject: str) -> str:
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        self.git(place, "add", "-A")
        self.git(place, "-c", "user.name=Eve", "-c", "user.email=eve@example.org", "commit", "-q", "-m", subject)
        self.git(place, "push", "-q", "origin", "main")
        return self.git(place, "rev-parse", "HEAD")

    def somebody(self, files: Mapping[str, str], subject: str = "something else") -> str:
        """Somebody else pushes."""
        self.git(self.other, "pull", "-q", "origin", "main")
        return self.push(self.other, files, subject)

    def text(self, path: str) -> str:
        return self.git(self.bare, "show", f"main:{path}") + "\n"

    def there(self, path: str) -> bool:
        return bool(self.git(self.bare, "ls-tree", "main", "--", path))

    def log(self) -> list[str]:
        return self.git(self.bare, "log", "--format=%s", "main").splitlines()

    @staticmethod
    def git(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()


class Cluster:
    """What is deployed shows at once, unless pods are sick or slow."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.sick: PodState | None = None
        self.extra: list[SliceState] = []
        self.fail: LabError | None = None
        self.log = ("starting", "no such database \x1b[31m")

    @property
    def workload(self) -> bool:
        return bool(self.values.get("workload"))

    def workloads(self, namespace: str, release: str) -> tuple[WorkloadState, ...]:
        self._ask()
        ready = 0 if self.sick else 1
        names = sorted(self.values.get("components") or {}) if self.workload else []
        return tuple(WorkloadState("Deployment", name, ready, 1, 1) for name in names)

    def pods(self, namespace: str, release: str) -> tuple[PodState, ...]:
        self._ask()
        if not self.workload:
            return ()
        return (self.sick,) if self.sick else (PodState("web-1", "web", True, "Running"),)

    def remaining(self, namespace: str, release: str) -> tuple[PodState, ...]:
        return self.pods(namespace, release)

    def last_words(self, namespace: str, pod: str, lines: int = 20) -> tuple[str, ...]:
        return self.log

    def slices(self, namespace: str) -> tuple[SliceState, ...]:
        self._ask()
        found = list(self.extra)
        for each in behind(self.values):
            if self.values.get("traffic") != "kubernetes":
                found.append(SliceState(f"{each.service}-docker", each.service, "labtui.dev", (each.host,)))
            if self.values.get("traffic") != "docker":
                ready = ("10.0.0.1",) if self.workload and not self.sick else ()
                found.append(SliceState(f"{each.service}-x", each.service, "endpointslice-controller.k8s.io", ready))
        return tuple(found)

    def _ask(self) -> None:
        if self.fail is not None:
            raise self.fail


class Deployer(FakeBase):
    """An Argo CD that deploys what is at the branch's head when it is refreshed."""

    def __init__(self, repo: Repo, cluster: Cluster) -> None:
        super().__init__()
        self.repo, self.cluster = repo, cluster
        self.auto = AutoSync(True, None, True, True)
        self.broken = ""  # why every sync fails
        self.known: set[str] = set()

    def get(self, ref: Ref) -> Application:
        self._call(f"get {ref.name}")
        if ref.name != "apps" and ref.name not in self.known:
            raise NotFound(f"no application {ref.name}")
        return self.apps[ref]

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        self._call(f"refresh {ref.name}")
        head = self.repo.files.head()
        if ref.name == "apps":
            listed = self.repo.files.read(head, LIST)
            self.known = {entry.name for entry in entries(listed, LIST) if entry.enabled}
            for name in self.known:
                self.apps.setdefault(_ref(name), application(name, auto_sync=self.auto, sync="OutOfSync"))
            return self.put(replace(self.apps[ref], revisions=(head,), sync="Synced"))
        self.get(ref)
        if self.auto.on:
            return self._deploy(ref, head)
        same = self.cluster.values == self._wanted(head)
        return self.put(replace(self.apps[ref], revisions=(head,), sync="Synced" if same else "OutOfSync"))

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        self._call("sync")
        self._deploy(ref, self.repo.files.head())

    def _wanted(self, head: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.repo.files.read(head, VALUES))
        return found

    def _deploy(self, ref: Ref, head: str) -> Application:
        app = self.apps[ref]
        if self.broken:
            operation = Operation("Failed", self.broken, T0, T0, revisions=(head,))
            return self.put(replace(app, revisions=(head,), sync="OutOfSync", operation=operation))
        if ref.name == STACK:
            self.cluster.values = self._wanted(head)
        operation = Operation("Succeeded", "successfully synced", T0, T0, revisions=(head,))
        return self.put(replace(app, revisions=(head,), sync="Synced", operation=operation))


def _ref(name: str) -> Ref:
    return ref(name)


class Compose:
    """A Compose stack that is up."""

    def __init__(self) -> None:
        self.state = {"web": "running", "cache": "running"}
        self.policies = {"shop-web-1": "unless-stopped", "shop-cache-1": "on-failure:3"}
        self.left: list[int | None] = [0]
        self.calls: list[str] = []

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        return tuple(ServiceState(name, f"shop-{name}-1", state) for name, state in sorted(self.state.items()))

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Callable[[str], None]) -> None:
        self.calls.append(f"{verb} {' '.join(services)}".strip())
        for name in services or list(self.state):
            self.state[name] = "running" if verb == "up" else "exited"

    def preview(self, site: str, stack: str, verb: str, services: Sequence[str]) -> Any:
        raise AssertionError("not asked")

    def logs(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("not asked")

    def restart_policies(self, site: str, stack: str) -> Mapping[str, str]:
        return dict(self.policies)

    def set_restart_policy(self, site: str, container: str, policy: str) -> None:
        self.calls.append(f"{container} {policy}")
        self.policies[container] = policy

    def data_users(self, site: str, places: Sequence[str]) -> tuple[DataUser, ...]:
        return ()

    def connections(self, site: str, stack: str) -> int | None:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


class Estate:
    """All of it, with the actions of one migration of `shop`."""

    def __init__(self, tmp: Path, planned: Mapping[str, Any] = PLANNED) -> None:
        self.repo = Repo(tmp)
        self.cluster = Cluster()
        self.argo = Deployer(self.repo, self.cluster)
        self.compose = Compose()
        self.time = Time()
        self.planned = planned
        self.said: list[str] = []
        self.commits = Commits(self.repo.files, "wroclaw-shop-20260101-120000")
        self.layout = Layout()
        self.follow = Argo(self.argo, contains(self.repo.files), self.time.pace())
        self.world = StackWorld(self.cluster, STACK, STACK, behind(planned), self.time.pace())
        self.delivery = GitDelivery(
            self.commits, self.layout, STACK, STACK, planned, self.follow, _ref(STACK), _ref("apps")
        )
        self.moving = Moving(STACK, planned, (), self.delivery, self.world)

    def report(self, words: str) -> None:
        self.said.append(words)

    def actions(self) -> dict[str, Action]:
        return {action.name: action for action in (*self.moving.workload(), *self.moving.cut_over())}

    def run(self, *names: str) -> dict[str, Data]:
        """Do these actions as the engine does: look, do where it is not done, look again."""
        done: dict[str, Data] = {}
        for name in names or tuple(self.actions()):
            action = self.actions()[name]
            if action.look({}).seen is Seen.NOT_DONE:
                done[name] = action.do({}, self.report)
            after = action.look(done.get(name, {}))
            assert after.seen is Seen.DONE, after
            done.setdefault(name, after.data)
        return done
