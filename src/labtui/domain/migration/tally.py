"""Counting answers: percentiles over a bounded choice of samples, gaps between good answers, bounded series. Pure."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from labtui.domain.migration.probes import Counts, Failure, Kind, Load, Side, SideCounts

FAILURES_KEPT = 20
SAMPLES = 2000
SERIES_POINTS = 120
STRETCH_SECONDS = 5.0


def percentile(sorted_values: Sequence[float], percent: float) -> float | None:
    """By nearest rank: the smallest value that at least `percent` of the values do not pass. None without values."""
    if not sorted_values:
        return None
    # in hundredths of a percent, in whole numbers: 0.95 * 20 is a little more than 19
    rank = -(-round(percent * 100) * len(sorted_values) // 10_000)
    return sorted_values[max(1, rank) - 1]


def weighted_percentile(sorted_values: Sequence[tuple[float, float]], percent: float) -> float | None:
    """The same for pairs of a value and how many values it stands for."""
    if not sorted_values:
        return None
    wanted = math.fsum(weight for _, weight in sorted_values) * percent / 100
    below = 0.0
    for value, weight in sorted_values:
        below += weight
        if below >= wanted * (1 - 1e-9):  # sums of fractions
            return value
    return sorted_values[-1][0]


class Reservoir:
    """A fair choice of all values seen, of a fixed size (Vitter's algorithm R)."""

    def __init__(self, size: int = SAMPLES, seed: int = 0) -> None:
        self._size = size
        self._random = random.Random(seed)
        self._seen = 0
        self._values: list[float] = []

    def add(self, value: float) -> None:
        """Take a value in; it may push another one out."""
        self._seen += 1
        if len(self._values) < self._size:
            self._values.append(value)
        elif (place := self._random.randrange(self._seen)) < self._size:
            self._values[place] = value

    def values(self) -> tuple[float, ...]:
        """The chosen values, sorted."""
        return tuple(sorted(self._values))


class Gaps:
    """The longest time between two good answers. Times on one monotonic clock; they may come a little out of order."""

    def __init__(self, begin: float) -> None:
        self._last = begin
        self.longest = 0.0

    def good(self, at: float) -> None:
        """A good answer came."""
        if at > self._last:
            self.longest = max(self.longest, at - self._last)
            self._last = at

    def skip(self, seconds: float) -> None:
        """For so long nothing could be asked, because this program itself stood still: nobody's gap."""
        self._last += seconds

    def open(self, now: float) -> float:
        """How long the last good answer (or the beginning) is ago."""
        return max(0.0, now - self._last)


class Series:
    """Values over time in a bounded number of points: when it is full, neighbours are merged and a point stands for twice as much."""

    def __init__(self, points: int = SERIES_POINTS) -> None:
        self._points = max(2, points + points % 2)
        self._done: list[float] = []
        self._each = 1  # how many values a point stands for
        self._open: list[float] = []

    def add(self, value: float) -> None:
        """Take a value in."""
        self._open.append(value)
        if len(self._open) < self._each:
            return
        self._done.append(math.fsum(self._open) / len(self._open))
        self._open = []
        if len(self._done) == self._points:
            self._done = [(a + b) / 2 for a, b in zip(self._done[::2], self._done[1::2], strict=True)]
            self._each *= 2

    def values(self) -> tuple[float, ...]:
        """The means, oldest first; the last may stand for fewer values."""
        rest = (math.fsum(self._open) / len(self._open),) if self._open else ()
        return (*self._done, *rest)


class Tally:
    """Counts for one load. Times on one monotonic clock. Not thread-safe: its owner locks."""

    def __init__(self, load: Load, begin: float, seed: int = 0) -> None:
        self._load = load
        self._begin = begin
        self._gaps = Gaps(begin)
        self._latencies = Reservoir(seed=seed)
        self._failures: list[Failure] = []
        self._stretch: list[float] = []
        self._stretch_began = begin
        self._recent: deque[float] = deque(maxlen=SERIES_POINTS)
        self._end: float | None = None
        self.sent = 0
        self.answered = 0
        self.failed = 0
        self.reopened = 0
        self.stalled = 0.0

    def begin(self) -> None:
        """A request is sent."""
        self.sent += 1

    def good(self, started: float, ended: float) -> None:
        """A good answer came."""
        self.answered += 1
        self._gaps.good(ended)
        self._latencies.add(ended - started)
        if ended - self._stretch_began >= STRETCH_SECONDS:
            self._close_stretch(ended)
        self._stretch.append(ended - started)

    def bad(self, at: float, why: str) -> None:
        """A request failed."""
        self.failed += 1
        if len(self._failures) < FAILURES_KEPT:
            self._failures.append(Failure(at - self._begin, why))

    def withdraw(self) -> None:
        """A request that was begun is given up because the probing ends: it counts as never sent."""
        self.sent -= 1

    def stood_still(self, seconds: float) -> None:
        """This program itself stood still (stopped, suspended) and sent nothing."""
        self._gaps.skip(seconds)
        self.stalled += seconds

    def end(self, at: float) -> None:
        """No more is sent: the open gap does not grow any longer."""
        self._end = at

    def _close_stretch(self, now: float) -> None:
        if self._stretch:
            middle = percentile(sorted(self._stretch), 50)
            self._recent.append(round(middle or 0.0, 6))
        self._stretch = []
        self._stretch_began = now

    def counts(self, now: float) -> Counts:
        """What is counted up to now. Requests that are under way are sent, and neither answered nor failed."""
        now = min(now, self._end) if self._end is not None else now
        samples = self._latencies.values()
        return Counts(
            load=self._load,
            seconds=now - self._begin,
            sent=self.sent,
            answered=self.answered,
            failed=self.failed,
            failures=tuple(self._failures),
            longest_gap=self._gaps.longest,
            open_gap=self._gaps.open(now),
            reopened=self.reopened,
            stalled=self.stalled,
            p50=percentile(samples, 50),
            p95=percentile(samples, 95),
            p99=percentile(samples, 99),
            samples=samples,
            recent=tuple(self._recent),
        )


def by_side(counts: Iterable[Counts]) -> tuple[SideCounts, ...]:
    """All loads of each side together, in the order of `Side`; a side that is not asked is left out."""
    counts = tuple(counts)
    return tuple(_together(side, mine) for side in Side if (mine := [c for c in counts if c.load.target.side is side]))


def _together(side: Side, mine: list[Counts]) -> SideCounts:
    quick = [c for c in mine if c.load.target.kind is not Kind.DOWNLOAD]
    # the time that a large body takes says nothing of how fast a side answers
    samples = sorted((s, c.answered / len(c.samples)) for c in quick for s in c.samples)
    failures = sorted((f for c in mine for f in c.failures), key=lambda f: f.at)[:FAILURES_KEPT]
    return SideCounts(
        side=side,
        sent=sum(c.sent for c in mine),
        answered=sum(c.answered for c in mine),
        failed=sum(c.failed for c in mine),
        longest_gap=max((c.gap for c in quick), default=0.0),
        p50=weighted_percentile(samples, 50),
        p95=weighted_percentile(samples, 95),
        p99=weighted_percentile(samples, 99),
        failures=tuple(failures),
        recent=next((c.recent for c in quick if c.recent), ()),
        stalled=max((c.stalled for c in quick), default=0.0),
    )


def added(counts: Sequence[SideCounts]) -> SideCounts:
    """Several countings of one side, one after the other, as one. Latencies are those of the longest: those of the others are gone."""
    longest = max(counts, key=lambda c: c.answered)
    return replace(
        longest,
        sent=sum(c.sent for c in counts),
        answered=sum(c.answered for c in counts),
        failed=sum(c.failed for c in counts),
        longest_gap=max(c.longest_gap for c in counts),
        stalled=sum(c.stalled for c in counts),
        failures=tuple(f for c in counts for f in c.failures)[:FAILURES_KEPT],
    )


_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values as blocks from the lowest to the highest; all alike is all low."""
    shown = [v for v in values if math.isfinite(v)][-width:] if width > 0 else []
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    # what differs by less than a tenth of its height is the same to the eye: no mountains out of noise
    span = max(high - low, abs(high) / 10)
    return "".join(_BLOCKS[min(7, int((v - low) / span * 8)) if span else 0] for v in shown)
