"""Asking servers without holding up the screen: one daemon thread a question, the answer comes back on the screen's own thread.

Not Textual's thread workers: those run in the event loop's pool, which the interpreter joins at exit, so that one frozen
server would keep a closed program alive.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from textual.app import App

from labtui.domain.errors import LabError

log = logging.getLogger(__name__)

T = TypeVar("T")


def deliver(app: App[Any], call: Callable[[], None]) -> None:
    """From any thread: make `call` on the screen's thread, as a posted message. After the program's end it is dropped."""
    try:
        app.call_later(call)
    except RuntimeError as error:  # the event loop is closed: nobody is there to see the answer
        log.debug("an answer came after the end: %s", error)


def in_background(app: App[Any], work: Callable[[], T], done: Callable[[T | LabError], None], name: str) -> None:
    """Do `work` in a daemon thread and hand its answer, or the LabError that it raised, to `done` on the screen's thread.

    Whoever asks decides in `done` whether the answer is still wanted.
    """

    def run() -> None:
        answer: T | LabError
        try:
            answer = work()
        except LabError as error:
            answer = error
        except Exception as error:  # a defect must be seen, not end as a question that is never answered
            log.exception("%s failed", name)
            answer = LabError("Internal error", type(error).__name__, "The log file has the details")
        deliver(app, lambda: done(answer))

    threading.Thread(target=run, name=name, daemon=True).start()
