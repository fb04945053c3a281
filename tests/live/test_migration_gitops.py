"""The actions of a migration by git: a real repository, Argo CD, ingress, pods and Docker engine, with requests all along."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labtui.adapters.argocd import ArgocdSource
from labtui.adapters.compose import ComposeReader, ComposeRunner, Place
from labtui.adapters.docker.containers import EngineContainers
from labtui.adapters.git import GitRepository
from labtui.adapters.helm import HelmRenderer
from labtui.adapters.kubernetes.stack import KubernetesStack
from labtui.core.clock import SystemClock
from labtui.core.migration.action import Action, Data, Report, Seen
from labtui.core.migration.gitops.adopt import Adopt, Adoption, Protect
from labtui.core.migration.gitops.applying import ApplyDelivery
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.cluster import StackWorld, behind
from labtui.core.migration.gitops.commits import Commits
from labtui.core.migration.gitops.deliver import GitDelivery, contains
from labtui.core.migration.gitops.oldroute import OldRoute, application_of, find_route, taken_over
from labtui.core.migration.gitops.plan import Moving
from labtui.core.migration.gitops.retire import Drain, Mark, RestartOff, StopStack
from labtui.core.migration.gitops.values import Layout
from labtui.core.operations.watching import Pace
from labtui.domain.connections import ArgocdConnection, DockerConnection, KubernetesConnection
from labtui.domain.errors import MustUndo
from tests.live.gitops_fixture import wait_until
from tests.live.migration_fixture import Crowd, LiveMigration, answers, ask
from tests.manifests.charts import APP_CHART

pytestmark = [pytest.mark.live, pytest.mark.sampled]


def do(report: Report, *actions: Action) -> dict[str, Data]:
    """Each action as the engine does it; what they leave in the journal."""
    done: dict[str, Data] = {}
    for action in actions:
        before = action.look({})
        assert before.seen is Seen.NOT_DONE, (action.name, before)
        done[action.name] = action.do({}, report)
        after = action.look(done[action.name])
        assert after.seen is Seen.DONE, (action.name, after)
    return done


class Operator:
    """labtui's side of it: the real adapters, put together for one stack."""

    def __init__(self, live: LiveMigration) -> None:
        self.live = live
        name, values = live.name, live.values()
        server = ArgocdConnection(
            os.environ["ARGOCD_SERVER"], token=lambda: os.environ["ARGOCD_AUTH_TOKEN"], plaintext=True
        )
        self.argocd = ArgocdSource(server, SystemClock())
        self.cluster = KubernetesStack(KubernetesConnection())
        engine = DockerConnection("wroclaw", os.environ["LIVE_DOCKER_WROCLAW"])
        places = [Place("wroclaw", live.stack.folder, str(live.stack.folder), engine)]
        reader = ComposeReader(places, os.environ)
        self.compose = ComposeRunner(reader, places, os.environ)
        self.containers = EngineContainers([engine])
        files = GitRepository(live.tree)
        self.commits = Commits(files, f"wroclaw-{name}-20260101-000000")
        self.layout = Layout(live.manifests, "homelab")
        self.argo = Argo(self.argocd, contains(files), Pace(every=0.2, limit=90))
        self.parent = live.ref(self.argocd.source, live.parent)
        self.world = StackWorld(self.cluster, name, name, behind(values), Pace(every=0.2, limit=90))
        self.moving = self.moved(values)
        self.said: list[str] = []

    def moved(self, values: dict[str, Any], namespace: str = "") -> Moving:
        """The move of the stack with these values."""
        name = self.live.name
        application = self.live.ref(self.argocd.source, name)
        place = namespace or name
        delivery = GitDelivery(self.commits, self.layout, name, place, values, self.argo, application, self.parent)
        return Moving(name, values, (), delivery, self.world)

    def report(self, words: str) -> None:
        self.said.append(words)

    def forward(self) -> tuple[Action, ...]:
        return (*self.moving.workload(), *self.moving.cut_over())

    def retire(self) -> tuple[Action, ...]:
        name = self.live.name
        return (
            Drain("wroclaw", name, self.world, self.containers, SystemClock(), 20, Pace(every=0.2)),
            RestartOff("wroclaw", name, self.containers),
            StopStack("wroclaw", name, self.compose, self.world, Pace(every=0.2, limit=60)),
            Mark("wroclaw", name, self.commits, self.layout, self.argo, self.parent),
        )

    def do(self, *actions: Action) -> dict[str, Data]:
        return do(self.report, *actions)

    def undo(self, done: dict[str, Data], *actions: Action) -> None:
        for action in reversed(actions):
            action.undo(done[action.name], self.report)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveMigration]:
    with LiveMigration(tmp_path) as found:
        found.deploy()
        yield found


