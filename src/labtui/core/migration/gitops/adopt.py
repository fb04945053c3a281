"""Taking a stack's route over from an older application, without a gap: two commits, and what undoes them.

The first marks the route's objects so that Argo CD does not prune them; the second takes them out of the older application and
renders the same objects, of the same namespace and names, from the stack's own. Nothing is deleted: the tracking moves.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.commits import Commits, Texts, settle_unknown
from labtui.core.migration.gitops.oldroute import (
    OldRoute,
    application_of,
    described,
    kept,
    protected,
    protected_template,
    taken_out,
)
from labtui.core.migration.gitops.values import (
    Layout,
    find_entry,
    new_text,
    route_alone,
    with_entry,
    with_values,
    without_entry,
)
from labtui.core.promotion.text import read_values, rewrite
from labtui.domain.errors import NotFound, OutcomeUnknown, Refused
from labtui.domain.migration.steps import StepName
from labtui.domain.planning import git_paths
from labtui.domain.ref import Ref
from labtui.domain.text import clean
from labtui.ports.stacks import Objects

_WHOLE = "a route is taken over whole, and from the application that it was found in"


@dataclass(frozen=True, slots=True)
class Adoption:
    """What both actions need. `values` are the stack's, already made to render the route (`taken_over`)."""

    stack: str
    route: OldRoute
    values: Mapping[str, Any]
    commits: Commits
    layout: Layout
    objects: Objects
    argo: Argo
    old: Ref  # the older application
    application: Ref  # the stack's own
    parent: Ref | None

    def live(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """The route's objects that are there, by kind and name."""
        found = {}
        for kind, name in self.route.objects:
            obj = self.objects.find(kind, self.route.namespace, name)
            if obj is not None:
                found[(kind, name)] = obj
        return found

    def sources(self, head: str) -> tuple[str, tuple[str, ...]]:
        """The folder of the older application's chart, and its value files of this repository."""
        app = self.argo.applications.get(self.old)
        if not app.sources or not app.sources[0].path:
            raise Refused(
                f"{clean(self.old.name)} is not deployed from a folder of the repository",
                "",
                "Take the route out by hand",
            )
        folder = app.sources[0].path.strip("/")
        files = [p for p in git_paths(app) if p != app.sources[0].path]
        inside = [
            posixpath.normpath(posixpath.join(folder, f))
            for f in app.sources[0].value_files
            if not f.startswith(("/", "$"))
        ]
        return folder, tuple(dict.fromkeys([*files, *(f for f in inside if "://" not in f), f"{folder}/values.yaml"]))

    def describing(self, head: str) -> tuple[str, str]:
        """The older application's file that describes the route, and its text. Raises Refused when none does."""
        folder, files = self.sources(head)
        for file in files:
            text = self.commits.texts(head, [file])[file]
            if text is not None and described(text, file, self.route.service) is not None:
                return file, text
        words = f"none of {', '.join(files)} has {clean(self.route.service)}"
        raise Refused(f"The values of {clean(self.old.name)} do not describe the route", words, f"Look into {folder}")

    def await_objects(self, ready: Callable[[Mapping[str, Any]], bool], what: str, report: Report) -> None:
        """Wait until all of the route's objects are so. Raises OutcomeUnknown after the limit."""
        pace = self.argo.pace
        end = pace.monotonic() + min(pace.limit, 60.0)
        while True:
            live = self.live()
            waiting = [f"{kind} {name}" for kind, name in self.route.objects if not ready(live.get((kind, name), {}))]
            if not waiting:
                report(what)
                return
            if pace.monotonic() > end:
                raise OutcomeUnknown(f"Did not see that {what}", ", ".join(waiting))
            pace.wait(pace.every)


@dataclass(frozen=True, slots=True)
class Protect:
    """Commit 1: the objects of the route are not to be pruned."""

    adoption: Adoption
    step: StepName = StepName.WORKLOAD
    name: str = "protect"
    lasting: str = ""

    @property
    def title(self) -> str:
        """See `Action`."""
        return f"keep the objects of today's route, of {clean(self.adoption.old.name)}, from being pruned"

    def look(self, earlier: Data) -> Look:
        """The annotation on the objects, and whether they still belong to the older application."""
        live = self.adoption.live()
        own = self._own()
        data = {"commit": own, "old": self.adoption.route.to_data()}
        if len(live) < len(self.adoption.route.objects):
            gone = [f"{k} {n}" for k, n in self.adoption.route.objects if (k, n) not in live]
            if {k for k, n in self.adoption.route.objects if (k, n) not in live} != {"EndpointSlice"}:
                return Look(Seen.CHANGED, f"of the route is gone: {', '.join(gone)}", data, firm=_WHOLE)
        owners = {application_of(obj) for obj in live.values()}
        if owners == {self.adoption.application.name}:
            return Look(Seen.DONE, "the objects belong to the stack's own application", data)
        if not owners <= {self.adoption.old.name, self.adoption.application.name}:
            return Look(
                Seen.CHANGED, f"the route belongs to {', '.join(sorted(map(clean, owners)))}", data, firm=_WHOLE
            )
        done = all(kept(obj) for obj in live.values())
        return Look(Seen.DONE if done else Seen.NOT_DONE, f"the objects are {'' if done else 'not '}kept", data)

    def do(self, earlier: Data, report: Report) -> Data:
        """One commit; the objects themselves must show it before anything is moved."""
        adoption, head = self.adoption, self.adoption.commits.files.head()
        file, _ = adoption.describing(head)
        templates = self._templates(head)
        takes = any(".annotations" in (text or "") for text in templates.values())
        paths = [file] if takes else [p for p, text in templates.items() if protected_template(text or "") != text]
        if not paths:
            raise Refused(
                f"The chart of {clean(adoption.old.name)} has no objects to keep", "", "Annotate them by hand"
            )

        def rewritten(old: Texts) -> Texts:
            if takes:
                return {file: protected(old[file] or "", file, adoption.route.service)}
            return {path: protected_template(text or "") for path, text in old.items()}

        def make() -> str:
            subject = f"{adoption.stack}: keep the objects of its route"
            return adoption.commits.make(paths, rewritten, subject, self.name, report)

        revision = settle_unknown(make, self._own, report) or self._own()
        adoption.argo.settled(adoption.old, revision or adoption.commits.files.head(), report)
        try:
            adoption.await_objects(kept, "the objects of the route are kept from being pruned", report)
        except OutcomeUnknown as error:
            hint = (
                f"Annotate them in its chart: argocd.argoproj.io/sync-options: Prune=false; then migrate again ({file})"
            )
            raise Refused(
                f"The chart of {clean(adoption.old.name)} does not annotate its objects", error.detail, hint
            ) from error
        return {"commit": revision, "old": adoption.route.to_data(), "files": paths}

    def undo(self, data: Data, report: Report) -> None:
        """Revert that commit, when the objects are the older application's again."""
        own, adoption = self._own(), self.adoption
        if not own:
            report("git has nothing of it to revert")
            if data.get("commit"):  # it was half undone
                adoption.argo.settled(adoption.old, adoption.commits.files.head(), report)
            return
        owners = {application_of(obj) for obj in adoption.live().values()}
        if owners - {adoption.old.name}:
            raise Refused("The route has not gone back yet", f"it belongs to {', '.join(sorted(map(clean, owners)))}")
        adoption.commits.revert(own, f"{adoption.stack}: its route as it was", self.name, report)
        adoption.argo.settled(adoption.old, adoption.commits.files.head(), report)

    def _own(self) -> str:
        head = self.adoption.commits.files.head()
        folder, files = self.adoption.sources(head)
        found = self.adoption.commits.own(head, [folder, *files], self.name).commit
        return found.revision if found else ""

    def _templates(self, head: str) -> Texts:
        folder, _ = self.adoption.sources(head)
        below = self.adoption.commits.files.below(head, folder)
        chart = f"{folder}/Chart.yaml" in below
        found = [
            p for p in below if p.endswith((".yaml", ".yml")) and (not chart or p.startswith(f"{folder}/templates/"))
        ]
        return self.adoption.commits.texts(head, found)


@dataclass(frozen=True, slots=True)
class Adopt:
    """Commit 2: out of the older application, into the stack's own."""

    adoption: Adoption
    step: StepName = StepName.WORKLOAD
    name: str = "adopt"
    lasting: str = ""

    @property
    def title(self) -> str:
        """See `Action`."""
        return f"take the route over from {clean(self.adoption.old.name)}, its traffic still to Docker"

    def look(self, earlier: Data) -> Look:
        """Whose the objects are, in git and in the cluster."""
        adoption = self.adoption
        owners = {application_of(obj) for obj in adoption.live().values()}
        own = self._own()
        data = {"commit": own, "uids": dict(earlier.get("uids") or {})}
        if owners == {adoption.application.name}:
            return Look(Seen.DONE, "the route belongs to the stack's own application", data)
        if not owners <= {adoption.old.name, adoption.application.name}:
            return Look(
                Seen.CHANGED, f"the route belongs to {', '.join(sorted(map(clean, owners)))}", data, firm=_WHOLE
            )
        words = "git has it, Argo CD not yet" if own else f"the route belongs to {clean(adoption.old.name)}"
        return Look(Seen.NOT_DONE, words, data)

    def do(self, earlier: Data, report: Report) -> Data:
        """One commit, then the stack's application first: the older one lets go when the tracking has moved."""
        adoption, head = self.adoption, self.adoption.commits.files.head()
        before = earlier.get("uids") or self._uids()
        if not self._own():
            if not all(kept(obj) for obj in adoption.live().values()):
                raise Refused("The objects of the route are not kept from being pruned", "", "Nothing was moved")
            self._free()
            file, _ = adoption.describing(head)
            path = adoption.layout.values(adoption.stack)
            paths = [file, path, adoption.layout.list]

            def make() -> str:
                subject = f"{adoption.stack}: its route from an application of its own"
                return adoption.commits.make(
                    paths, lambda old: self._moved(old, file, path), subject, self.name, report
                )

            settle_unknown(make, self._own, report)
        revision = self._own() or adoption.commits.files.head()
        # before it has seen the commit the older application would heal what the stack's own has taken over
        adoption.argo.compared(adoption.old, revision, report)
        self._settle(revision, report)
        adoption.argo.settled(adoption.old, revision, report)
        adoption.await_objects(
            lambda obj: application_of(obj) == adoption.application.name, "the route is the stack's own", report
        )
        after = self._uids()
        if changed := [
            name for name, uid in before.items() if after.get(name) != uid and not name.startswith("EndpointSlice")
        ]:
            report(f"made anew, and not taken over: {', '.join(changed)}")
        return {"commit": self._own(), "uids": dict(before)}

    def undo(self, data: Data, report: Report) -> None:
        """First nothing but the route in the stack's application, so that the rest is pruned; then the files as they were."""
        adoption, own = self.adoption, self._own()
        if not own and not data.get("commit"):
            report("git has nothing of it to revert")
            return
        if foreign := {application_of(o) for o in adoption.live().values()} - {
            adoption.old.name,
            adoption.application.name,
        }:
            raise Refused(
                "The route belongs to somebody else", ", ".join(sorted(map(clean, foreign))), "Nothing was changed"
            )
        if own:
            self._give_back(own, report)
        revision = adoption.commits.files.head()
        if adoption.parent is not None:
            adoption.argo.settled(adoption.parent, revision, report)
            entry = self._entry(revision)
            if entry is not None and entry.enabled:  # it was there before the migration
                adoption.argo.settled(adoption.application, revision, report)
            else:
                adoption.argo.gone(adoption.parent, adoption.application, report)
        adoption.argo.settled(adoption.old, revision, report)
        adoption.await_objects(
            lambda obj: application_of(obj) == adoption.old.name,
            f"the route is {clean(adoption.old.name)}'s again",
            report,
        )

    def _give_back(self, own: str, report: Report) -> None:
        adoption = self.adoption
        path = adoption.layout.values(adoption.stack)
        head = adoption.commits.files.head()
        entry = self._entry(head)
        if entry is not None and entry.enabled and adoption.commits.texts(head, [path])[path] is not None:
            subject = f"{adoption.stack}: nothing but its route"
            adoption.commits.make(
                [path], lambda old: {path: route_alone(old[path] or "", path)}, subject, "narrow", report
            )
            self._settle(adoption.commits.files.head(), report)
        adoption.commits.make(*self._restored(own, path), f"undo of {self.name}", report)

    def _restored(self, own: str, path: str) -> tuple[list[str], Callable[[Texts], Texts], str]:
        """Files, what they become, and the message: the older application's values get back what was taken out."""
        adoption = self.adoption
        touched = [c for c in adoption.commits.files.touched(own, ["."], 2)]
        before = touched[1].revision if len(touched) > 1 else own
        _, files = adoption.sources(before)
        texts = {f: adoption.commits.texts(before, [f])[f] or "" for f in files}
        file = next(f for f, text in texts.items() if text and described(text, f, adoption.route.service))
        former = texts[file]
        place = described(former, file, adoption.route.service) or ()
        there = adoption.commits.texts(before, [path, adoption.layout.list])
        known = find_entry(there[adoption.layout.list] or "", adoption.layout.list, adoption.stack)

        def restored(old: Texts) -> Texts:
            text, listed = old[file] or "", old[adoption.layout.list] or ""
            now = text if described(text, file, adoption.route.service) else _put_back(text, former, file, place)
            if known is None or not known.enabled:
                listed = without_entry(listed, adoption.layout, adoption.stack, keep=known is not None)
            return {file: now, path: there[path], adoption.layout.list: listed}

        message = f"{adoption.stack}: its route from {adoption.old.name} again\n\nThis reverts commit {own}."
        return [file, path, adoption.layout.list], restored, message

    def _moved(self, old: Texts, file: str, path: str) -> Texts:
        adoption = self.adoption
        listed = old[adoption.layout.list]
        if listed is None:
            raise NotFound(f"The repository has no list of applications {adoption.layout.list}")
        stand = {"workload": False, "traffic": "docker"}
        values = {**stand, **{k: v for k, v in adoption.values.items() if k not in stand}}
        text = old[path]
        new = with_values(text, path, values) if text else new_text(values, f"The stack {adoption.stack}")
        entry = with_entry(listed, adoption.layout, adoption.stack, adoption.route.namespace, {}, beside=True)
        return {file: taken_out(old[file] or "", file, adoption.route.service), path: new, adoption.layout.list: entry}

    def _free(self) -> None:
        """Services that the stack brings must not be there already: the namespace is the older application's."""
        adoption = self.adoption
        names = {
            n
            for c, v in adoption.values["components"].items()
            for n in (c, *((v.get("service") or {}).get("aliases") or ()))
        }
        for name in sorted(names - {adoption.route.service}):
            found = adoption.objects.find("Service", adoption.route.namespace, name)
            if found is not None and application_of(found) != adoption.application.name:
                raise Refused(
                    f"The namespace {clean(adoption.route.namespace)} has a Service {clean(name)} already",
                    f"it belongs to {clean(application_of(found)) or 'nobody'}",
                    "The stack's component of that name needs another one; Argo CD would take it over",
                )

    def _settle(self, revision: str, report: Report) -> None:
        if self.adoption.parent is not None:
            self.adoption.argo.settled(self.adoption.parent, revision, report)
        self.adoption.argo.settled(self.adoption.application, revision, report)

    def _entry(self, head: str) -> Any:
        listed = self.adoption.commits.texts(head, [self.adoption.layout.list])[self.adoption.layout.list]
        return find_entry(listed or "", self.adoption.layout.list, self.adoption.stack)

    def _uids(self) -> dict[str, str]:
        return {f"{k} {n}": str(obj["metadata"].get("uid", "")) for (k, n), obj in self.adoption.live().items()}

    def _own(self) -> str:
        commits = self.adoption.commits
        found = commits.own(commits.files.head(), [self.adoption.layout.list], self.name).commit
        return found.revision if found else ""


def _put_back(text: str, former: str, file: str, place: tuple[Any, ...]) -> str:
    """A text with what stood at a place before; its lines (and comments) come from the former text."""
    values, before = read_values(text, file), read_values(former, file)
    here, there = values, before
    for key in place[:-1]:
        if isinstance(here, dict) and not here.get(key):
            here[key] = type(there[key])()
        here, there = here[key], there[key]
    if isinstance(here, list):
        here.insert(min(place[-1], len(here)), there[place[-1]])
    else:
        here[place[-1]] = there[place[-1]]
    return rewrite(text, values, former, file)
