"""Pictures of the screen: always of the same estate at the same moment, in the same zone, with nobody's own settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtui.estate.bootstrap import Options, open_lab
from labtui.tui.app import LabApp

FROZEN_AT = datetime(2026, 3, 14, 14, 8, tzinfo=UTC)
DemoApp = Callable[..., LabApp]


@pytest.fixture(autouse=True)
def same_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine shows in a picture."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()


@pytest.fixture
def demo_app(tmp_path: Path) -> Iterator[DemoApp]:
    """Makes the app on the demo estate, whose clock stands still. Its feeds end with the test."""
    apps: list[LabApp] = []

    def make(*, faults: Sequence[str] = (), theme: str | None = None, read_only: bool = False) -> LabApp:
        options = Options(demo=True, faults=faults, read_only=read_only, frozen_at=FROZEN_AT, home=tmp_path)
        app = LabApp(open_lab(options, {}), theme=theme)
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.live.stop()
