"""What the programs of this folder share: pages for docs/reports, and an end in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import FrameType

from tests.live.migrations.stack import ROOT


def end_in_order() -> None:
    """SIGTERM ends a program as Ctrl-C does: what it has made is taken away."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def head(title: str, command: str) -> list[str]:
    """The title and how it was made."""
    done = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    cores = f"{os.cpu_count()} cores that other programs use, too"
    how = f"`{command}` ({datetime.now(UTC):%Y-%m-%d}, commit {done.stdout.strip()}, {cores})"
    return [f"# {title}", "", how, ""]


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
