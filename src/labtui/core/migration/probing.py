"""Requests that are sent all along while traffic is moved, and the failure budget that takes a move back by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from labtui.core.migration.action import Action, Data, Report
from labtui.core.migration.around import Around
from labtui.core.migration.watching import Limits, Watcher, hold
from labtui.domain.errors import Invalid, LabError
from labtui.domain.migration.comparison import Measured
from labtui.domain.migration.probes import Load, Side, SideCounts
from labtui.domain.migration.tally import by_side
from labtui.domain.records import from_plain, to_plain
from labtui.ports.migration import Prober, Probing

PROBED = "probed"  # in the journal: what was counted
_LONG = 30 * 86_400.0  # seconds; it ends when the work does
_SETTLE = 1.0  # seconds of requests before a move and after it: what came before it is not its fault


@dataclass(frozen=True, slots=True)
class Probes:
    """What is sent, and what may not happen. `sides` of the limits are those that users see."""

    loads: tuple[Load, ...]
    limits: Limits


Find = Callable[[Report], Probes]  # asks where the sides are; raises Unreachable


class Running:
    """The requests of one run of one migration. `wait` takes the place of `time.sleep` in what moves the traffic."""

    def __init__(
        self,
        find: Find,
        prober: Prober,
        watching: Callable[[Callable[[float], bool]], AbstractContextManager[Watcher]],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`watching` opens a watcher that waits in the given way."""
        self._find, self._prober, self._watching_with, self._sleep = find, prober, watching, wait
        self._probes: Probes | None = None
        self._probing: Probing | None = None
        self._armed = False
        self._over = threading.Event()
        self._watching: threading.Thread | None = None

    @property
    def probing(self) -> Probing | None:
        """The requests that are being sent; None: none."""
        return self._probing

    def open(self, report: Report) -> None:
        """Begin to send, if nothing is sent yet. Raises Unreachable when there is no way to ask a side."""
        if self._probing is not None:
            return
        self._probes = self._find(report)
        self._probing = self._prober.start(self._probes.loads)
        self._over.clear()
        self._watching = threading.Thread(target=self._watch, name="migration probes", daemon=True)
        self._watching.start()
        self._sleep(_SETTLE)

    def arm(self, armed: bool) -> None:
        """From now on the budget holds in `wait`, or does no more."""
        self._armed = armed

    def wait(self, seconds: float) -> None:
        """Wait. Raises BudgetExceeded as soon as the budget is passed, while it holds."""
        self._sleep(seconds)
        self.hold()

    def hold(self) -> None:
        """Raise BudgetExceeded when the budget is passed, while it holds."""
        if self._armed and self._probing is not None and self._probes is not None:
            hold(self._probes.limits, self._probing.counts(), Measured(), None)

    def settle(self) -> None:
        """A moment more of requests, under the budget."""
        if self._probing is not None:
            self.wait(_SETTLE)

    def counts(self) -> tuple[SideCounts, ...]:
        """What was counted so far, by side."""
        return by_side(self._probing.counts()) if self._probing is not None else ()

    def close(self) -> tuple[SideCounts, ...]:
        """Send no more; what was counted. May be called twice."""
        self._armed = False
        probing, self._probing = self._probing, None
        self._over.set()
        if self._watching is not None:
            self._watching.join(5.0)
            self._watching = None
        return by_side(probing.stop()) if probing is not None else ()

    def _watch(self) -> None:
        """Shows what is counted and used; the budget is held by the work itself."""
        probing = self._probing
        if probing is None:
            return
        with self._watching_with(self._over.wait) as watcher:
            watcher.watch(probing, _LONG, None, lambda _: None)


class Probed(Around):
    """An action during which requests are sent and the budget holds. Its undo is watched, too, and nothing stops it.

    `last`: the requests end with it. The data of the action within gets `probed` beside it (`probed_of`).
    """

    def __init__(self, inner: Action, running: Running, *, last: bool = False) -> None:
        super().__init__(inner)
        self._running, self._last = running, last

    def do(self, earlier: Data, report: Report) -> Data:
        """See `Action`. Raises BudgetExceeded (which takes it back) when users would notice."""
        running = self._running
        running.open(report)
        running.arm(True)
        try:
            running.hold()
            found: dict[str, Any] = dict(self.inner.do(earlier, report))
            running.settle()
        except BaseException as error:
            counts = running.close()
            _said(counts, report)
            if isinstance(error, LabError):
                error.left = {**error.left, PROBED: to_plain(counts)}
            raise
        running.arm(False)
        counts = running.close() if self._last else running.counts()
        _said(counts, report)
        return {**found, PROBED: to_plain(counts)}

    def undo(self, data: Data, report: Report) -> None:
        """See `Action`."""
        running = self._running
        running.arm(False)
        try:
            running.open(report)
        except LabError as error:
            report(f"no requests are sent meanwhile: {error.cause}")
        try:
            self.inner.undo(data, report)
        finally:
            _said(running.counts(), report)


def probed_of(data: Data) -> tuple[SideCounts, ...]:
    """What the journal says was counted during an action, also during one that failed. Raises Invalid for a damaged record."""
    found = data.get(PROBED) or []
    if not isinstance(found, list):
        raise Invalid("A record cannot be read", f"{PROBED} is not what was written")
    return tuple(from_plain(SideCounts, raw) for raw in found)


def _said(counts: tuple[SideCounts, ...], report: Report) -> None:
    for side in counts:
        if side.side is Side.INGRESS:
            gap = f"longest gap {side.longest_gap * 1000:.0f} ms"
            report(f"{side.failed:,} of {side.sent:,} requests through the Ingress failed, {gap}")
