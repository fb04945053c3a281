"""Pure builders of plans for Argo CD applications: from what is known to exact steps, warnings and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labtui.domain.plan import Danger, DiffItem, Plan, Step
from labtui.domain.resources.argocd import Application, Deployment


@dataclass(frozen=True, slots=True)
class Window:
    """What sync windows say now: `allowed`, and in words which windows decide."""

    allowed: bool
    words: str = ""


def short(revision: str) -> str:
    """A commit as people write it; chart versions and branch names stay whole."""
    is_commit = len(revision) == 40 and all(c in "0123456789abcdef" for c in revision)
    return revision[:7] if is_commit else revision


def shorts(revisions: Sequence[str]) -> str:
    """Several revisions (one a source)."""
    return ", ".join(short(r) for r in revisions) or "unknown"


def refusals_now(app: Application, window: Window) -> tuple[str, ...]:
    """Why Argo CD would not start any operation on this application now (its own rules, server/application/application.go)."""
    found = []
    if app.deleting:
        found.append("application is deleting")
    if app.busy:
        running = (
            f": {app.operation.message}" if app.operation and app.operation.running and app.operation.message else ""
        )
        found.append(f"another operation is already in progress{running}")
    if not window.allowed:
        found.append(
            f"cannot sync: blocked by sync window ({window.words})" if window.words else "blocked by sync window"
        )
    return tuple(found)


def describe_auto_sync(app: Application) -> str:
    """`on (prune, self-heal)`, `off`, `paused (…)`."""
    auto = app.auto_sync
    if not auto.configured:
        return "off"
    extras = ", ".join(word for word, on in (("prune", auto.prune), ("self-heal", auto.self_heal)) if on)
    return ("on" if auto.on else "paused") + (f" ({extras})" if extras else "")


def unknown_resources(app: Application, wanted: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Why chosen resources cannot be synced. Argo CD leaves out what it does not find, and calls the sync of nothing a success."""
    found = []
    for group, kind, namespace, name in wanted:
        alike = [r for r in app.resources if (r.kind, r.name) == (kind, name) and namespace in ("", r.namespace)]
        if not any(r.group == group for r in alike):
            groups = ", ".join(f"{r.group}:{r.kind}:{r.namespace}/{r.name}" for r in alike)
            words = f"the application has no resource {f'{group}:' if group else ''}{kind}:{namespace}/{name}"
            found.append(words.replace(":/", ":") + (f"; do you mean {groups}?" if groups else ""))
    return found


def plan_sync(
    app: Application,
    *,
    revision: str,
    prune: bool,
    dry_run: bool,
    resources: Sequence[tuple[str, str, str, str]],
    window: Window,
    diff: tuple[DiffItem, ...],
    notes: tuple[str, ...] = (),
) -> Plan:
    """The plan of a sync. `diff` is live against desired; `notes` are warnings from gathering it."""
    refusals = list(refusals_now(app, window))
    # Argo CD: "Cannot sync to X: auto-sync currently set to Y"
    targets = {s.target_revision for s in app.sources}
    if revision and revision not in targets and app.auto_sync.on and not dry_run:
        refusals.append(f"Cannot sync to {revision}: auto-sync currently set to {', '.join(sorted(targets)) or 'HEAD'}")
    refusals += unknown_resources(app, resources)
    warnings = list(notes)
    pruned = [r for r in app.resources if r.requires_pruning]
    if pruned and prune:
        names = ", ".join(f"{r.kind} {r.namespace}/{r.name}" for r in pruned)
        warnings.append(f"Deletes {len(pruned)} that git no longer has: {names}")
    elif pruned:
        names = ", ".join(f"{r.kind} {r.namespace}/{r.name}" for r in pruned)
        warnings.append(f"Leaves {len(pruned)} that git no longer has (prune is off): {names}")
    if app.rollback:
        warnings.append(
            f"It was rolled back to {shorts(app.rollback.to_revisions)}: a sync brings back what git has now"
        )
    if resources:
        warnings.append("A sync of chosen resources runs no hooks and is not written into the history")
    wanted = revision or ", ".join(sorted(t or "HEAD" for t in targets)) or "HEAD"
    count = len(resources)
    what = "all resources" if not resources else f"{count} resource" + ("" if count == 1 else "s")
    words = f"Sync {what} to {wanted}" + (", prune" if prune else "") + (", as a dry run" if dry_run else "")
    return Plan(
        action="argocd.sync",
        title=f"Sync {app.ref.name}",
        target=app.ref,
        steps=(
            Step(words, f"POST /api/v1/applications/{app.ref.name}/sync"),
            Step("Follow the operation to its end", ""),
        ),
        warnings=tuple(warnings),
        refusals=tuple(refusals),
        danger=Danger.HIGH if pruned and prune and not dry_run else Danger.CONFIRM,
        facts=(
            ("sync status", app.sync),
            ("revision", shorts(app.revisions)),
            ("to", wanted),
            ("prune", str(prune)),
            ("dry run", str(dry_run)),
            ("to be pruned", str(len(pruned))),
            ("resources", str(len(resources))),
            ("auto-sync", describe_auto_sync(app)),
        ),
        diff=diff,
        summary=(
            ("Application", f"{app.ref.namespace}/{app.ref.name}"),
            ("State", f"{app.sync}, {app.health}"),
            ("Revision", f"{shorts(app.revisions)} → {wanted}"),
            ("Auto-sync", describe_auto_sync(app)),
        ),
        undo="" if dry_run else f"roll it back: R on the screen, labtui rollback {app.ref.name}",
    )


