"""What one run of the engine writes: its notes in the journal, behind the lease, and how it tells what it does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labtui.core.migration.action import LEFT, Action, Report
from labtui.core.migration.failing import Stop, like
from labtui.core.migration.fencing import Fence
from labtui.core.migration.journal import Journal
from labtui.core.migration.telling import Teller
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, Refused, Unreachable
from labtui.domain.migration.journal import About, Entry, Key, Mark, State, last_entries, open_goal, state_of
from labtui.domain.migration.progress import Event
from labtui.domain.migration.standing import standing
from labtui.domain.migration.steps import StepName
from labtui.ports.migration import HeldLease

log = logging.getLogger(__name__)


class Notes:
    """Journal, lease and watcher of one run. What cannot be written, or no longer may be, ends the run (`Stop`)."""

    def __init__(
        self,
        about: About,
        actions: Sequence[Action],
        journal: Journal,
        lease: HeldLease,
        teller: Teller,
        patience: Pace,
        fence: Fence,
    ) -> None:
        self.about, self.actions = about, tuple(actions)
        self.keys = tuple(Key(action.step, action.name) for action in self.actions)
        self._journal, self._lease, self._patience, self._gate = journal, lease, patience, fence
        self.tell = teller

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The journal, oldest first."""
        return self._journal.entries

    def last(self, position: int) -> Entry | None:
        """The last entry of an action."""
        return last_entries(self.entries).get(self.keys[position])

    # The lease

    def fence(self) -> None:
        """The lease is ours and fresh, and the copy of the journal in the cluster is up to date."""

        def both() -> None:
            self._lease.check()
            self._journal.settle()

        self._demand(both)

    def changing(self, work: Callable[[], Any]) -> Any:
        """Let an action change things: before each change the lease is looked at (`Fence`)."""
        with self._gate.opened(lambda: self._demand(self._lease.glance)):
            return work()

    def _demand(self, work: Callable[[], None]) -> None:
        try:
            self.patiently(work)
        except LabError as error:
            raise Stop(error) from error

    def patiently(self, work: Callable[[], None]) -> None:
        """Try for a while when the cluster does not answer. Raises what the last attempt raised."""
        end = self._patience.monotonic() + self._patience.limit
        told = False
        while True:
            try:
                work()
                return
            except Unreachable as error:
                if self._patience.monotonic() >= end:
                    raise
                if not told:
                    self.tell(Event.WAITING, f"{error.title}: {error.cause}. Waiting; nothing is done meanwhile")
                told = True
            self._patience.wait(self._patience.every)

    # The journal

    def record(self, mark: Mark, step: StepName | None, action: str, text: str, data: Mapping[str, Any]) -> None:
        """Write an entry, here and in the cluster."""
        try:
            self.patiently(self._lease.glance)
            try:
                self._journal.append(mark, step, action, text, data)
            except Unreachable:  # it is on this disk, and has to be in the cluster too before anything else is done
                self.patiently(self._journal.settle)
        except LabError as error:
            raise Stop(error) from error

    def failed(self, position: int, error: LabError) -> None:
        """Note why an action failed; its data stays as the entry before left it, what it leaves itself stands beside."""
        action, last, words = self.actions[position], self.last(position), str(error)
        self.tell(Event.FAILED, words, action, position)
        if last is not None and last.mark in (Mark.BEGUN, Mark.UNDOING):
            self.record(Mark.FAILED, action.step, action.name, words, {**last.data, LEFT: dict(error.left)})
        else:  # it was not even begun: only a look at the world failed
            self.record(Mark.NOTE, action.step, action.name, words, {})

    def reporter(self, position: int) -> Report:
        """What an action says its lines with."""

        def report(line: str) -> None:
            self.tell(Event.LINE, line, self.actions[position], position)
            try:
                self._lease.glance()  # a process that slept through a takeover learns of it here, too
            except Refused as error:
                raise Stop(error) from error
            except LabError as error:
                log.warning("the lease could not be looked at: %s", error)

        return report

    # Words

    @property
    def command(self) -> str:
        """The one command to type next."""
        if open_goal(self.entries) is None and state_of(self.entries) is State.DOCKER:
            return f"labtui migrate {self.about.site}/{self.about.stack}"  # it has ended: the next one is a new one
        return f"labtui migration resume {self.about.id}"

    def stopped(self, error: LabError, otherwise: str = "") -> LabError:
        """The same error, with what state things are in and what to type next."""
        detail = f"{error.detail.rstrip('.')}. " if error.detail else ""
        hint = f"{error.hint.rstrip('.')}; then: {self.command}" if error.hint else f"To go on: {self.command}"
        return like(error, f"{detail}{standing(self.entries)}", f"{hint}. {otherwise}" if otherwise else hint)
