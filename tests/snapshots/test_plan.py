"""What the plan of a move looks like: narrow and wide, light and without colour."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from labtui.domain.errors import Invalid
from labtui.tui.screens.plan import PlanScreen
from tests.support.planned_immich import STACK, convert
from tests.support.planning import FakeCompose, planner
from tests.tui.dialog_fakes import FakeApplications, Host, make_lab, sees, until
from tests.tui.test_plan_screen import SERVICE

LOOKS = {
    "80x24-dark": ((80, 24), "labtui-dark", False),
    "80x24-light": ((80, 24), "labtui-light", False),
    "80x24-no-colour": ((80, 24), "labtui-dark", True),
    "120x40-dark": ((120, 40), "labtui-dark", False),
    "160x50-dark": ((160, 50), "labtui-dark", False),
}
Drive = Callable[[Pilot[None], Host], Awaitable[None]]


async def _open(pilot: Pilot[None], host: Host) -> None:
    host.flow.start("docker.plan", SERVICE)
    await sees(pilot, "Interruption", "What becomes of this folder?")


async def _answer(pilot: Pilot[None], host: Host) -> None:
    await _open(pilot, host)
    await pilot.press("enter")
    await sees(pilot, "left on the site")


async def _type(pilot: Pilot[None], host: Host) -> None:
    await _open(pilot, host)
    await pilot.press("n", "enter")
    await sees(pilot, "Another answer")
    host.screen.query_one(Input).cursor_blink = False
    await pilot.press("t", *"/ping")
    await until(pilot, lambda: host.screen.query_one(Input).value == "/ping")


async def _refused(pilot: Pilot[None], host: Host) -> None:
    await _open(pilot, host)
    await pilot.press("n", "n", "enter")
    await sees(pilot, "left on the site")
    await pilot.press("down", "enter")
    await sees(pilot, "1 key refused")
    await pilot.press("a", "n")
    await until(pilot, lambda: isinstance(host.screen, PlanScreen) and host.screen.only_open)


async def _values(pilot: Pilot[None], host: Host) -> None:
    await _open(pilot, host)
    await pilot.press("y")
    await sees(pilot, "traffic: docker")


async def _volumes(pilot: Pilot[None], host: Host) -> None:
    await _open(pilot, host)
    await pilot.press("v")
    await sees(pilot, "MOUNTED AT")


async def _save(pilot: Pilot[None], host: Host) -> None:
    await _answer(pilot, host)
    await pilot.press("enter", "S")
    await sees(pilot, "Commit and push")


async def _problem(pilot: Pilot[None], host: Host) -> None:
    error = Invalid(
        "The Compose files of immich are wrong", "compose/wroclaw/immich.yaml:12: no such key", "Correct it"
    )
    host.lab.stacks.planner = replace(planner(), convert=convert, compose=FakeCompose(STACK, error))
    host.flow.start("docker.plan", SERVICE)
    await sees(pilot, "immich.yaml:12")


CASES: dict[str, Drive] = {
    "plan": _open,
    "answer": _answer,
    "type": _type,
    "refused": _refused,
    "values": _values,
    "volumes": _volumes,
    "save": _save,
    "problem": _problem,
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times of day are those of UTC."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("case", CASES)
def test_plan(case: str, look: str, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    size, theme, no_colour = LOOKS[look]
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    lab = make_lab(FakeApplications())
    lab.stacks.planner = replace(planner(), convert=convert, compose=FakeCompose(STACK))
    host = Host(lab, theme)

    async def drive(pilot: Pilot[None]) -> None:
        await sees(pilot, "application-0")  # what lies below must be painted before it is covered
        await CASES[case](pilot, host)
        await pilot.pause()

    assert snap_compare(host, terminal_size=size, run_before=drive)
