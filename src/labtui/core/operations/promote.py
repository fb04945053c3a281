"""Promote an application: its values in one environment become those of another, but for what belongs to the environment."""

from __future__ import annotations

import difflib
import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labtui.core.executor import Report
from labtui.core.promotion import Promotion, Rules, differences, promote, read_rules, read_values, rewrite
from labtui.domain.errors import Invalid, NotFound, Refused
from labtui.domain.plan import Danger, DiffItem, Outcome, Plan, Result, Step
from labtui.domain.planning import short
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.ports import GitFiles

LIST = "app-of-apps/values"
RULES = "promote.yaml"


@dataclass(frozen=True, slots=True)
class _File:
    """A value file of the target: what it is, what it becomes, and why."""

    path: str
    source: str
    old: str
    new: str
    keys: tuple[str, ...]
    promotion: Promotion

    @property
    def diff(self) -> tuple[str, ...]:
        names = (f"a/{self.path}", f"b/{self.path}")
        return tuple(difflib.unified_diff(self.old.splitlines(), self.new.splitlines(), *names, lineterm=""))


@dataclass(frozen=True, slots=True)
class _World:
    """What the repository says now."""

    head: str
    files: tuple[_File, ...]
    entry: Mapping[str, Any]
    source_entry: Mapping[str, Any]

    @property
    def changed(self) -> tuple[_File, ...]:
        return tuple(file for file in self.files if file.keys)


