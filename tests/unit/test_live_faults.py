"""The live tests that make faults wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.live import test_docker_faults, test_kubernetes_faults
from tests.live.faults import alone

FAULTS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "kubernetes": lambda: test_kubernetes_faults.fault("stop", "start"),
    "docker": lambda: test_docker_faults.fault("stop", "start", "dockerd-kyiv"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_no_server_is_stopped_while_another_test_has_the_lock(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, program = tmp_path / "calls", tmp_path / "ctl"
    program.write_text(f'#!/bin/sh\necho "$1" >> {calls}\n')
    program.chmod(0o755)
    monkeypatch.setenv("LIVE_CTL", str(program))
    monkeypatch.setenv("LIVE_LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(test_kubernetes_faults, "until_answers", lambda: None)
    began = threading.Event()

    def other() -> None:
        began.set()
        with FAULTS[name]():
            assert calls.read_text() == "stop\n"

    thread = threading.Thread(target=other)
    with alone():
        thread.start()
        assert began.wait(5)
        thread.join(0.3)
        assert thread.is_alive() and not calls.exists()
    thread.join(10)
    assert calls.read_text() == "stop\nstart\n"
