"""Small commits of a migration, and what the branch's history says of them: git itself remembers what was done and undone.

Each commit carries the migration and the action in its message, so that a crash between the push and the journal loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from labtui.core.migration.action import Report
from labtui.domain.errors import LabError, NotFound, OutcomeUnknown, Refused
from labtui.domain.planning import short
from labtui.domain.text import clean
from labtui.ports import Commit
from labtui.ports.stacks import GitHistory

ATTEMPTS = 5
HISTORY = 1000  # commits of a path that are looked at: a stack may be brought back years after it moved
_MIGRATION = re.compile(r"^Labtui-Migration: (\S+)$", re.M)
_ACTION = re.compile(r"^Labtui-Action: (.+)$", re.M)
_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\.$", re.M)

Texts = Mapping[str, str | None]
Rewrite = Callable[[Texts], Texts]  # the files as they are → as they are to be; None: not there


@dataclass(frozen=True, slots=True)
class Own:
    """What the history says of one action of one migration."""

    commit: Commit | None = None  # its newest commit that was not reverted
    foreign: Commit | None = None  # the newest commit of somebody else since the migration's own last one


@dataclass(frozen=True, slots=True)
class Commits:
    """Makes and finds the commits of one migration."""

    files: GitHistory
    migration: str

    def texts(self, revision: str, paths: Sequence[str]) -> Texts:
        """The files at a revision; None for one that is not there."""
        return {path: self._text(revision, path) for path in paths}

    def _text(self, revision: str, path: str) -> str | None:
        try:
            return self.files.read(revision, path)
        except NotFound:
            return None

    def own(self, revision: str, paths: Sequence[str], action: str) -> Own:
        """What was done by `action` on these paths, and whether others were there since. Bounded to the newest commits."""
        reverted: set[str] = set()
        commit: Commit | None = None
        foreign: Commit | None = None
        ours = False
        for found in self.files.touched(revision, paths, HISTORY):
            reverted.update(_REVERTS.findall(found.body))
            mine = self.migration in _MIGRATION.findall(found.body)
            if not mine and not ours and foreign is None:
                foreign = found
            ours = ours or mine
            named = mine and action in _ACTION.findall(found.body)
            if named and not _REVERTS.search(found.body) and not _in(found.revision, reverted):
                commit = commit or found
        return Own(commit, foreign if ours else None)

    def make(self, paths: Sequence[str], rewrite: Rewrite, subject: str, action: str, report: Report) -> str:
        """Commit what `rewrite` makes of the files, on top of the remote's head; answers the revision, empty if nothing differs.

        Others may push meanwhile, as long as they leave these files alone; raises Refused when they do not.
        """
        first: Texts | None = None
        message = f"{subject}\n\n{self._trailer(action)}"
        for _ in range(ATTEMPTS):
            head = self.files.head()
            old = self.texts(head, paths)
            if first is not None and old != first:
                raise self._changed(head, paths)
            first = old
            new = {path: text for path, text in rewrite(old).items() if text != old.get(path)}
            if not new:
                return ""
            try:
                made = self.files.write(head, new, message)
            except Refused:
                if self.files.head() == head:
                    raise
                report("somebody pushed to git meanwhile; looking again")
                continue
            report(f'pushed {short(made.revision)} "{_first_line(subject)}"')
            return made.revision
        raise Refused("Others push to git faster than labtui can", f"{ATTEMPTS} attempts", "Try again in a moment")

    def revert(self, revision: str, subject: str, action: str, report: Report) -> str:
        """Revert one commit; answers the new revision. Raises Refused with what to do when later commits are in its way."""
        for _ in range(ATTEMPTS):
            head = self.files.head()
            try:
                made = self.files.revert(revision, f"{subject}\n\n{self._trailer(action)}")
            except Refused as error:
                if error.title == "Somebody pushed to git meanwhile" or self.files.head() != head:
                    report("somebody pushed to git meanwhile; looking again")
                    continue
                raise
            report(f'pushed {short(made.revision)} "{_first_line(subject)}"')
            return made.revision
        raise Refused("Others push to git faster than labtui can", f"{ATTEMPTS} attempts", "Try again in a moment")

    def _trailer(self, action: str) -> str:
        return f"Labtui-Migration: {self.migration}\nLabtui-Action: {action}"

    def _changed(self, head: str, paths: Sequence[str]) -> LabError:
        newest = next(iter(self.files.touched(head, paths, 1)), None)
        what = f"{short(newest.revision)} {clean(newest.subject, 80)} by {clean(newest.author, 40)}" if newest else head
        return Refused(
            f"Somebody changed {', '.join(paths)} meanwhile", what, "Nothing was pushed; look at it, then go on or undo"
        )


def in_words(commit: Commit) -> str:
    """A commit for people."""
    return f'{short(commit.revision)} "{clean(commit.subject, 80)}" by {clean(commit.author or "somebody", 40)}'


def settle_unknown(act: Callable[[], str], landed: Callable[[], str], report: Report) -> str:
    """A push whose answer is lost is not repeated: look at the remote whether it has it."""
    try:
        return act()
    except OutcomeUnknown as error:
        report(f"{error.title.lower()}: looking at the remote")
        found = landed()
        if not found:
            raise
        return found


def _first_line(message: str) -> str:
    return clean(message.partition("\n")[0], 100)


def _in(revision: str, prefixes: set[str]) -> bool:
    return any(revision.startswith(prefix) for prefix in prefixes)