def test_there_and_back_twice_without_a_lost_request(live: LiveMigration) -> None:
    """Each action forward, again, and back; fifty requests a second from the first route on."""
    operator = Operator(live)
    actions = operator.forward()
    route, *rest = actions
    done = operator.do(route)
    wait_until("the route", lambda: answers(live.host))
    on_docker = ask(live.host)
    with Crowd(live.host) as crowd:
        for _ in range(2):
            now = operator.do(*rest)
            for action in rest:  # again: nothing happens
                assert action.look(now[action.name]).seen is Seen.DONE
            subjects = live.subjects()
            assert rest[-1].do(now[rest[-1].name], operator.report) == now[rest[-1].name]
            assert live.subjects() == subjects
            wait_until("only pods answer", lambda: ask(live.host) != on_docker)
            retire = operator.retire()
            retired = operator.do(*retire)
            assert set(live.running().values()) == {"exited"}
            assert live.raw(live.name)["metadata"]["annotations"]["labtui.dev/migrated"].startswith("from wroclaw/")
            operator.undo(retired, *retire)
            assert set(live.running().values()) == {"running"}
            operator.undo(now, *rest)
            wait_until("Docker answers", lambda: ask(live.host) == on_docker)
    assert crowd.failed == []
    assert crowd.answers[on_docker] > 100 and sum(crowd.answers.values()) > 500 and len(crowd.answers) >= 2
    operator.undo(done, route)
    assert not answers(live.host)
    assert live.kubectl("-n", live.name, "get", "service,ingress,endpointslice", "-o", "name").split() == []
    author = live.git("log", "-1", "--format=%an <%ae>", "FETCH_HEAD").strip()
    assert author == "Live Operator <operator@example.org>"


@pytest.fixture(params=["annotations", "no annotations"])
def routed(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LiveMigration]:
    """A stack that an external-services application serves today, with a chart that takes annotations, or one that does not."""
    with LiveMigration(tmp_path, old=True) as found:
        found.deploy(annotations=request.param == "annotations")
        yield found


def test_a_route_of_an_older_application_is_adopted_moved_and_given_back(routed: LiveMigration) -> None:
    live = routed
    wait_until("the route", lambda: answers(live.host), 120)
    operator = Operator(live)
    on_docker = ask(live.host)
    wait_until(
        "the older application is Synced",
        lambda: (
            live.raw(live.old)["status"]["sync"]["status"] == "Synced" and live.raw(live.old)["status"].get("history")
        ),
    )
    route = find_route(operator.cluster, live.host, live.name)
    assert route is not None and route.application == live.old and OldRoute.from_data(route.to_data()) == route
    values = taken_over(live.values(), route)
    adoption = Adoption(
        live.name,
        route,
        values,
        operator.commits,
        operator.layout,
        operator.cluster,
        operator.argo,
        live.ref(operator.argocd.source, live.old),
        live.ref(operator.argocd.source, live.name),
        operator.parent,
    )
    before = {place: obj["metadata"]["uid"] for place, obj in adoption.live().items()}
    assert set(before) == set(route.objects)
    listed = live.git("show", f"origin/main:{live.manifests}/app-of-apps/values/homelab.yaml")
    adopting: tuple[Action, ...] = (Protect(adoption), Adopt(adoption))
    with Crowd(live.host) as crowd:
        adopted = operator.do(*adopting)
        assert operator.cluster.find("Service", live.old, live.name) is not None
        operator.world = StackWorld(operator.cluster, live.old, live.name, behind(values), Pace(every=0.2, limit=90))
        first, *rest = operator.moved(values, live.old).workload() + operator.moved(values, live.old).cut_over()
        assert first.look({}).seen is Seen.DONE  # it has a route
        done = operator.do(*rest)
        wait_until("only pods answer", lambda: ask(live.host) != on_docker)
        operator.undo(done, *rest)
        wait_until("Docker answers", lambda: ask(live.host) == on_docker)
        operator.undo(adopted, *adopting)
    assert crowd.failed == [] and crowd.answers[on_docker] > 100 and len(crowd.answers) >= 2
    now = {place: obj["metadata"]["uid"] for place, obj in adoption.live().items()}
    assert now[("Service", live.name)] == before[("Service", live.name)]
    assert now[("Ingress", live.name)] == before[("Ingress", live.name)]
    assert {application_of(obj) for obj in adoption.live().values()} == {live.old}
    live.git("fetch", "--quiet", "origin")
    assert live.git("show", f"origin/main:{live.manifests}/app-of-apps/values/homelab.yaml") == listed
    assert adopting[0].look({}).seen is Seen.NOT_DONE
    left = live.kubectl("-n", live.old, "get", "service", "-o", "name").split()
    assert left == [f"service/{live.name}"]


