"""Make a rollback last: git gets what the cluster has, then auto-sync goes on again. Never the other way round."""

from __future__ import annotations

from dataclasses import dataclass

from labtui.core.executor import Report
from labtui.core.operations.watching import Pace, until
from labtui.domain.errors import LabError, Refused
from labtui.domain.plan import Danger, DiffItem, Outcome, Plan, Result, Step
from labtui.domain.planning import describe_auto_sync, git_paths, short, shorts
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application, AutoSync, RollbackRecord
from labtui.ports import Applications, Commit, GitOps


@dataclass(frozen=True, slots=True)
class _Revert:
    """The commit that would be made: `paths` as they were in `revision`."""

    revision: str
    paths: tuple[str, ...]
    undone: tuple[Commit, ...]
    diff: str


class FinishRollback:
    """After a rollback: a commit that reverts the change in git (where git still has it), then auto-sync as it was before."""

    action = "argocd.finish_rollback"

    def __init__(
        self, applications: Applications, gitops: GitOps | None, target: Ref, pace: Pace | None = None
    ) -> None:
        self.target = target
        self._applications = applications
        self._gitops = gitops
        self._pace = pace or Pace(limit=180)

    def plan(self) -> Plan:
        """Ask Argo CD to compare with git, then see whether git needs a commit."""
        app = self._applications.refresh(self.target)
        record = app.rollback
        name = app.ref.name
        if record is None:
            raise Refused(f"{name} was not rolled back by labtui", "", "There is nothing to finish")
        refusals: list[str] = []
        steps: list[Step] = []
        diff: tuple[DiffItem, ...] = ()
        warnings: tuple[str, ...] = ()
        revert = None
        if app.sync != "Synced":
            try:
                revert = self._revert(app, record)
            except LabError as error:
                refusals.append(str(error))
        if revert:
            steps.append(
                Step(
                    f"Commit {', '.join(revert.paths)} as of {short(revert.revision)} and push it",
                    f"git checkout {short(revert.revision)} -- {' '.join(revert.paths)}; git commit; git push",
                )
            )
            undone = "; ".join(f"{short(c.revision)} {c.subject}" for c in revert.undone)
            warnings = (f"Undoes {len(revert.undone)} commits in git: {undone}",) if undone else ()
            diff = (DiffItem("git", "", ", ".join(revert.paths), tuple(revert.diff.splitlines())),)
        steps.append(
            Step("Let Argo CD compare, and see that git agrees", f"GET /api/v1/applications/{name}?refresh=normal")
        )
        if record.paused:
            steps.append(
                Step(
                    "Turn auto-sync on again, as it was",
                    f"PATCH /api/v1/applications/{name} spec.syncPolicy.automated.enabled="
                    f"{'(absent)' if record.former_enabled is None else str(record.former_enabled).lower()}",
                )
            )
        else:
            steps.append(
                Step("Take the note of the rollback away", f"PATCH /api/v1/applications/{name} metadata.annotations")
            )
        return Plan(
            action=self.action,
            title=f"Make the rollback of {name} last",
            target=app.ref,
            steps=tuple(steps),
            warnings=warnings,
            refusals=tuple(refusals),
            danger=Danger.CONFIRM,
            facts=(
                ("sync status", app.sync),
                ("revision", shorts(app.revisions)),
                ("rolled back to", shorts(record.to_revisions)),
                ("auto-sync", describe_auto_sync(app)),
                ("commits", ", ".join(short(c.revision) for c in revert.undone) if revert else "none"),
            ),
            diff=diff,
            summary=(
                ("Application", f"{app.ref.namespace}/{name}"),
                ("Rolled back", f"{shorts(record.from_revisions)} → {shorts(record.to_revisions)}"),
                ("Auto-sync", describe_auto_sync(app)),
            ),
            undo="git revert of the new commit" if revert else "pause auto-sync again by another rollback",
            also=(app.parent,) if app.parent else (),
        )

    def _revert(self, app: Application, record: RollbackRecord) -> _Revert:
        """What to commit. Raises Refused where it cannot be done from here, saying what to do by hand."""
        by_hand = "Revert it there by hand (git revert), then come back to turn auto-sync on"
        if self._gitops is None:
            raise Refused("The estate file names no GitOps repository", "section gitops", by_hand)
        if not record.to_revisions:
            raise Refused("The record of the rollback names no revision", "", by_hand)
        git_sources = [
            (i, s) for i, s in enumerate(app.sources) if not s.chart and s.path and self._gitops.serves(s.repo_url)
        ]
        if not git_sources:
            places = ", ".join(s.repo_url for s in app.sources)
            raise Refused("Its source is not the estate's GitOps repository", places, by_hand)
        index, _ = git_sources[0]
        revision = record.to_revisions[index if index < len(record.to_revisions) else 0]
        paths = git_paths(app, index)
        undone = self._gitops.commits(revision, self._gitops.head(), paths)
        diff = self._gitops.restore_diff(revision, paths)
        if not diff:
            raise Refused(
                f"git already has what {app.ref.name} was rolled back to, and yet Argo CD calls it {app.sync}",
                "something else differs: its parameters, or a resource that pruning would remove",
                f"Look at labtui diff {app.ref.name}; sync it, then come back",
            )
        return _Revert(revision, paths, undone, diff)

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Commit and push, wait until Argo CD has seen it and agrees, then resume."""
        app = self._applications.get(self.target)
        record = app.rollback
        if record is None:
            raise Refused("The note of the rollback is gone", "somebody finished it meanwhile")
        commit: Commit | None = None
        if app.sync != "Synced" and self._gitops is not None:
            revert = self._revert(app, record)
            report("committing", f"committing {', '.join(revert.paths)} as of {short(revert.revision)}")
            commit = self._gitops.restore(revert.revision, revert.paths, _message(app, record, revert))
            report("pushed", f"pushed {short(commit.revision)} {commit.subject}")
        app = self._agree(commit, report)
        if app.sync != "Synced":
            return Outcome(
                Result.FAILED,
                f"git has the revert, but Argo CD still calls {app.ref.name} {app.sync}; auto-sync was not turned on",
                f"{app.sync}, {app.health}, auto-sync {describe_auto_sync(app)}",
                (f"look at labtui diff {app.ref.name}", f"labtui rollback {app.ref.name} --finish"),
            )
        former = None
        if record.paused:
            report("resuming", "turning auto-sync on again")
            former = AutoSync(True, record.former_enabled, app.auto_sync.prune, app.auto_sync.self_heal)
        app = self._applications.resume_auto_sync(self.target, former)
        words = f"git agrees{f' ({short(commit.revision)})' if commit else ''}, auto-sync is {describe_auto_sync(app)}"
        data: dict[str, object] = {"commit": commit.revision if commit else "", "auto_sync": app.auto_sync.on}
        return Outcome(Result.DONE, words, f"{app.sync}, {app.health}", data=data)

    def _agree(self, commit: Commit | None, report: Report) -> Application:
        """Refresh until Argo CD has compared with our commit (another push may have come on top of it)."""
        report("comparing", "asking Argo CD to compare with git")

        def reached(app: Application) -> bool:
            if app.sync == "Synced":
                return True
            refreshed = self._applications.refresh(self.target)
            return refreshed.sync == "Synced" or (commit is not None and commit.revision in refreshed.revisions)

        self._applications.refresh(self.target)
        until(self._applications, self.target, reached, report, self._pace, "git and the cluster agree")
        return self._applications.get(self.target)


def _message(app: Application, record: RollbackRecord, revert: _Revert) -> str:
    subject = f"Revert {app.ref.name} to {short(revert.revision)}"
    undone = "\n".join(f"- {c.revision[:12]} {c.subject}" for c in revert.undone)
    body = f"It was rolled back in the cluster from {shorts(record.from_revisions)} (history {record.to_id})."
    return f"{subject}\n\n{body}\n" + (f"\nUndone:\n{undone}\n" if undone else "")
