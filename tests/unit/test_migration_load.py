"""The load generator of whole migrations sees what users would: a pause, a connection that breaks, a server that is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.migration_fixture import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """What the migrated stack serves, on a port of this machine."""
    port = free_port()
    command = [sys.executable, "-m", "tests.live.migrations.served"]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PORT": str(port)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None and process.stdout.readline().startswith(b"listening")
    yield process, port
    process.kill()
    process.communicate()


class Load:
    def __init__(self, port: int, out: Path) -> None:
        self.out = out
        command = [sys.executable, "-m", "tests.live.migrations.load", f"127.0.0.1:{port}", "x.example.org", str(out)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def phase(self, name: str) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"phase {name}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self) -> dict[str, dict[str, Any]]:
        self.process.communicate("stop\n", timeout=60)
        phases: dict[str, dict[str, Any]] = json.loads(self.out.read_text())["phases"]
        return phases


def test_a_pause_is_a_gap_and_a_stop_breaks_nothing_until_it_is_a_kill(
    server: tuple[subprocess.Popen[bytes], int], tmp_path: Path
) -> None:
    process, port = server
    load = Load(port, tmp_path / "load.json")
    load.phase("well")
    time.sleep(1.5)
    load.phase("paused")
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.6)
    process.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    load.phase("stopped")
    process.send_signal(signal.SIGTERM)  # it listens no more, and lets sockets and downloads be
    time.sleep(0.7)
    assert process.poll() is None
    load.phase("killed")
    process.kill()
    time.sleep(0.5)
    phases = load.end()
    assert phases["well"]["fresh"]["good"] > 50 and phases["well"]["kept"]["good"] > 40
    assert {kind for kind, told in phases["well"].items() if told["failed"]} == set()
    for kind in ("fresh", "kept"):
        assert phases["paused"][kind]["longest_gap_ms"] > 500
        assert phases["paused"][kind]["failed"] == 0
        assert phases["stopped"][kind]["failed"] > 0
    assert phases["stopped"].get("download", {"failed": 0})["failed"] == 0
    assert phases["stopped"].get("socket", {"failed": 0})["failed"] == 0
    assert phases["killed"]["download"]["failed"] >= 3 and phases["killed"]["socket"]["failed"] >= 4
