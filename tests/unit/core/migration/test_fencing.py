"""No change without a fresh look at the lease: each port, and a walk over the actions, forward and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labtui.core.clock import SystemClock
from labtui.core.migration.action import Action
from labtui.core.migration.engine import Engine
from labtui.core.migration.failing import Stop
from labtui.core.migration.fencing import (
    Fence,
    FencedApplications,
    FencedCompose,
    FencedContainers,
    FencedHistory,
    FencedObjects,
    FencedSecrets,
)
from labtui.core.migration.gitops.applying import ApplyDelivery
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.cluster import StackWorld, behind
from labtui.core.migration.gitops.commits import Commits
from labtui.core.migration.gitops.deliver import GitDelivery, contains
from labtui.core.migration.gitops.law import OneWriter, writers_in_place
from labtui.core.migration.gitops.marking import MarkNamespace
from labtui.core.migration.gitops.plan import Moving
from labtui.core.migration.gitops.quiesce import HoldWriters, StopWriters
from labtui.core.migration.gitops.retire import Drain, Mark, RestartOff, StopStack
from labtui.core.migration.secrets import WriteSecret
from labtui.domain.errors import Refused, Unreachable
from labtui.domain.migration.journal import Mark as JournalMark
from labtui.domain.migration.journal import State
from labtui.domain.resources.argocd import AutoSync
from labtui.ports.moving import SecretWriter
from labtui.ports.stacks import Deployments, GitHistory, Objects, StackContainers, StackControl
from tests.support.migration_fakes import PLACE, FakeLease
from tests.unit.core.fakes import ref
from tests.unit.core.migration.adopting import OLD, OLD_VALUES, TEXT, OldEstate
from tests.unit.core.migration.kept import VOLUMES, Host, Kept
from tests.unit.core.migration.test_applying import Chart, Server
from tests.unit.core.migration.test_engine import Rig
from tests.unit.core.migration.test_secret_actions import BOTH, PATH, MemoryVault
from tests.unit.core.migration.world import PLANNED, STACK, Cluster, Estate, Time

# What changes something, and what does not: a method that is added to a port has to be put into one of both
PORTS: tuple[tuple[type, type, frozenset[str], frozenset[str]], ...] = (
    (
        GitHistory,
        FencedHistory,
        frozenset({"write", "revert"}),
        frozenset({"head", "read", "seen", "touched", "contains", "below", "obstacles"}),
    ),
    (Objects, FencedObjects, frozenset({"apply", "delete"}), frozenset({"find", "all"})),
    (
        StackContainers,
        FencedContainers,
        frozenset({"set_restart_policy"}),
        frozenset({"restart_policies", "connections", "data_users"}),
    ),
    (StackControl, FencedCompose, frozenset({"run"}), frozenset({"states"})),
    (SecretWriter, FencedSecrets, frozenset({"put", "delete"}), frozenset({"newest", "versions", "capabilities"})),
    (Deployments, FencedApplications, frozenset({"sync", "terminate"}), frozenset({"get", "refresh"})),
)
CHANGES = frozenset().union(*(changes for _, _, changes, _ in PORTS))


def methods(port: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(port, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize(("port", "fenced", "changes", "reads"), PORTS, ids=[port.__name__ for port, *_ in PORTS])
def test_every_method_of_a_port_is_fenced_or_only_reads(
    port: type, fenced: type, changes: frozenset[str], reads: frozenset[str]
) -> None:
    assert methods(port) == changes | reads == methods(fenced)
    called: list[str] = []

    class Raw:
        def __getattr__(self, name: str) -> Callable[..., None]:
            def call(*given: Any, **named: Any) -> None:
                for ready in given:
                    if inspect.isroutine(ready) and ready.__name__ == "both":
                        ready()  # what a repository calls right before it pushes
                called.append(name)

            return call

    made = fenced(Raw(), Fence())
    for name in sorted(reads | changes):
        given = [x for x in inspect.signature(getattr(made, name)).parameters.values() if x.default is x.empty]
        positional: list[Any] = [None for x in given if x.kind is not x.KEYWORD_ONLY]
        named = {x.name: None for x in given if x.kind is x.KEYWORD_ONLY}
        called.clear()
        if name in reads:
            getattr(made, name)(*positional, **named)
            assert called == [name]
        else:
            with pytest.raises(Refused, match="outside of a step"):
                getattr(made, name)(*positional, **named)
            assert called == [], f"{name} went through a closed fence"


def test_a_dry_run_changes_nothing() -> None:
    server = Server(Cluster())
    assert FencedObjects(server, Fence()).apply({"kind": "Service", "metadata": {"name": "x"}}, dry_run=True)
    assert server.calls == []


def test_the_fence_is_closed_when_the_action_has_ended() -> None:
    fence = Fence()
    with fence.opened(lambda: None):
        fence.demand()
    with pytest.raises(Refused):
        fence.demand()
    with pytest.raises(KeyError), fence.opened(lambda: None):
        raise KeyError
    with pytest.raises(Refused):
        fence.demand()


def frozen(rig: Rig, monkeypatch: pytest.MonkeyPatch, at: str, taken: bool) -> Engine:
    """An engine that is frozen between what an action reports and what it changes; meanwhile another one may have come."""
    monkeypatch.setattr(FakeLease, "glance", FakeLease.check)  # it was frozen for longer than its last renewal counts

    def half(where: str) -> None:
        if where == "before":
            rig.action(at).half = lambda where: None
            if taken:
                rig.leases.expire()
                rig.leases.by = "bob@laptop"
                rig.leases.acquire(*PLACE, 0, lambda words: None)

    fence = Fence()
    for action in rig.actions:
        action.fence = fence
    rig.action(at).half = half
    return rig.engine(fence)


@pytest.mark.parametrize("taken", [True, False])
def test_a_holder_that_was_frozen_right_before_a_change_makes_it_only_if_nobody_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    rig = Rig(tmp_path)
    engine = frozen(rig, monkeypatch, "vault", taken)
    if taken:
        error = rig.fails(engine.run, Refused)
        assert "bob@laptop" in error.detail
        assert rig.world.state["order"] == ["+preflight/checks", "+backup/archive"]
        assert rig.marks("vault") == [JournalMark.BEGUN]
    else:
        assert engine.run().state is State.KUBERNETES


def test_the_same_on_the_way_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path)
    rig.engine().run()
    order = rig.world.state["order"]
    engine = frozen(rig, monkeypatch, "mark", taken=True)
    rig.fails(engine.undo, Refused)
    assert rig.world.state["order"] == order


def test_a_cluster_that_is_away_is_waited_for_before_a_change_and_not_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    engine = frozen(rig, monkeypatch, "vault", taken=False)
    away = Unreachable("The cluster does not answer", "connection refused")

    def check(lease: FakeLease) -> None:
        if rig.marks("vault") and rig.action("vault").dos:
            raise away

    monkeypatch.setattr(FakeLease, "glance", check)
    rig.fails(engine.run, Unreachable)
    assert "+secrets/vault" not in rig.world.state["order"]


class Guard:
    """Stands for the lease: knows of every change whether it came right after a look, and can say no at the n-th look."""

    def __init__(self) -> None:
        self.fence = Fence()
        self.fresh = False
        self.changes: list[str] = []
        self.looks = 0
        self.no_at = 0  # at which look another labtui has taken over; 0: never

    def ask(self) -> None:
        self.looks += 1
        if self.no_at and self.looks >= self.no_at:
            raise Stop(Refused("This labtui no longer holds the migration"))
        self.fresh = True

    def changed(self, what: str) -> None:
        assert self.fresh, f"{what} without a look right before it"
        self.fresh = False
        self.changes.append(what)

    def watched(self, port: Any) -> Any:
        """The port beneath the fence: it tells of each change, and of anything else that was done after the look."""
        guard = self

        class Watched:
            def __getattr__(self, name: str) -> Any:
                real = getattr(port, name)

                def call(*given: Any, **named: Any) -> Any:
                    if name in ("write", "revert"):
                        *rest, ready = given

                        def pushing() -> None:
                            ready()
                            guard.changed(name)

                        return real(*rest, pushing)
                    if name in CHANGES and not named.get("dry_run"):
                        guard.changed(f"{name} {given[:2]}")
                    else:
                        guard.fresh = False  # anything else takes its time: a look before it is none any more
                    return real(*given, **named)

                return call

        return Watched()


def walk(actions: Mapping[str, Action], guard: Guard, report: Callable[[str], None]) -> None:
    """Do all of them and take all of them back. Each is interrupted by a takeover before its first change, then before its
    second one, and so on, as often as it has changes; after a takeover it must have changed nothing more."""
    done: dict[str, Mapping[str, Any]] = {}

    def attempts(name: str, work: Callable[[], Any]) -> None:
        for allowed in range(1, 40):
            guard.looks, guard.no_at = 0, allowed
            before = len(guard.changes)
            try:
                with guard.fence.opened(guard.ask):
                    work()
            except Stop:
                assert len(guard.changes) - before == allowed - 1, f"{name} went on after a takeover"
                continue
            return
        raise AssertionError(f"{name} does not end")

    for name, action in actions.items():
        done[name] = dict(action.look({}).data)  # the engine has it in the journal before anything is changed
        attempts(name, lambda name=name, action=action: done.update({name: action.do(done.get(name, {}), report)}))  # type: ignore[misc]
    for name, action in reversed(list(actions.items())):
        attempts(f"undo of {name}", lambda name=name, action=action: action.undo(done[name], report))  # type: ignore[misc]


@pytest.mark.parametrize("auto", [True, False])
def test_the_actions_through_git(tmp_path: Path, auto: bool) -> None:
    estate, guard = Estate(tmp_path), Guard()
    estate.argo.auto = AutoSync(True, None if auto else False, True, True)
    history = FencedHistory(guard.watched(estate.repo.files), guard.fence)
    commits = Commits(history, "wroclaw-shop-20260101-120000")
    follow = Argo(FencedApplications(guard.watched(estate.argo), guard.fence), contains(history), estate.time.pace())
    delivery = GitDelivery(commits, estate.layout, STACK, STACK, PLANNED, follow, ref(STACK), ref("apps"))
    moving = Moving(STACK, PLANNED, (), delivery, estate.world)
    compose = guard.watched(estate.compose)
    containers, control = FencedContainers(compose, guard.fence), FencedCompose(compose, guard.fence)
    pace = estate.time.pace()
    actions: dict[str, Action] = {action.name: action for action in (*moving.workload(), *moving.cut_over())}
    actions["drain"] = Drain("wroclaw", STACK, estate.world, containers, SystemClock(), 5.0, pace)
    actions["restart policy"] = RestartOff("wroclaw", STACK, containers)
    actions["stop"] = StopStack("wroclaw", STACK, control, estate.world, pace)
    actions["mark"] = Mark("wroclaw", STACK, commits, estate.layout, follow, ref("apps"))
    policies = dict(estate.compose.policies)
    walk(actions, guard, estate.report)
    kinds = {what.split()[0] for what in guard.changes}
    assert kinds == {"write", "revert", "set_restart_policy", "run"} | (set() if auto else {"sync"})
    assert estate.compose.policies == policies and set(estate.compose.state.values()) == {"running"}
    assert estate.argo.known == {"emby"}


def test_the_actions_without_argo_cd() -> None:
    guard, cluster = Guard(), Cluster()
    server = Server(cluster)
    objects = FencedObjects(guard.watched(server), guard.fence)
    world = StackWorld(cluster, "shop", "shop", behind(PLANNED), Time().pace())
    moving = Moving("shop", PLANNED, (), ApplyDelivery("shop", "shop", PLANNED, Chart(), objects), world)
    actions: dict[str, Action] = {action.name: action for action in (*moving.workload(), *moving.cut_over())}
    actions["mark"] = MarkNamespace("wroclaw", "shop", "shop", "wroclaw-shop-20260101-120000", objects)
    walk(actions, guard, lambda words: None)
    assert {what.split()[0] for what in guard.changes} == {"apply", "delete"}
    assert set(server.objects) == {("Namespace", "shop"), ("PersistentVolumeClaim", "data")}


@pytest.mark.parametrize("before", [(), ({"OTHER": "kept"},)])
def test_the_secrets(before: tuple[dict[str, str], ...]) -> None:
    guard, vault = Guard(), MemoryVault(*before)
    action = WriteSecret(FencedSecrets(guard.watched(vault), guard.fence), PATH, BOTH)
    walk({"vault": action}, guard, lambda words: None)
    assert {what.split()[0] for what in guard.changes} == {"put", "delete"}
    assert vault.alive == (before[0] if before else None)


@pytest.mark.parametrize("auto", [True, False])
def test_a_route_that_is_taken_over(tmp_path: Path, auto: bool) -> None:
    estate, guard = OldEstate(tmp_path), Guard()
    if not auto:  # for every application that is there, and for the one that comes
        estate.argo.auto = AutoSync(True, False, True, True)
        old = estate.argo.apps[ref(OLD)]
        estate.argo.put(replace(old, auto_sync=estate.argo.auto))
    history = FencedHistory(guard.watched(estate.repo.files), guard.fence)
    applications = FencedApplications(guard.watched(estate.argo), guard.fence)
    walk({action.name: action for action in estate.actions(history, applications)}, guard, estate.report)
    assert {what.split()[0] for what in guard.changes} == {"write", "revert"} | (set() if auto else {"sync"})
    assert estate.route.owners == {OLD} and estate.route.made == 3
    assert estate.repo.text(OLD_VALUES) == TEXT


def test_the_writers_of_data_that_stays_in_place() -> None:
    guard, host = Guard(), Host()
    watched = guard.watched(host)
    kept = Kept(host)
    law = OneWriter(
        "wroclaw",
        STACK,
        writers_in_place(VOLUMES),
        FencedCompose(watched, guard.fence),
        FencedContainers(watched, guard.fence),
        kept.world,
        lambda: host.stand,
        kept.pace,
    )
    walk({"restart policy": HoldWriters(law), "stop": StopWriters(law, kept.pace)}, guard, host.report)
    assert {what.split()[0] for what in guard.changes} == {"set_restart_policy", "run"}
    assert host.violations == [] and set(host.state.values()) == {"running"}
    assert set(host.policies.values()) == {"unless-stopped"}
