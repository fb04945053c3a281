"""The step BACKUP: a verified backup in one file, before anything changes. It stays when the migration is undone."""

from __future__ import annotations

from pathlib import Path

from labtui.core.backup.archive import BackupReader, verify
from labtui.core.backup.saving import save
from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.operations.backup import BackupParts, verified_json
from labtui.domain.errors import Invalid, NotFound
from labtui.domain.migration.steps import StepName

_KEPT = "no file is written over in the place of a backup"


class SaveStack:
    """Backs the stack up to `folder/MIGRATION.tar`. `core.migration.action.Action`.

    Its data is the file's name, its total checksum and what is in it. A file of that name that is whole is the backup: a part
    that a crash left has another name.
    """

    step = StepName.BACKUP
    name = "archive"
    lasting = ""

    def __init__(self, parts: BackupParts, site: str, stack: str, folder: Path, migration: str) -> None:
        self._parts, self._site, self._stack = parts, site, stack
        self._path = folder / f"{migration}.tar"
        self.title = f"back up files and data of {site}/{stack} into {folder}"

    def look(self, earlier: Data) -> Look:
        """See `Action`. A file that the journal knows is recognised by its checksums' checksum, another one is read through."""
        try:
            with BackupReader(self._path) as reader:
                known = (earlier.get("total"), earlier.get("size")) == (reader.total, reader.size)
        except NotFound:
            return Look(Seen.NOT_DONE, f"{self._path} is not there")
        except Invalid as error:
            return Look(Seen.CHANGED, f"{error}: move it away", firm=_KEPT)
        if known:
            return Look(Seen.DONE, f"{self._path} is there", dict(earlier))
        if earlier.get("total"):
            return Look(Seen.CHANGED, f"{self._path} is another file than the one that was written", firm=_KEPT)
        try:
            found = verify(self._path)
        except Invalid as error:
            return Look(Seen.CHANGED, f"{error}: move it away", firm=_KEPT)
        return Look(Seen.DONE, f"{self._path} is whole", verified_json(self._path, found))

    def do(self, earlier: Data, report: Report) -> Data:
        """See `Action`."""
        wanted = self._parts.wanted(self._site, self._stack)
        for left in wanted.left_out:
            report(f"not in the backup: {left.source}: {left.why}")
        return verified_json(self._path, save(wanted, self._path, self._parts.stores(self._site), report))

    def undo(self, data: Data, report: Report) -> None:
        """See `Action`: the backup is kept."""
        report(f"{self._path} is kept" if self._path.exists() else "there is no backup")
