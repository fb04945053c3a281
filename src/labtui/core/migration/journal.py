"""The journal that the engine writes: on this disk first, then its copy in the cluster; both before the next thing is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from labtui.core.migration.journal_file import JournalFile
from labtui.domain.errors import Refused
from labtui.domain.migration.journal import Entry, Mark
from labtui.domain.migration.lines import compact, decode, encode, join
from labtui.domain.migration.steps import StepName
from labtui.ports import Clock
from labtui.ports.migration import JournalMirror, MirrorCopy


class Journal(Protocol):
    """What the engine needs of a journal. Tests put something around it that dies at the n-th entry."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""

    def append(self, mark: Mark, step: StepName | None, action: str, text: str, data: Mapping[str, Any]) -> Entry:
        """Write an entry and have it safe in all copies. Raises Refused when it cannot be (a full disk, another writer), or
        Unreachable when it is on this disk and not known to be in the cluster: call `settle` before anything is done."""

    def settle(self) -> None:
        """Bring the copy in the cluster up to date, if it is not. Raises Refused, Denied, Unreachable."""


class MirroredJournal:
    """A `JournalFile` and its mirror. Made under a lease: nobody else writes either."""

    def __init__(
        self,
        file: JournalFile,
        mirror: JournalMirror,
        place: tuple[str, str],
        identity: str,
        *,
        by: str,
        fence: int,
        clock: Clock,
    ) -> None:
        """`place` is site and stack. Reads nothing yet: call `reconcile` first."""
        self._file, self._mirror = file, mirror
        self._site, self._stack = place
        self._identity, self._by, self._fence, self._clock = identity, by, fence, clock
        self._version = ""
        self._behind = False
        self._text = ""  # what the mirror is to have, when that is known already

    @property
    def entries(self) -> tuple[Entry, ...]:
        """See `Journal`."""
        return self._file.entries

    def reconcile(self) -> str:
        """Make both copies the same: the longer one wins, or the one of the later holder. Answers what was done, in words.

        Raises Refused when the mirror holds another migration of the stack that has not ended, or neither copy is right.
        """
        copy = self._mirror.read(self._site, self._stack)
        if copy is None:
            self._behind = bool(self.entries)
            self.settle()
            return ""
        self._demand_ours(copy)
        self._version = copy.version
        mirrored = entries_of(copy)
        if copy.migration != self._identity:
            self._behind = True  # it has ended (`Migrations` sees to that): the new one takes its place
            return ""
        joined = join(self.entries, mirrored)
        self._behind = joined.mirror_behind
        said = ""
        if joined.local_behind:
            kept = self._file.replace(joined.entries, aside=bool(joined.aside))
            said = f"The journal was continued from its copy in the cluster, up to entry {joined.entries[-1].number}"
            if joined.aside:
                first, last = joined.aside[0].number, joined.aside[-1].number
                said += f"; entries {first} to {last} of this machine never reached it and are kept in {kept}"
        self.settle()
        return said

    def append(self, mark: Mark, step: StepName | None, action: str, text: str, data: Mapping[str, Any]) -> Entry:
        """See `Journal`."""
        number = self.entries[-1].number + 1 if self.entries else 1
        entry = Entry(number, self._clock.now(), self._identity, mark, step, action, self._by, self._fence, text, data)
        entry = decode_one(encode(entry), number)
        text_of_all = compact((*self.entries, entry))  # refuses before it is written what the mirror could not take
        self._file.append(entry)
        self._behind, self._text = True, text_of_all
        self.settle()
        return entry

    def settle(self) -> None:
        """See `Journal`."""
        if not self._behind:
            return
        text = self._text or compact(self.entries)
        wanted = MirrorCopy(self._identity, self._site, self._stack, self._fence, text, self._version)
        try:
            self._version = self._mirror.write(wanted).version
        except Refused:
            self._version = self._version_of_our_own(wanted)
        self._behind, self._text = False, ""

    def _version_of_our_own(self, wanted: MirrorCopy) -> str:
        """After a conflict: a write of ours whose answer was lost is one of ours, too. Raises Refused if it is not."""
        there = self._mirror.read(self._site, self._stack)
        if there is None:
            return self._mirror.write(replace(wanted, version="")).version
        self._demand_ours(there)
        if there.migration == self._identity and there.text == wanted.text:
            return there.version
        ours = there.migration == self._identity and there.fence == self._fence
        if ours and all(entry in self.entries for entry in entries_of(there)):
            return self._mirror.write(replace(wanted, version=there.version)).version
        raise Refused("Somebody else wrote the journal's copy in the cluster, so no further step is done", _of(there))

    def _demand_ours(self, copy: MirrorCopy) -> None:
        if (copy.site, copy.stack) != (self._site, self._stack):
            raise Refused("The journal's copy in the cluster is that of another stack", f"{copy.site}/{copy.stack}")
        if copy.fence > self._fence:
            raise Refused("Another labtui has taken this migration over, so no further step is done", _of(copy))


def entries_of(copy: MirrorCopy) -> tuple[Entry, ...]:
    """The entries of a mirrored journal. Raises Refused when it is damaged: no crash of ours leaves a part of it."""
    parsed = decode(copy.text.encode("utf-8", "replace"), f"the copy of {copy.site}/{copy.stack} in the cluster")
    if parsed.damaged:
        raise Refused("The journal's copy in the cluster is damaged, so nothing is done", parsed.damaged)
    return parsed.entries


def decode_one(line: str, number: int) -> Entry:
    """An entry as it is read back: what is compared later has to be what was written."""
    found = json.dumps({"left_out": [1, number - 1]}) + "\n" + line
    return decode(found.encode("ascii"), "entry").entries[0]


def _of(copy: MirrorCopy) -> str:
    last = entries_of(copy)[-1:]
    who = f"{last[0].by} wrote entry {last[0].number} at {last[0].at:%Y-%m-%d %H:%M:%S} UTC" if last else "it is empty"
    return f"{copy.migration}: {who}"
