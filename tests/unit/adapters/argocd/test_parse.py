"""Raw JSON to Application."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from labtui.adapters.argocd import parse, records
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources.argocd import ApplicationSource, AutoSync, RollbackRecord

from .support import raw_app

SOURCE = SourceId(SourceKind.ARGOCD, "argo.example.org")
RECORD = RollbackRecord(3, ("b" * 40,), ("1.2.3+build",), True, None, datetime(2026, 5, 1, tzinfo=UTC), "someone")


def test_nothing_but_a_name() -> None:
    app = parse.application({"metadata": {"name": "x"}}, SOURCE)
    assert (app.ref.name, app.project, app.sync, app.health) == ("x", "default", "Unknown", "Unknown")
    assert app.operation is None and app.history == () and not app.auto_sync.configured


@pytest.mark.parametrize("junk", [None, 7, "x", [], {}, [None], {"a": 1}])
def test_fields_of_other_types_are_as_if_missing(junk: Any) -> None:
    keys = ("sync", "health", "history", "operationState", "conditions", "resources", "summary", "reconciledAt")
    policy = {"automated": junk if not isinstance(junk, dict) else None, "syncOptions": junk}
    spec = {"project": junk, "source": junk, "sources": junk, "destination": junk, "syncPolicy": policy}
    metadata = {"annotations": junk, "labels": junk, "ownerReferences": junk, "creationTimestamp": junk}
    app = parse.application(raw_app(metadata=metadata, spec=spec, status=dict.fromkeys(keys, junk)), SOURCE)
    assert app.ref.name == "web" and app.rollback is None and app.parent is None and not app.auto_sync.on


@pytest.mark.parametrize(
    ("automated", "expected"),
    [
        (None, AutoSync()),
        ({}, AutoSync(True)),
        ({"prune": True, "selfHeal": True}, AutoSync(True, None, True, True)),
        ({"enabled": True}, AutoSync(True, True)),
        ({"enabled": False, "prune": True}, AutoSync(True, False, True)),
    ],
)
def test_auto_sync(automated: dict[str, Any] | None, expected: AutoSync) -> None:
    policy = {} if automated is None else {"automated": automated}
    assert parse.auto_sync_of(policy) == expected
    assert expected.on == (automated is not None and automated.get("enabled") is not False)


def test_operation_with_retries_and_results() -> None:
    state = {
        "phase": "Running",
        "message": "Retrying attempt #2 at 12:00",
        "startedAt": "2026-05-01T11:00:00Z",
        "finishedAt": "2026-05-01T11:00:05.123456789Z",
        "retryCount": 2,
        "operation": {"sync": {"revision": "c" * 40, "dryRun": True}, "initiatedBy": {"username": "ann"}},
        "syncResult": {
            "revision": "d" * 40,
            "resources": [
                {
                    "kind": "Job",
                    "namespace": "n",
                    "name": "j",
                    "hookType": "PreSync",
                    "hookPhase": "Failed",
                    "message": "no",
                },
                {"kind": "Pod", "namespace": "n", "name": "p", "status": "Synced", "hookPhase": "Running"},
            ],
        },
    }
    app = parse.application(raw_app(status={"operationState": state}), SOURCE)
    operation = app.operation
    assert operation is not None and operation.running and app.busy
    assert (operation.retries, operation.by, operation.dry_run, operation.automated) == (2, "ann", True, False)
    assert operation.revisions == ("d" * 40,)
    assert operation.finished is not None and operation.finished.tzinfo is not None
    assert [(r.hook, r.hook_phase, r.status) for r in operation.results] == [
        ("PreSync", "Failed", ""),
        ("", "", "Synced"),
    ]


def test_several_sources() -> None:
    chart = {
        "repoURL": "https://charts",
        "chart": "redis",
        "targetRevision": "1.0",
        "helm": {"valueFiles": ["$v/a.yaml"]},
    }
    sources = [chart, {"repoURL": "https://git", "ref": "v"}]
    entry = {"id": 4, "revisions": ["1.0", "e" * 40], "sources": sources, "initiatedBy": {"automated": True}}
    status = {"sync": {"revisions": ["1.0", "e" * 40]}, "history": [entry]}
    app = parse.application(raw_app(spec={"sources": sources}, status=status), SOURCE)
    assert app.multi_source and app.revisions == ("1.0", "e" * 40)
    assert app.sources[0] == ApplicationSource("https://charts", "", "redis", "1.0", "", ("$v/a.yaml",))
    assert app.history[0].sources == app.sources and app.history[0].by == "auto-sync"


def test_hydrated_source() -> None:
    hydrator = {
        "drySource": {"repoURL": "https://git", "path": "dry"},
        "syncSource": {"path": "wet", "targetBranch": "env"},
    }
    app = parse.application(raw_app(spec={"sourceHydrator": hydrator}), SOURCE)
    assert app.sources == (ApplicationSource("https://git", "wet", "", "env"),)


@pytest.mark.parametrize(
    ("tracking", "controller", "parent"),
    [
        ("root:argoproj.io/Application:argocd/web", "", ("argocd", "root")),
        ("root:argoproj.io/Application:argocd/web", "gitops", ("gitops", "root")),
        ("team-a_root:argoproj.io/Application:argocd/web", "argocd", ("team-a", "root")),
        ("root:argoproj.io/Application:argocd/other", "", None),  # copied from another object
        ("web:argoproj.io/Application:argocd/web", "", None),
        ("root:apps/Deployment:argocd/web", "", None),
        ("nonsense", "", None),
    ],
)
def test_parent_by_annotation(tracking: str, controller: str, parent: tuple[str, str] | None) -> None:
    raw = raw_app(metadata={"annotations": {parse.TRACKING: tracking}}, status={"controllerNamespace": controller})
    found = parse.application(raw, SOURCE).parent
    assert found == (Ref(SOURCE, "Application", *parent) if parent else None)


@pytest.mark.parametrize(("exists", "parent"), [(True, "root"), (False, None)])
def test_parent_by_label_only_if_there_is_such_an_application(exists: bool, parent: str | None) -> None:
    raw = raw_app(metadata={"labels": {parse.INSTANCE: "root"}})
    found = parse.application(raw, SOURCE, lambda ns, name: exists and (ns, name) == ("argocd", "root")).parent
    assert (found.name if found else None) == parent


def test_application_set_and_deletion() -> None:
    owners = [{"kind": "Secret", "apiVersion": "v1", "name": "no"}]
    owners.append({"kind": "ApplicationSet", "apiVersion": "argoproj.io/v1alpha1", "name": "all"})
    app = parse.application(
        raw_app(metadata={"ownerReferences": owners, "deletionTimestamp": "2026-05-01T00:00:00Z"}), SOURCE
    )
    assert app.appset == "all" and app.deleting


def test_record_comes_back_as_written() -> None:
    raw = raw_app(metadata={"annotations": {records.ANNOTATION: records.write(RECORD)}})
    assert parse.application(raw, SOURCE).rollback == RECORD


def _damaged(**changes: Any) -> str:
    return json.dumps(json.loads(records.write(RECORD)) | changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "[" * 5000,
        "x" * 20_000,
        _damaged(to="3"),
        _damaged(to=True),
        _damaged(to=-1),
        _damaged(paused="yes"),
        _damaged(formerEnabled=1),
        _damaged(at="2026-05-01T00:00:00"),  # without a zone
        _damaged(at="soon"),
        _damaged(toRevisions=["--upload-pack=x"]),
        _damaged(toRevisions=["a b"]),
        _damaged(toRevisions=["ok\n"]),
        _damaged(fromRevisions="abc"),
        _damaged(fromRevisions=["a"] * 51),
    ],
)
def test_a_hostile_record_is_none(text: str) -> None:
    assert records.read(text) is None


@pytest.mark.parametrize(("text", "expected"), [("0001-01-01T00:00:00Z", None), ("yesterday", None), (None, None)])
def test_no_time(text: str | None, expected: None) -> None:
    assert parse.moment(text) is expected
