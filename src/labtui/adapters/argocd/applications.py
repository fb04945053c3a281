"""What can be asked of Argo CD and done through it: the port `Applications` over REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labtui.adapters.argocd import differences, failures, parse, records
from labtui.adapters.argocd.api import SLOW, Answer, Api, Params, app_path
from labtui.adapters.argocd.known import Known
from labtui.domain.errors import Denied, Invalid, NotFound, OutcomeUnknown, Refused
from labtui.domain.plan import DiffItem
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.argocd import Application, AutoSync, Deployment, RollbackRecord
from labtui.ports import RevisionInfo, SyncRequest, SyncWindow, SyncWindows, TreeNode


class ApplicationCalls:
    """Every call names namespace and project, as Argo CD then tells "not there" from "not allowed"."""

    def __init__(self, api: Api, source: SourceId, known: Known) -> None:
        self._api = api
        self._source = source
        self._known = known

    # Asking

    @property
    def source(self) -> SourceId:
        """The server."""
        return self._source

    def all(self) -> tuple[Application, ...]:
        """Every application that the account may see."""
        data = self._api.read("/api/v1/applications", seconds=SLOW)
        return tuple(self._application(raw) for raw in parse.items(data, "items"))

    def get(self, ref: Ref) -> Application:
        """The whole application, fresh from the server."""
        return self._application(self._raw(ref))

    def refresh(self, ref: Ref, *, hard: bool = False) -> Application:
        """Compare with git now; the server answers when it has."""
        kind = ("refresh", "hard" if hard else "normal")
        data = self._api.read(app_path(ref.name), [*self._scope(ref), kind], seconds=SLOW)
        return self._application(self._named(ref, data))

    def windows(self, ref: Ref) -> SyncWindows:
        """The sync windows, and whether a manual sync may start now."""
        data = self._ask(ref, "syncwindows")
        active = parse.items(data, "activeWindows")
        assigned = parse.items(data, "assignedWindows") or active
        windows = tuple(
            SyncWindow(
                kind=parse.text(w, "kind"),
                schedule=parse.text(w, "schedule"),
                duration=parse.text(w, "duration"),
                manual_sync=w.get("manualSync") is True,
                active=w in active,
            )
            for w in assigned
        )
        return SyncWindows(data.get("canSync") is True, windows)

    def diff(self, ref: Ref) -> tuple[DiffItem, ...]:
        """What a sync would change."""
        return differences.managed(parse.items(self._ask(ref, "managed-resources", seconds=SLOW), "items"))

    def diff_revisions(self, ref: Ref, old: Deployment, new: Deployment) -> tuple[DiffItem, ...]:
        """What differs between the manifests of two deployments, both rendered with today's source settings."""
        found = differences.manifests(self._manifests(ref, old), self._manifests(ref, new))
        if old.sources and new.sources and old.sources != new.sources:
            note = (
                "the source itself (repository, path, chart or its values) differs too, which is not in this comparison"
            )
            return (DiffItem("Application", ref.namespace, ref.name, note=note), *found)
        return found

    def tree(self, ref: Ref) -> tuple[TreeNode, ...]:
        """All resources of the application, parents before children."""
        return tuple(_ordered([_node(raw) for raw in parse.items(self._ask(ref, "resource-tree"), "nodes")]))

    def revision(self, ref: Ref, revision: str, source_index: int = 0) -> RevisionInfo:
        """Who made a commit; of a chart its description."""
        params = [("sourceIndex", str(source_index))]
        try:
            data = self._ask(ref, "revisions", revision, "metadata", params=params)
        except Refused:
            data = self._ask(ref, "revisions", revision, "chartdetails", params=params)
            return RevisionInfo(revision, message=parse.text(data, "description"))
        author, message = parse.text(data, "author"), parse.text(data, "message")
        return RevisionInfo(revision, author, parse.moment(data.get("date")), message)

    def version(self) -> str:
        """`v3.2.11`, without what the builder added."""
        data = self._api.read("/api/version")
        return parse.text(data if isinstance(data, dict) else {}, "Version").partition("+")[0]

    # Doing

    def sync(self, ref: Ref, request: SyncRequest) -> None:
        """Start a sync. The application's own sync options and retries apply when the request has none (server: Sync)."""
        if request.revision and self.get(ref).multi_source:
            raise Invalid(
                f"{ref.name} has several sources",
                "one revision for all of them has no meaning, and Argo CD would ignore it",
                "Leave the revision out, or use argocd app sync --revisions",
            )
        body: dict[str, Any] = {"dryRun": request.dry_run, "prune": request.prune}
        if request.revision:
            body["revision"] = request.revision
        if request.resources:
            names = ("group", "kind", "namespace", "name")
            body["resources"] = [dict(zip(names, each, strict=True)) for each in request.resources]
        self._change(ref, "POST", "sync", body=body)

    def rollback(self, ref: Ref, deployment_id: int, *, prune: bool = False, dry_run: bool = False) -> None:
        """Start a rollback to an entry of the history."""
        self._change(ref, "POST", "rollback", body={"id": deployment_id, "prune": prune, "dryRun": dry_run})

    def terminate(self, ref: Ref) -> None:
        """End the running operation."""
        self._change(ref, "DELETE", "operation")

    def pause_auto_sync(self, ref: Ref, record: RollbackRecord) -> Application:
        """One merge patch: the record, and `automated.enabled: false` if there is an `automated` block to pause."""
        raw = self._raw(ref)
        automated = self._application(raw).auto_sync.configured
        return self._patch(ref, records.pause_patch(record, automated=automated))

    def resume_auto_sync(self, ref: Ref, former: AutoSync | None) -> Application:
        """One merge patch: the record gone, and `automated.enabled` as it was."""
        raw = self._raw(ref)
        automated = self._application(raw).auto_sync.configured
        return self._patch(ref, records.resume_patch(former, automated=automated))

    def _patch(self, ref: Ref, patch: dict[str, Any]) -> Application:
        """Argo CD validates a patched spec against git; where git cannot be reached the whole object is put instead."""
        import json

        body = {"patch": json.dumps(patch), "patchType": "merge"}
        answer = self._send(ref, "PATCH", body=body)
        if answer.code == failures.INVALID_ARGUMENT:
            whole = records.merged(self._raw(ref), patch)
            params = [("validate", "false"), *self._scope(ref)]
            answer = self._api.change("PUT", app_path(ref.name), params, whole)
        self._accepted(answer)
        if not parse.named(answer.data):
            raise OutcomeUnknown("Argo CD took the change, but its answer makes no sense", hint=failures.OBSERVE)
        return self._application(answer.data)

    # Parts

    def _change(self, ref: Ref, method: str, *rest: str, body: dict[str, Any] | None = None) -> None:
        self._accepted(self._send(ref, method, *rest, body=body))

    def _send(self, ref: Ref, method: str, *rest: str, body: dict[str, Any] | None = None) -> Answer:
        scope = self._scope(ref)
        if body is None:
            return self._api.change(method, app_path(ref.name, *rest), scope)
        return self._api.change(method, app_path(ref.name, *rest), (), {"name": ref.name, **dict(scope), **body})

    def _accepted(self, answer: Answer) -> None:
        if answer.code:
            raise failures.of_answer(answer.status, answer.code, answer.message, changing=True)

    def _ask(self, ref: Ref, *rest: str, params: Params = (), seconds: float = 20.0) -> parse.Raw:
        scope = self._scope(ref)
        data = self._api.read(app_path(ref.name, *rest), [*scope, *params], seconds=seconds)
        return data if isinstance(data, dict) else {}

    def _manifests(self, ref: Ref, of: Deployment) -> list[object]:
        params: list[tuple[str, str]]
        if len(of.revisions) > 1:
            params = [("revisions", revision) for revision in of.revisions]
            params += [("sourcePositions", str(n + 1)) for n in range(len(of.revisions))]
        else:
            params = [("revision", of.revisions[0])] if of.revisions else []
        found = self._ask(ref, "manifests", params=params, seconds=SLOW).get("manifests")
        return found if isinstance(found, list) else []

    def _raw(self, ref: Ref) -> parse.Raw:
        key = (ref.namespace, ref.name)
        if self._known.project(key) is not None:
            try:
                return self._named(ref, self._api.read(app_path(ref.name), self._scope(ref)))
            except NotFound:  # gone, or moved to another project meanwhile
                self._known.forget(key)
        return self._find(ref)

    def _find(self, ref: Ref) -> parse.Raw:
        """Ask for it without its project, and learn that. Argo CD then says "permission denied" for what is not there, too."""
        try:
            data = self._api.read(app_path(ref.name), [("appNamespace", ref.namespace)])
        except Denied as error:
            title = f"Argo CD has no application {ref.namespace}/{ref.name}, or does not let you see it"
            raise NotFound(title, error.detail, "labtui status lists what there is") from error
        found = self._named(ref, data)
        self._known.see(parse.projects([found]))
        return found

    def _named(self, ref: Ref, data: Any) -> parse.Raw:
        if not parse.named(data):
            raise NotFound(f"Argo CD has no application {ref.namespace}/{ref.name}", "its answer holds none")
        found: parse.Raw = data
        return found

    def _scope(self, ref: Ref) -> list[tuple[str, str]]:
        """Namespace and project. Raises NotFound for an application that is not there."""
        key = (ref.namespace, ref.name)
        project = self._known.project(key) or parse.projects([self._find(ref)]).get(key, "")
        return [("appNamespace", ref.namespace), ("project", project)]

    def _application(self, raw: parse.Raw) -> Application:
        app = parse.application(raw, self._source, self._exists)
        self._known.see({(app.ref.namespace, app.ref.name): app.project})
        return app

    def _exists(self, namespace: str, name: str) -> bool:
        if not self._known.exists(namespace, name):
            try:
                self._find(Ref(self._source, "Application", namespace, name))
            except (NotFound, Invalid):
                return False
        return True


