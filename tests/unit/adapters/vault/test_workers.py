"""Calls side by side, and giving them up."""

from __future__ import annotations

import threading
from time import monotonic

import pytest

from labtui.adapters.vault.workers import Workers
from labtui.domain.errors import Denied, Unreachable


def test_results_come_in_the_order_of_the_items() -> None:
    workers = Workers(3, "test")
    assert workers.map(lambda n: n * n, range(20)) == [n * n for n in range(20)]
    assert workers.map(lambda n: n, ()) == []
    assert workers.run(lambda: "one") == "one"
    workers.close()


def test_a_failure_does_not_wait_for_the_slow_ones() -> None:
    workers = Workers(2, "test")
    hang = threading.Event()

    def call(item: str) -> str:
        if item == "bad":
            raise Denied("no")
        hang.wait(10)
        return item

    started = monotonic()
    with pytest.raises(Denied):
        workers.map(call, ["slow", "bad"])
    assert monotonic() - started < 5
    hang.set()
    workers.close()


def test_a_defect_reaches_the_one_who_waits() -> None:
    workers = Workers(1, "test")
    with pytest.raises(ZeroDivisionError):
        workers.run(lambda: 1 // 0)
    workers.close()


def test_closing_ends_the_wait_at_once() -> None:
    workers = Workers(1, "test")
    hang, begun = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        hang.wait(10)

    def close() -> None:
        begun.wait(5)
        workers.close()

    threading.Thread(target=close).start()
    started = monotonic()
    with pytest.raises(Unreachable):
        workers.run(call)
    assert monotonic() - started < 5
    with pytest.raises(Unreachable):
        workers.run(call)
    hang.set()
    workers.close()