def previous(app: Application) -> Deployment | None:
    """The newest entry of the history that differs from the one deployed now."""
    if not app.history:
        return None
    now = app.history[-1]
    for entry in reversed(app.history[:-1]):
        if (entry.revisions, entry.sources) != (now.revisions, now.sources):
            return entry
    return None


def plan_rollback(
    app: Application,
    to: Deployment,
    *,
    prune: bool,
    window: Window,
    diff: tuple[DiffItem, ...],
    notes: tuple[str, ...] = (),
    dry_run: bool = False,
) -> Plan:
    """The plan of a rollback to an entry of the history (reading: Argo CD's own checks in application.go: Rollback)."""
    refusals = list(refusals_now(app, window))
    now = app.history[-1] if app.history else None
    if now is not None and now.id == to.id:
        refusals.append(f"{to.id} is what is deployed now")
    if app.auto_sync.on and app.appset:
        refusals.append(
            f"its ApplicationSet {app.appset} would turn auto-sync on again; change git instead (git revert), "
            "or the ApplicationSet"
        )
    steps: list[Step] = []
    name = app.ref.name
    if app.auto_sync.on:
        steps.append(
            Step(
                "Pause auto-sync (prune and self-heal settings stay)",
                f"PATCH /api/v1/applications/{name} spec.syncPolicy.automated.enabled=false",
            )
        )
        if app.parent:
            steps.append(
                Step(
                    f"Check that the parent application {app.parent.name} leaves the pause alone",
                    f"GET /api/v1/applications/{app.parent.name}?refresh=normal",
                )
            )
    steps.append(
        Step(
            f"Roll back to history {to.id}: {shorts(to.revisions)}" + (", prune" if prune else ""),
            f"POST /api/v1/applications/{name}/rollback id={to.id}",
        )
    )
    steps.append(Step("Follow the operation to its end and read the result back"))
    warnings = list(notes)
    warnings.append("Sync hooks do not run in a rollback (Argo CD's rule)")
    if app.auto_sync.on:
        warnings.append("Auto-sync stays off until git agrees: afterwards labtui offers the commit that makes it last")
    removed = [r for r in app.resources if r.requires_pruning]
    if removed and not prune:
        warnings.append("Resources that the older revision does not have stay (prune is off)")
    return Plan(
        action="argocd.rollback",
        title=f"Roll back {name}",
        target=app.ref,
        steps=tuple(steps),
        warnings=tuple(warnings),
        refusals=tuple(refusals),
        danger=Danger.HIGH,
        facts=(
            ("deployed", f"{now.id} {shorts(now.revisions)}" if now else "none"),
            ("to", f"{to.id} {shorts(to.revisions)}"),
            ("auto-sync", describe_auto_sync(app)),
            ("prune", str(prune)),
            ("dry run", str(dry_run)),
        ),
        diff=diff,
        summary=(
            ("Application", f"{app.ref.namespace}/{name}"),
            ("Deployed now", f"{now.id}: {shorts(now.revisions)}" if now else "unknown"),
            ("Back to", f"{to.id}: {shorts(to.revisions)}"),
            ("Auto-sync", describe_auto_sync(app)),
            *((("Parent", app.parent.name),) if app.parent else ()),
        ),
        undo="sync it again: git still has the newer revision",
        also=(app.parent,) if app.parent and app.auto_sync.on else (),
    )


def git_paths(app: Application, source_index: int = 0) -> tuple[str, ...]:
    """The paths of the repository that decide what a git source renders: its folder and the value files outside of it.

    `/values/x.yaml` counts from the top of the repository, `../x.yaml` from the folder (Argo CD, Helm value files);
    `$ref/…` is resolved by its reference name where the same repository is meant.
    """
    source = app.sources[source_index]
    found = [source.path] if source.path else []
    for file in source.value_files:
        if "://" in file:
            continue
        if file.startswith("$"):
            found.append(file.partition("/")[2])
            continue
        parts: list[str] = [] if file.startswith("/") else [p for p in source.path.split("/") if p not in ("", ".")]
        for part in file.split("/"):
            if part == ".." and parts:
                parts.pop()
            elif part not in ("", ".", ".."):
                parts.append(part)
        found.append("/".join(parts))
    top = source.path.strip("/")
    return tuple(dict.fromkeys(p for p in found if p and (p == source.path or not p.startswith(top + "/"))))
