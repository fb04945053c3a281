"""What is known of the mount's tree. Pure: listings and metadata go in, changes come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from labtui.adapters.vault.parse import askable
from labtui.domain.changes import Change, Remove, Resync, Upsert
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources.vault import SecretPath

KIND = "Secret"
KINDS = frozenset({KIND})
# What is read without being asked for; a folder beyond these stays closed until the user opens it.
MOST_PATHS = 300
DEEPEST = 8


class Tree:
    """Folders and secrets of one mount. The top folder is the empty name; it has no row of its own."""

    def __init__(self, source: SourceId, mount: str) -> None:
        self._source = source
        self._mount = mount
        self._open: set[str] = set()
        self.rows: dict[str, SecretPath] = {}

    @property
    def open_folders(self) -> tuple[str, ...]:
        """The folders that are listed again and again, the top first."""
        return tuple(sorted(self._open))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets whose metadata can be asked for."""
        return tuple(sorted(name for name, row in self.rows.items() if not row.folder and askable(name)))

    def ref(self, name: str) -> Ref:
        """The identity of a path."""
        return Ref(self._source, KIND, self._mount, name)

    def inviting(self) -> tuple[str, ...]:
        """The closed folders that are to be read without being asked for, the highest first."""
        room = MOST_PATHS - len(self.rows)
        closed = [n for n, row in self.rows.items() if row.folder and not row.open and askable(n)]
        shallow = sorted((n.count("/"), n) for n in closed if n.count("/") <= DEEPEST)
        return tuple(name for _, name in shallow[: max(0, room)])

    def listed(self, folder: str, names: Iterable[str]) -> tuple[Change, ...]:
        """A folder's names are these. New folders come closed, new secrets without metadata."""
        self._open.add(folder)
        changes = self._mark(folder, "")
        wanted = {folder + name for name in names}
        for name in [n for n in self.rows if n not in wanted and _parent(n) == folder]:
            changes += self._drop(name)
        for name in sorted(wanted - self.rows.keys()):
            words = "" if askable(name) else "its name cannot be asked for"
            changes.append(self._put(SecretPath(self.ref(name), folder=name.endswith("/"), denied=words)))
        return tuple(changes)

    def refused(self, folder: str, words: str) -> tuple[Change, ...]:
        """A folder may not be listed; what was known of it is not known any more."""
        self._open.add(folder)
        changes: list[Change] = []
        # an open folder below is asked for itself, and may well be allowed
        for name in [n for n in self.rows if _parent(n) == folder and n not in self._open]:
            changes += self._drop(name)
        return tuple(changes + self._mark(folder, words))

    def described(self, row: SecretPath) -> tuple[Change, ...]:
        """A secret's metadata is this."""
        known = self.rows.get(row.ref.name)
        return () if known is None or known == row else (self._put(row),)

    def hidden(self, name: str, words: str) -> tuple[Change, ...]:
        """A secret's metadata may not be read."""
        return self.described(SecretPath(self.ref(name), denied=words))

    def gone(self, name: str) -> tuple[Change, ...]:
        """A secret is no longer there."""
        return tuple(self._drop(name)) if name in self.rows else ()

    def resync(self) -> Resync:
        """Everything that is known."""
        return Resync(self._source, KINDS, tuple(self.rows[name] for name in sorted(self.rows)))

    def recall(self, former: Tree) -> None:
        """Take the metadata of an earlier connection, so that rows do not go blank while it is read again."""
        for name, row in self.rows.items():
            known = former.rows.get(name)
            if known is not None and not row.folder and not row.denied:
                self.rows[name] = known

    def _mark(self, folder: str, words: str) -> list[Change]:
        if not folder:
            return []
        row = self.rows.get(folder) or SecretPath(self.ref(folder), folder=True)
        marked = replace(row, open=True, denied=words)
        return [] if self.rows.get(folder) == marked else [self._put(marked)]

    def _put(self, row: SecretPath) -> Upsert:
        self.rows[row.ref.name] = row
        return Upsert(row)

    def _drop(self, name: str) -> list[Change]:
        """A path and, if it is a folder, all below it."""
        below = [n for n in self.rows if n == name or (name.endswith("/") and n.startswith(name))]
        self._open.difference_update(below)
        for each in below:
            del self.rows[each]
        return [Remove(self.ref(each)) for each in sorted(below)]


def _parent(name: str) -> str:
    """The folder that a path is in: `apps/` for `apps/immich` and `apps/media/`; empty at the top."""
    head, slash, _ = name.removesuffix("/").rpartition("/")
    return head + slash
