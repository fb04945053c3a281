"""The labtui of tests that kill it: the real one, with a journal that can die and a lease that is soon taken over.

    python -m tests.support.whole_migration_program [the arguments of labtui]

LABTUI_KILL_AT=ENTRY:before|between|after kills it at an entry of the journal, as `kill -9` does: before it is written, when it is on
disk and not in the cluster, or after it is in both. ENTRY is `MARK STEP/ACTION`, or `note goal` and `note reached` for those notes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from labtui.adapters.kubernetes.lease import KubernetesLeases, Times
from labtui.adapters.kubernetes.mirror import KubernetesMirror
from labtui.core.migration.journal import Journal
from labtui.core.migration.service import Migrations
from labtui.domain.migration.journal import Entry, Mark
from labtui.domain.migration.steps import StepName
from labtui.ports.migration import MirrorCopy

TIMES = Times(duration=2, renew=0.5, look=0.1)


def name_of(mark: Mark, step: StepName | None, action: str, data: Mapping[str, Any]) -> str:
    """How LABTUI_KILL_AT names an entry."""
    if mark is Mark.NOTE:
        return f"note {'goal' if 'goal' in data else 'reached' if 'reached' in data else 'other'}"
    return f"{mark} {step}/{action}"


class Dying:
    """A journal that dies at one entry."""

    def __init__(self, journal: Journal, at: str) -> None:
        self._journal = journal
        self._entry, _, self._when = at.rpartition(":")
        self.between = False

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._journal.entries

    def append(self, mark: Mark, step: StepName | None, action: str, text: str, data: Mapping[str, Any]) -> Entry:
        mine = name_of(mark, step, action, data) == self._entry
        if mine and self._when == "before":
            die()
        self.between = mine and self._when == "between"
        made = self._journal.append(mark, step, action, text, data)
        if mine and self._when == "after":
            die()
        return made

    def settle(self) -> None:
        self._journal.settle()


def die() -> None:
    """At once, and nobody is told."""
    os.kill(os.getpid(), signal.SIGKILL)


def prepare() -> None:
    """Put the test's lease, and the journal that dies if it is to die, into whatever the composition puts together."""
    made, leases, write = Migrations.__init__, KubernetesLeases.__init__, KubernetesMirror.write
    at = os.environ.get("LABTUI_KILL_AT", "")
    dying: list[Dying] = []

    def wrap(journal: Journal) -> Journal:
        if not at:
            return journal
        dying.append(Dying(journal, at))
        return dying[-1]

    def migrations(self: Migrations, *given: Any, **more: Any) -> None:
        made(self, *given, **{**more, "journal": wrap})

    def short_leases(self: KubernetesLeases, *given: Any, **more: Any) -> None:
        leases(self, *given, **{**more, "times": TIMES})

    def write_or_die(self: KubernetesMirror, copy: MirrorCopy) -> MirrorCopy:
        if any(journal.between for journal in dying):
            die()
        return write(self, copy)

    Migrations.__init__ = migrations  # type: ignore[method-assign]
    KubernetesLeases.__init__ = short_leases  # type: ignore[method-assign]
    KubernetesMirror.write = write_or_die  # type: ignore[method-assign]


if __name__ == "__main__":
    prepare()
    from labtui.cli import main

    sys.exit(main())
