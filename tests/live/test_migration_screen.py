"""A whole migration by keys in a real terminal, small and large, on the live estate; meanwhile a server is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.migrations.crowd import Crowd
from tests.live.migrations.cuts import Cuts
from tests.live.migrations.image import served_image
from tests.live.migrations.stack import MigratedStack
from tests.live.migrations.standing import DOCKER, KUBERNETES, World
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.live, pytest.mark.sampled]

AWAY = 8.0  # seconds
WHOLE = 240.0


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[MigratedStack]:
    with served_image() as image, MigratedStack(tmp_path, image) as found:
        found.checks |= {"drain": 1, "soak": {"seconds": 3}}
        found.deploy()
        yield found


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_there_and_back_by_keys_with_the_api_server_away_for_a_while(
    stack: MigratedStack, columns: int, rows: int
) -> None:
    world = World(stack)
    with (
        Crowd(stack.host, stack.home, light=True) as crowd,
        Cuts(stack) as cuts,
        Terminal(stack.command(), columns, rows, stack.environment()) as terminal,
    ):
        crowd.phase("all")
        terminal.wait_for(lambda text: "wroclaw ●" in text and stack.name in text, 30)  # its application is there
        terminal.press("3", "/")
        terminal.type(stack.name)
        terminal.press("enter")
        terminal.wait_for(lambda text: stack.name[:10] in text and "web" in text, 20)
        terminal.press("m")
        terminal.wait_for("every choice made", 60)
        terminal.press("m")
        terminal.wait_for("To confirm, type", 60)
        terminal.type(stack.name)
        terminal.press("enter")
        terminal.wait_for("⇄ workload", 60)
        with cuts.cut("api"):
            terminal.wait_for(
                lambda text: "Waiting; nothing is done meanwhile" in text or "does not answer" in text, 60
            )
            terminal.watch(AWAY)
        there = "done, on Kubernetes"
        terminal.wait_for(lambda text: there in text or "or c here" in text, WHOLE)
        if there not in terminal.text():  # it had stopped, and said what to do
            terminal.press("c")
            terminal.wait_for("Cancel", 60)
            if "To confirm, type" in terminal.text():
                terminal.type(stack.name)
                terminal.press("enter")
            else:
                terminal.press("right", "enter")
            terminal.wait_for(there, WHOLE)
        world.demand(KUBERNETES)

        terminal.press("U")
        terminal.wait_for("To confirm, type", 60)
        terminal.type(stack.name)
        terminal.press("enter")
        terminal.wait_for(lambda text: "○ on Docker" in text.splitlines()[0], WHOLE)
        world.demand(DOCKER)
        terminal.press("escape")
        terminal.wait_for(lambda text: "Filter" in text and "Help" in text, 10)
        terminal.press("q")
        terminal.wait_for_exit(15)
        assert terminal.exit_status == 0
    assert crowd.lost("all") == []
