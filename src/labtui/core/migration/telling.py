"""What a run tells its watchers, who must never be able to stop it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from labtui.core.migration.action import Action
from labtui.domain.migration.journal import About
from labtui.domain.migration.progress import Event, MigrationProgress
from labtui.ports import Clock

log = logging.getLogger(__name__)

Watch = Callable[[MigrationProgress], None]


class Teller:
    """Hands what happens to a watcher, in the thread of the run."""

    def __init__(self, about: About, total: int, clock: Clock, watch: Watch) -> None:
        """`total`: how many actions there are."""
        self._about, self._total, self._clock, self._watch = about, total, clock, watch

    def __call__(self, event: Event, text: str, action: Action | None = None, position: int = -1) -> None:
        """`position` counts from 0."""
        step, name = (action.step, action.name) if action is not None else (None, "")
        made = MigrationProgress(self._clock.now(), self._about.id, event, text, step, name, position + 1, self._total)
        try:
            self._watch(made)
        except Exception:  # a defect of a screen must not leave a stack between two places
            log.exception("a watcher of the migration %s failed", self._about.id)
