"""What all tests share: live tests run on request only, and never silently not at all."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

LIVE = os.environ.get("LABTUI_LIVE") == "1"
REQUIRED = os.environ.get("LABTUI_LIVE_REQUIRED") == "1"

_passed: list[str] = []
_skipped: list[str] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip live tests, with the reason, unless LABTUI_LIVE=1. Of `sampled` ones, take LABTUI_LIVE_SAMPLE of each file at random."""
    if LIVE:
        _take_a_sample(config, items)
        return
    reason = "live tests run when LABTUI_LIVE=1 and the variables of tests/live/README.md are set"
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.skip(reason=reason))


def _take_a_sample(config: pytest.Config, items: list[pytest.Item]) -> None:
    size = int(os.environ.get("LABTUI_LIVE_SAMPLE", "0"))
    kinds: dict[str, dict[str, list[pytest.Item]]] = {}  # file → what is taken together: `sampled("…")` names it
    for item in items if size else ():
        if (mark := item.get_closest_marker("sampled")) is not None:
            kinds.setdefault(item.path.name, {}).setdefault(str((*mark.args, item.nodeid)[0]), []).append(item)
    seed = int(os.environ.get("LABTUI_SEED") or random.randrange(10**6))
    for kind, units in kinds.items():
        taken = set(random.Random(seed).sample(list(units), min(size, len(units))))
        left = [item for name, unit in units.items() if name not in taken for item in unit]
        if left:
            items[:] = [item for item in items if item not in left]
            config.hook.pytest_deselected(items=left)
            print(f"\n{kind}: {len(taken)} of {len(units)}, LABTUI_SEED={seed}: {', '.join(sorted(taken))}", flush=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what became of the live tests."""
    if "live" in report.keywords:
        if report.skipped:
            _skipped.append(report.nodeid)
        elif report.when == "call" and report.passed:
            _passed.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where live tests are required, a run in which one of them was skipped, or none ran, has failed."""
    wanted = [item for item in getattr(session, "items", []) if item.get_closest_marker("live")]
    if REQUIRED and wanted and exitstatus == 0 and (_skipped or not _passed):
        for node in _skipped:
            print(f"\nskipped although live tests are required: {node}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test reads or writes the files of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    yield home
