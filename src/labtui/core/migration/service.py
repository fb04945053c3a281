"""The migrations of an estate: what there is, on this machine and in the cluster, and running one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from labtui.core.migration.action import Action
from labtui.core.migration.engine import PATIENCE, Ended, Engine
from labtui.core.migration.fencing import Fence
from labtui.core.migration.journal import Journal, MirroredJournal, entries_of
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.telling import Teller, Watch
from labtui.core.migration.watching import Observation
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, NotFound, Refused
from labtui.domain.migration.history import history
from labtui.domain.migration.journal import About, Entry, State, about_of, state_of, step_of
from labtui.domain.migration.lines import join
from labtui.domain.migration.names import new_id, valid_id, valid_name
from labtui.domain.migration.progress import Event
from labtui.domain.migration.questions import Question, open_question
from labtui.domain.migration.standing import standing
from labtui.domain.migration.steps import StepName
from labtui.domain.text import clean
from labtui.ports import Clock
from labtui.ports.migration import JournalMirror, LeaseHolder, Leases, MirrorCopy

# What is known of it so far is given, too, and the fence: actions change things behind it alone (`core.migration.fencing`)
ActionsFor = Callable[[About, Sequence[Entry], Fence], Sequence[Action]]
Reporter = Callable[[About, Sequence[Entry]], Mapping[str, Any]]  # the report of a migration, as plain JSON


@dataclass(frozen=True, slots=True)
class Record:
    """A migration as its journal tells it. `problem` says what is wrong with one of its copies, empty when nothing is."""

    about: About
    entries: tuple[Entry, ...]
    here: bool
    mirrored: bool
    problem: str = ""

    @property
    def state(self) -> State:
        """Where it stands."""
        return state_of(self.entries)

    @property
    def step(self) -> StepName | None:
        """The last step that has something done."""
        return step_of(self.entries)

    @property
    def words(self) -> str:
        """What state things are in."""
        return standing(self.entries)

    @property
    def question(self) -> Question | None:
        """What the last run asked, and nobody has answered yet."""
        return open_question(self.entries)

    @property
    def began(self) -> datetime | None:
        """When its first entry was written."""
        return self.entries[0].at if self.entries else None


@dataclass(frozen=True, slots=True)
class Listing:
    """The migrations, the newest first. `problem`: why those in the cluster may be missing; `damaged`: journals here that
    cannot be read, each with the reason."""

    records: tuple[Record, ...]
    problem: LabError | None = None
    damaged: Mapping[str, str] = field(default_factory=dict)


class Migrations:
    """May be used from several threads; each stack's migration runs once at a time, which its lease sees to."""

    def __init__(
        self,
        folder: JournalFolder,
        mirror: JournalMirror,
        leases: Leases,
        actions_for: ActionsFor,
        clock: Clock,
        by: str,
        *,
        reporter: Reporter = lambda about, entries: history(entries),
        patience: Pace = PATIENCE,
        journal: Callable[[Journal], Journal] = lambda made: made,
        ended: Callable[[About], None] = lambda about: None,
    ) -> None:
        """`journal` may put something around each journal that is written: tests count and cut its entries there. `ended` is
        told when a run of a migration is over, however it ended."""
        self._folder, self._mirror, self._leases = folder, mirror, leases
        self._actions_for, self._clock, self._by = actions_for, clock, by
        self._reporter, self._patience, self._wrap = reporter, patience, journal
        self._ended = ended
        self._running: dict[str, Engine] = {}
        self.observe: Callable[[Observation], None] | None = (
            None  # told what both sides answer and use, from any thread
        )

    # What there is

    def list(self) -> Listing:
        """Every migration that this machine or the cluster knows of."""
        problem: LabError | None = None
        copies: dict[str, MirrorCopy] = {}
        try:
            copies = {copy.migration: copy for copy in self._mirror.all()}
        except LabError as error:
            problem = error
        records, damaged = [], {}
        for identity in {*self._folder.ids(), *copies}:
            try:
                records.append(self._record(identity, copies.get(identity)))
            except LabError as error:
                damaged[identity] = error.detail or error.title
        records.sort(key=lambda record: (record.began is not None, record.began, record.about.id), reverse=True)
        return Listing(tuple(records), problem, damaged)

    def show(self, identity: str) -> Record:
        """One migration. Raises Invalid, NotFound, Refused for a damaged journal, and what the cluster raises when it is not here."""
        here = self._folder.open(valid_id(identity)).entries
        about = about_of(here)
        copy: MirrorCopy | None
        try:
            if about is not None:
                copy = self._mirror.read(about.site, about.stack)
            else:
                copy = next((found for found in self._mirror.all() if found.migration == identity), None)
        except LabError:
            if not here:
                raise
            copy = None  # what is here can be shown
        return self._record(identity, copy if copy is not None and copy.migration == identity else None)

    def latest(self, site: str, stack: str) -> Record | None:
        """The last migration of a stack, None when there was none."""
        copy = self._mirror.read(site, stack)
        if copy is not None:
            return self._record(copy.migration, copy)
        records = [r for r in self.list().records if (r.about.site, r.about.stack) == (site, stack)]
        return records[0] if records else None

    def holder(self, about: About) -> LeaseHolder | None:
        """Who works on its stack now."""
        return self._leases.holder(about.site, about.stack)

    def actions(self, about: About, entries: Sequence[Entry] = (), fence: Fence | None = None) -> tuple[Action, ...]:
        """What a migration consists of. Without the `fence` of a run they can be looked at and change nothing."""
        return tuple(self._actions_for(about, entries, fence or Fence()))

    def next_of(self, site: str, stack: str, answers: Sequence[str] = ()) -> Record:
        """What `migrate` would run: the migration that is under way, else a new one (without entries), with these answers.

        Raises Refused when the stack is on Kubernetes already, or when there are answers and its plan is agreed on.
        """
        last = self.latest(site, stack)
        if last is None or last.state is State.DOCKER:
            about = About(self._fresh_id(site, stack), site, stack, tuple(answers))
            return Record(about, (), here=False, mirrored=False)
        if last.state is State.KUBERNETES:
            raise Refused(
                f"{site}/{stack} is on Kubernetes already",
                f"migration {last.about.id}",
                f"To bring it back: labtui migration undo {last.about.id}",
            )
        if answers:
            words = f"migration {last.about.id} is under way with the answers of its beginning"
            advice = f"To begin anew with others, undo it first: labtui migration undo {last.about.id}"
            raise Refused(f"The plan of {site}/{stack} is agreed on already", words, advice)
        return last

    def report(self, record: Record) -> dict[str, Any]:
        """The report of a migration as far as it has come, as plain JSON."""
        return dict(self._reporter(record.about, record.entries))

    # Running one. Each raises Refused when another labtui works on the stack, with who and since when.

    def migrate(
        self, site: str, stack: str, until: StepName | None, watch: Watch, answers: Sequence[str] = ()
    ) -> tuple[Record, Ended]:
        """Begin a stack's migration, or go on with the one that is under way. `answers` (`SERVICE.KEY=ANSWER`) are for one that
        begins. Raises Refused while the one under way is being undone."""
        return self._held(site, stack, None, watch, lambda engine: engine.run(until), answers)

    def resume(self, identity: str, watch: Watch, accept: str = "") -> tuple[Record, Ended]:
        """Go where the last run of this migration was going. `accept`: the action that it asked about (`Engine.resume`)."""
        about = self.show(identity).about
        return self._held(about.site, about.stack, identity, watch, lambda engine: engine.resume(accept))

    def undo(self, identity: str, to: StepName | None, watch: Watch) -> tuple[Record, Ended]:
        """Take back what was done after the step `to`; everything without it."""
        about = self.show(identity).about
        return self._held(about.site, about.stack, identity, watch, lambda engine: engine.undo(to))

    def pause(self, identity: str = "") -> bool:
        """Let a migration that runs in this process, or all of them, stop before its next action. Is there one?"""
        found = [engine for name, engine in list(self._running.items()) if identity in ("", name)]
        for engine in found:
            engine.pause()
        return bool(found)

    def _held(
        self,
        site: str,
        stack: str,
        identity: str | None,
        watch: Watch,
        work: Callable[[Engine], Ended],
        answers: Sequence[str] = (),
    ) -> tuple[Record, Ended]:
        waiting = Teller(About(identity or "", site, stack), 0, self._clock, watch)
        above = self._fence_so_far(site, stack)
        lease = self._leases.acquire(site, stack, above, lambda words: waiting(Event.WAITING, words))
        try:
            # which migration it is is decided under the lease: two may have begun at once
            about = self.next_of(site, stack, answers).about if identity is None else self.show(identity).about
            self._demand_latest(about)
            made = MirroredJournal(
                self._folder.open(about.id),
                self._mirror,
                (site, stack),
                about.id,
                by=self._by,
                fence=lease.fence,
                clock=self._clock,
            )
            said = made.reconcile()
            fence = Fence()
            actions = self.actions(about, made.entries, fence)
            teller = Teller(about, len(actions), self._clock, watch)
            if said:
                teller(Event.LINE, said)
            engine = Engine(about, actions, self._wrap(made), lease, teller, self._patience, fence)
            self._running[about.id] = engine
            try:
                ended = work(engine)
            finally:
                del self._running[about.id]
                self._ended(about)
            return Record(about, made.entries, here=True, mirrored=True), ended
        finally:
            lease.release()

    def _demand_latest(self, about: About) -> None:
        """An older migration must not be taken up while a later one is under way, or after it."""
        copy = self._mirror.read(about.site, about.stack)
        if copy is None or copy.migration == about.id:
            return
        other = self._record(copy.migration, copy)
        ours = self._folder.open(about.id).entries
        # the leases tell which came later: clocks of two machines do not
        if other.state is not State.DOCKER or (ours and other.entries and ours[-1].fence < other.entries[0].fence):
            raise Refused(
                f"A later migration of {about.site}/{about.stack} has taken the place of {about.id}",
                f"{other.about.id}: {other.words}",
                f"See it with: labtui migration show {other.about.id}",
            )

    # Parts

    def _record(self, identity: str, copy: MirrorCopy | None) -> Record:
        file = self._folder.open(identity)
        mirrored = entries_of(copy) if copy is not None else ()
        entries = join(file.entries, mirrored).entries
        about = about_of(entries)
        if about is None:
            if copy is None:
                raise NotFound(
                    f"There is no migration {identity}",
                    file.damaged,
                    "labtui migration list shows those that there are",
                )
            about = About(identity, copy.site, copy.stack)
        _demand_own(identity, about, copy)
        return Record(about, entries, bool(file.entries), copy is not None, file.damaged)

    def _fence_so_far(self, site: str, stack: str) -> int:
        copy = self._mirror.read(site, stack)
        fences = [copy.fence] if copy is not None else []
        last = self.latest(site, stack)
        fences += [entry.fence for entry in last.entries] if last is not None else []
        return max(fences, default=0)

    def _fresh_id(self, site: str, stack: str) -> str:
        now, there = self._clock.now(), set(self._folder.ids())
        while (made := new_id(site, stack, now)) in there:
            now += timedelta(seconds=1)
        return made


def _demand_own(identity: str, about: About, copy: MirrorCopy | None) -> None:
    """A journal's words become a command to type, and decide which stack is worked on: they have to be names, and its own."""
    place = (about.site, about.stack)
    if (
        about.id != identity
        or (copy is not None and (copy.site, copy.stack) != place)
        or not all(map(valid_name, place))
    ):
        words = f"it says that it is {clean(about.id, 120)} of {clean(about.site, 80)}/{clean(about.stack, 80)}"
        raise Refused(
            "The journal is damaged, so nothing is done", f"the one of {identity}: {words}", "Move that copy aside"
        )
