"""Waiting until Argo CD has taken up a commit: by its state, never by a pause; its phases are reported in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from labtui.core.migration.action import Report
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, MustUndo, NotFound, OutcomeUnknown, SignedOut, Unreachable
from labtui.domain.planning import short, shorts
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application
from labtui.domain.text import clean
from labtui.ports import SyncRequest
from labtui.ports.stacks import Deployments

WIPE = "will wipe out all resources"  # what auto-sync says of an application that has become empty (argo-cd, autoSync)
ERROR_SECONDS = 60.0  # an error that lasts so long does not pass by itself: git that was away for a moment does
REFRESH_SECONDS = 3.0  # a comparison with git that was asked for is done by then, or asked for again


@dataclass(frozen=True, slots=True)
class Argo:
    """Follows applications. `contains(revision, commit)` says whether a revision that Argo CD is at has a commit in it."""

    applications: Deployments
    contains: Callable[[str, str], bool]
    pace: Pace = field(default_factory=lambda: Pace(limit=300.0))

    def settled(self, ref: Ref, commit: str, report: Report) -> Application:
        """Refresh and wait until the application is Synced at `commit` or later and nothing runs. Syncs by itself where
        auto-sync is off or does not prune. Raises MustUndo with Argo CD's words when the sync fails, OutcomeUnknown after
        the limit."""
        return _Follow(self, ref, commit, report).run()

    def compared(self, ref: Ref, commit: str, report: Report) -> Application:
        """Refresh and wait until the application has been compared with `commit` or later, whatever comes out."""
        return _Follow(self, ref, commit, report, whatever=True).run()

    def gone(self, parent: Ref, ref: Ref, report: Report) -> None:
        """Wait until the parent has taken an application away."""
        report(f"waiting until Argo CD has taken the application {clean(ref.name, 60)} away")
        end = self.pace.monotonic() + self.pace.limit
        while True:
            try:
                self.applications.refresh(parent)
                self.applications.get(ref)
            except NotFound:
                return
            except (Unreachable, SignedOut) as error:
                report(f"Argo CD does not answer ({error.cause}); still looking")
            if self.pace.monotonic() > end:
                raise OutcomeUnknown(f"{ref.name} is still there after {self.pace.limit:.0f} s")
            self.pace.wait(self.pace.every)


class _Follow:
    """One wait for one application."""

    def __init__(self, argo: Argo, ref: Ref, commit: str, report: Report, *, whatever: bool = False) -> None:
        self._whatever = whatever
        self._argo, self._apps, self._pace = argo, argo.applications, argo.pace
        self._ref, self._commit, self._report = ref, commit, report
        self._name = clean(ref.name, 60)
        self._refreshed = float("-inf")
        self._synced = False  # a sync of our own was started
        self._ended = False
        self._told = ""
        self._wrong_since = float("inf")

    def run(self) -> Application:
        end = self._pace.monotonic() + self._pace.limit
        self._tell(f"Argo CD compares {self._name} with git")
        last, seen = "it was not seen", False
        while True:
            try:
                app = self._look()
                seen = True
                if self._reached(app):
                    self._tell(f"Argo CD: {self._name} is {app.sync} at {shorts(app.revisions)}")
                    return app
                last = f"{app.sync} at {shorts(app.revisions)}, {app.health}"
                self._push_on(app)
            except (Unreachable, SignedOut) as error:
                seen = False
                self._tell(f"Argo CD does not answer ({error.cause}); still looking")
            except NotFound:
                self._tell(f"Argo CD does not have {self._name} yet")
            if self._pace.monotonic() > end:
                words = f"Argo CD did not take up {short(self._commit)} in {self._pace.limit:.0f} s"
                # what answers all along and does not get there will not: only where it is away nobody knows
                kind = MustUndo if seen else OutcomeUnknown
                raise kind(words, last, f"Look at labtui diff {self._name}")
            self._pace.wait(self._pace.every)

    def _look(self) -> Application:
        now = self._pace.monotonic()
        if now - self._refreshed >= REFRESH_SECONDS:
            app = self._apps.refresh(self._ref)
            self._refreshed = self._pace.monotonic()
            return app
        return self._apps.get(self._ref)

    def _at_it(self, revisions: tuple[str, ...]) -> bool:
        return any(self._argo.contains(revision, self._commit) for revision in revisions)

    def _reached(self, app: Application) -> bool:
        settled = self._whatever or (app.sync == "Synced" and not app.busy)
        return settled and self._at_it(app.revisions)

    def _push_on(self, app: Application) -> None:
        operation = app.operation
        if operation is not None:
            retry = f", attempt {operation.retries + 1}" if operation.retries else ""
            if operation.running or self._at_it(operation.revisions):
                words = clean(operation.message, 200)
                self._tell(f"Argo CD: {operation.phase}{retry}{f': {words}' if words else ''}")
        empty = any(WIPE in condition.message for condition in app.conditions)
        for condition in app.conditions:
            if condition.type.endswith("Error") and WIPE not in condition.message:
                self._hold_against(clean(condition.message, 600), at_it=self._at_it(app.revisions))
                break
        else:
            self._wrong_since = float("inf")
        if app.busy:
            self._end_older(app)
            return
        if not self._at_it(app.revisions):
            self._refreshed = float("-inf")
            return
        ours = operation is not None and self._at_it(operation.revisions)
        if operation is not None and ours and operation.phase in ("Failed", "Error"):
            results = "; ".join(
                f"{r.kind} {r.name}: {r.message}" for r in operation.results if r.status == "SyncFailed"
            )
            raise MustUndo(
                f"Argo CD could not sync {self._name}", clean(results or operation.message, 600), "Correct it in git"
            )
        by_itself = app.auto_sync.on and app.auto_sync.prune and not empty
        if not self._synced and (not by_itself or (ours and app.sync == "OutOfSync" and self._heals_not(app))):
            self._synced = True
            why = "nothing is left in it" if empty else "its auto-sync is off, or does not prune"
            self._tell(f"syncing {self._name}: {why}")
            self._apps.sync(self._ref, SyncRequest(prune=True))

    def _hold_against(self, words: str, *, at_it: bool) -> None:
        """An error with our commit is final. One that comes before Argo CD has taken it up may pass, and is told meanwhile."""
        self._tell(f"Argo CD: {words}")
        self._wrong_since = min(self._wrong_since, self._pace.monotonic())
        if at_it or self._pace.monotonic() - self._wrong_since > ERROR_SECONDS:
            raise MustUndo(f"Argo CD cannot deploy {self._name}", words, "Correct it in git")

    @staticmethod
    def _heals_not(app: Application) -> bool:
        return not app.auto_sync.self_heal

    def _end_older(self, app: Application) -> None:
        """A sync of an older commit that fails and is tried again would keep ours waiting for minutes."""
        operation = app.operation
        if self._ended or operation is None or not operation.running or not operation.retries:
            return
        if operation.revisions and not self._at_it(operation.revisions):
            self._ended = True
            self._tell(f"ending the sync of {shorts(operation.revisions)}, which fails again and again")
            try:
                self._apps.terminate(self._ref)
            except LabError as error:  # it may have ended just now; the next look tells
                self._tell(f"Argo CD: {error.cause}")

    def _tell(self, words: str) -> None:
        if words != self._told:
            self._told = words
            self._report(words)
