"""A disk that answers at once: these tests kill processes, not machines, and a thousand real fsyncs take minutes."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labtui.core.migration.journal_file.os.fsync", lambda handle: None)
