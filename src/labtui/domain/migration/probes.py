"""What the prober asks, of whom, and what it has counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from labtui.domain.errors import Invalid
from labtui.domain.migration.budget import Budget

PREFIX_BYTES = 64 * 1024  # of a body that is kept; the rest is only hashed
BODY_LIMIT = 64 * 1024 * 1024  # of an answer that is no download
MAX_RATE = 100.0


class Side(StrEnum):
    """Which way a request goes."""

    INGRESS = "ingress"  # what users see
    DOCKER = "docker"  # straight to the published port
    KUBERNETES = "kubernetes"  # straight to a pod or Service


class Kind(StrEnum):
    """What a request is."""

    HTTP = "http"
    TCP = "tcp"  # a connection is opened and closed
    WEBSOCKET = "websocket"  # a connection is held, and pings are answered on it
    DOWNLOAD = "download"  # a large body must come whole


@dataclass(frozen=True, slots=True)
class PodPort:
    """A pod's port that is asked through the API server, where pods cannot be reached from this machine."""

    namespace: str
    pod: str
    port: int

    @property
    def prefix(self) -> str:
        """The API server's path of it; the API server writes it into redirects and links of HTML."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}:{self.port}/proxy"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask. `address` and `port` are where the connection goes, `host` is the name in the Host header and in TLS.

    `expect`: the statuses that are a good answer; empty means below 400, and 401 and 403 (a page that asks who one is).
    `headers` may hold credentials, so they are in no repr.
    """

    side: Side
    address: str
    port: int
    kind: Kind = Kind.HTTP
    host: str = ""
    path: str = "/"
    tls: bool = False
    verify: bool = True
    ca_file: str = ""
    expect: tuple[int, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    through: PodPort | None = None  # ask through the API server; address and port are not used

    def __post_init__(self) -> None:
        if self.through is None and not (self.address and 0 < self.port < 65536):
            raise Invalid(f"nothing to ask at {self.address!r}, port {self.port}")
        if self.through is not None and self.kind in (Kind.TCP, Kind.WEBSOCKET):
            raise Invalid(f"{self.kind} cannot be asked through the API server", hint="Ask the pod's address")
        if not self.path.startswith("/") or not _plain(self.path):
            raise Invalid(f"{self.path!r} is no path", hint="It begins with /; spaces and letters beyond ASCII as %XX")
        if not _plain(self.host) or self.host.startswith("."):
            raise Invalid(f"{self.host!r} is no host name", hint="Letters beyond ASCII in their xn-- form")
        for part in (part for pair in self.headers for part in pair):
            if not part.isascii() or any(c in part for c in "\r\n\0"):
                raise Invalid("a header of a probe has a line break or letters beyond ASCII")

    def good(self, status: int) -> bool:
        """Is an answer with this status a good one?"""
        return status in self.expect if self.expect else status < 400 or status in (401, 403)

    @property
    def name(self) -> str:
        """The host name that is asked for, else the address."""
        return self.host or self.address


@dataclass(frozen=True, slots=True)
class Load:
    """Requests to one target at a set rate (a second).

    `keep`: all on one connection, one after the other; else each on its own connection, at its own time, whether or not the earlier
    ones came back. For a WebSocket the rate is that of the pings, for a download the most that are begun a second.
    `timeout`: seconds until a request counts as failed. `throttle`: bytes a second that a download reads at most, 0 for no limit.
    """

    target: Target
    rate: float = 5.0
    keep: bool = False
    timeout: float = 5.0
    throttle: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.rate <= MAX_RATE:
            raise Invalid(f"{self.rate:g} requests a second", hint=f"More than 0, {MAX_RATE:g} at most")
        if not self.timeout > 0:
            raise Invalid(f"a time limit of {self.timeout:g} s for a request")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. Of the body only its first bytes, its length and its SHA-256; they are in no repr.

    `complete` is False when it is longer than the prober reads. Header names are in lower case, in the order they came.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    prefix: bytes = field(repr=False)
    size: int
    sha256: str
    seconds: float
    complete: bool = True

    def header(self, name: str) -> str:
        """The values of a header, joined by commas; empty when it is not there."""
        return ", ".join(value for key, value in self.headers if key == name.lower())


class Body:
    """Takes a body in piece by piece, and keeps its first bytes, its length and its SHA-256."""

    def __init__(self) -> None:
        self._prefix = bytearray()
        self._digest = hashlib.sha256()
        self.size = 0

    def add(self, piece: bytes) -> None:
        """The next piece."""
        self.size += len(piece)
        self._digest.update(piece)
        self._prefix += piece[: PREFIX_BYTES - len(self._prefix)]

    def answer(
        self, status: int, headers: Iterable[tuple[str, str]], seconds: float, *, complete: bool = True
    ) -> Answer:
        """The answer that came with it."""
        names = tuple((name.lower(), value) for name, value in headers)
        return Answer(status, names, bytes(self._prefix), self.size, self._digest.hexdigest(), seconds, complete)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed: seconds since the probing began, and why in words."""

    at: float
    why: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What one load has counted. All times in seconds.

    `longest_gap` is the longest time between two good answers, the beginning counting as one; `open_gap` how long the last one
    is ago. `failures` are the first twenty. `reopened`: how often a kept connection had to be opened anew. `stalled`: how long labtui
    itself stood still; that is no gap.
    `samples` are latencies, a fair choice of all of them. `recent` is the median latency of each of the last stretches.
    """

    load: Load
    seconds: float = 0.0
    sent: int = 0
    answered: int = 0
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    longest_gap: float = 0.0
    open_gap: float = 0.0
    reopened: int = 0
    stalled: float = 0.0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    samples: tuple[float, ...] = field(default=(), repr=False)
    recent: tuple[float, ...] = field(default=(), repr=False)

    @property
    def gap(self) -> float:
        """The longest gap, the one that is still open included."""
        return max(self.longest_gap, self.open_gap)


@dataclass(frozen=True, slots=True)
class SideCounts:
    """All loads of one side together. `longest_gap` is the worst of its loads, downloads left out (they take their time);
    `stalled` is for how long labtui itself could not ask, which is in no gap."""

    side: Side
    sent: int = 0
    answered: int = 0
    failed: int = 0
    longest_gap: float = 0.0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    failures: tuple[Failure, ...] = ()
    recent: tuple[float, ...] = ()
    stalled: float = 0.0


def demand(counts: Iterable[Counts], budget: Budget, sides: tuple[Side, ...] = (Side.INGRESS,)) -> None:
    """Raise `BudgetExceeded` when what users see passes the budget: the requests through the Ingress, or what `sides` names
    for a stack that is reached another way."""
    seen = [c for c in counts if c.load.target.side in sides]
    failures = sorted((f for c in seen for f in c.failures), key=lambda f: f.at)
    gap = max((c.gap for c in seen if c.load.target.kind is not Kind.DOWNLOAD), default=0.0)
    first = f"the first after {failures[0].at:.1f} s: {failures[0].why}" if failures else ""
    budget.demand(sum(c.failed for c in seen), gap, first)


def demand_fitting(loads: Iterable[Load], budget: Budget, sides: tuple[Side, ...] = (Side.INGRESS,)) -> None:
    """Raise Invalid when requests are sent so rarely that their own rhythm would look like a gap over the budget."""
    for load in loads:
        rhythm = 1 / load.rate
        if load.target.side in sides and load.target.kind is not Kind.DOWNLOAD and 2 * rhythm > budget.gap_seconds:
            raise Invalid(
                f"a gap of {budget.gap_seconds:g} s cannot be seen with a request every {rhythm:g} s",
                hint="Allow a longer gap, or send more requests a second",
            )


def _plain(text: str) -> bool:
    """Only what may stand in an address: visible ASCII."""
    return all(32 < ord(c) < 127 for c in text)
