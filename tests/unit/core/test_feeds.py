"""Mailbox, inventory and the feed runner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from labtui.core.feeds import FeedRunner, stop_all
from labtui.core.inventory import Inventory
from labtui.core.mailbox import Mailbox
from labtui.domain.changes import Change, Live, Remove, Resync, StatusChanged, Upsert
from labtui.domain.errors import Denied, SignedOut, Unreachable
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.resources import SecretPath
from labtui.domain.states import FeedState, FeedStatus
from labtui.ports import Emit
from tests.unit.core.fakes import T0, Clock, ScriptedFeed

VAULT = SourceId(SourceKind.VAULT, "kv")
OTHER = SourceId(SourceKind.VAULT, "other")


def secret(name: str, version: int = 1, source: SourceId = VAULT) -> SecretPath:
    return SecretPath(Ref(source, "Secret", "kv", name), version=version)


def resync(*names: str) -> Resync:
    return Resync(VAULT, frozenset({"Secret"}), tuple(secret(n) for n in names))


def wait_until(check: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "never happened"
        time.sleep(0.005)


# Inventory


def test_only_real_differences_are_in_the_delta() -> None:
    inventory = Inventory()
    assert {r.ref.name for r in inventory.apply([resync("a", "b")]).changed} == {"a", "b"}
    assert not inventory.apply([Upsert(secret("a"))])
    assert not inventory.apply([Upsert(secret("c")), Remove(secret("c").ref)])
    delta = inventory.apply([Upsert(secret("a", 2)), Remove(secret("b").ref)])
    assert delta.changed == (secret("a", 2),) and delta.removed == (secret("b").ref,)


def test_a_resync_drops_what_is_not_in_it_and_leaves_other_kinds_and_sources() -> None:
    inventory = Inventory()
    inventory.apply([resync("a", "b"), Upsert(secret("b", source=OTHER))])
    delta = inventory.apply([resync("a"), Upsert(secret("b", source=OTHER))])
    assert delta.removed == (secret("b").ref,) and not delta.changed
    assert inventory.get(secret("b", source=OTHER).ref) is not None
    inventory.apply([Resync(VAULT, frozenset({"Folder"}), ())])
    assert inventory.get(secret("a").ref) is not None


def test_the_status_of_a_source_is_in_the_delta_once() -> None:
    inventory = Inventory()
    change = StatusChanged(VAULT, FeedStatus(FeedState.LIVE, T0))
    assert inventory.apply([change]).sources == (VAULT,)
    assert inventory.apply([change]).sources == ()


# Mailbox


def test_changes_of_one_thing_are_coalesced_and_wake_is_called_once() -> None:
    woken: list[int] = []
    mailbox = Mailbox(lambda: woken.append(1))
    for version in range(1, 100):
        mailbox.put(Upsert(secret("a", version)))
    assert woken == [1]
    assert mailbox.drain() == [Upsert(secret("a", 99))]
    mailbox.put(Remove(secret("a").ref))
    assert woken == [1, 1]


def test_a_resync_overtakes_what_came_before_and_not_what_comes_after() -> None:
    mailbox = Mailbox()
    mailbox.put(Upsert(secret("old")))
    mailbox.put(Upsert(secret("other", source=OTHER)))
    mailbox.put(resync("a"))
    mailbox.put(Upsert(secret("new")))
    inventory = Inventory()
    inventory.apply(mailbox.drain())
    assert {r.ref.name for r in inventory.of(VAULT)} == {"a", "new"}
    assert {r.ref.name for r in inventory.of(OTHER)} == {"other"}


def test_a_second_list_overtakes_changes_between_the_lists() -> None:
    mailbox = Mailbox()
    mailbox.put(resync("a"))
    mailbox.put(Upsert(secret("gone")))
    mailbox.put(resync("a"))
    inventory = Inventory()
    inventory.apply(mailbox.drain())
    assert {r.ref.name for r in inventory.of(VAULT)} == {"a"}


# The runner


def live(emit: Emit, stop: threading.Event) -> None:
    emit(resync("a"))
    emit(Live(VAULT))
    stop.wait()


def live_then_lost(emit: Emit, stop: threading.Event) -> None:
    emit(Live(VAULT))
    raise Unreachable("Vault does not answer", "connection refused")


def refused(emit: Emit, stop: threading.Event) -> None:
    raise Unreachable("Vault does not answer", "connection refused")


class Recorder:
    def __init__(self) -> None:
        self.changes: list[Change] = []

    def __call__(self, change: Change) -> None:
        self.changes.append(change)

    def states(self) -> list[FeedState]:
        return [c.status.state for c in self.changes if isinstance(c, StatusChanged)]


def run(feed: ScriptedFeed, clock: Clock | None = None) -> tuple[FeedRunner, Recorder]:
    recorder = Recorder()
    runner = FeedRunner(feed, recorder, clock or Clock())
    runner.start()
    return runner, recorder


def test_a_source_that_was_live_becomes_stale_and_live_again() -> None:
    feed = ScriptedFeed(VAULT, live_then_lost, refused, live)
    runner, recorder = run(feed)
    wait_until(lambda: feed.connections == 3 and recorder.states()[-1] is FeedState.LIVE)
    assert recorder.states() == [
        FeedState.CONNECTING, FeedState.LIVE, FeedState.STALE, FeedState.STALE, FeedState.LIVE,
    ]  # fmt: skip
    assert not stop_all([runner], 1)


def test_a_source_that_never_answered_is_down_with_the_cause() -> None:
    feed = ScriptedFeed(VAULT, refused)
    runner, recorder = run(feed)
    wait_until(lambda: feed.connections >= 2)
    assert FeedState.STALE not in recorder.states()
    status = next(c.status for c in recorder.changes if isinstance(c, StatusChanged) and c.status.detail)
    assert (status.state, status.detail) == (FeedState.DOWN, "connection refused")
    stop_all([runner], 1)


def test_stale_since_is_the_moment_of_the_loss_whatever_fails_later() -> None:
    clock = Clock()

    def later(emit: Emit, stop: threading.Event) -> None:
        clock.advance(60)
        raise Unreachable("x", "name unknown")

    feed = ScriptedFeed(VAULT, live_then_lost, later)
    runner, recorder = run(feed, clock)
    wait_until(lambda: feed.connections >= 3)
    stale = [c.status for c in recorder.changes if isinstance(c, StatusChanged) and c.status.state is FeedState.STALE]
    assert {s.since for s in stale} == {T0} and stale[-1].detail == "name unknown"
    stop_all([runner], 1)


def test_denied_and_signed_out_are_states_of_their_own() -> None:
    def denied(emit: Emit, stop: threading.Event) -> None:
        raise Denied("no", "forbidden")

    def signed_out(emit: Emit, stop: threading.Event) -> None:
        raise SignedOut("no", "token expired")

    feed = ScriptedFeed(VAULT, denied, signed_out)
    runner, recorder = run(feed)
    wait_until(lambda: FeedState.SIGNED_OUT in recorder.states())
    assert recorder.states()[:3] == [FeedState.CONNECTING, FeedState.DENIED, FeedState.SIGNED_OUT]
    stop_all([runner], 1)


def test_a_defect_of_an_adapter_is_a_state_and_is_retried() -> None:
    def defect(emit: Emit, stop: threading.Event) -> None:
        raise KeyError("secret-value")

    feed = ScriptedFeed(VAULT, defect, live)
    runner, recorder = run(feed)
    wait_until(lambda: recorder.states()[-1] is FeedState.LIVE)
    statuses = [c.status for c in recorder.changes if isinstance(c, StatusChanged)]
    assert "KeyError" in statuses[1].detail and "secret-value" not in str(statuses)
    stop_all([runner], 1)


def test_the_user_need_not_wait_for_the_next_attempt() -> None:
    feed = ScriptedFeed(VAULT, *[refused] * 6, live)
    runner, recorder = run(feed)
    begin = time.monotonic()
    while feed.connections < 7 and time.monotonic() - begin < 3:
        runner.retry()
        time.sleep(0.005)
    wait_until(lambda: recorder.states()[-1] is FeedState.LIVE)
    assert time.monotonic() - begin < 2, "waits of 0.25 + 0.5 + 1 + 2 + 4 s were not cut short"
    stop_all([runner], 1)


def test_stopping_is_bounded_even_when_a_feed_hangs() -> None:
    release = threading.Event()

    def hang(emit: Emit, stop: threading.Event) -> None:
        release.wait(10)

    feed = ScriptedFeed(VAULT, hang)
    runner, _ = run(feed)
    wait_until(lambda: feed.connections == 1)
    begin = time.monotonic()
    assert stop_all([runner], 0.2) == (runner,)
    assert time.monotonic() - begin < 0.5
    assert feed.closed.wait(1)
    release.set()
    assert runner.join(1)
