"""Draws the real screen on the demo estate, whose clock stands still, as SVG: `python -m tests.support.picture FILE.svg`."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from labtui.domain.states import FeedState
from labtui.estate.bootstrap import Options, open_lab
from labtui.tui.app import LabApp

FROZEN_AT = datetime(2026, 3, 14, 14, 8, tzinfo=UTC)


async def draw(file: Path, size: tuple[int, int] = (120, 40)) -> None:
    """Wait until every source is live, then save the picture."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(XDG_CONFIG_HOME=home, XDG_STATE_HOME=home)
        lab = open_lab(Options(demo=True, frozen_at=FROZEN_AT, home=Path(home)), {})
        app = LabApp(lab)
        async with app.run_test(size=size) as pilot:
            for _ in range(200):
                await pilot.pause(0.05)
                known = [lab.inventory.status(source) for source in lab.sources]
                if all(status is not None and status.state is FeedState.LIVE for status in known):
                    break
            else:
                raise SystemExit("the demo estate did not become live")
            await pilot.pause(0.5)
            file.write_text(app.export_screenshot(title="labtui demo"), encoding="utf-8")
        app.live.stop()


if __name__ == "__main__":
    asyncio.run(draw(Path(sys.argv[1])))
