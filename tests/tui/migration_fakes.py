"""An estate that can migrate: the engine with scripted actions, a journal folder of the test's own, a cluster that can be away."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.reporting import report_of
from labtui.core.migration.service import Migrations
from labtui.core.migration.soak import Soaked
from labtui.core.migration.verify import Verified
from labtui.core.migration.watching import Observation
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError
from labtui.domain.migration.comparison import Measured
from labtui.domain.migration.journal import About, Entry
from labtui.domain.migration.probes import Counts, Load, Side, SideCounts, Target
from labtui.domain.migration.report import as_json
from labtui.domain.migration.steps import StepName
from labtui.domain.records import to_plain
from tests.support.migration_fakes import FakeLeases, FakeMirror
from tests.tui.fakes import NOW, FakeLab

SITE, STACK = "wroclaw", "emby"
MIB = 1024 * 1024


class RunningClock:
    """A quarter of a second passes with each look."""

    def __init__(self) -> None:
        self.time = NOW - timedelta(minutes=9)
        self._lock = threading.Lock()

    def now(self) -> Any:
        """The time."""
        with self._lock:
            self.time += timedelta(milliseconds=250)
            return self.time


@dataclass
class Scripted:
    """An action that says its lines and waits at its gate, if it has one. `fail` is raised instead of its end."""

    step: StepName
    name: str
    title: str
    words: str = ""
    lines: tuple[str, ...] = ()
    data: Data = field(default_factory=dict)
    gate: threading.Event | None = None
    fail: LabError | None = None
    lasting: str = ""
    begun: threading.Event = field(default_factory=threading.Event)
    there: bool = False
    undo_gate: threading.Event | None = None

    def look(self, earlier: Data) -> Look:
        """By its own memory."""
        return Look(Seen.DONE, self.words, {**earlier, **self.data}) if self.there else Look(Seen.NOT_DONE)

    def do(self, earlier: Data, report: Report) -> Data:
        """Say the lines, wait, fail or end."""
        for line in self.lines:
            report(line)
        self.begun.set()
        if self.gate is not None:
            assert self.gate.wait(30)
        if self.fail is not None:
            raise self.fail
        self.there = True
        return {**earlier, **self.data}

    def undo(self, data: Data, report: Report) -> None:
        """Forget it."""
        if self.undo_gate is not None:
            assert self.undo_gate.wait(30)
        self.there = False


def counts(side: Side, sent: int, failed: int = 0, middle: float = 0.002, late: float = 0.004) -> Counts:
    """What a load of the prober has counted."""
    load = Load(Target(side, "192.0.2.1", 80, host="emby.example.org"))
    recent = tuple(middle * (1 + (n * 7 % 5) / 10) for n in range(20))
    samples = tuple(sorted([middle] * 18 + [late] * 2))
    return Counts(
        load, 60.0, sent, sent - failed, failed, longest_gap=0.033, p50=middle, p95=late, samples=samples, recent=recent
    )


def measured(cpu: float, memory: int) -> Measured:
    """What a side uses."""
    cpus = tuple(cpu * (1 + (n * 3 % 7) / 14) for n in range(20))
    memories = tuple(memory * MIB * (1 + (n % 3) / 100) for n in range(20))
    return Measured(cpu, cpu * 2, memory * MIB, memory * MIB, 0, cpus, memories)


def observation(sent: int = 9214, failed: int = 0, left: float = 760.0) -> Observation:
    """A look at both sides."""
    found = (
        counts(Side.INGRESS, sent, failed),
        counts(Side.DOCKER, 600, 0, 0.0021, 0.0039),
        counts(Side.KUBERNETES, 600, 0, 0.002, 0.0034),
    )
    return Observation(found, measured(0.04, 310), measured(0.03, 288), timedelta(seconds=left))


def verified() -> Data:
    """What the step verify leaves."""
    sides = (
        SideCounts(Side.INGRESS, 600, 600, 0, 0.033, 0.002, 0.004, 0.009),
        SideCounts(Side.DOCKER, 600, 600, 0, 0.033, 0.0021, 0.0039, 0.009),
        SideCounts(Side.KUBERNETES, 600, 600, 0, 0.033, 0.002, 0.0034, 0.008),
    )
    return {
        "verified": to_plain(
            Verified("x", True, counts=sides, docker=measured(0.04, 310), kubernetes=measured(0.03, 288))
        )
    }


def soaked() -> Data:
    """What the step soak leaves."""
    sides = (SideCounts(Side.INGRESS, 9214, 9214, 0, 0.033, 0.002, 0.004, 0.009),)
    return {"soaked": to_plain(Soaked("x", 900.0, sides, measured(0.04, 310), measured(0.03, 288), 0))}


def script() -> list[Scripted]:
    """What the migration of emby consists of; it copies nothing, so quiesce has nothing to do."""
    steps = StepName
    return [
        Scripted(steps.PREFLIGHT, "checks", "check what the move needs", "11 checks, all well"),
        Scripted(steps.BACKUP, "archive", "back up files, secrets and volumes", "1.2 GB in 4 archives, verified"),
        Scripted(
            steps.SECRETS, "vault apps/emby", "write 2 keys to kv/apps/emby", "2 keys, version 4", data={"version": 4}
        ),
        Scripted(
            steps.WORKLOAD,
            "pods",
            "start the pods, all traffic still to Docker",
            "1 of 1 ready, commit 3fa1b2c",
            ("pushed 3fa1b2c “emby: start the pods”", "Argo CD: Synced, Progressing", "Argo CD: Synced, Healthy"),
            {"commit": "3fa1b2c" + "0" * 33, "file": "manifests/emby/values.yaml"},
        ),
        Scripted(steps.VERIFY, "compare", "ask both sides and compare", "200 = 200, bodies the same", data=verified()),
        Scripted(
            steps.CUT_OVER,
            "both",
            "send the traffic to both sides",
            "both sides answer, commit 8c11e0d",
            ("pushed 8c11e0d “emby: traffic to both sides”", "Argo CD synced 8c11e0d, Healthy after 0.5 s"),
            {"commit": "8c11e0d" + "0" * 33},
        ),
        Scripted(
            steps.CUT_OVER,
            "kubernetes",
            "send the traffic to Kubernetes alone",
            "Kubernetes alone answers, commit 5d02b7a",
            ("pushed 5d02b7a “emby: traffic to Kubernetes”", "waiting until the Ingress has let go of Docker"),
            {"commit": "5d02b7a" + "0" * 33},
        ),
        Scripted(
            steps.SOAK,
            "watch",
            "watch answers, restarts, latency and memory for 15m00s",
            "15m00s, 0 of 9,214 lost",
            data=soaked(),
        ),
        Scripted(steps.RETIRE, "stop", "stop the Compose stack", "stopped; it says where it went"),
    ]


class MovingLab(FakeLab):
    """A `FakeLab` that can migrate."""

    def __init__(self, folder: Path, actions: Sequence[Scripted] | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.actions = list(script() if actions is None else actions)
        self.mirror, self.leases = FakeMirror(), FakeLeases()
        self.folder = JournalFolder(folder / "migrations")
        self.made = 0
        self.time = RunningClock()
        self.lab.make_migrations = self.make

    def make(self) -> Migrations:
        """The engine; counts how often it is wanted."""
        self.made += 1
        return Migrations(
            self.folder,
            self.mirror,
            self.leases,
            lambda about, entries, fence: self.actions,
            self.time,
            "ada@desk",
            reporter=_report,
            patience=Pace(every=0.005, limit=0.05),
        )

    def action(self, step: StepName, name: str = "") -> Scripted:
        """One of the script."""
        return next(a for a in self.actions if a.step is step and name in ("", a.name))

    def run(self, until: StepName | None = None) -> str:
        """Migrate before the screen is there; answers the id. What fails stays failed."""
        seen: list[str] = []
        with suppress(LabError):
            self.lab.migrations.migrate(SITE, STACK, until, lambda progress: seen.append(progress.migration))
        return seen[-1]


def _report(about: About, entries: Sequence[Entry]) -> dict[str, Any]:
    return (
        {**as_json(report_of(about, entries)), "files": [f"/state/migrations/{about.id}.report.json"]}
        if entries
        else {}
    )
