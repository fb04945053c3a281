"""Pages for docs/reports: how a run was made, and tables."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tests.live.migrations.stack import ROOT


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
