"""All migrations that this labtui knows of: read in the background when asked, and followed while one runs here.

Nothing of the engine is imported before a migration is first looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from textual.app import App

from labtui.core.inventory import Delta
from labtui.core.lab import Lab
from labtui.domain.changes import Change, Remove, Upsert
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref
from labtui.domain.resources.migration import KIND, Migration, migration_ref
from labtui.domain.text import clean
from labtui.tui.background import in_background

if TYPE_CHECKING:
    from labtui.core.migration.service import Record
    from labtui.core.migration.watching import Observation
    from labtui.tui.migration.track import Track

Known = tuple[list[tuple["Record", str, Migration]], LabError | None, dict[str, str]]


class Reading(Enum):
    """How well the list is known."""

    NOT_YET = 0
    UNDER_WAY = 1
    KNOWN = 2


class MigrationBoard:
    """Lives on the screen's thread. `told` is called with what has changed."""

    def __init__(self, app: App[Any], lab: Lab) -> None:
        self.app = app
        self.lab = lab
        self.reading = Reading.NOT_YET
        self.problem = ""  # why some may be missing
        self.damaged: dict[str, str] = {}
        self._again = False
        self._tracks: list[Track] = []
        self._refs: set[Ref] = set()
        self._shown: dict[int, tuple[int, Ref]] = {}  # by id of the track: its version and Ref when it was last shown

    # What there is

    def ask_once(self) -> None:
        """Read the list unless that has been done."""
        if self.reading is Reading.NOT_YET:
            self.read()

    def read(self) -> None:
        """Read the list, in the background; when it is being read already, once more afterwards."""
        if self.lab.make_migrations is None:
            return
        if self.reading is Reading.UNDER_WAY:
            self._again = True
            return
        self.reading = Reading.UNDER_WAY
        in_background(self.app, self._list, self._listed, "list migrations")

    def _list(self) -> Known:
        from labtui.core.migration.overview import migration_of

        migrations = self.lab.migrations
        found = migrations.list()
        problem, records = found.problem, []
        for record in found.records:
            made = migration_of(record)
            holder = ""
            if not made.ended and problem is None:
                try:
                    held = migrations.holder(record.about)
                    holder = held.holder if held is not None else ""
                except LabError as error:
                    problem = error
            records.append((record, holder, migration_of(record, holder) if holder else made))
        return records, problem, dict(found.damaged)

    def _listed(self, answer: Known | LabError) -> None:
        self.reading = Reading.KNOWN
        if isinstance(answer, LabError):
            self.problem = clean(f"{answer.title}: {answer.cause}")
            self._tell([])
        else:
            records, problem, self.damaged = answer
            self.problem = clean(f"{problem.title}: {problem.cause}") if problem is not None else ""
            self._tell(self._changes(records, whole=problem is None))
        if self._again:
            self._again = False
            self.read()

    def _changes(self, records: Iterable[tuple[Record, str, Migration]], *, whole: bool) -> list[Change]:
        changes: list[Change] = []
        seen = set()
        for record, holder, made in records:
            seen.add(made.ref)
            track = self._track(record.about.id)
            if track is not None and not track.running:
                track.read(record, holder, self.lab.clock.now())
                changes.append(Upsert(track.migration()))
            elif track is None:
                changes.append(Upsert(made))
        if whole:  # else those that are missing may only not be known now
            ours = {self._ref(track) for track in self._tracks if track.running}
            changes += [Remove(ref) for ref in self._refs - seen - ours]
        return changes

    # Runs of this labtui

    def track_of(self, site: str, stack: str, identity: str = "") -> Track:
        """The track of a migration, made when there is none; of the one that runs on this stack when no id is given."""
        from labtui.tui.migration.track import Track

        for track in self._tracks:
            if track.id == identity and identity:
                return track
            if not identity and (track.site, track.stack) == (site, stack) and (track.running or not track.entries):
                return track
        track = Track(site, stack, identity, wake=self._wake)
        self._tracks.append(track)
        return track

    def _track(self, identity: str) -> Track | None:
        return next((track for track in self._tracks if track.id == identity), None)

    def running(self) -> list[Track]:
        """Those that run in this labtui now."""
        return [track for track in self._tracks if track.running]

    def observe(self, observation: Observation) -> None:
        """From a run's thread: both sides were looked at. Whose they are is told by the thread."""
        import threading

        running = self.running()
        here = threading.get_ident()
        mine = [track for track in running if track.thread == here] or (running if len(running) == 1 else [])
        for track in mine:
            track.seen(observation)

    def take(self) -> None:
        """Take in what the runs have told, and show it."""
        changes: list[Change] = []
        for track in self._tracks:
            track.take()
            ref = self._ref(track)
            if track.id and self._shown.get(id(track)) != (track.version, ref):
                self._shown[id(track)] = track.version, ref
                changes.append(Upsert(track.migration()))
        if changes:
            self._tell(changes)

    def _ref(self, track: Track) -> Ref:
        return migration_ref(track.site, track.stack, track.id)

    def _wake(self) -> None:
        self.lab.executor.changed()

    def _tell(self, changes: list[Change]) -> None:
        delta = self.lab.inventory.apply(changes) if changes else Delta()
        self._refs |= {r.ref for r in delta.changed if r.ref.kind == KIND}
        self._refs -= set(delta.removed)
        for screen in self.app.screen_stack:
            told = getattr(screen, "migrations_changed", None)
            if told is not None:
                told(delta)
