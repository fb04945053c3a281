"""A run that is killed anywhere ends fully on Kubernetes or fully on Docker, each effect applied once, never two writers."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from labtui.core.migration.engine import Ended
from labtui.core.migration.journal import Journal
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.operations.watching import Pace
from labtui.domain.migration.journal import Mark, State
from tests.support.migration_fakes import PLACE, FakeLeases, FakeMirror, Killed, Killing, TestClock, World, script

NO_PATIENCE = Pace(every=0.0, limit=0.0, wait=lambda seconds: None)


class Stage:
    """A world, a cluster, and one process after another that is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = World(folder / "world.json")
        self.mirror, self.leases, self.clock = FakeMirror(), FakeLeases(), TestClock()
        self.machine = 0
        self.entries = 0  # that the last process wrote

    def elsewhere(self) -> None:
        """From now on on another machine, which has no journal."""
        self.machine += 1

    def process(self, at: int = 0, when: str = "after", half: Callable[[str], None] = lambda where: None) -> Migrations:
        """A fresh process that dies at its `at`-th entry."""

        def die() -> None:
            raise Killed

        def around(journal: Journal) -> Journal:
            self.killing = Killing(journal, at, when, die)
            return self.killing

        return Migrations(
            JournalFolder(self.folder / f"machine-{self.machine}"),
            self.mirror,
            self.leases,
            lambda about, entries, fence: script(self.world, half),
            self.clock,
            "ada@desk",
            patience=NO_PATIENCE,
            journal=around,
        )

    def killed(self, run: Callable[[], object]) -> bool:
        """Run it; was it killed?"""
        try:
            with pytest.MonkeyPatch.context() as patch:  # a killed process gives its lease to nobody
                patch.setattr("tests.support.migration_fakes.FakeLease.release", lambda lease: None)
                run()
        except Killed:
            return True
        finally:
            self.leases.expire()
        return False

    def identity(self) -> str:
        (found,) = {copy.migration for copy in self.mirror.copies.values()}
        return found

    def whole(self) -> State:
        """Where things are in the world; fails when they are in between, or something was applied twice."""
        state = self.world.state
        assert state["violations"] == []
        names = {action.effect for action in script(self.world)}
        assert set(state["effects"]) in (set(), names), "half way"
        if state["effects"]:
            assert (state["docker"], state["pod"]) == (False, True)
            return State.KUBERNETES
        assert (state["docker"], state["pod"]) == (True, False)
        return State.DOCKER

    def finish(self, how: str) -> State:
        """Resume or undo, until it is at an end."""
        if not self.mirror.copies:  # it was killed before it began
            self.process().migrate(*PLACE, None, lambda progress: None)
        ended: Ended
        if how == "undo":
            _, ended = self.process().undo(self.identity(), None, lambda progress: None)
        else:
            _, ended = self.process().resume(self.identity(), lambda progress: None)
        assert ended.state is self.whole()
        return ended.state


def migrate(process: Migrations) -> Callable[[], object]:
    return lambda: process.migrate(*PLACE, None, lambda progress: None)


ENTRIES = 2 * len(script(World.__new__(World))) + 2  # begun and done of each action, the goal, the end


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
@pytest.mark.parametrize("machine", ["same", "other"])
def test_killed_on_the_way_forward(tmp_path: Path, machine: str, at: int, when: str, how: str) -> None:
    stage = Stage(tmp_path)
    assert stage.killed(migrate(stage.process(at, when)))
    if machine == "other":
        stage.elsewhere()
    wanted = State.DOCKER if how == "undo" else State.KUBERNETES
    assert stage.finish(how) is wanted
    counts = stage.world.state["counts"]
    assert set(counts.values()) <= {1}


def test_the_boundaries_are_all_there_are(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert not stage.killed(migrate(stage.process()))
    assert stage.killing.count == ENTRIES
    assert stage.whole() is State.KUBERNETES


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
def test_killed_on_the_way_back(tmp_path: Path, at: int, when: str, how: str) -> None:
    stage = Stage(tmp_path)
    stage.process().migrate(*PLACE, None, lambda progress: None)
    identity = stage.identity()
    assert stage.killed(lambda: stage.process(at, when).undo(identity, None, lambda progress: None))
    if (at, when, how) == (1, "before", "resume"):
        assert stage.finish(how) is State.KUBERNETES  # nothing was known of the undo yet
        return
    # a resume goes on with what was under way: an undo stays an undo
    assert stage.finish(how) is State.DOCKER
    assert set(stage.world.state["counts"].values()) == {1}


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("at", range(1, len(script(World.__new__(World))) + 1))
def test_killed_in_the_middle_of_an_action(tmp_path: Path, at: int, where: str, how: str) -> None:
    stage = Stage(tmp_path)
    calls = []

    def half(now: str) -> None:
        if now == where:
            calls.append(now)
            if len(calls) == at:
                raise Killed

    assert stage.killed(migrate(stage.process(half=half)))
    assert stage.finish(how) is (State.DOCKER if how == "undo" else State.KUBERNETES)
    assert set(stage.world.state["counts"].values()) <= {1}


@pytest.mark.parametrize("machine", ["same", "other"])
@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
def test_killed_between_the_disk_and_the_cluster(tmp_path: Path, at: int, machine: str) -> None:
    stage = Stage(tmp_path)
    calls = []

    def die() -> None:
        calls.append(1)
        if len(calls) == at:
            raise Killed

    stage.mirror.before_write = die
    assert stage.killed(migrate(stage.process()))
    stage.mirror.before_write = lambda: None
    if machine == "other":
        stage.elsewhere()
    if not stage.mirror.copies:
        stage.process().migrate(*PLACE, None, lambda progress: None)
    assert stage.finish("resume") is State.KUBERNETES
    if machine == "other":
        stage.machine -= 1  # the first machine is back, with an entry that never got to the cluster
        assert stage.finish("undo") is State.DOCKER
    assert set(stage.world.state["counts"].values()) == {1}


@pytest.mark.parametrize("seed", range(100))
def test_killed_again_and_again_at_random(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    stage = Stage(tmp_path)
    for _ in range(chance.randint(1, 6)):
        left = chance.randint(1, 2 * ENTRIES)

        def half(now: str, left: list[int] = [left]) -> None:  # noqa: B006 - counts down over the calls of one process
            left[0] -= 1
            if left[0] == 0:
                raise Killed

        process = stage.process(chance.randint(1, 2 * ENTRIES), chance.choice(["before", "after"]), half)
        if chance.random() < 0.3:
            stage.elsewhere()
        if not stage.mirror.copies:
            stage.killed(migrate(process))
        elif chance.random() < 0.5:
            stage.killed(partial(process.undo, stage.identity(), None, lambda progress: None))
        else:
            stage.killed(partial(process.resume, stage.identity(), lambda progress: None))
        state = stage.world.state
        assert state["violations"] == []
    how = chance.choice(["resume", "undo"])
    stage.finish(how)
    record = stage.process().show(stage.identity())
    numbers = [entry.number for entry in record.entries]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {entry.mark for entry in record.entries} <= set(Mark)
