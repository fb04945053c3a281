"""Requests are sent all along while traffic moves, and what users would notice takes the move back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.probing import Probed, Probes, Running, probed_of
from labtui.core.migration.watching import Limits, Observation, Watcher
from labtui.domain.errors import BudgetExceeded, Unreachable
from labtui.domain.migration.budget import Budget
from labtui.domain.migration.probes import Counts, Failure, Load, Side, Target
from labtui.domain.migration.steps import StepName
from tests.unit.core.fakes import Clock
from tests.unit.core.migration.fakes import FakeProber, FakeUse

INGRESS = Load(Target(Side.INGRESS, "192.168.88.3", 80, host="shop.example.org"))
DOCKER = Load(Target(Side.DOCKER, "192.168.88.2", 80))


class Move:
    """An action that waits ten times, as one that follows Argo CD does."""

    step, name, title, lasting = StepName.CUT_OVER, "both", "move", ""

    def __init__(self, wait: Callable[[float], None]) -> None:
        self._wait = wait
        self.waited = 0

    def look(self, earlier: Data) -> Look:
        return Look(Seen.NOT_DONE)

    def do(self, earlier: Data, report: Report) -> Data:
        self._all()
        return {"commit": "8c11e0d"}

    def undo(self, data: Data, report: Report) -> None:
        self._all()

    def _all(self) -> None:
        for _ in range(10):
            self._wait(1.0)
            self.waited += 1


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.prober = FakeProber(self.clock)
        self.seen: list[Observation] = []
        self.watched = threading.Event()
        self.lines: list[str] = []
        self.away = False
        self.running = Running(self._find, self.prober, self._watching, self.clock.advance)
        self.move = Move(self.running.wait)

    def _find(self, report: Report) -> Probes:
        if self.away:
            raise Unreachable("No pod is ready")
        return Probes((INGRESS, DOCKER), Limits(Budget(failed=0, gap_seconds=1)))

    @contextmanager
    def _watching(self, wait: Callable[[float], bool]) -> Iterator[Watcher]:
        def observe(seen: Observation) -> None:
            self.seen.append(seen)
            self.watched.set()

        yield Watcher(self.clock, wait, FakeUse(), observe, every=0.01)

    def failing(self, after: float, side: Side) -> None:
        def at(counts: Counts, seconds: float) -> Counts:
            if counts.load.target.side is side and seconds > after:
                return replace(counts, failed=1, failures=(Failure(after, "connection refused"),))
            return counts

        self.prober.at = at


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.running.close()


def test_requests_are_sent_all_along_and_counted(world: World) -> None:
    action = Probed(world.move, world.running)
    data = action.do({}, world.lines.append)
    assert world.watched.wait(5) and world.seen[0].counts[0].load == INGRESS
    assert data["commit"] == "8c11e0d"
    counted = {c.side: c for c in probed_of(data)}
    assert counted[Side.INGRESS].sent == 60 and counted[Side.INGRESS].failed == 0  # 12 s at 5 a second
    assert "0 of 60 requests through the Ingress failed" in world.lines[-1]
    assert not world.prober.started[0].stopped  # the next action goes on with them
    last = Probed(Move(world.running.wait), world.running, last=True)
    assert {c.side: c.sent for c in probed_of(last.do({}, world.lines.append))}[Side.INGRESS] == 115
    assert len(world.prober.started) == 1 and world.prober.started[0].stopped


def test_a_failed_request_ends_the_move_at_the_next_wait(world: World) -> None:
    world.failing(4.0, Side.INGRESS)
    with pytest.raises(BudgetExceeded, match="1 request") as raised:
        Probed(world.move, world.running).do({}, world.lines.append)
    counted = {c.side: c for c in probed_of(raised.value.left)}
    assert counted[Side.INGRESS].failed == 1 and counted[Side.INGRESS].sent == 25  # 5 s at 5 a second
    assert world.move.waited == 3  # a second was before the move
    assert world.prober.started[0].stopped and world.running.probing is None


def test_what_users_do_not_see_does_not_end_it(world: World) -> None:
    world.failing(4.0, Side.DOCKER)
    Probed(world.move, world.running).do({}, world.lines.append)
    assert world.move.waited == 10


def test_on_the_way_back_nothing_stops_it(world: World) -> None:
    world.failing(0.0, Side.INGRESS)
    Probed(world.move, world.running).undo({}, world.lines.append)
    assert world.move.waited == 10 and "1 of" in world.lines[-1]
    world.away = True
    world.running.close()
    Probed(world.move, world.running).undo({}, world.lines.append)
    assert "no requests are sent meanwhile: No pod is ready" in world.lines


def test_no_move_begins_without_requests(world: World) -> None:
    world.away = True
    with pytest.raises(Unreachable):
        Probed(world.move, world.running).do({}, world.lines.append)
    assert world.move.waited == 0
