"""Every theme on the real screens: whatever stands there has the contrast that WCAG asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from labtui.domain.states import FeedState
from labtui.estate.bootstrap import Options, open_lab
from labtui.tui import theming
from labtui.tui.app import LabApp
from tests.support.contrast import SIGN, TEXT, weak_texts
from tests.tui.waiting import screen_text, until

NAMES = sorted(theming.load_themes([]).themes)
AAA = 7.0
FAULTS = ("kyiv=down", "vault=denied")
# What is pressed, and what then stands on the screen
WALK: tuple[tuple[tuple[str, ...], str], ...] = (
    (("space", "down"), "1 marked"),
    (("escape", "slash", *"an"), "enter keeps it"),
    (("escape", "enter"), "Auto-sync"),
    (("escape", "tab"), "Argo CD"),
    (("question_mark",), "Show only rows"),
    (("escape", "1", "s"), "Cancel"),
    (("escape", "R"), "DEPLOYED"),
    (("escape", "L"), "Password"),
    (("escape", "colon"), "a pane, a name"),
    (("escape", "i"), "Address"),
    (("escape", "T"), "unknown"),
    (("escape", "A"), "Nothing was done yet"),
    (("escape", "3", "m"), "Verdict"),
)


async def walk(app: LabApp, check: Callable[[str], None], size: tuple[int, int]) -> None:
    """Go through the screens and check each."""
    async with app.run_test(size=size, notifications=True) as pilot:
        try:
            await until(lambda: answered(app), "an answer of every source")
            app.notify("A toast", title="Something to know", severity="warning")
            app.notify("Another one", title="Something wrong", severity="error")
            await until(lambda: "Something wrong" in screen_text(app))
            check("estate")
            app.clear_notifications()
            for keys, wanted in WALK:
                await pilot.press(*keys)
                await until(partial(shows, app, wanted), f"{keys}: {wanted}")
                check(f"{keys}")
        finally:
            app.live.stop()


def shows(app: LabApp, text: str) -> bool:
    """Does it stand on the screen?"""
    return text in screen_text(app)


def answered(app: LabApp) -> bool:
    """Has every source said how it is?"""
    found = [app.lab.inventory.status(source) for source in app.lab.sources]
    return all(status is not None and status.state is not FeedState.CONNECTING for status in found)


@pytest.mark.parametrize("name", [*NAMES, "NO_COLOR labtui-dark", "NO_COLOR labtui-light"])
def test_all_that_stands_on_the_screen_can_be_read(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without, _, name = name.rpartition(" ")
    if without:
        monkeypatch.setenv(without, "1")
    app = LabApp(open_lab(Options(demo=True, faults=FAULTS, home=tmp_path), {}), theme=name)
    found: list[str] = []
    text, sign = (AAA, TEXT) if "contrast" in name else (TEXT, SIGN)

    def check(where: str) -> None:
        found.extend(f"{where}: {weak}" for weak in weak_texts(app, text, sign))

    asyncio.run(walk(app, check, (120, 40)))
    assert app.theme == name
    assert found == [], "\n".join(found)
