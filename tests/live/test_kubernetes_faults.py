"""A real API server that stops, freezes and comes back."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from labtui.adapters.kubernetes import KubernetesSource
from labtui.core.clock import SystemClock
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import LabError, Unreachable
from tests.contract.kubernetes_rig import LiveRig, Watcher
from tests.live.faults import alone

pytestmark = [
    pytest.mark.live,
    pytest.mark.fault,
    pytest.mark.skipif("LIVE_CTL" not in os.environ, reason="LIVE_CTL names no program that stops servers"),
]


def control(verb: str) -> None:
    subprocess.run([os.environ["LIVE_CTL"], verb, "kube-apiserver"], check=True, timeout=30, capture_output=True)


@contextmanager
def fault(begin: str, end: str) -> Iterator[None]:
    """The API server is stopped or frozen, and nobody else makes faults meanwhile; afterwards it answers again."""
    with alone():
        control(begin)
        try:
            yield
        finally:
            control(end)
            until_answers()


def until_answers(seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with Watcher(LiveRig().feed()) as watcher:
            try:
                watcher.until("live", lambda w: w.live, 5)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            else:
                return
        threading.Event().wait(0.2)


def test_a_stopped_server_is_noticed_at_once_and_followed_again() -> None:
    feed = LiveRig().feed()
    before = set(threading.enumerate())
    with Watcher(feed) as watcher:
        watcher.until_live()
        with fault("stop", "start"):
            stopped = time.monotonic()
            error = watcher.until_ended(10)
            assert time.monotonic() - stopped < 2
            assert isinstance(error, Unreachable)
            assert error.detail == "connection refused"
            assert set(threading.enumerate()) <= before
            with Watcher(feed) as again:
                assert isinstance(again.until_ended(2), Unreachable)
    with Watcher(feed) as watcher:
        watcher.until_live()


def test_a_frozen_server_is_noticed_and_does_not_hold_up_a_close() -> None:
    feed = LiveRig().feed()
    with Watcher(feed) as watcher:
        watcher.until_live()
        with fault("pause", "resume"):
            frozen = time.monotonic()
            error = watcher.until_ended(20)
            assert time.monotonic() - frozen < 15
            assert isinstance(error, Unreachable)
            assert error.detail == "no answer for 4 s"
            with Watcher(feed) as again:
                again.stop.set()
                closing = time.monotonic()
                feed.close()
                again.until_ended(2)
                assert time.monotonic() - closing < 1
    with Watcher(feed) as watcher:
        watcher.until_live()


def test_nothing_listens(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("kube") / "config"
    path.write_text(
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {token: t}}]\n"
        "contexts: [{name: test, context: {cluster: c, user: u}}]\n"
    )
    source = KubernetesSource(KubernetesConnection("test", (path,)), SystemClock())
    with Watcher(source) as watcher:
        error = watcher.until_ended(2)
    assert isinstance(error, Unreachable)
    assert error.detail == "connection refused"
    assert "127.0.0.1:9" in error.hint
    (check,) = source.check()
    assert check.unreachable
    assert isinstance(error, LabError)
