"""What contract tests and the demo's tests follow feeds with."""

from __future__ import annotations

import pytest

from labtui.domain.changes import Live, Remove, Resync, Upsert
from labtui.domain.errors import Unreachable
from tests.support.collector import Collector
from tests.tui.fakes import CLUSTER, FakeFeed, workload


def test_it_knows_what_there_is_and_how_it_ended() -> None:
    feed = FakeFeed(CLUSTER)
    first, second, job = workload("a"), workload("b"), workload("j", kind="Job")
    feed.give(Resync(CLUSTER, frozenset({"Deployment"}), (first,)), Resync(CLUSTER, frozenset({"Job"}), (job,)))
    feed.give(Upsert(second), Remove(first.ref), Live(CLUSTER, ("a note",)))
    with Collector(feed) as collector:
        collector.wait("live", lambda: collector.live, 5)
        assert set(collector.resources) == {second.ref, job.ref}, "the lists of other kinds stay"
        assert len(collector.changes) == 5 and collector.live == Live(CLUSTER, ("a note",))
        with pytest.raises(AssertionError, match=r"did not see in 0\.1 s: more; have b/b, j/j"):
            collector.wait("more", lambda: False, 0.1)
        lost = Unreachable("Gone")
        feed.fail(lost)
        assert collector.failure(5) is lost
        with pytest.raises(AssertionError, match="the feed ended before: more"):
            collector.wait("more", lambda: False, 5)


def test_leaving_it_ends_the_feed() -> None:
    feed = FakeFeed(CLUSTER)
    with Collector(feed) as collector:
        collector.wait("a connection", lambda: feed.connects, 5)
    assert collector.until_ended(0) is None
    with pytest.raises(AssertionError, match="did not raise"):
        collector.failure(0)
