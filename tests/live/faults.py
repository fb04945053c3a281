"""One at a time: the tests that stop and freeze servers keep all others of their kind away."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone() -> Iterator[None]:
    """Nobody else makes faults meanwhile (LIVE_LOCK, a file). Not to be nested."""
    with Path(os.environ.get("LIVE_LOCK", "/tmp/labtui-live.lock")).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