class Promote:
    """One commit in the GitOps repository, on top of the remote's head."""

    action = "gitops.promote"

    def __init__(self, files: GitFiles, manifests: str, application: str, source: str, target: str) -> None:
        """`manifests` is the folder in the repository; `source` and `target` are environments."""
        for environment in (source, target):
            if not environment or "/" in environment or environment.startswith("."):
                raise Invalid(f"{environment!r} is no environment", "", "Write labtui promote APP FROM TO")
        if source == target:
            raise Invalid(f"{source} cannot be promoted to itself")
        self._files = files
        self._manifests = manifests.strip("/").removeprefix("./")
        self._application = application
        self._source = source
        self._target = target
        # what is changed is the target environment's entry in git, whether an Argo CD server is there or not
        self.target = Ref(SourceId(SourceKind.ARGOCD, target), "Values", target, application)

    def plan(self) -> Plan:
        """Read both environments at the remote's head, and say what the target's files become."""
        world = self._look()
        changed = world.changed
        steps = tuple(Step(f"Change {', '.join(file.keys)} in {file.path}", file.path) for file in changed)
        title = f"Promote {self._application} from {self._source} to {self._target}"
        if changed:
            steps = (*steps, Step(f"Commit on top of {short(world.head)} and push", "git commit; git push"))
        kept = [key for file in world.files for key in file.promotion.kept]
        return Plan(
            action=self.action,
            title=title if changed else f"{title}: nothing differs",
            target=self.target,
            steps=steps,
            warnings=self._warnings(world),
            refusals=self._refusals(world),
            danger=Danger.CONFIRM,
            facts=(
                ("head", world.head),
                *((file.path, hashlib.sha256(file.new.encode()).hexdigest()[:16]) for file in world.files),
            ),
            diff=tuple(DiffItem("git", "", file.path, file.diff) for file in changed),
            summary=(("From", self._source), ("To", self._target), (f"{self._target} keeps", ", ".join(kept) or "-")),
            undo="git revert of the new commit" if changed else "",
            changes=bool(changed),
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Commit what the plan shows, and push it."""
        world = self._look()
        if refusals := self._refusals(world):
            raise Refused(plan.title, "; ".join(refusals))
        data: dict[str, object] = {"files": [file.path for file in world.changed], "commit": ""}
        if not world.changed:
            words = f"{self._target} already has what {self._source} has"
            return Outcome(Result.DONE, words, "Nothing was changed", data=data)
        report("committing", f"committing {', '.join(file.path for file in world.changed)}")
        texts = {file.path: file.new for file in world.changed}
        commit = self._files.write(world.head, texts, self._message(world))
        report("pushed", f"pushed {short(commit.revision)} {commit.subject}")
        data["commit"] = commit.revision
        state = f"Argo CD sees {short(commit.revision)} when it next compares with git"
        return Outcome(Result.DONE, f"committed and pushed {short(commit.revision)}", state, data=data)

    # What there is

    def _look(self) -> _World:
        head = self._files.head()
        source, target = (self._entry(head, environment) for environment in (self._source, self._target))
        rules = self._rules(head)
        found = []
        for name, path in _value_files(source, self._source).items():
            own = _value_files(target, self._target).get(name)
            if own is None:
                words = f"{self._target}'s entry of {self._application} names no value file {name}"
                raise Refused(words, f"{self._source} has {path}", f"Add it to {self._list(self._target)}")
            if own != path:  # a shared file is the same in both
                found.append(self._file(head, path, own, rules))
        if not found:
            raise Refused(f"{self._application} has no value files of its own in {self._source}")
        return _World(head, tuple(found), target, source)

    def _file(self, head: str, path: str, own: str, rules: Rules) -> _File:
        source = rules.translated(self._files.read(head, path))
        try:
            old = self._files.read(head, own)
        except NotFound as error:
            hint = f"Begin it with what belongs to {self._target}: {', '.join('.'.join(p) for p in rules.own)}"
            raise Refused(f"{self._target} has no {own} yet", error.detail, hint) from error
        promotion = promote(read_values(source, path), read_values(old, own), rules)
        keys = tuple(differences(read_values(old, own), promotion.values))
        new = rewrite(old, promotion.values, source, own) if keys else old
        return _File(own, path, old, new, keys, promotion)

    def _list(self, environment: str) -> str:
        return posixpath.join(self._manifests, LIST, f"{environment}.yaml")

    def _entry(self, head: str, environment: str) -> Mapping[str, Any]:
        path = self._list(environment)
        try:
            values = read_values(self._files.read(head, path), path)
        except NotFound as error:
            hint = "gitops.manifests in the estate file names the folder of app-of-apps"
            raise NotFound(f"There is no environment {environment}", f"{error.title}, {error.detail}", hint) from error
        layers = values.get("layers")
        groups = layers.values() if isinstance(layers, Mapping) else ()
        entries = [e for g in groups if isinstance(g, Mapping) for e in g.get("applications") or () if "name" in e]
        for entry in entries:
            if entry["name"] == self._application:
                found: Mapping[str, Any] = entry
                return found
        near = difflib.get_close_matches(self._application, [str(e["name"]) for e in entries], n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"{path} lists them"
        raise NotFound(f"{environment} has no application {self._application}", "", hint)

    def _rules(self, head: str) -> Rules:
        path = posixpath.join(self._manifests, RULES)
        try:
            text = self._files.read(head, path)
        except NotFound as error:
            hint = "Write which keys belong to an environment there; labtui's own manifests/promote.yaml is an example"
            raise Refused(f"{path} is missing", error.detail, hint) from error
        return read_rules(text, path, self._application, self._source, self._target)

    # What to say

    def _refusals(self, world: _World) -> tuple[str, ...]:
        found = []
        for file in world.files:
            for key in file.promotion.missing:
                found.append(f"{key} belongs to an environment and {self._target} has none: write it in {file.path}")
            for key in file.promotion.foreign:
                words = f"{key} names something of {self._source}: list it in {self._manifests}/{RULES}"
                found.append(f"{words}, as a key or as a word")
        return tuple(found)

    def _warnings(self, world: _World) -> tuple[str, ...]:
        found = []
        for file in world.files:
            found += [f"{key} is new and begins as {self._source} has it" for key in file.promotion.begun]
        if world.entry.get("path") != world.source_entry.get("path"):
            paths = f"{world.source_entry.get('path')} there, {world.entry.get('path')} here"
            found.append(f"The two environments use different charts: {paths}")
        if not world.entry.get("enabled"):
            found.append(f"{self._application} is not enabled in {self._target}")
        return tuple(found)

    def _message(self, world: _World) -> str:
        lines = [f"- {file.path}: {', '.join(file.keys)}" for file in world.changed]
        subject = f"Promote {self._application} from {self._source} to {self._target}"
        return "\n".join((subject, "", f"As of {world.head[:12]}.", *lines, ""))


def _value_files(entry: Mapping[str, Any], environment: str) -> dict[str, str]:
    """The value files of an entry by their names without the environment, as paths from the top of the repository."""
    helm = entry.get("helm")
    names = helm.get("valueFiles") if isinstance(helm, Mapping) else None
    found = {}
    for file in names if isinstance(names, list) else ():
        if not isinstance(file, str) or "://" in file or file.startswith("$"):
            continue
        path = file if file.startswith("/") else f"/{entry.get('path', '')}/{file}"
        path = posixpath.normpath(path).lstrip("/")
        found["/".join("*" if part in (environment, f"{environment}.yaml") else part for part in path.split("/"))] = (
            path
        )
    return found
