"""The Argo CD adapter while its servers are stopped and frozen. Needs LIVE_CTL (tests/live/README.md)."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labtui.domain.errors import OutcomeUnknown, Unreachable
from labtui.domain.resources.argocd import AutoSync, RollbackRecord
from labtui.ports import SyncRequest
from tests.contract.argocd_rig import Watcher, source
from tests.live.faults import alone
from tests.live.gitops_fixture import GitopsEstate, wait_until

pytestmark = [
    pytest.mark.live,
    pytest.mark.fault,
    pytest.mark.usefixtures("alone"),
    pytest.mark.skipif("LIVE_CTL" not in os.environ, reason="needs LIVE_CTL, the program that stops servers"),
]


def control(verb: str, server: str) -> None:
    """Stop, start, freeze or thaw a server of the live estate."""
    # what it starts keeps running: it must not hold our pipes
    subprocess.run([os.environ["LIVE_CTL"], verb, server], check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.fixture(name="alone")
def nobody_else() -> Iterator[None]:
    """Nobody else makes faults during the test."""
    with alone():
        yield


@contextmanager
def without(server: str, verb: str = "stop") -> Iterator[None]:
    """A while without that server; it is back, and answers, afterwards."""
    control(verb, server)
    try:
        yield
    finally:
        control("start" if verb == "stop" else "resume", server)
        wait_until("Argo CD is back", _answers, 40)


def _answers() -> bool:
    try:
        return bool(source(None).version())
    except Unreachable:
        return False


def test_a_stopped_server_is_noticed_at_once_and_live_again_when_it_is_back() -> None:
    feed = source(os.environ["ARGOCD_AUTH_TOKEN"])
    ended_after: list[float] = []
    with Watcher(feed) as watcher:
        wait_until("live", watcher.live.is_set)
        started = time.monotonic()
        # the server keeps its streams while it shuts down, and LIVE_CTL waits for that: look meanwhile
        stopping = threading.Thread(
            target=lambda: ended_after.append(watcher.ended.wait(15) and time.monotonic() - started)
        )
        stopping.start()
        with without("argocd-server"):
            stopping.join()
            assert isinstance(watcher.error, Unreachable)
            start = time.monotonic()
            with Watcher(feed) as again:
                assert again.ended.wait(5) and isinstance(again.error, Unreachable)
                assert "refused" in again.error.detail
            assert time.monotonic() - start < 2
    assert ended_after[0] and ended_after[0] < 4, f"noticed after {ended_after[0]} s"
    with Watcher(feed) as back:
        wait_until("live again", back.live.is_set, 10)


def test_a_frozen_server_is_found_within_its_timeout_and_never_hangs_close() -> None:
    feed = source(os.environ["ARGOCD_AUTH_TOKEN"])
    with Watcher(feed) as watcher:
        wait_until("live", watcher.live.is_set)
        with without("argocd-server", "pause"):
            start = time.monotonic()
            assert watcher.ended.wait(16), "not found"
            assert isinstance(watcher.error, Unreachable) and time.monotonic() - start < 15
            with Watcher(feed) as again:
                assert not again.ended.wait(0.5)
                start = time.monotonic()
                again.stop.set()
                feed.close()
                assert again.ended.wait(2) and time.monotonic() - start < 0.5
    with Watcher(feed) as back:
        wait_until("live again", back.live.is_set, 10)


def test_a_change_sent_to_a_frozen_server_has_an_unknown_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labtui.adapters.argocd.api.SLOW", 3.0)
    server = source(os.environ["ARGOCD_AUTH_TOKEN"])
    with GitopsEstate(tmp_path) as estate:
        estate.deploy(with_parent=False)
        ref = estate.ref(server.source, estate.second)
        wait_until("compared", lambda: server.get(ref).sync == "OutOfSync")
        with without("argocd-server", "pause"), pytest.raises(OutcomeUnknown):
            server.sync(ref, SyncRequest())
        # whether the thawed server still starts it is its affair; that it was not sent again is ours
        app = server.refresh(ref)
        wait_until("its end", lambda: not server.get(ref).busy)
        assert len(server.get(ref).history) <= 1 and app.ref == ref


def test_a_pause_does_not_need_git(tmp_path: Path) -> None:
    """Without the repo-server Argo CD cannot validate a patch; the pause must go through all the same, and resume too."""
    server = source(os.environ["ARGOCD_AUTH_TOKEN"])
    with GitopsEstate(tmp_path) as estate:
        estate.deploy()
        ref = estate.ref(server.source, estate.child)
        wait_until("the child", lambda: "application.argoproj.io/" + estate.child in _names(estate))
        wait_until("Synced", lambda: server.get(ref).sync == "Synced")
        before = estate.raw(estate.child)["spec"]
        record = RollbackRecord(0, ("a" * 40,), ("b" * 40,), True, None, datetime(2026, 5, 1, tzinfo=UTC))
        with without("argocd-repo-server"):
            paused = server.pause_auto_sync(ref, record)
            assert paused.auto_sync == AutoSync(True, False, True, True) and paused.rollback == record
            resumed = server.resume_auto_sync(ref, AutoSync(True, None, True, True))
        assert resumed.auto_sync == AutoSync(True, None, True, True) and resumed.rollback is None
        assert estate.raw(estate.child)["spec"] == before


def _names(estate: GitopsEstate) -> list[str]:
    return estate.kubectl("-n", "argocd", "get", "applications.argoproj.io", "-o", "name").split()
