"""Following a feed of the demo in a thread, and waiting for what it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from labtui.demo import DemoClock, DemoEstate
from labtui.domain.changes import Change, Live, Remove, Resync, Upsert
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref
from labtui.domain.resources import Resource
from labtui.domain.resources.argocd import Application
from labtui.ports import Feed

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
PATIENCE = 5.0


def frozen(*, life: bool = True, seed: int = 7, **faults: str) -> DemoEstate:
    """An estate whose clock stands at noon; `kyiv="down"` breaks a source."""
    from labtui.demo import parse_faults

    broken = parse_faults([f"{name}={fault}" for name, fault in faults.items()])
    return DemoEstate(DemoClock(NOON), broken, life=life, seed=seed)


def app_ref(world: DemoEstate, name: str) -> Ref:
    """An application of the demo by its name."""
    return Ref(world.world.sources["argocd"], "Application", "argocd", name)


def app(world: DemoEstate, name: str) -> Application:
    """An application of the demo as the server describes it."""
    return world.applications.get(app_ref(world, name))


class Following:
    """`resources` is what there is now, `changes` all that came, `error` what ended `follow`."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.changes: list[Change] = []
        self.resources: dict[Ref, Resource] = {}
        self.error: LabError | None = None
        self.stop = threading.Event()
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"following {feed.source.label}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self.feed.close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "follow does not return"

    @property
    def notes(self) -> tuple[str, ...] | None:
        """The newest notes; None before it is live."""
        return next((c.notes for c in reversed(self.changes) if isinstance(c, Live)), None)

    def until(self, what: str, probe: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Wait for something that is said."""
        end = time.monotonic() + seconds
        with self._news:
            while not probe():
                left = end - time.monotonic()
                assert left > 0, f"did not see: {what}"
                self._news.wait(left)

    def until_live(self) -> None:
        """Wait for `Live`."""
        self.until("live", lambda: self.notes is not None)

    def failure(self, seconds: float = PATIENCE) -> LabError:
        """Wait for `follow` to raise."""
        self.until("the end of the feed", lambda: self._ended, seconds)
        assert self.error is not None, "follow returned"
        return self.error

    def _run(self) -> None:
        try:
            self.feed.follow(self._take, self.stop)
        except LabError as error:
            self.error = error
        finally:
            with self._news:
                self._ended = True
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
            self._news.notify_all()
