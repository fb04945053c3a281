"""Starts the load generator, steers it, and judges what it counted.

with Crowd(stack.host, folder) as crowd:
    crowd.phase("migrate 1")
crowd.report["phases"]["migrate 1"]["fresh"]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.live.migrations.stack import ROOT

GAP_MS = 100.0
REQUESTS = ("fresh", "kept")
STREAMS = ("socket", "download")


class Crowd:
    """The load of one run, in a process of its own."""

    def __init__(self, host: str, folder: Path, *, light: bool = False) -> None:
        self._out = folder / f"load-{os.urandom(4).hex()}.json"
        address = os.environ["LIVE_INGRESS"].removeprefix("http://")
        self._command = [sys.executable, "-m", "tests.live.migrations.load", address, host, str(self._out)]
        self._command += ["--light"] if light else []
        self.report: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self._read() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def phase(self, name: str) -> None:
        """What is counted from now on is counted under this name."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"phase {name}\n")
        self._process.stdin.flush()
        assert self._read() == f"phase {name}"

    def stop(self) -> dict[str, Any]:
        """Let what is under way end; answers the report."""
        if not self.report:
            self._process.communicate("stop\n", timeout=90)
            assert self._process.returncode == 0
            self.report = json.loads(self._out.read_text())
        return self.report

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def lost(self, phase: str) -> list[str]:
        """Everything that failed or broke in a phase, in words; empty when nothing did. The lasting socket is judged apart."""
        wrong = []
        for kind, told in self.report["phases"].get(phase, {}).items():
            if told["failed"] and not kind.startswith("lasting"):
                first = ", ".join(f"{why} at {at:.1f} s" for at, why in told["failures"][:3])
                wrong.append(f"{phase}: {told['failed']} of {told['sent']} {kind} failed: {first}")
        return wrong

    def gap(self, phase: str, key: str = "longest_gap_ms") -> float:
        """The longest gap between two answers of a phase, in milliseconds: of all requests, fresh and kept."""
        kinds = self.report["phases"].get(phase, {})
        return max((float(kinds[kind][key]) for kind in REQUESTS if kind in kinds), default=0.0)

    def count(self, phase: str, kind: str) -> tuple[int, int]:
        """Sent and failed."""
        told = self.report["phases"].get(phase, {}).get(kind, {"sent": 0, "failed": 0})
        return told["sent"], told["failed"]
