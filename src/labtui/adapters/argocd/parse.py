"""From Argo CD's JSON to an Application. Nothing is taken for granted: every field may be missing or of another type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from labtui.adapters.argocd import records
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.argocd import (
    Application,
    ApplicationSource,
    AutoSync,
    Condition,
    Deployment,
    ManagedResource,
    Operation,
    ResourceResult,
)

Raw = dict[str, Any]
TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"
_TRACKED = re.compile(r"(?P<parent>[^:]+):argoproj\.io/Application:(?P<namespace>[^/]+)/(?P<name>.+)\Z")


def application(
    raw: Raw, source: SourceId, exists: Callable[[str, str], bool] = lambda _ns, _name: False
) -> Application:
    """A whole Application. `exists(namespace, name)` says whether a label that may name a parent names an application."""
    meta, spec, status = child(raw, "metadata"), child(raw, "spec"), child(raw, "status")
    sync, health, policy = child(status, "sync"), child(status, "health"), child(spec, "syncPolicy")
    destination, summary = child(spec, "destination"), child(status, "summary")
    ref = Ref(source, "Application", text(meta, "namespace"), text(meta, "name"))
    return Application(
        ref=ref,
        project=text(spec, "project") or "default",
        sync=text(sync, "status") or "Unknown",
        health=text(health, "status") or "Unknown",
        health_message=text(health, "message"),
        health_since=moment(health.get("lastTransitionTime")),
        sources=sources_of(spec),
        multi_source=bool(items(spec, "sources")),
        revisions=_revisions(sync),
        auto_sync=auto_sync_of(policy),
        operation=_operation(child(status, "operationState")),
        operation_queued=bool(raw.get("operation")),
        history=tuple(_deployment(entry) for entry in items(status, "history")),
        conditions=tuple(Condition(text(c, "type"), text(c, "message")) for c in items(status, "conditions")),
        resources=tuple(_resource(r) for r in items(status, "resources")),
        images=texts(summary, "images"),
        external_urls=texts(summary, "externalURLs"),
        destination_server=text(destination, "server") or text(destination, "name"),
        destination_namespace=text(destination, "namespace"),
        sync_options=texts(policy, "syncOptions"),
        parent=_parent(meta, text(status, "controllerNamespace"), ref, exists),
        appset=_application_set(meta),
        created=moment(meta.get("creationTimestamp")),
        reconciled=moment(status.get("reconciledAt")),
        deleting=bool(meta.get("deletionTimestamp")),
        rollback=records.read(child(meta, "annotations").get(records.ANNOTATION)),
        resource_version=text(meta, "resourceVersion"),
    )


def projects(raws: Iterable[Raw]) -> dict[tuple[str, str], str]:
    """The project of each, by namespace and name."""
    metas = ((child(raw, "metadata"), text(child(raw, "spec"), "project")) for raw in raws)
    return {(text(meta, "namespace"), text(meta, "name")): project or "default" for meta, project in metas}


def named(raw: object) -> bool:
    """Is it an object with a name at all?"""
    return isinstance(raw, dict) and bool(text(child(raw, "metadata"), "name"))


def sources_of(holder: Raw) -> tuple[ApplicationSource, ...]:
    """`sources`, else the hydrator's (types.go: GetSource), else `source`; of a spec or an entry of the history."""
    several = items(holder, "sources")
    if several:
        return tuple(_source(s) for s in several)
    hydrator = child(holder, "sourceHydrator")
    dry, wet = child(hydrator, "drySource"), child(hydrator, "syncSource")
    if dry and wet:
        return (ApplicationSource(text(dry, "repoURL"), text(wet, "path"), "", text(wet, "targetBranch")),)
    one = child(holder, "source")
    return (_source(one),) if one else ()


def auto_sync_of(policy: Raw) -> AutoSync:
    """`automated: {}` is configured and on; `enabled` keeps the difference between absent and true."""
    automated = policy.get("automated")
    if not isinstance(automated, dict):
        return AutoSync()
    enabled = automated.get("enabled")
    return AutoSync(
        configured=True,
        enabled=enabled if isinstance(enabled, bool) else None,
        prune=automated.get("prune") is True,
        self_heal=automated.get("selfHeal") is True,
    )


def _source(raw: Raw) -> ApplicationSource:
    return ApplicationSource(
        repo_url=text(raw, "repoURL"),
        path=text(raw, "path"),
        chart=text(raw, "chart"),
        target_revision=text(raw, "targetRevision"),
        ref=text(raw, "ref"),
        value_files=texts(child(raw, "helm"), "valueFiles"),
    )


