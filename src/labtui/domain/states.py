"""The two scales that everything is put on: how a thing is (Level) and how well a source is known (FeedState)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How a thing is, worst first: sorting by it puts what needs the operator at the top."""

    BROKEN = 0
    DRIFTED = 1
    MOVING = 2
    UNKNOWN = 3
    WELL = 4
    OFF = 5

    @property
    def sign(self) -> str:
        """One cell wide, different without colour."""
        return "✗▲⇄?●○"[self.value]

    @property
    def needs_operator(self) -> bool:
        """Broken or drifted: counted in a pane's title."""
        return self <= Level.DRIFTED


class FeedState(StrEnum):
    """How well a source is known right now."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"  # was live, is not now; its rows are the last known
    DENIED = "denied"
    SIGNED_OUT = "signed out"
    DOWN = "down"  # never answered since the start


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The state of one source, since when, and why.

    `detail` is the cause in words, `hint` what to do about it, `notes` what is worth knowing while it is live
    (`token 2d left`, `nodes denied`). `latency` is the last answer time in seconds, None when not known.
    """

    state: FeedState
    since: datetime
    detail: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()
    latency: float | None = None
