"""The simulated GitOps repository: a line of commits, each with all the manifests that it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from labtui.demo.objects import Key, Manifest, key_of, unified
from labtui.domain.errors import NotFound, Refused
from labtui.ports import Commit

BRANCH = "main"
Files = Mapping[str, Manifest]  # path: what is rendered from it


@dataclass(frozen=True, slots=True)
class _Entry:
    commit: Commit
    files: Files


class Repository:
    """Implements `ports.GitOps`. `answer` is called before every question, `changed` after every new commit."""

    def __init__(self, url: str, clock_now: Callable[[], datetime]) -> None:
        self.url = url
        self._now = clock_now
        self._log: list[_Entry] = []

    # Making history

    def add(
        self, subject: str, author: str, date: datetime, changes: Mapping[str, Manifest | None], body: str = ""
    ) -> Commit:
        """A commit on top: new or changed files; None removes one."""
        files = dict(self._log[-1].files) if self._log else {}
        for path, manifest in changes.items():
            if manifest is None:
                files.pop(path, None)
            else:
                files[path] = manifest
        before = self._log[-1].commit.revision if self._log else ""
        revision = hashlib.sha1(f"{before}\n{subject}\n{author}\n{date.isoformat()}".encode(), usedforsecurity=False)
        commit = Commit(revision.hexdigest(), subject, author, date, body)
        self._log.append(_Entry(commit, files))
        return commit

    # What Argo CD asks

    def resolve(self, name: str) -> str:
        """A branch, tag or (short) revision as a full revision. Raises NotFound."""
        if name in ("", "HEAD", BRANCH):
            return self._log[-1].commit.revision
        found = [e.commit.revision for e in self._log if len(name) >= 7 and e.commit.revision.startswith(name)]
        if len(found) != 1:
            raise NotFound(f"unable to resolve '{name}' to a commit SHA")
        return found[0]

    def objects(self, revision: str, place: str) -> dict[Key, Manifest]:
        """What is rendered from `place` (a folder or a values file) at a revision."""
        return {key_of(manifest): manifest for manifest in self.files(revision, (place,)).values()}

    def files(self, revision: str, paths: Sequence[str]) -> dict[str, Manifest]:
        """The files below `paths` at a revision; `values.yaml#x` is what is rendered as x from `values.yaml`."""
        inside = self._at(revision).files
        starts = tuple(f"{path.strip('/')}{mark}" for path in paths for mark in "/#")
        return {file: manifest for file, manifest in inside.items() if file.startswith(starts)}

    def now(self) -> datetime:
        """The time of a commit that is made now."""
        return self._now()

    def contains(self, revision: str, older: str) -> bool:
        """Is `older` this revision or one before it?"""
        revisions = [entry.commit.revision for entry in self._log]
        return revisions.index(older) <= revisions.index(revision)

    def knows(self, *revisions: str) -> bool:
        """Are all of these commits of this repository?"""
        return {*revisions} <= {entry.commit.revision for entry in self._log}

    def parent(self, revision: str) -> str:
        """The revision before another one. Raises NotFound for the first."""
        revisions = [entry.commit.revision for entry in self._log]
        if revision in revisions[1:]:
            return revisions[revisions.index(revision) - 1]
        raise NotFound(f"The repository {self.url} has nothing before {revision[:12]}")

    def log(self, revision: str) -> Iterator[tuple[Commit, frozenset[str]]]:
        """The commits up to a revision, newest first, each with the rendered files that it changed."""
        revisions = [entry.commit.revision for entry in self._log]
        for number in range(revisions.index(revision), -1, -1):
            here, before = self._log[number].files, self._log[number - 1].files if number else {}
            yield (
                self._log[number].commit,
                frozenset(f for f in here.keys() | before.keys() if here.get(f) != before.get(f)),
            )

    def revert(self, revision: str, message: str) -> Commit:
        """A commit on top of the head that takes another one back. Raises Refused where later ones are in its way."""
        after, before, now = (self._at(r).files for r in (revision, self.parent(revision), self.head()))
        changed = [f for f in after.keys() | before.keys() if after.get(f) != before.get(f)]
        if busy := sorted(f for f in changed if now.get(f) not in (after.get(f), before.get(f))):
            words = "cannot be reverted by itself: later commits changed the same lines"
            raise Refused(f"{revision[:7]} {words}", f"git revert ends in a conflict in {busy[0]}")
        back = {f: before.get(f) for f in changed if now.get(f) != before.get(f)}
        if not back:
            raise Refused("git already has it", f"what {revision[:7]} did is undone on the branch {BRANCH}")
        subject, _, body = message.partition("\n")
        return self.add(subject, "you@demo", self._now(), back, body.strip("\n"))

    def commit(self, revision: str) -> Commit:
        """A commit by its full revision. Raises NotFound."""
        return self._at(revision).commit

    def _at(self, revision: str) -> _Entry:
        for entry in reversed(self._log):
            if entry.commit.revision == revision:
                return entry
        raise NotFound(f"The repository {self.url} has no commit {revision[:12]}")

    # ports.GitOps

    def serves(self, repo_url: str) -> bool:
        """Is this the clone of that repository?"""
        return repo_url.removesuffix("/").removesuffix(".git") == self.url.removesuffix(".git")

    def head(self) -> str:
        """The newest revision."""
        return self._log[-1].commit.revision

    def commits(self, old: str, new: str, paths: Sequence[str]) -> tuple[Commit, ...]:
        """The commits after `old` up to `new` that touch `paths`, newest first."""
        revisions = [entry.commit.revision for entry in self._log]
        for revision in (old, new):
            self._at(revision)
        found = []
        for number in range(revisions.index(new), revisions.index(old), -1):
            here, before = self._log[number], self._log[number - 1]
            if self.files(here.commit.revision, paths) != self.files(before.commit.revision, paths):
                found.append(here.commit)
        return tuple(found)

    def restore_diff(self, revision: str, paths: Sequence[str]) -> str:
        """Unified diff from the head to `paths` as they were in `revision`."""
        now, then = self.files(self.head(), paths), self.files(revision, paths)
        lines: list[str] = []
        for file in sorted(now.keys() | then.keys()):
            names = (f"a/{file}" if file in now else "/dev/null", f"b/{file}" if file in then else "/dev/null")
            lines.extend(unified(now.get(file), then.get(file), names))
        return "".join(f"{line}\n" for line in lines)

    def restore(self, revision: str, paths: Sequence[str], message: str) -> Commit:
        """A commit on top of the head in which `paths` are as they were in `revision`."""
        now, then = self.files(self.head(), paths), self.files(revision, paths)
        changes: dict[str, Manifest | None] = {file: None for file in now if file not in then}
        changes |= {file: manifest for file, manifest in then.items() if now.get(file) != manifest}
        if not changes:
            raise Refused("git already has it", f"{', '.join(paths)} at {revision[:7]} equals the branch {BRANCH}")
        return self.add(message.splitlines()[0], "you@demo", self._now(), changes)