def _revisions(raw: Raw) -> tuple[str, ...]:
    """`revisions` of several sources, else the one `revision`."""
    one = text(raw, "revision")
    return texts(raw, "revisions") or ((one,) if one else ())


def _operation(raw: Raw) -> Operation | None:
    if not text(raw, "phase"):
        return None
    asked, result = child(raw, "operation"), child(raw, "syncResult")
    sync, initiator = child(asked, "sync"), child(asked, "initiatedBy")
    return Operation(
        phase=text(raw, "phase"),
        message=text(raw, "message"),
        started=moment(raw.get("startedAt")),
        finished=moment(raw.get("finishedAt")),
        retries=number(raw, "retryCount"),
        revisions=_revisions(result) or _revisions(sync),
        dry_run=sync.get("dryRun") is True,
        automated=initiator.get("automated") is True,
        by=text(initiator, "username"),
        results=tuple(_result(r) for r in items(result, "resources")),
    )


def _result(raw: Raw) -> ResourceResult:
    return ResourceResult(
        kind=text(raw, "kind"),
        namespace=text(raw, "namespace"),
        name=text(raw, "name"),
        status=text(raw, "status"),
        message=text(raw, "message"),
        hook=text(raw, "hookType"),
        # every resource has a hookPhase, also those that are no hooks
        hook_phase=text(raw, "hookPhase") if text(raw, "hookType") else "",
        sync_phase=text(raw, "syncPhase"),
    )


def _deployment(raw: Raw) -> Deployment:
    initiator = child(raw, "initiatedBy")
    by = "auto-sync" if initiator.get("automated") is True else text(initiator, "username")
    return Deployment(number(raw, "id"), _revisions(raw), moment(raw.get("deployedAt")), by, sources_of(raw))


def _resource(raw: Raw) -> ManagedResource:
    health = child(raw, "health")
    return ManagedResource(
        group=text(raw, "group"),
        kind=text(raw, "kind"),
        namespace=text(raw, "namespace"),
        name=text(raw, "name"),
        sync=text(raw, "status"),
        health=text(health, "status"),
        health_message=text(health, "message"),
        requires_pruning=raw.get("requiresPruning") is True,
        hook=raw.get("hook") is True,
    )


def _parent(meta: Raw, controller: str, ref: Ref, exists: Callable[[str, str], bool]) -> Ref | None:
    """The application that manages this one, by the tracking annotation, else by the label of older servers.

    `namespace_name` is how an application outside of Argo CD's own namespace is called there (util/argo/argo.go).
    """
    tracked = _TRACKED.match(text(child(meta, "annotations"), TRACKING))
    home = controller or ref.namespace
    if tracked:
        if (tracked["namespace"], tracked["name"]) != (ref.namespace, ref.name):
            return None  # copied from another object
        namespace, _, name = tracked["parent"].rpartition("_")
        found = Ref(ref.source, "Application", namespace or home, name)
        return None if found == ref else found
    label = text(child(meta, "labels"), INSTANCE)
    namespace, _, name = label.rpartition("_")
    found = Ref(ref.source, "Application", namespace or home, name)
    return found if label and found != ref and exists(found.namespace, found.name) else None


def _application_set(meta: Raw) -> str:
    for owner in items(meta, "ownerReferences"):
        if text(owner, "kind") == "ApplicationSet" and text(owner, "apiVersion").startswith("argoproj.io/"):
            return text(owner, "name")
    return ""


# Fields of untrusted JSON


def child(raw: Raw, key: str) -> Raw:
    """The object at `key`, empty if there is none."""
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def items(raw: Raw, key: str) -> list[Raw]:
    """The objects in the list at `key`."""
    value = raw.get(key)
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def text(raw: Raw, key: str) -> str:
    """The text at `key`, empty if there is none."""
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def texts(raw: Raw, key: str) -> tuple[str, ...]:
    """The texts in the list at `key`."""
    value = raw.get(key)
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def number(raw: Raw, key: str) -> int:
    """The whole number at `key` (grpc-gateway writes int64 as text in places), 0 if there is none."""
    value = raw.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:18])
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(value: object) -> datetime | None:
    """An RFC 3339 time; None for nothing, for Go's zero time and for what is no time."""
    if not isinstance(value, str) or value.startswith("0001-"):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
