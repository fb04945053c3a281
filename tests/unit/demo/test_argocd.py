"""The simulated Argo CD keeps the rules of the real one (what the contract suite shares is there)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labtui.demo import DemoEstate
from labtui.demo.controller import with_policy
from labtui.demo.objects import to_yaml
from labtui.domain.errors import NotFound, Refused
from labtui.domain.planning import git_paths
from labtui.domain.resources import Pod
from labtui.domain.resources.argocd import AutoSync, RollbackRecord
from labtui.ports import SyncRequest
from tests.unit.demo.following import NOON, app, app_ref, frozen


@pytest.fixture
def world() -> DemoEstate:
    return frozen(life=False)


def record(world: DemoEstate, name: str, to: int) -> RollbackRecord:
    before = app(world, name)
    entry = next(h for h in before.history if h.id == to)
    return RollbackRecord(
        to, before.revisions, entry.revisions, before.auto_sync.on, before.auto_sync.enabled, NOON, "t"
    )


def test_a_sync_goes_through_its_phases_and_rolls_out(world: DemoEstate) -> None:
    ref = app_ref(world, "victoriametrics")
    (item,) = world.applications.diff(ref)
    assert item.kind == "StatefulSet"
    assert any(line.startswith("-") and "v1.115.0" in line for line in item.lines)
    assert any(line.startswith("+") and "v1.116.0" in line for line in item.lines)
    world.applications.sync(ref, SyncRequest())
    assert app(world, "victoriametrics").operation_queued
    with pytest.raises(Refused, match="another operation is already in progress"):
        world.applications.sync(ref, SyncRequest())
    world.clock.advance(1)
    running = app(world, "victoriametrics")
    assert running.operation is not None and running.operation.phase == "Running" and running.operation.by == "admin"
    world.clock.advance(10)
    done = app(world, "victoriametrics")
    assert done.operation is not None and done.operation.phase == "Succeeded" and not done.busy
    assert (done.sync, done.health) == ("Synced", "Healthy")
    assert [r.status for r in done.operation.results] == ["Synced", "Synced"]
    assert done.history[-1].revisions == done.revisions and done.history[-1].by == "admin"
    assert done.images == ("victoriametrics/victoria-metrics:v1.116.0",)
    pods = [p for p in world.world.of(world.cluster.source, ("Pod",)) if isinstance(p, Pod)]
    assert [p.images for p in pods if p.ref.name == "victoriametrics-0"] == [done.images]


def test_manifests_have_no_yaml_anchors() -> None:
    labels = {"app": "emby"}
    text = to_yaml({"metadata": {"labels": labels}, "spec": {"labels": labels}})
    assert "&" not in text and "*" not in text and text.count("app: emby") == 2


def test_rolling_grafana_back_heals_it_and_git_makes_it_last(world: DemoEstate) -> None:
    ref = app_ref(world, "grafana")
    with pytest.raises(Refused, match="rollback cannot be initiated when auto-sync is enabled"):
        world.applications.rollback(ref, 1)
    before = app(world, "grafana")
    world.applications.pause_auto_sync(ref, record(world, "grafana", 1))
    world.applications.rollback(ref, 1)
    world.clock.advance(20)
    after = app(world, "grafana")
    assert (after.sync, after.health) == ("OutOfSync", "Healthy")
    assert after.auto_sync == AutoSync(True, False, prune=True, self_heal=True)
    assert app(world, "homelab").sync == "Synced", "the parent leaves the pause alone"
    world.clock.advance(300)
    assert app(world, "grafana").sync == "OutOfSync", "it stays rolled back"
    paths = git_paths(before, 0)
    assert "grafana/grafana:11.6.0" in world.gitops.restore_diff(after.history[1].revisions[0], paths)
    undone = world.gitops.commits(after.history[1].revisions[0], world.gitops.head(), paths)
    assert [c.subject for c in undone] == ["grafana: move to 12 for the new dashboards"]
    made = world.gitops.restore(after.history[1].revisions[0], paths, "Revert grafana\n\nmore")
    assert made.revision == world.gitops.head() and made.subject == "Revert grafana"
    assert world.applications.refresh(ref).sync == "Synced"
    resumed = world.applications.resume_auto_sync(ref, before.auto_sync)
    assert resumed.auto_sync == before.auto_sync and resumed.rollback is None
    world.clock.advance(60)
    assert (app(world, "grafana").sync, app(world, "grafana").health) == ("Synced", "Healthy")


def test_auto_sync_on_before_git_agrees_brings_the_broken_one_back(world: DemoEstate) -> None:
    ref = app_ref(world, "grafana")
    before = app(world, "grafana")
    world.applications.pause_auto_sync(ref, record(world, "grafana", 1))
    world.applications.rollback(ref, 1)
    world.clock.advance(20)
    world.applications.resume_auto_sync(ref, before.auto_sync)
    world.clock.advance(20)
    after = app(world, "grafana")
    assert after.health == "Degraded"
    # the last attempt was the rollback's revision, so this is a full sync and no self-heal
    assert after.history[-1].by == "auto-sync" and after.history[-1].revisions == after.revisions


def test_a_parent_heals_what_differs_from_its_manifest(world: DemoEstate) -> None:
    simulated = world.controller.apps[app_ref(world, "grafana")]
    simulated.auto_sync = AutoSync()  # somebody set `automated` to null
    world.applications.refresh(app_ref(world, "homelab"))
    assert app(world, "homelab").sync == "OutOfSync"
    world.clock.advance(20)
    assert app(world, "grafana").auto_sync == AutoSync(True, None, prune=True, self_heal=True)
    healed = app(world, "homelab")
    assert healed.sync == "Synced" and len(healed.history) == 1, "a self-heal is partial: no history"


def test_without_server_side_apply_a_parent_sees_the_pause_as_drift(world: DemoEstate) -> None:
    world.controller.apps[app_ref(world, "homelab")].sync_options = ()
    ref = app_ref(world, "grafana")
    world.applications.pause_auto_sync(ref, record(world, "grafana", 1))
    parent = world.applications.refresh(app_ref(world, "homelab"))
    assert [r.name for r in parent.resources if r.sync == "OutOfSync"] == ["grafana"]
    world.clock.advance(20)
    assert app(world, "grafana").auto_sync.on


def test_a_new_commit_is_synced_by_itself(world: DemoEstate) -> None:
    ref = app_ref(world, "alloy")
    revision = app(world, "alloy").history[1].revisions[0]
    world.gitops.restore(revision, git_paths(app(world, "alloy"), 0), "Back to the older alloy")
    assert world.applications.refresh(ref).sync == "OutOfSync"
    world.clock.advance(20)
    synced = app(world, "alloy")
    assert synced.sync == "Synced" and synced.operation is not None and synced.operation.automated
    assert synced.history[-1].by == "auto-sync"


def test_a_window_refuses_both_kinds_of_sync(world: DemoEstate) -> None:
    ref = app_ref(world, "vault")
    windows = world.applications.windows(ref)
    assert not windows.can_sync and windows.windows[0].active
    with pytest.raises(Refused, match="cannot sync: blocked by sync window"):
        world.applications.sync(ref, SyncRequest())
    simulated = world.controller.apps[ref]
    simulated.windows = (replace(windows.windows[0], manual_sync=True),)
    assert world.applications.windows(ref).can_sync and not world.controller.may_sync(simulated, manual=False)
    simulated.windows = (replace(windows.windows[0], kind="allow", active=False),)
    assert not world.applications.windows(ref).can_sync


def test_what_git_no_longer_has_is_pruned_only_when_asked_for(world: DemoEstate) -> None:
    ref = app_ref(world, "victoriametrics")
    place = world.controller.place(world.controller.apps[ref])
    gone = f"{place}#templates/service-victoriametrics.yaml"
    world.repository.add("no Service", "t", NOON, {gone: None})
    refreshed = world.applications.refresh(ref)
    assert [r.kind for r in refreshed.resources if r.requires_pruning] == ["Service"]
    world.applications.sync(ref, SyncRequest())
    world.clock.advance(20)
    kept = app(world, "victoriametrics")
    assert kept.sync == "OutOfSync" and kept.operation is not None
    assert {r.status for r in kept.operation.results} == {"Synced", "PruneSkipped"}
    world.applications.sync(ref, SyncRequest(prune=True))
    world.clock.advance(20)
    assert app(world, "victoriametrics").sync == "Synced"
    service = world.cluster.ref(("", "Service", "monitoring", "victoriametrics"))
    assert world.world.get(service) is None


def test_a_revision_that_git_does_not_have_fails_the_operation(world: DemoEstate) -> None:
    ref = app_ref(world, "victoriametrics")
    world.applications.sync(ref, SyncRequest(revision="no-such-branch"))
    world.clock.advance(5)
    failed = app(world, "victoriametrics")
    assert failed.operation is not None and failed.operation.phase == "Error"
    assert "unable to resolve 'no-such-branch'" in failed.operation.message


def test_a_terminated_operation_does_not_go_on(world: DemoEstate) -> None:
    ref = app_ref(world, "victoriametrics")
    world.applications.sync(ref, SyncRequest())
    world.clock.advance(0.5)
    world.applications.terminate(ref)
    phase = app(world, "victoriametrics").operation
    assert phase is not None and phase.phase == "Terminating"
    world.clock.advance(30)
    ended = app(world, "victoriametrics")
    assert ended.operation is not None and ended.operation.phase == "Failed" and not ended.busy
    assert ended.sync == "OutOfSync" and len(ended.history) == 2


def test_the_tree_shows_the_crashing_pod(world: DemoEstate) -> None:
    nodes = world.applications.tree(app_ref(world, "grafana"))
    (pod,) = [n for n in nodes if n.kind == "Pod"]
    assert pod.health == "Degraded" and "CrashLoopBackOff" in pod.info


def test_a_revision_has_an_author_and_an_unknown_one_is_not_found(world: DemoEstate) -> None:
    ref = app_ref(world, "grafana")
    info = world.applications.revision(ref, app(world, "grafana").history[-1].revisions[0])
    assert "olena" in info.author and info.message == "grafana: move to 12 for the new dashboards"
    with pytest.raises(NotFound):
        world.applications.revision(ref, "0" * 40)


def test_the_policy_of_a_manifest_is_replaced_and_the_rest_kept() -> None:
    manifest = {"kind": "Application", "spec": {"project": "p", "syncPolicy": {"syncOptions": ["a"], "automated": {}}}}
    assert with_policy(manifest, AutoSync())["spec"] == {"project": "p", "syncPolicy": {"syncOptions": ["a"]}}
