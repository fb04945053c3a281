"""Calls that block, made side by side in daemon threads, and a wait for them that can be given up at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

from labtui.domain.errors import Unreachable

T = TypeVar("T")
R = TypeVar("R")

Job = Callable[[], None]


class Workers:
    """At most `count` threads, started when there is work. Daemons: a frozen server must not hold the program back at its end."""

    def __init__(self, count: int, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._count = count
        self._name = name
        self._threads: list[threading.Thread] = []
        self._closed: Future[Any] = Future()
        self._lock = threading.Lock()

    def run(self, function: Callable[[], R]) -> R:
        """One call."""
        return self.map(lambda _: function(), (None,))[0]

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """The results in the order of `items`. Raises what a call raised first, or Unreachable as soon as `close` is called."""
        futures: list[Future[R]] = []
        for item in items:
            future: Future[R] = Future()
            futures.append(future)
            self._jobs.put(_job(function, item, future))
        self._staff(len(futures))
        pending: set[Future[Any]] = set(futures)
        failed: Future[Any] | None = None
        while pending and failed is None and not self._closed.done():
            done, rest = wait({*pending, self._closed}, return_when=FIRST_COMPLETED)
            pending = rest - {self._closed}
            failed = next((f for f in done if f.exception() is not None), None)
        for future in pending:
            future.cancel()
        if self._closed.done():
            raise Unreachable("The connection to Vault was closed")
        if failed is not None:
            failed.result()
        return [future.result() for future in futures]

    def close(self) -> None:
        """End `map` now and the threads as soon as their calls end. From any thread, any number of times."""
        with self._lock:
            if not self._closed.done():
                self._closed.set_result(None)
            threads, self._threads = self._threads, []
        for _ in threads:
            self._jobs.put(None)

    def _staff(self, wanted: int) -> None:
        with self._lock:
            while len(self._threads) < min(wanted, self._count) and not self._closed.done():
                name = f"{self._name} {len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _job(function: Callable[[T], R], item: T, future: Future[R]) -> Job:
    def job() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = function(item)
        except BaseException as error:  # noqa: BLE001  (handed to the thread that waits, which raises it)
            future.set_exception(error)
        else:
            future.set_result(result)

    return job
