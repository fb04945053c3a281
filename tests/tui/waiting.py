"""Waiting for a state instead of for some time, and reading the screen as a person does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from labtui.tui.app import LabApp
from tests.tui.fakes import FakeLab

DEADLINE = 10.0


async def until(condition: Callable[[], object], what: str = "", seconds: float = DEADLINE) -> None:
    """Let the app run until the condition holds. Raises AssertionError when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not seen in {seconds:g} s: {what or condition}"
        await asyncio.sleep(0.005)


def screen_text(app: App[Any]) -> str:
    """What stands on the terminal, line by line."""
    width, height = app.size
    lines = [[" "] * width for _ in range(height)]
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        lines[y] = list("".join(segment.text for segment in strip))
    return "\n".join("".join(line).rstrip() for line in lines)


@asynccontextmanager
async def running(
    fake: FakeLab, size: tuple[int, int] = (120, 40), *, seen: str = "", **options: Any
) -> AsyncIterator[tuple[LabApp, Pilot[int]]]:
    """The app on a fake lab; goes on as soon as `seen` stands on the screen. Its feeds end with it."""
    app = LabApp(fake.lab, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        try:
            if seen:
                await until(lambda: seen in screen_text(app), seen)
            yield app, pilot
        finally:
            app.live.stop()


def toasts(app: LabApp) -> list[str]:
    """The texts of the toasts that are shown."""
    return [f"{note.title}: {note.message}" if note.title else note.message for note in app._notifications]
