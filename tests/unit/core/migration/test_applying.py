"""The same actions without Argo CD: rendered here, applied with field manager labtui."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from labtui.core.migration.action import Action, Data, Seen
from labtui.core.migration.gitops.applying import STAND, ApplyDelivery
from labtui.core.migration.gitops.cluster import StackWorld, behind
from labtui.core.migration.gitops.plan import Moving
from labtui.domain.errors import OutcomeUnknown, Refused
from tests.unit.core.migration.world import PLANNED, Cluster, Time

ORDER = ("route", "pods", "both", "kubernetes")
Json = Mapping[str, Any]


class Chart:
    """Renders what decides: Services, slices, an Ingress, Deployments, a claim."""

    def __init__(self) -> None:
        self.hook = False

    def render(self, values: Json, name: str, namespace: str) -> tuple[Json, ...]:
        found = []
        for each in behind(values):
            traffic = values["traffic"]
            found.append(_object("Service", each.service, {"selector": traffic}))
            if traffic != "kubernetes":
                found.append(_object("EndpointSlice", f"{each.service}-docker", {"host": each.host}))
        found.append(_object("Ingress", name, {}))
        if values["workload"]:
            found += [
                _object("Deployment", component, {"image": c["image"]}) for component, c in values["components"].items()
            ]
            found.append(_object("PersistentVolumeClaim", "data", {}))
        if self.hook:
            found.append(_object("Job", "generate", {}, {"argocd.argoproj.io/hook": "PreSync"}))
        return tuple(found)


def _object(kind: str, name: str, spec: Json, notes: Mapping[str, str] | None = None) -> dict[str, Any]:
    meta = {"name": name, "namespace": "shop", **({"annotations": dict(notes)} if notes else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": dict(spec)}


class Server:
    """An API server that applies whole objects, and shows in `cluster` what they mean."""

    def __init__(self, cluster: Cluster) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.cluster = cluster
        self.calls: list[str] = []
        self.lose = 0
        self.refuse = ""

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        return self.objects.get((kind, name))

    def all(self, kind: str, namespace: str = "") -> tuple[Json, ...]:
        return tuple(obj for (k, _), obj in self.objects.items() if k == kind)

    def apply(self, obj: Json, *, dry_run: bool = False) -> Json:
        place = (str(obj["kind"]), str(obj["metadata"]["name"]))
        if self.refuse == place[1]:
            raise Refused("The cluster refused", "Conflict: conflict with kubectl")
        made = copy.deepcopy(dict(obj))
        if not dry_run:
            self.calls.append(f"apply {' '.join(place)}")
            self.objects[place] = made
            self._show()
            if self.lose:
                self.lose -= 1
                raise OutcomeUnknown("The cluster's answer to a change is lost")
        return made

    def delete(self, kind: str, namespace: str, name: str) -> None:
        if self.objects.pop((kind, name), None) is not None:
            self.calls.append(f"delete {kind} {name}")
        self._show()

    def _show(self) -> None:
        service = self.objects.get(("Service", "web"))
        slices = ("EndpointSlice", "web-docker") in self.objects
        if service is None:
            self.cluster.values = {}
            return
        traffic = service["spec"]["selector"]
        if (traffic == "kubernetes") == slices:  # half applied: both are there
            traffic = "both"
        workload = any(kind == "Deployment" for kind, _ in self.objects)
        self.cluster.values = {**PLANNED, "workload": workload, "traffic": traffic}


class Bench:
    def __init__(self) -> None:
        self.cluster, time = Cluster(), Time()
        self.server, self.chart = Server(self.cluster), Chart()
        world = StackWorld(self.cluster, "shop", "shop", behind(PLANNED), time.pace())
        delivery = ApplyDelivery("shop", "shop", PLANNED, self.chart, self.server)
        moving = Moving("shop", PLANNED, (), delivery, world)
        self.actions: dict[str, Action] = {a.name: a for a in (*moving.workload(), *moving.cut_over())}
        self.said: list[str] = []

    def run(self, *names: str) -> dict[str, Data]:
        done = {}
        for name in names:
            assert self.actions[name].look({}).seen is Seen.NOT_DONE, name
            done[name] = self.actions[name].do({}, self.said.append)
            assert self.actions[name].look(done[name]).seen is Seen.DONE, name
        return done

    def note(self) -> str:
        found = self.server.objects[("Namespace", "shop")]
        return str((found["metadata"].get("annotations") or {}).get(STAND, ""))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_there_and_back_leaves_nothing_but_the_claim(bench: Bench) -> None:
    done = bench.run(*ORDER)
    assert bench.note() == "workload=true,traffic=kubernetes"
    assert ("EndpointSlice", "web-docker") not in bench.server.objects
    for name in reversed(ORDER):
        bench.actions[name].undo(done[name], bench.said.append)
        assert bench.actions[name].look(done[name]).seen is Seen.NOT_DONE
    assert (
        set(bench.server.objects) == {("Namespace", "shop"), ("PersistentVolumeClaim", "data")} and bench.note() == ""
    )


def test_doing_and_undoing_again_changes_nothing(bench: Bench) -> None:
    for name in ORDER:
        bench.actions[name].do({}, bench.said.append)
        before = copy.deepcopy(bench.server.objects)
        bench.actions[name].do({}, bench.said.append)
        assert bench.server.objects == before
    for name in reversed(ORDER):
        bench.actions[name].undo({}, bench.said.append)
        before = copy.deepcopy(bench.server.objects)
        bench.actions[name].undo({}, bench.said.append)
        assert bench.server.objects == before


def test_half_applied_is_half_done(bench: Bench) -> None:
    bench.run("route", "pods", "both")
    bench.actions["kubernetes"].do({}, bench.said.append)
    bench.server.objects[("EndpointSlice", "web-docker")] = _object("EndpointSlice", "web-docker", {"host": "x"})
    bench.server._show()  # as if it had been killed before the slice went
    assert bench.actions["kubernetes"].look({}).seen is Seen.NOT_DONE
    bench.actions["kubernetes"].do({}, bench.said.append)
    assert bench.actions["kubernetes"].look({}).seen is Seen.DONE
    assert ("EndpointSlice", "web-docker") not in bench.server.objects


def test_what_somebody_else_changed_is_a_question(bench: Bench) -> None:
    bench.run("route", "pods")
    bench.server.objects[("Deployment", "web")]["spec"]["image"] = "web:hacked"
    look = bench.actions["both"].look({})
    assert look.seen is Seen.CHANGED and "Deployment web" in look.words
    bench.server.objects[("Deployment", "web")]["spec"]["image"] = "web:1"
    bench.server.refuse = "web"  # the fields have another owner now
    assert bench.actions["both"].look({}).seen is Seen.CHANGED


def test_a_lost_answer_is_looked_at_and_not_repeated(bench: Bench) -> None:
    bench.run("route")
    bench.server.calls.clear()
    bench.server.lose = 100
    with pytest.raises(OutcomeUnknown):
        bench.actions["pods"].do({}, bench.said.append)  # the namespace's note: nobody can tell
    bench.server.lose = 0
    bench.server.calls.clear()
    bench.actions["pods"].do({}, bench.said.append)
    assert bench.actions["pods"].look({}).seen is Seen.DONE


def test_hooks_are_refused_before_anything_is_applied(bench: Bench) -> None:
    bench.chart.hook = True
    with pytest.raises(Refused, match="has hooks"):
        bench.actions["route"].do({}, bench.said.append)
    assert bench.server.calls == []