def test_an_image_that_is_not_there_says_so_and_is_taken_back(live: LiveMigration) -> None:
    operator = Operator(live)
    values = live.values()
    values["components"]["web"]["image"] = f"{live.registry}/no-such-image:1"
    route, pods = operator.moved(values).workload()
    operator.do(route)
    wait_until("the route", lambda: answers(live.host))
    with Crowd(live.host) as crowd:
        with pytest.raises(MustUndo, match="does not become ready") as refused:
            pods.do({}, operator.report)
        assert "no-such-image" in refused.value.detail
        pods.undo({}, operator.report)
    assert crowd.failed == [] and set(live.running().values()) == {"running"}
    assert pods.look({}).seen is Seen.NOT_DONE


def test_a_program_that_crashes_shows_its_last_words(live: LiveMigration) -> None:
    operator = Operator(live)
    values = live.values()
    script = ["sh", "-c", "echo starting; echo there is no database; exit 3"]
    values["components"]["cache"] |= {"image": f"{live.registry}/busybox:latest", "command": script}
    route, pods = operator.moved(values).workload()
    operator.do(route)
    with pytest.raises(MustUndo, match="does not become ready") as refused:
        pods.do({}, operator.report)
    assert "there is no database" in refused.value.detail
    pods.undo({}, operator.report)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[LiveMigration]:
    """A stack on Docker, and no Argo CD that knows of it."""
    found = LiveMigration(tmp_path)
    found.stack.up()
    yield found
    found.stack.down()
    found.kubectl("delete", "namespace", found.name, "--ignore-not-found", "--wait=false")


def test_without_argo_cd_the_same_objects_are_applied(alone: LiveMigration) -> None:
    live, said = alone, list[str]()
    cluster, values = KubernetesStack(KubernetesConnection()), live.values()
    world = StackWorld(cluster, live.name, live.name, behind(values), Pace(every=0.2, limit=90))
    delivery = ApplyDelivery(live.name, live.name, values, HelmRenderer(APP_CHART), cluster)
    moving = Moving(live.name, values, (), delivery, world)
    route, *rest = (*moving.workload(), *moving.cut_over())
    first = do(said.append, route)
    wait_until("the route", lambda: answers(live.host))
    on_docker = ask(live.host)
    with Crowd(live.host) as crowd:
        done = do(said.append, *rest)
        wait_until("only pods answer", lambda: ask(live.host) != on_docker)
        live.kubectl("-n", live.name, "scale", "deployment/cache", "--replicas=2")
        assert "Deployment cache" in rest[-1].look(done["kubernetes"]).words
        live.kubectl("-n", live.name, "scale", "deployment/cache", "--replicas=1")
        for action in reversed(rest):
            action.undo(done[action.name], said.append)
        wait_until("Docker answers", lambda: ask(live.host) == on_docker)
    assert crowd.failed == [] and crowd.answers[on_docker] > 50 and len(crowd.answers) >= 2
    managers = json.loads(live.kubectl("-n", live.name, "get", "service", "web", "-o", "json", "--show-managed-fields"))
    assert [m["manager"] for m in managers["metadata"]["managedFields"]] == ["labtui"]
    route.undo(first["route"], said.append)
    assert live.kubectl("-n", live.name, "get", "service,ingress,endpointslice", "-o", "name").split() == []
