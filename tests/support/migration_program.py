"""A labtui of its own for tests that kill, freeze and race real processes: the engine with actions on a world in a file.

    python -m tests.support.migration_program FOLDER MACHINE NAMESPACE migrate|resume|undo [ID]

LABTUI_KILL_AT=N:before|after kills it at its N-th entry, as `kill -9` does. LABTUI_HALT_AT=EFFECT:start|before|after makes it wait in
the middle of that action, at its start, right before its effect or after it, until FOLDER/go is there. Prints `done STATE` at the
end, else the error, and exits with 1.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from labtui.adapters.kubernetes.lease import KubernetesLeases, Times
from labtui.adapters.kubernetes.mirror import KubernetesMirror
from labtui.core.clock import SystemClock
from labtui.core.migration.fencing import Fence
from labtui.core.migration.journal import Journal
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.operations.watching import Pace
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import LabError
from labtui.domain.migration.progress import MigrationProgress
from tests.support.migration_fakes import PLACE, Fake, Killing, World, script

TIMES = Times(duration=3, renew=0.7, look=0.2)


def main(folder: Path, machine: str, namespace: str, command: str, identity: str = "") -> int:
    """Run one command. Returns the exit status."""
    world = World(folder / "world.json")
    connection = KubernetesConnection("")
    service = Migrations(
        JournalFolder(folder / machine),
        KubernetesMirror(connection, namespace),
        KubernetesLeases(connection, f"ada@{machine}", namespace, TIMES),
        lambda about, entries, fence: _actions(folder, world, fence),
        SystemClock(),
        f"ada@{machine}",
        patience=Pace(every=0.2, limit=20.0),
        journal=_killing,
    )
    try:
        if command == "migrate":
            _, ended = service.migrate(*PLACE, None, _tell)
        elif command == "resume":
            _, ended = service.resume(identity, _tell)
        else:
            _, ended = service.undo(identity, None, _tell)
    except LabError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return 1
    print(f"done {ended.state}", flush=True)
    return 0


def _tell(progress: MigrationProgress) -> None:
    print(f"{progress.event} {progress.step or ''}/{progress.action} {progress.text}", flush=True)


def _killing(journal: Journal) -> Journal:
    at, _, when = os.environ.get("LABTUI_KILL_AT", "").partition(":")
    if not at:
        return journal
    return Killing(journal, int(at), when, lambda: os.kill(os.getpid(), signal.SIGKILL))


def _actions(folder: Path, world: World, fence: Fence) -> Sequence[Fake]:
    actions = script(world)
    for action in actions:
        action.fence = fence
        effect, _, at = os.environ.get("LABTUI_HALT_AT", "").partition(":")
        if action.effect == effect:
            action.half = lambda where, at=at: _halt(folder) if where == at else None  # type: ignore[misc]
    return actions


def _halt(folder: Path) -> None:
    (folder / "halted").touch()
    while not (folder / "go").exists():
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
