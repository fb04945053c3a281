"""Data that stays in place, and a labtui that is killed anywhere: never two writers, and an end that is whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from labtui.core.migration.engine import Ended
from labtui.core.migration.gitops.plan import ON_DOCKER, ON_KUBERNETES
from labtui.core.migration.journal import Journal
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError
from labtui.domain.migration.journal import State
from labtui.domain.migration.window import windows_of
from tests.support.migration_fakes import FakeLeases, FakeMirror, Killed, Killing, TestClock
from tests.unit.core.migration.kept import SERVICES, Host, Kept

WHERE = ("wroclaw", "shop")
NO_PATIENCE = Pace(every=0.0, limit=0.0, wait=lambda seconds: None)
CHANGES = 26  # before and after each change of the world, there; counted by the first test
BOUNDARIES = 22  # entries of the journal, there


class Stage:
    """One host, and one process after another that is killed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.host = folder, Host()
        self.mirror, self.leases, self.clock = FakeMirror(), FakeLeases(), TestClock()
        self.count = 0

    def process(self, at: int = 0, when: str = "after", change: int = 0) -> Migrations:
        """A fresh process. It dies at its `at`-th entry, or at its `change`-th step of a change of the world."""
        self.count = 0

        def die() -> None:
            raise Killed

        def tick(where: str) -> None:
            self.count += 1
            if self.count == change:
                raise Killed

        def around(journal: Journal) -> Journal:
            self.killing = Killing(journal, at, when, die)
            return self.killing

        self.host.tick = tick
        return Migrations(
            JournalFolder(self.folder / "state"),
            self.mirror,
            self.leases,
            lambda about, entries, fence: Kept(self.host).actions(entries),
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
        """Where things are; fails when they are in between, or when two could write at any time."""
        host = self.host
        assert host.violations == []
        states, policies = set(host.state.values()), set(host.policies.values())
        assert host.leaving == 0
        if host.stand == ON_KUBERNETES:
            assert (states, policies) == ({"exited"}, {"no"})
            return State.KUBERNETES
        assert host.stand in (None, ON_DOCKER)  # what was taken back by itself keeps its route
        assert (states, policies) == ({"running"}, {"unless-stopped"})
        return State.DOCKER if host.stand is None else State.RUNNING

    def finish(self, how: str) -> State:
        """Resume or undo, until it is at an end."""
        if not self.mirror.copies:  # it was killed before it began
            self.process().migrate(*WHERE, None, lambda progress: None)
        ended: Ended
        if how == "undo":
            _, ended = self.process().undo(self.identity(), None, lambda progress: None)
        else:
            _, ended = self.process().resume(self.identity(), lambda progress: None)
        assert ended.state is self.whole()
        return ended.state


def migrate(process: Migrations) -> Callable[[], object]:
    return lambda: process.migrate(*WHERE, None, lambda progress: None)


def test_there_and_back_in_the_order_that_has_one_writer(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert not stage.killed(migrate(stage.process()))
    assert (stage.count, stage.killing.count) == (CHANGES, BOUNDARIES)
    host = stage.host
    assert stage.whole() is State.KUBERNETES
    assert host.done == [
        "shop: a route to Docker",
        "shop-db-1 no",
        "shop-reader-1 no",
        "stop db",
        "stop reader",
        "shop: pods instead of Docker's writers",
        "shop: traffic to Kubernetes",
        "shop-cache-1 no",
        "shop-web-1 no",
        "stop cache",
        "stop db",
        "stop reader",
        "stop web",
    ]
    host.done.clear()
    _, ended = stage.process().undo(stage.identity(), None, lambda progress: None)
    assert ended.state is State.DOCKER is stage.whole()
    assert [what for what in host.done if not what.endswith("unless-stopped")] == [
        "shop: traffic to Docker",
        "shop: no pods",
        *(f"up {name}" for name in SERVICES),
        "up db",
        "shop: no route",
    ]
    there, back = windows_of(stage.process().show(stage.identity()).entries)
    assert (there.to, back.to) == ("Kubernetes", "Docker")
    assert there.seconds and back.seconds and there.ended and there.ended < back.began


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, BOUNDARIES + 1))
def test_killed_at_an_entry(tmp_path: Path, at: int, when: str, how: str) -> None:
    stage = Stage(tmp_path)
    assert stage.killed(migrate(stage.process(at, when)))
    assert stage.finish(how) is (State.DOCKER if how == "undo" else State.KUBERNETES)


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("change", range(1, CHANGES + 1))
def test_killed_around_a_change_of_the_world(tmp_path: Path, change: int, how: str) -> None:
    stage = Stage(tmp_path)
    assert stage.killed(migrate(stage.process(change=change)))
    assert stage.finish(how) is (State.DOCKER if how == "undo" else State.KUBERNETES)


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("change", range(1, 25))
def test_killed_around_a_change_on_the_way_back(tmp_path: Path, change: int, how: str) -> None:
    stage = Stage(tmp_path)
    stage.process().migrate(*WHERE, None, lambda progress: None)
    assert stage.killed(partial(stage.process(change=change).undo, stage.identity(), None, lambda progress: None))
    assert stage.finish(how) is State.DOCKER


@pytest.mark.parametrize("seed", range(100))
def test_killed_again_and_again_at_random(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    stage = Stage(tmp_path)
    for _ in range(chance.randint(1, 6)):
        stage.host.sick = chance.random() < 0.2  # then the pods do not become ready, and it is taken back by itself
        at, change = chance.randint(0, 2 * BOUNDARIES), chance.randint(0, 2 * CHANGES)
        process = stage.process(at, chance.choice(["before", "after"]), change)
        run: Callable[[], object]
        if not stage.mirror.copies:
            run = migrate(process)
        elif chance.random() < 0.4:
            run = partial(process.undo, stage.identity(), None, lambda progress: None)
        else:
            run = partial(process.resume, stage.identity(), lambda progress: None)
        try:
            stage.killed(run)
        except LabError:
            assert stage.host.sick, "only pods that are sick make it fail"
        assert stage.host.violations == []
    stage.host.sick = False
    how = chance.choice(["resume", "undo"])
    assert stage.finish(how) is State.DOCKER or how == "resume"  # what was under way was perhaps an undo
