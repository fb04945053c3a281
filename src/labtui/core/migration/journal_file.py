"""Journals on this machine's disk: `STATE/migrations/ID.jsonl`, on disk before a call returns, readable by nobody else."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from labtui.domain.errors import NotFound, Refused
from labtui.domain.migration.journal import Entry
from labtui.domain.migration.lines import decode, encode, encode_all
from labtui.domain.migration.names import valid_id


class JournalFile:
    """One journal. A last line that a crash cut off is overwritten by the next entry; `damaged` tells of it."""

    def __init__(self, path: Path) -> None:
        """Reads what is there. Raises Refused when it cannot be read, or is damaged before its end."""
        self.path = path
        raw, self._known = b"", (0, 0, 0)  # device, inode and size of the file as it was read or written last
        try:
            with path.open("rb") as file:
                raw, self._known = file.read(), _identity(file.fileno())
        except FileNotFoundError:
            pass
        except OSError as error:
            raise Refused("The journal cannot be read", f"{path}: {error.strerror}") from error
        parsed = decode(raw, str(path))
        self.entries: tuple[Entry, ...] = parsed.entries
        self.damaged = parsed.damaged
        self._good = parsed.good

    def append(self, entry: Entry) -> None:
        """Write one entry after the last. Raises Refused when it is not safely on disk: then the file is as it was."""
        line = encode(entry).encode("ascii")
        try:
            new = self._make()
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                self._claim(handle, new)
                self._write(handle, line)
                self._known = _identity(handle)
            finally:
                os.close(handle)
            if new:
                _sync_folder(self.path.parent)  # else the file's name may be lost in a crash of the machine
        except OSError as error:
            raise Refused(
                "The journal cannot be written, so no further step is done",
                f"{self.path}: {error.strerror}",
                "Make room or correct the permissions, then go on",
            ) from error
        self._good += len(line)
        self.damaged = ""
        self.entries = (*self.entries, entry)

    def replace(self, entries: Sequence[Entry], aside: bool) -> Path | None:
        """Become these entries at once; with `aside` the former file is kept beside it, and its path is answered."""
        text = encode_all(entries).encode("ascii")
        fresh = self.path.with_suffix(".new")
        kept = None
        try:
            self._make()
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                _write_all(handle, text)
                os.fsync(handle)
            finally:
                os.close(handle)
            if aside:
                kept = self._free_name()
                os.link(self.path, kept)
            os.replace(fresh, self.path)
            self._known = _identity_of(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise Refused(
                "The journal cannot be written, so nothing is done", f"{self.path}: {error.strerror}"
            ) from error
        self.entries, self._good, self.damaged = tuple(entries), len(text), ""
        return kept

    def _make(self) -> bool:
        """Make the folder when it is missing. Is the file new?"""
        folder = self.path.parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync_folder(folder.parent)
        return not self.path.exists()

    def _claim(self, handle: int, new: bool) -> None:
        """Two labtuis of one machine may have the file open: one that woke after a takeover must not overwrite the other's."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until it is closed
        except BlockingIOError:
            raise Refused("Another labtui writes the journal at this moment", str(self.path), "Try again") from None
        found = _identity(handle)
        if found != self._known and not (new and self._known == (0, 0, 0) and found[2] == 0):
            raise Refused(
                "Another labtui has written the journal meanwhile, so no further step is done",
                str(self.path),
                "See what it does: labtui migration list",
            )

    def _write(self, handle: int, line: bytes) -> None:
        os.ftruncate(handle, self._good)  # what a crash left behind the last whole line
        os.lseek(handle, self._good, os.SEEK_SET)
        try:
            _write_all(handle, line)
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, self._good)  # a full disk takes a part of a line
            raise

    def _free_name(self) -> Path:
        number = 1
        while (path := self.path.with_suffix(f".aside-{number}")).exists():
            number += 1
        return path


class JournalFolder:
    """All journals of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ids(self) -> tuple[str, ...]:
        """The migrations that have a journal here, sorted."""
        try:
            return tuple(sorted(path.stem for path in self.folder.glob("*.jsonl")))
        except OSError as error:
            raise Refused("The journals cannot be read", f"{self.folder}: {error.strerror}") from error

    def open(self, identity: str) -> JournalFile:
        """A journal, empty when it is not there yet. Raises Invalid for what is no id, Refused for damage."""
        return JournalFile(self.folder / f"{valid_id(identity)}.jsonl")

    def existing(self, identity: str) -> JournalFile:
        """Like `open`, for one that has to be there. Raises NotFound."""
        found = self.open(identity)
        if not found.entries:
            raise NotFound(f"There is no migration {identity}", "", "labtui migration list shows those that there are")
        return found


def _identity(handle: int) -> tuple[int, int, int]:
    found = os.fstat(handle)
    return found.st_dev, found.st_ino, found.st_size


def _identity_of(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
