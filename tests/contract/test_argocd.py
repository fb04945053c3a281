"""What Argo CD does through labtui's ports, the real server and the demo's: one suite, high-level verbs only."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from labtui.domain.changes import Live, Resync
from labtui.domain.errors import Denied, NotFound, Refused
from labtui.domain.ref import Ref, SourceKind
from labtui.domain.resources.argocd import Application, AutoSync, RollbackRecord
from labtui.ports import SyncRequest
from tests.contract.argocd_rig import ArgocdRig, LiveRig, Watcher


def _demo_rig() -> ArgocdRig:
    try:
        module = importlib.import_module("tests.contract.demo_rigs")
    except ModuleNotFoundError as error:
        if error.name != "tests.contract.demo_rigs":
            raise
        pytest.skip("the demo rig is not written yet")
    rig: ArgocdRig = module.argocd_rig()
    return rig


@pytest.fixture(scope="module", params=["demo", pytest.param("live", marks=pytest.mark.live)])
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgocdRig]:
    made = _demo_rig() if request.param == "demo" else LiveRig(tmp_path_factory.mktemp("argocd"))
    yield made
    made.close()


def idle(rig: ArgocdRig, ref: Ref) -> Application:
    """Wait for the end of what runs."""

    def probe() -> Application | None:
        app = rig.applications.get(ref)
        return None if app.busy else app

    return rig.until(f"no operation on {ref.name}", probe)


def in_sync(rig: ArgocdRig, ref: Ref) -> Application:
    """Compare with git and make it Synced, by hand where it does not sync by itself."""
    app = rig.applications.refresh(ref)
    if app.sync != "Synced" and not app.auto_sync.on:
        idle(rig, ref)
        rig.applications.sync(ref, SyncRequest())

    def probe() -> Application | None:
        now = rig.applications.get(ref)
        return now if now.sync == "Synced" and not now.busy else None

    return rig.until(f"{ref.name} is Synced", probe)


def with_history(rig: ArgocdRig, ref: Ref) -> Application:
    """Synced, with at least two different deployments in its history."""
    in_sync(rig, ref)
    rig.new_revision(ref)
    app = in_sync(rig, ref)
    assert len(app.history) >= 2 and app.history[-1].revisions != app.history[-2].revisions
    return app


def a_record(app: Application, *, paused: bool = True) -> RollbackRecord:
    """The note of a rollback to the entry before the last."""
    to = app.history[-2]
    enabled = app.auto_sync.enabled
    at = datetime(2026, 5, 1, 12, 30, 15, tzinfo=UTC)
    return RollbackRecord(to.id, app.revisions, to.revisions, paused, enabled, at, "a person")


# Following


def test_lists_everything_then_is_live(rig: ArgocdRig) -> None:
    with Watcher(rig.feed()) as watcher:
        rig.until("live", watcher.live.is_set)
        first, second = watcher.changes[:2]
        assert isinstance(first, Resync) and isinstance(second, Live)
        assert first.kinds == {"Application"} and first.source == watcher.feed.source
        assert first.source.kind is SourceKind.ARGOCD
        assert {rig.child, rig.parent, rig.second} <= watcher.apps.keys()
        child = watcher.apps[rig.child]
        assert child.parent == rig.parent and child.auto_sync == AutoSync(True, None, True, True)
        assert child.sources and child.project
        second_app = watcher.apps[rig.second]
        assert not second_app.auto_sync.configured and second_app.parent is None


def test_a_change_shows_without_being_asked_for(rig: ArgocdRig) -> None:
    in_sync(rig, rig.second)
    with Watcher(rig.feed()) as watcher:
        rig.until("live", watcher.live.is_set)
        revision = rig.new_revision(rig.second)
        rig.applications.refresh(rig.second)
        rig.until("the revision", lambda: revision in watcher.apps[rig.second].revisions, 10)
        rig.until("OutOfSync", lambda: watcher.apps[rig.second].sync == "OutOfSync", 10)
        assert watcher.error is None


@pytest.mark.parametrize("hard", [False, True])
def test_refresh_sees_a_new_commit(rig: ArgocdRig, hard: bool) -> None:
    in_sync(rig, rig.second)
    revision = rig.new_revision(rig.second)
    app = rig.applications.refresh(rig.second, hard=hard)
    assert app.revisions == (revision,) and app.sync == "OutOfSync"


def test_unknown_application(rig: ArgocdRig) -> None:
    absent = Ref(rig.second.source, "Application", rig.second.namespace, "no-such-application")
    with pytest.raises(NotFound, match="no-such-application"):
        rig.applications.get(absent)
    elsewhere = Ref(rig.second.source, "Application", "no-such-namespace", rig.second.name)
    with pytest.raises(NotFound):
        rig.applications.get(elsewhere)


# The live server of the tests watches one namespace, so this is for the demo alone
@pytest.mark.parametrize("rig", ["demo"], indirect=True)
def test_the_same_name_in_another_namespace_is_another_application(rig: ArgocdRig) -> None:
    twin = rig.twin()
    assert (twin.name, twin.kind) == (rig.second.name, rig.second.kind) and twin.namespace != rig.second.namespace
    assert rig.applications.get(twin).ref == twin and rig.applications.get(rig.second).ref == rig.second
    with Watcher(rig.feed()) as watcher:
        rig.until("live", watcher.live.is_set)
        assert {twin, rig.second} <= watcher.apps.keys()


# Syncing


def test_a_dry_run_changes_nothing(rig: ArgocdRig) -> None:
    before = in_sync(rig, rig.second)
    rig.new_revision(rig.second)
    rig.applications.refresh(rig.second)
    rig.applications.sync(rig.second, SyncRequest(dry_run=True))

    def ended() -> Application | None:
        app = rig.applications.get(rig.second)
        fresh = app.operation is not None and app.operation.dry_run and not app.busy
        return app if fresh else None

    app = rig.until("the end of the dry run", ended)
    assert app.operation is not None and app.operation.phase == "Succeeded"
    assert app.sync == "OutOfSync" and len(app.history) == len(before.history)


def test_sync_runs_to_its_end(rig: ArgocdRig) -> None:
    before = in_sync(rig, rig.second)
    revision = rig.new_revision(rig.second)
    rig.applications.refresh(rig.second)
    with Watcher(rig.feed()) as watcher:
        rig.until("live", watcher.live.is_set)
        rig.applications.sync(rig.second, SyncRequest())
        rig.until("Synced", lambda: watcher.apps[rig.second].sync == "Synced" and not watcher.apps[rig.second].busy)
        assert any(a.busy for a in watcher.seen if a.ref == rig.second)
    app = rig.applications.get(rig.second)
    assert app.operation is not None and app.operation.phase == "Succeeded" and app.operation.revisions == (revision,)
    assert not app.operation.automated and app.operation.by and app.operation.started and app.operation.finished
    assert any(r.kind == "ConfigMap" and r.status == "Synced" for r in app.operation.results)
    assert app.history[-1].revisions == (revision,) and app.history[-1].id > before.history[-1].id
    assert app.history[-1].deployed is not None


def test_sync_of_chosen_resources_leaves_the_others_and_the_history(rig: ArgocdRig) -> None:
    before = in_sync(rig, rig.second)
    rig.new_revision(rig.second)
    rig.applications.refresh(rig.second)
    deployment = next(r for r in before.resources if r.kind == "Deployment")
    chosen = (deployment.group, deployment.kind, deployment.namespace, deployment.name)
    rig.applications.sync(rig.second, SyncRequest(resources=(chosen,)))
    app = idle(rig, rig.second)
    assert app.operation is not None and [r.kind for r in app.operation.results] == ["Deployment"]
    assert len(app.history) == len(before.history)
    assert rig.applications.refresh(rig.second).sync == "OutOfSync"


def test_another_revision_is_refused_with_auto_sync_on(rig: ArgocdRig) -> None:
    app = with_history(rig, rig.child)
    other = app.history[-2].revisions[0]
    with pytest.raises(Refused, match="auto-sync currently set to"):
        rig.applications.sync(rig.child, SyncRequest(revision=other))


def test_a_window_refuses(rig: ArgocdRig) -> None:
    in_sync(rig, rig.second)
    assert rig.applications.windows(rig.second).can_sync
    rig.close_window()
    try:
        rig.until("the window", lambda: not rig.applications.windows(rig.second).can_sync, 10)
        windows = rig.applications.windows(rig.second).windows
        assert [(w.kind, w.active, w.manual_sync) for w in windows] == [("deny", True, False)]
        assert windows[0].schedule and windows[0].duration
        with pytest.raises(Refused, match="cannot sync: blocked by sync window"):
            rig.applications.sync(rig.second, SyncRequest())
    finally:
        rig.open_window()
    rig.until("no window", lambda: rig.applications.windows(rig.second).can_sync, 10)


def test_one_operation_at_a_time_and_its_termination(rig: ArgocdRig) -> None:
    in_sync(rig, rig.second)
    with pytest.raises(Refused, match="No operation is in progress"):
        rig.applications.terminate(rig.second)
    rig.add_slow_step(rig.second)
    try:
        rig.applications.refresh(rig.second)
        rig.applications.sync(rig.second, SyncRequest())

        def running() -> Application | None:
            app = rig.applications.get(rig.second)
            return app if app.operation is not None and app.operation.phase == "Running" else None

        rig.until("Running", running)
        with pytest.raises(Refused, match="another operation is already in progress"):
            rig.applications.sync(rig.second, SyncRequest())
        rig.applications.terminate(rig.second)
        app = idle(rig, rig.second)
        assert app.operation is not None and app.operation.phase in ("Failed", "Error")
        assert "terminated" in app.operation.message.lower()
    finally:
        rig.remove_slow_step(rig.second)
    in_sync(rig, rig.second)


def test_a_viewer_is_denied_with_the_reason(rig: ArgocdRig) -> None:
    assert rig.viewer.get(rig.second).ref.name == rig.second.name
    app = rig.applications.get(rig.child)
    record = RollbackRecord(0, app.revisions, app.revisions, True, None, datetime(2026, 5, 1, tzinfo=UTC))
    for call in (
        lambda: rig.viewer.sync(rig.second, SyncRequest()),
        lambda: rig.viewer.rollback(rig.second, 0),
        lambda: rig.viewer.terminate(rig.second),
        lambda: rig.viewer.pause_auto_sync(rig.child, record),
    ):
        with pytest.raises(Denied, match="permission denied"):
            call()
    assert rig.applications.get(rig.child).auto_sync.on


# Looking closer


def test_diff_shows_what_a_sync_would_change(rig: ArgocdRig) -> None:
    in_sync(rig, rig.second)
    assert rig.applications.diff(rig.second) == ()
    rig.new_revision(rig.second)
    rig.applications.refresh(rig.second)
    (item,) = rig.applications.diff(rig.second)
    assert item.kind == "ConfigMap"
    assert {line[0] for line in item.lines} >= {"-", "+"} and any(line.startswith("@@") for line in item.lines)


def test_diff_of_two_deployments_and_who_made_them(rig: ArgocdRig) -> None:
    app = with_history(rig, rig.second)
    older, newer = app.history[-2], app.history[-1]
    (item,) = rig.applications.diff_revisions(rig.second, older, newer)
    assert item.kind == "ConfigMap" and {line[0] for line in item.lines} >= {"-", "+"}
    assert rig.applications.diff_revisions(rig.second, newer, newer) == ()
    info = rig.applications.revision(rig.second, newer.revisions[0])
    assert info.revision == newer.revisions[0] and info.author and info.message
    assert info.date is not None and info.date.tzinfo is not None


def test_the_tree_has_parents_before_children(rig: ArgocdRig) -> None:
    in_sync(rig, rig.second)

    def with_pods() -> bool:
        return any(n.kind == "Pod" for n in rig.applications.tree(rig.second))

    rig.until("its pods", with_pods)
    nodes = rig.applications.tree(rig.second)
    above: set[tuple[str, str, str, str]] = set()
    for node in nodes:
        assert node.parent is None or node.parent in above
        above.add((node.group, node.kind, node.namespace, node.name))
    kinds = {n.kind: n.parent[1] if n.parent else None for n in nodes}
    assert (kinds["Deployment"], kinds["ReplicaSet"], kinds["Pod"]) == (None, "Deployment", "ReplicaSet")


# Rolling back


def test_rollback_is_refused_with_auto_sync_on(rig: ArgocdRig) -> None:
    app = with_history(rig, rig.child)
    with pytest.raises(Refused, match="rollback cannot be initiated when auto-sync is enabled"):
        rig.applications.rollback(rig.child, app.history[-2].id)


def test_rollback_to_what_is_not_in_the_history(rig: ArgocdRig) -> None:
    in_sync(rig, rig.second)
    with pytest.raises(Refused, match="does not have deployment with id 4711"):
        rig.applications.rollback(rig.second, 4711)


@pytest.mark.parametrize("former", [None, True])
def test_pause_rollback_and_resume(rig: ArgocdRig, former: bool | None) -> None:
    rig.set_enabled(rig.child, former)
    before = with_history(rig, rig.child)
    assert before.auto_sync == AutoSync(True, former, True, True)
    record = a_record(before)
    try:
        paused = rig.applications.pause_auto_sync(rig.child, record)
        assert paused.auto_sync == AutoSync(True, False, True, True), "prune and self-heal stay"
        assert paused.rollback == record
        parent = rig.applications.refresh(rig.parent)
        mine = [r for r in parent.resources if (r.kind, r.name) == ("Application", rig.child.name)]
        assert [r.sync for r in mine] == ["Synced"], "the parent leaves the pause alone"
        rig.applications.rollback(rig.child, record.to_id)
        rig.until("the rollback", lambda: rig.applications.get(rig.child).history[-1].id > before.history[-1].id)
        app = idle(rig, rig.child)
        assert app.operation is not None and app.operation.phase == "Succeeded"
        assert app.history[-1].revisions == record.to_revisions
        app = rig.applications.refresh(rig.child)
        assert app.sync == "OutOfSync" and app.auto_sync.paused and app.rollback == record
    finally:
        resumed = rig.applications.resume_auto_sync(rig.child, before.auto_sync)
    assert resumed.auto_sync == before.auto_sync, "exactly as it was"
    assert resumed.rollback is None
    assert in_sync(rig, rig.child).revisions == before.revisions, "git still has the newer one"
    rig.set_enabled(rig.child, None)


def test_without_an_automated_block_none_is_made(rig: ArgocdRig) -> None:
    app = with_history(rig, rig.second)
    record = a_record(app)
    noted = rig.applications.pause_auto_sync(rig.second, record)
    assert noted.rollback == record and not noted.auto_sync.configured
    cleared = rig.applications.resume_auto_sync(rig.second, AutoSync(True, None))
    assert cleared.rollback is None and not cleared.auto_sync.configured
    rig.applications.pause_auto_sync(rig.second, a_record(app, paused=False))
    assert rig.applications.resume_auto_sync(rig.second, None).rollback is None


def test_the_version(rig: ArgocdRig) -> None:
    assert rig.applications.version().startswith("v")