def _node(raw: parse.Raw) -> TreeNode:
    parents = parse.items(raw, "parentRefs")
    info = ", ".join(f"{parse.text(i, 'name')}: {parse.text(i, 'value')}" for i in parse.items(raw, "info"))
    return TreeNode(
        *_identity(raw),
        health=parse.text(parse.child(raw, "health"), "status"),
        info=info,
        parent=_identity(parents[0]) if parents else None,
    )


def _identity(raw: parse.Raw) -> tuple[str, str, str, str]:
    return (parse.text(raw, "group"), parse.text(raw, "kind"), parse.text(raw, "namespace"), parse.text(raw, "name"))


def _ordered(nodes: list[TreeNode]) -> Iterator[TreeNode]:
    """Parents before children, each node once; a parent that is not in the list does not hide its children."""
    identities = {(n.group, n.kind, n.namespace, n.name) for n in nodes}
    below: dict[tuple[str, str, str, str] | None, list[TreeNode]] = {}
    for node in nodes:
        below.setdefault(node.parent if node.parent in identities else None, []).append(node)
    seen: set[tuple[str, str, str, str]] = set()
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        node = waiting.pop()
        key = (node.group, node.kind, node.namespace, node.name)
        if key not in seen:
            seen.add(key)
            yield node
            waiting.extend(reversed(below.get(key, [])))
