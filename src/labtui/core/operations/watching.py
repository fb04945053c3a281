"""Following what Argo CD does, by asking again and again until it is done. A lost connection is waited out, not guessed at."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from labtui.core.executor import Report
from labtui.domain.errors import LabError, OutcomeUnknown, SignedOut, Unreachable
from labtui.domain.planning import Window
from labtui.domain.ref import Ref
from labtui.domain.resources.argocd import Application, Operation, ResourceResult
from labtui.ports import Applications

SETTLES = 3.0  # seconds after which an answer is taken to be newer than the request


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look, and how long to go on looking, in seconds. `wait` is replaced where time is simulated."""

    every: float = 0.4
    limit: float = 900.0
    wait: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


def until(
    applications: Applications,
    ref: Ref,
    reached: Callable[[Application], bool],
    report: Report,
    pace: Pace,
    what: str,
) -> Application:
    """Read the application until `reached` says so. Raises OutcomeUnknown after `pace.limit`."""
    end = pace.monotonic() + pace.limit
    away = False
    seen = _Seen(report)
    while True:
        try:
            app = applications.get(ref)
            if away:
                report("watching", "Argo CD answers again")
                away = False
            seen.tell(app.operation)
            if reached(app):
                return app
        except (Unreachable, SignedOut) as error:
            if not away:
                report("watching", f"Argo CD does not answer ({error.cause}); still looking")
            away = True
        if pace.monotonic() > end:
            raise OutcomeUnknown(f"Did not see {what} in {pace.limit:.0f} s", hint=f"Look at {ref.name} again")
        pace.wait(pace.every)


class _Seen:
    """Reports what is new in an operation: its phase, message, retries, and each resource as it is done."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last: tuple[str, str, int] | None = None
        self._results: set[ResourceResult] = set()

    def tell(self, operation: Operation | None) -> None:
        if operation is None:
            return
        for result in operation.results:
            if result not in self._results:
                self._results.add(result)
                words = result.hook_phase or result.status
                message = f": {result.message}" if result.message else ""
                self._report(words, f"{result.kind} {result.namespace}/{result.name}{message}")
        now = (operation.phase, operation.message, operation.retries)
        if now != self._last:
            self._last = now
            retry = f" (retry {operation.retries})" if operation.retries else ""
            self._report(operation.phase, f"{operation.phase}{retry}: {operation.message}".rstrip(": "))


def operation_ended(
    applications: Applications, ref: Ref, before: Operation | None, report: Report, pace: Pace
) -> Application:
    """Wait for the operation that was started after `before` was the last one, and for its end."""
    # `.operation` is there from the moment Argo CD takes the request until it is done; only its caches may lag behind
    settled = pace.monotonic() + SETTLES

    def reached(app: Application) -> bool:
        operation = app.operation
        # times have whole seconds, so an equal operation may still be a new one
        return operation is not None and not app.busy and (operation != before or pace.monotonic() > settled)

    return until(applications, ref, reached, report, pace, "the end of the operation")


def window_now(applications: Applications, ref: Ref) -> tuple[Window, tuple[str, ...]]:
    """What the sync windows say, and a note instead when they cannot be asked."""
    try:
        windows = applications.windows(ref)
    except (Unreachable, SignedOut):
        raise
    except LabError as error:
        return Window(True), (f"The sync windows could not be read: {error.cause}",)
    words = ", ".join(
        f"{w.kind} {w.schedule} for {w.duration}{', manual sync allowed' if w.manual_sync else ''}"
        for w in windows.windows
        if w.active or w.kind == "allow"
    )
    return Window(windows.can_sync, words), ()
