"""Making a backup: files, data place by place, versions of secrets; verified by reading it back before it has its name."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labtui.core.backup.archive import BackupWriter, Verified, differences, listing_line, on_disk, read_listing
from labtui.core.backup.tarstream import CHUNK, Damaged, entries, escapes
from labtui.domain.backup import (
    CHANGED_SHOWN,
    DataPlace,
    Entry,
    LeftOut,
    Manifest,
    PlaceState,
    SavedPlace,
    SavedSecret,
    SourceFile,
)
from labtui.domain.conversion.rules.common import in_words
from labtui.domain.errors import Refused, Unreachable
from labtui.domain.text import clean
from labtui.ports.moving import DataStore, DataStores

Report = Callable[[str], None]
MARGIN = 1.05  # the tar's headers, the lists of files

README = """\
A backup of {name}, made by labtui at {made}.

It can be read with tar alone; labtui restore checks and restores it.
  sha256sum -c SHA256SUMS                    after tar -xf: is everything whole?
  files/                                     Compose files, templates and env files (THESE HOLD SECRETS)
  data/N-NAME.tar                            what a volume or folder holds: tar -xpf data/N-NAME.tar --strip-components=1 -C FOLDER
  data/N-NAME.files.jsonl                    its files with owner, mode, time and SHA-256, one JSON object a line
  manifest.json                              what is what, what was left out and why, the versions of secrets in Vault
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a backup is to hold."""

    site: str
    stack: str
    made: str
    by: str
    files: tuple[SourceFile, ...]
    places: tuple[DataPlace, ...]
    left_out: tuple[LeftOut, ...] = ()
    secrets: tuple[SavedSecret, ...] = ()
    images: tuple[str, ...] = ()


def save(wanted: Wanted, path: Path, stores: DataStores, report: Report) -> Verified:
    """Write the backup to `path`, which must not be there. Raises Refused (no room, in use), Unreachable, Damaged."""
    if path.exists():
        raise Refused(f"{path} is there already", "", "Choose another folder, or move it away")
    with BackupWriter(path, part_of(wanted.site, wanted.stack)) as writer:
        room(path.parent, wanted.places)
        readme = README.format(name=clean(f"{wanted.site}/{wanted.stack}"), made=wanted.made)
        writer.add("README.txt", readme.encode())
        for file in wanted.files:
            writer.add(f"files/{file.path}", file.content)
        with stores.open(owner_of(writer.part), wanted.images) as store:
            saved, missing = _places(wanted, writer, store, report)
        manifest = Manifest(
            wanted.site,
            wanted.stack,
            wanted.made,
            wanted.by,
            tuple(f"files/{f.path}" for f in wanted.files),
            saved,
            (*wanted.left_out, *missing),
            wanted.secrets,
            wanted.images,
        )
        report("reading it back")
        found = writer.finish(manifest)
    report(f"{path} is whole: {in_words(found.size)}, {found.total[:12]}")
    return found


def part_of(site: str, stack: str) -> str:
    """The name of an unfinished backup: one for a stack, so that the next run finds what a crash has left."""
    return f"{site}-{stack}.tar.part"


def owner_of(path: Path) -> str:
    """Whose helpers on an engine are whose: those of one file of one machine, which one labtui at a time has open."""
    return hashlib.sha256(f"{socket.gethostname()}\0{path.absolute()}".encode()).hexdigest()[:16]


def room(folder: Path, places: Iterable[DataPlace]) -> None:
    """Raises Refused when what is known of the sizes does not fit on the disk, with the numbers."""
    known = [p.size for p in places if p.size is not None]
    needed, free = int(sum(known) * MARGIN), shutil.disk_usage(folder).free
    if needed > free:
        words = f"the data is {in_words(needed)} at least, and {folder} has {in_words(free)} free"
        raise Refused("There is no room for the backup", words, "Make room, or choose another folder with --to")


def _places(
    wanted: Wanted, writer: BackupWriter, store: DataStore, report: Report
) -> tuple[tuple[SavedPlace, ...], tuple[LeftOut, ...]]:
    saved: list[SavedPlace] = []
    missing: list[LeftOut] = []
    for number, place in enumerate(wanted.places, 1):
        report(f"reading {clean(place.words)}")
        state = store.state(place)
        if state is None:
            missing.append(LeftOut(place.source, "it is not there, or is no file or folder"))
            report(f"{clean(place.words)} is not there: nothing to save")
            continue
        name = f"data/{number:02}-{slug(place.source)}"
        one = _with_retry(place, state, name, writer, store, report)
        saved.append(one)
        report(f"{clean(place.words)}: {one.entries} entries, {in_words(one.bytes)}")
    return tuple(saved), tuple(missing)


def slug(source: str) -> str:
    """A short plain name for a member."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", "/".join(source.split("/")[-2:])).strip("-")[-40:] or "data"


def _with_retry(
    place: DataPlace, state: PlaceState, name: str, writer: BackupWriter, store: DataStore, report: Report
) -> SavedPlace:
    """Read it, then read it once more and compare: what changes meanwhile is read anew once, then named."""
    for last in (False, True):
        try:
            found = _one(place, state, name, writer, store, give_up=last)
        except (Damaged, Unreachable) as error:
            if last:
                advice = "Files in it change while they are read: stop what writes to it for the time of the backup"
                raise Refused(f"{clean(place.words)} could not be read to its end", error.cause, advice) from error
            report(f"{clean(place.words)} was cut off ({error.cause}): read again")
            continue
        if found is not None:
            if found.changed_count:
                report(
                    f"▲ {clean(place.words)}: {found.changed_count} files changed while they were read, also the second time"
                )
            return found
        report(f"{clean(place.words)} changed while it was read: read again")
    raise AssertionError("the last turn answers or raises")


class _Changed(Exception):
    """Leaves the block of a member that is to be written anew."""


def _one(
    place: DataPlace, state: PlaceState, name: str, writer: BackupWriter, store: DataStore, *, give_up: bool
) -> SavedPlace | None:
    """None: it changed while it was read, and nothing is kept of it unless `give_up`."""
    member, listing = f"{name}.tar", f"{name}.files.jsonl"
    with writer.scratch() as scratch:
        count = size = 0
        changed: list[str] = []
        odd = 0
        try:
            with writer.stream(member) as take:
                with store.read(place) as read:
                    for entry in entries(read, take):
                        if escapes(entry):
                            raise Damaged("The engine sent a name that leads out of its folder")
                        with on_disk(writer.part):
                            scratch.write(listing_line(entry))
                        count, size = count + 1, size + entry.size
                scratch.seek(0)
                with store.read(place) as read:
                    for words in differences(read_listing(scratch.read, member), _hashed(read)):
                        odd += 1
                        if len(changed) < CHANGED_SHOWN:
                            changed.append(words)
                if odd and not give_up:
                    raise _Changed
        except _Changed:
            return None
        scratch.seek(0)
        with writer.stream(listing) as take:
            while piece := scratch.read(CHUNK):
                take(piece)
    return SavedPlace(place, member, listing, state, count, size, tuple(changed), odd)


def _hashed(read: Callable[[int], bytes]) -> Iterator[Entry]:
    yield from entries(read)
