"""Restoring a backup: what would be done, and doing it. The file is verified before anything is touched, each place after."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labtui.core.backup.archive import BackupReader, differences, renamed
from labtui.core.backup.saving import owner_of, slug
from labtui.core.backup.tarstream import CHUNK, entries
from labtui.domain.backup import DataPlace, PlaceKind, SavedPlace
from labtui.domain.errors import Invalid, LabError, NotFound, Refused
from labtui.domain.text import clean
from labtui.ports.moving import DataStore, DataStores

Report = Callable[[str], None]
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Target:
    """One place of a backup and where it goes. `there`: it exists and something is in it; `same`: just what the backup has.
    `refusal` non-empty: it cannot be restored now, and why."""

    saved: SavedPlace
    to: DataPlace
    exists: bool
    there: bool = False
    same: bool = False
    refusal: str = ""

    @property
    def words(self) -> str:
        """`volume web_db`, `/srv/web/config → /srv/back/01-config`."""
        origin = clean(self.saved.place.words)
        return origin if self.to == self.saved.place else f"{origin} → {clean(self.to.words)}"


def targets(reader: BackupReader, store: DataStore, folder: str, overwrite: bool) -> tuple[Target, ...]:
    """Where each place would go: where it came from, or into `folder` of the site's host. Asks; changes nothing."""
    if folder and (not folder.startswith("/") or ":" in folder or ".." in folder.split("/")):
        raise Invalid(f"{clean(folder)!r} cannot be restored to", "it is a folder of the site's host: an absolute path")
    return tuple(
        _target(reader, saved, number, store, folder.rstrip("/"), overwrite)
        for number, saved in enumerate(reader.manifest.places, 1)
    )


def _target(
    reader: BackupReader, saved: SavedPlace, number: int, store: DataStore, folder: str, overwrite: bool
) -> Target:
    to = saved.place
    if folder:
        name = f"{number:02}-{slug(to.source)}" if saved.state.folder else posixpath.basename(to.source)
        to = DataPlace(
            PlaceKind.BIND, f"{folder}/{number:02}-file/{name}" if not saved.state.folder else f"{folder}/{name}"
        )
    state = store.state(to)
    if state is None:
        return Target(saved, to, exists=False)
    there = not (state.folder and _empty(to, store))
    if there and state.folder == saved.state.folder:
        with store.read(to) as read:
            if next(differences(reader.listing(saved.listing), entries(read)), None) is None:
                return Target(saved, to, exists=True, there=True, same=True)
    refusal = ""
    if state.folder != saved.state.folder:
        refusal = f"{clean(to.words)} is {'a folder' if state.folder else 'a file'} now"
    elif to.kind is PlaceKind.VOLUME and there and state.in_use:
        refusal = f"{clean(to.words)} belongs to {clean(', '.join(state.in_use))}: remove these containers first (docker compose down)"
    elif state.running:
        refusal = f"{clean(', '.join(state.running))} runs with {clean(to.words)}: stop it first"
    elif there and not overwrite:
        refusal = f"{clean(to.words)} is not empty: --overwrite replaces what is in it, --to FOLDER goes elsewhere"
    return Target(saved, to, exists=True, there=there, refusal=refusal)


def _empty(place: DataPlace, store: DataStore) -> bool:
    with store.read(place) as read:
        found = entries(read)
        next(found, None)  # the folder itself
        return next(found, None) is None


def restore(reader: BackupReader, chosen: tuple[Target, ...], stores: DataStores, report: Report) -> tuple[str, ...]:
    """Restore these, one after the other, and compare each with the backup. Answers what differs, in words; empty: nothing.

    Raises Refused before anything is changed; a LabError in the middle says what is restored already.
    """
    if refused := [t.refusal for t in chosen if t.refusal]:
        raise Refused("Nothing was restored", "; ".join(refused))
    report(f"checking {reader.path}")
    reader.verify()
    odd: list[str] = []
    done: list[str] = []
    with stores.open(owner_of(reader.path), reader.manifest.images) as store:
        for target in chosen:
            if target.same:
                report(f"{clean(target.to.words)} is as in the backup already")
                continue
            report(f"restoring {target.words}")
            try:
                odd += _one(reader, target, store)
            except LabError as error:
                so_far = f"restored before that: {', '.join(done)}" if done else "nothing was restored before that"
                raise type(error)(
                    error.title, f"{error.cause}; {target.words} is not whole; {so_far}", error.hint
                ) from error
            done.append(target.words)
    return tuple(odd)


def _one(reader: BackupReader, target: Target, store: DataStore) -> list[str]:
    saved, to = target.saved, target.to
    if to.kind is PlaceKind.VOLUME and target.there:
        store.remove_volume(to.source)
    if to.kind is PlaceKind.VOLUME and (target.there or not target.exists):
        store.make_volume(to.source, saved.state)
    with reader.open(saved.member) as read:
        store.write(to, saved.state, _stream(saved, to, read))
    try:
        with store.read(to) as read:
            more = to.kind is PlaceKind.BIND and target.there
            found = list(_first(differences(reader.listing(saved.listing), entries(read), more=more)))
    except NotFound:
        found = ["it is not there after all"]
    return [f"{clean(to.words)}: {clean(words, 300)}" for words in found]


def _first(words: Iterator[str]) -> Iterator[str]:
    """The first few, and how many more there are: a whole volume may differ."""
    count = 0
    for count, one in enumerate(words, 1):
        if count <= SHOWN:
            yield one
    if count > SHOWN:
        yield f"and {count - SHOWN} more"


def _stream(saved: SavedPlace, to: DataPlace, read: Callable[[int], bytes]) -> Iterator[bytes]:
    if not saved.state.folder:
        yield from renamed(read, posixpath.basename(to.source))
        return
    while piece := read(CHUNK):
        yield piece
