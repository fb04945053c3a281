"""Samples of the suites of whole migrations (tests/live/migrations): a round, some kills, a fault; secrets, and two at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.gitops_fixture import wait_until
from tests.live.migrations.driven import drive
from tests.live.migrations.image import served_image
from tests.live.migrations.kills import PROGRAM
from tests.live.migrations.kills import run as run_kills
from tests.live.migrations.mishaps import MISHAPS, Case
from tests.live.migrations.planted import Planted
from tests.live.migrations.rounds import run as run_rounds
from tests.live.migrations.stack import MigratedStack
from tests.live.migrations.standing import DOCKER, KUBERNETES, World

pytestmark = [pytest.mark.live, pytest.mark.sampled]

SEED = int(os.environ.get("LABTUI_SEED") or random.randrange(10**6))
# long ones are for the program alone
FAULTS = [name for name in MISHAPS if name not in ("never ready", "full disk", "slow cluster")]


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    with served_image() as found:
        yield found


def say(words: str) -> None:
    print(words, flush=True)


@pytest.mark.parametrize("place", ["wroclaw", "kyiv", "adopted"])
def test_there_and_back_under_full_load(image: str, tmp_path: Path, place: str) -> None:
    """Not one request, socket or download. Gaps are held to what a machine that does other things, too, can keep."""
    found = run_rounds(place, image, tmp_path, 1, say, limit=400.0)
    assert found.problems == []
    assert found.load["phases"]["migrate 1"]["fresh"]["good"] > 1000
    assert found.load["phases"]["migrate 1"]["socket"]["good"] > 5


def test_killed_at_some_boundaries_and_moments(image: str, tmp_path: Path) -> None:
    say(f"LABTUI_SEED={SEED}")
    found = run_kills(image, tmp_path, "6", 4, SEED, say)
    assert found.problems == []
    assert sum(found.reached.values()) >= 4 and sum(found.ended.values()) >= 3
    assert found.requests[0] > 100 and found.requests[1] == 0


def test_a_fault_and_what_the_operator_is_told(image: str, tmp_path: Path) -> None:
    name = random.Random(SEED).choice(FAULTS)
    say(f"LABTUI_SEED={SEED}: {name}")
    found = MISHAPS[name](Case(name, image, tmp_path, 5.0, whole=False))
    assert found.problems == [], found.said
    assert found.faults and found.requests[0] > 50


@pytest.fixture
def stack(image: str, tmp_path: Path) -> Iterator[MigratedStack]:
    with MigratedStack(tmp_path, image) as found:
        found.checks |= {"drain": 1, "soak": {"seconds": 15}}
        found.deploy()
        yield found


def test_no_secret_is_left_anywhere(stack: MigratedStack) -> None:
    world = World(stack)
    with Planted(stack) as planted:
        planted.prove()
        for words, standing in (
            (("migrate", stack.place), KUBERNETES),
            (("migration", "undo", ""), DOCKER),
            (("plan", stack.place), DOCKER),
            (("migration", "list"), DOCKER),
        ):
            given = [stack.migration() if word == "" else word for word in words]
            process = stack.start(*given, *(["--yes"] if "migrat" in words[0] and "list" not in words else []))
            out, err = process.communicate(timeout=240)
            assert process.returncode == 0, err
            planted.look((out + err).encode(), f"what `labtui {words[0]}` prints")
            world.demand(standing)
            if standing == KUBERNETES:
                assert world.secret() == stack.secrets  # they did go through its hands
    assert planted.everywhere() == []
    assert planted.looked["processes"] > 10 and planted.looked["files"] > 5 and planted.looked["objects of git"] > 5


def test_only_one_proceeds_and_a_frozen_one_does_nothing_after_a_takeover(stack: MigratedStack) -> None:
    """Two on one stack; then the holder is frozen, another machine takes over and ends it, and the first one wakes up."""
    world = World(stack)
    first = stack.start("migrate", stack.place, "--yes", program=PROGRAM)
    try:
        # a plan is made in seconds: while it soaks the journal stays as it is for longer
        wait_until("the first one soaks", lambda: stack.entries()[-1:] == ["begun soak/watch"], 120)
        second = drive(stack, ("migrate", stack.place))
        assert second.status == 3, second.message
        assert f"pid {first.pid}" in second.message and "since 20" in second.message, second.message
        first.send_signal(signal.SIGSTOP)
        stack.machine = "two"
        other = stack.start("migration", "resume", stack.migration(), "--yes", program=PROGRAM)
        out, err = other.communicate(timeout=240)
        assert other.returncode == 0, (out, err)
        world.demand(KUBERNETES)
        before = _log(stack)
        first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=120)
        assert first.returncode not in (0, None), out
        assert "Another labtui" in out + err or "taken" in out + err, out + err
        assert _log(stack) == before
        world.demand(KUBERNETES)
    finally:
        if first.poll() is None:
            first.kill()
            first.communicate()
    assert stack.labtui("migration", "undo", stack.migration(), "--yes")[0] == 0
    world.demand(DOCKER)


def _log(stack: MigratedStack) -> str:
    command = ["git", "--git-dir", str(stack.bare), "log", "--format=%H", "main"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
