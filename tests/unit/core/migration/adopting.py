"""A stack that an older application routes: git, an Argo CD that tracks whose an object is and prunes, the objects."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from labtui.core.migration.gitops.adopt import Adopt, Adoption, Protect
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.commits import Commits
from labtui.core.migration.gitops.deliver import contains
from labtui.core.migration.gitops.oldroute import SERVICE_OF, TRACKING, application_of, find_route, kept, taken_over
from labtui.core.migration.gitops.values import Layout, entries
from labtui.domain.errors import NotFound
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application, ApplicationSource, Operation
from labtui.ports.stacks import Deployments, GitHistory
from tests.unit.core.fakes import T0, application, ref
from tests.unit.core.migration.world import LIST, PLANNED, STACK, VALUES, Cluster, Deployer, Repo, Time

OLD, PLACE = "external-services", "external"
CHART = "manifests/applications/charts/external-services"
OLD_VALUES = f"manifests/applications/values/homelab/{OLD}.yaml"
TEXT = """\
domain: example.org
services:
  router: # the router's page
    host: 192.168.88.1
    port: 80
  # the shop, on Docker
  shop:
    host: 192.168.88.2
    port: 8080
"""
TEMPLATE = """\
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  annotations: {{ toYaml $s.annotations }}
"""


class Route:
    """`ports.stacks.Objects` of the route: Service, Ingress and slice, each of the application that has put it there last."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], dict[str, Any]] = {}
        self.made = 0

    def put(self, owner: str, notes: Mapping[str, str]) -> None:
        backend = {"service": {"name": STACK, "port": {"name": "http"}}}
        rule = {"host": "shop.example.org", "http": {"paths": [{"path": "/", "backend": backend}]}}
        specs: dict[tuple[str, str], dict[str, Any]] = {
            ("Service", STACK): {"ports": [{"name": "http", "port": 80}]},
            ("Ingress", STACK): {"rules": [rule]},
            ("EndpointSlice", f"{STACK}-docker"): {},
        }
        for (kind, name), spec in specs.items():
            meta = {"name": name, "namespace": PLACE, "annotations": {TRACKING: f"{owner}:x/{kind}:y", **notes}}
            if (kind, name) in self.there:
                meta["uid"] = self.there[kind, name]["metadata"]["uid"]
            else:
                self.made += 1
                meta["uid"] = str(self.made)
            if kind == "EndpointSlice":
                meta["labels"] = {SERVICE_OF: STACK}
            self.there[kind, name] = {"kind": kind, "metadata": meta, "spec": spec}

    def prune(self, owner: str) -> None:
        for place, obj in list(self.there.items()):
            if application_of(obj) == owner and not kept(obj):
                del self.there[place]

    @property
    def owners(self) -> set[str]:
        return {application_of(obj) for obj in self.there.values()}

    def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        found = self.there.get((kind, name)) if namespace == PLACE else None
        return copy.deepcopy(found) if found is not None else None

    def all(self, kind: str, namespace: str = "") -> tuple[Mapping[str, Any], ...]:
        return tuple(copy.deepcopy(obj) for (k, _), obj in self.there.items() if k == kind)

    def apply(self, obj: Mapping[str, Any], *, dry_run: bool = False) -> Mapping[str, Any]:
        raise AssertionError("nothing is applied")

    def delete(self, kind: str, namespace: str, name: str) -> None:
        raise AssertionError("nothing is deleted")


class OldDeployer(Deployer):
    """Both applications: what one takes out of git it prunes, unless that is kept or another one's by then."""

    def __init__(self, repo: Repo, cluster: Cluster, route: Route) -> None:
        super().__init__(repo, cluster)
        self.route = route
        self.listed: set[str] = set()
        self.deployed: dict[str, str] = {}  # name → revision
        source = ApplicationSource("https://git.test/lab", CHART, value_files=(f"/{OLD_VALUES}",))
        self.put(application(OLD, sources=(source,), auto_sync=self.auto))

    def get(self, ref: Ref) -> Application:
        self.known = {*self.listed, OLD}
        return super().get(ref)

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        if ref.name == "apps":
            head = self.repo.files.head()
            self.listed = {entry.name for entry in entries(self.repo.files.read(head, LIST), LIST) if entry.enabled}
            found = super().refresh(ref, hard=hard)
            self.known = {*self.listed, OLD}
            return found
        head = self.repo.files.head()
        if self.get(ref).auto_sync.on:
            return self._deploy(ref, head)
        same = self.deployed.get(ref.name) == head
        return self.put(replace(self.apps[ref], revisions=(head,), sync="Synced" if same else "OutOfSync"))

    def _deploy(self, ref: Ref, head: str) -> Application:
        if ref.name == OLD:
            services = yaml.safe_load(self.repo.files.read(head, OLD_VALUES))["services"]
            if STACK not in services:
                self.route.prune(OLD)
            elif STACK not in self.listed or self.route.owners <= {OLD}:
                self.route.put(OLD, services[STACK].get("annotations") or {})
        elif ref.name == STACK:
            self.cluster.values = self._wanted(head)
            self.route.put(STACK, {})
        else:
            return super()._deploy(ref, head)
        self.deployed[ref.name] = head
        operation = Operation("Succeeded", "successfully synced", T0, T0, revisions=(head,))
        return self.put(replace(self.apps[ref], revisions=(head,), sync="Synced", operation=operation))


class OldEstate:
    """All of it. `files` and `applications` are those that the actions are given: tests put something around them."""

    def __init__(self, tmp: Path, mine: str | None = None) -> None:
        """`mine`: a values file of the stack that is in git already, though no application deploys it."""
        self.repo, self.cluster, self.route, self.time = Repo(tmp), Cluster(), Route(), Time()
        files = {OLD_VALUES: TEXT, f"{CHART}/Chart.yaml": "name: external\n", f"{CHART}/templates/all.yaml": TEMPLATE}
        self.repo.push(self.repo.clone, {**files, **({VALUES: mine} if mine is not None else {})}, "the older chart")
        self.argo = OldDeployer(self.repo, self.cluster, self.route)
        self.argo.refresh(ref(OLD))
        self.said: list[str] = []

    def actions(
        self, files: GitHistory | None = None, applications: Deployments | None = None
    ) -> tuple[Protect, Adopt]:
        history = files or self.repo.files
        route = find_route(self.route, "shop.example.org", STACK)
        if route is None:
            raise NotFound("the route is the stack's own already")
        adoption = Adoption(
            STACK,
            route,
            taken_over(PLANNED, route),
            Commits(history, "wroclaw-shop-20260101-120000"),
            Layout(),
            self.route,
            Argo(applications or self.argo, contains(history), self.time.pace()),
            ref(OLD),
            ref(STACK),
            ref("apps"),
        )
        return Protect(adoption), Adopt(adoption)

    def report(self, words: str) -> None:
        self.said.append(words)
