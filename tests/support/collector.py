"""Following a feed in a thread, as the core does but once, and keeping what it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref
from labtui.domain.resources import Resource
from labtui.ports import Feed


class Collector:
    """`resources` is what there is now, `changes` all that came, `live` the newest `Live`, `error` what ended `follow`.

    Used as a context manager: leaving it ends the feed, and fails when that takes longer than five seconds.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.stop = threading.Event()
        self.changes: list[Change] = []
        self.resources: dict[Ref, Resource] = {}
        self.live: Live | None = None
        self.error: LabError | None = None
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"following {feed.source.label}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self.feed.close()
        self._thread.join(5)
        assert not self._thread.is_alive(), "follow did not return after stop and close"

    def wait(self, what: str, probe: Callable[[], object], seconds: float) -> None:
        """Until `probe` is true of what is known. Fails with `what` after `seconds`, or at once when the feed has ended."""
        end = time.monotonic() + seconds
        with self._news:
            while not probe():
                left = end - time.monotonic()
                assert left > 0, f"did not see in {seconds:g} s: {what}; have {self.summary()}"
                assert self._thread.is_alive(), f"the feed ended before: {what}; {self.error!r}"
                self._news.wait(min(left, 0.05))  # the probe may look at something else, too

    def until_ended(self, seconds: float = 20.0) -> LabError | None:
        """Wait until `follow` has ended; what it raised, None if it has returned."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"follow did not end in {seconds:g} s"
        return self.error

    def failure(self, seconds: float = 20.0) -> LabError:
        """Wait until `follow` has raised; returns what."""
        error = Collector.until_ended(self, seconds)
        assert error is not None, "follow returned and did not raise"
        return error

    def summary(self) -> str:
        """What there is, in short, for a test that fails."""
        return ", ".join(sorted(f"{ref.namespace}/{ref.name}" for ref in self.resources)) or "nothing"

    def _run(self) -> None:
        try:
            self.feed.follow(self._take, self.stop)
        except LabError as error:
            self.error = error
        finally:
            with self._news:
                self._news.notify_all()

    def _take(self, change: Change) -> None:
        with self._news:
            self.changes.append(change)
            match change:
                case Resync(kinds=kinds, resources=resources):
                    self.resources = {ref: r for ref, r in self.resources.items() if ref.kind not in kinds}
                    self.resources |= {r.ref: r for r in resources}
                case Upsert(resource=resource):
                    self.resources[resource.ref] = resource
                case Remove(ref=ref):
                    self.resources.pop(ref, None)
                case Live():
                    self.live = change
            self._news.notify_all()
