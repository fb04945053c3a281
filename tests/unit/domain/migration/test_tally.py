"""Percentiles, gaps, series and counts, each against the plainest way of computing it, on many random inputs."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest

from labtui.domain.migration.probes import Kind, Load, Side, Target
from labtui.domain.migration.tally import (
    FAILURES_KEPT,
    Gaps,
    Reservoir,
    Series,
    Tally,
    by_side,
    percentile,
    sparkline,
    weighted_percentile,
)

SEEDS = range(60)


def load(side: Side = Side.INGRESS, kind: Kind = Kind.HTTP, rate: float = 50) -> Load:
    return Load(Target(side, "127.0.0.1", 80, kind), rate)


def plainly(values: Sequence[float], percent: float) -> float:
    """The smallest value that is not below `percent` of the values."""
    return min(v for v in values if sum(w <= v for w in values) * 100 >= percent * len(values))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("percent", [0.5, 50, 95, 99, 99.9, 100])
def test_percentile(seed: int, percent: float) -> None:
    rng = random.Random(seed)
    values = sorted(rng.choice([rng.random(), float(rng.randrange(5))]) for _ in range(rng.randrange(1, 70)))
    found = percentile(values, percent)
    assert found == plainly(values, percent)
    assert weighted_percentile([(v, 1.0) for v in values], percent) == found
    # a value that stands for three is like three of it
    thrice = sorted(v for v in values for _ in range(3))
    assert weighted_percentile([(v, 3.0) for v in values], percent) == percentile(thrice, percent)


def test_percentile_of_nothing() -> None:
    assert percentile([], 50) is None
    assert weighted_percentile([], 50) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_longest_gap_does_not_depend_on_the_order_within_it(seed: int) -> None:
    rng = random.Random(seed)
    begin = rng.uniform(0, 1000)
    moments = [begin + rng.uniform(0, 60) for _ in range(rng.randrange(1, 40))]
    gaps = Gaps(begin)
    for at in sorted(moments):
        gaps.good(at)
    line = [begin, *sorted(moments)]
    assert gaps.longest == max(b - a for a, b in itertools.pairwise(line))
    now = max(moments) + rng.uniform(0, 5)
    assert gaps.open(now) == now - max(moments)
    # an answer that is counted late, after a newer one, neither makes nor hides a gap
    gaps.good(min(moments))
    assert gaps.open(now) == now - max(moments)


def test_what_the_program_slept_through_is_no_gap() -> None:
    gaps = Gaps(100.0)
    gaps.good(101.0)
    gaps.skip(30.0)
    gaps.good(131.5)
    assert gaps.longest == 1.0


@pytest.mark.parametrize("seed", range(10))
def test_a_reservoir_is_bounded_and_fair(seed: int) -> None:
    reservoir = Reservoir(size=500, seed=seed)
    for value in range(20_000):
        reservoir.add(float(value))
    chosen = reservoir.values()
    assert len(chosen) == 500 == len(set(chosen))
    middle = percentile(chosen, 50)
    assert middle is not None and 8_000 < middle < 12_000
    assert list(chosen) == sorted(chosen)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 1000, 4096])
def test_a_series_is_bounded_and_keeps_the_mean(count: int) -> None:
    series = Series(points=8)
    for value in range(count):
        series.add(float(value))
    found = series.values()
    assert len(found) <= 9
    assert list(found) == sorted(found)
    if count in (1, 7, 8, 4096):
        assert sum(found) / len(found) == pytest.approx((count - 1) / 2)


class TestTally:
    def test_all_that_is_counted(self) -> None:
        tally = Tally(load(), begin=10.0)
        for at in (10.1, 10.2, 10.5):
            tally.begin()
            tally.good(at - 0.02, at)
        for number in range(FAILURES_KEPT + 5):
            tally.begin()
            tally.bad(11.0, f"reason {number}")
        tally.begin()
        counts = tally.counts(12.0)
        assert (counts.sent, counts.answered, counts.failed) == (29, 3, 25)
        assert [f.why for f in counts.failures] == [f"reason {n}" for n in range(FAILURES_KEPT)]
        assert counts.failures[0].at == pytest.approx(1.0)
        assert counts.longest_gap == pytest.approx(0.3)
        assert counts.open_gap == counts.gap == pytest.approx(1.5)
        assert counts.p99 == pytest.approx(0.02)
        tally.end(12.5)
        assert tally.counts(99.0).open_gap == pytest.approx(2.0)
        assert tally.counts(99.0).seconds == pytest.approx(2.5)

    def test_the_recent_latencies_follow_in_stretches(self) -> None:
        tally = Tally(load(), begin=0.0)
        for second in range(30):
            took = 0.001 if second < 15 else 0.009
            tally.good(second - took, float(second))
        recent = tally.counts(30.0).recent
        assert recent[0] == pytest.approx(0.001) and recent[-1] == pytest.approx(0.009)
        assert 3 <= len(recent) <= 6

    def test_sides_are_put_together(self) -> None:
        fast, slow, large, other = (
            Tally(one, begin=0.0) for one in (load(), load(rate=1), load(kind=Kind.DOWNLOAD), load(side=Side.DOCKER))
        )
        for number in range(1, 6001):
            fast.begin()
            fast.good(number / 100 - 0.001, number / 100)
        for number in range(1, 61):
            slow.begin()
            slow.good(number - 0.5, float(number))
        large.begin()
        large.bad(7.0, "cut")
        ingress, docker = by_side([t.counts(60.0) for t in (fast, slow, large, other)])
        assert (ingress.side, ingress.sent, ingress.failed) == (Side.INGRESS, 6061, 1)
        assert ingress.longest_gap == pytest.approx(1.0)  # of the slow load; a download makes no gap
        # 60 of 6060 took half a second: the few do not weigh more because all of theirs were kept
        assert ingress.p95 == pytest.approx(0.001) and ingress.p99 == pytest.approx(0.001)
        assert ingress.failures[0].why == "cut"
        assert (docker.side, docker.sent, docker.p50) == (Side.DOCKER, 0, None)


def test_sparklines() -> None:
    assert sparkline([], 8) == ""
    assert sparkline([1.0, 1.01, 1.0], 8) == "▁▁▁"
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([5, 0, 10], 2) == "▁█"
    assert sparkline([0.0, 0.0], 5) == "▁▁"
