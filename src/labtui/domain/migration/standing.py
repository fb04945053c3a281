"""What state things are in, in words: for errors, lists and the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labtui.domain.migration.journal import Entry, Mark, State, last_entries, state_of
from labtui.domain.migration.steps import ORDER, StepName


def standing(entries: Iterable[Entry]) -> str:
    """A sentence or two: where the traffic goes, what is done, what is half done. By the journal alone."""
    known = tuple(entries)
    state = state_of(known)
    if state is State.DOCKER:
        return "Everything is on Docker, as before"
    if state is State.KUBERNETES:
        return "Everything is on Kubernetes"
    last = last_entries(known)
    moved = {key.step: entry.mark for key, entry in last.items() if entry.mark is not Mark.UNDONE}
    open_ones = [key for key, entry in last.items() if entry.mark not in (Mark.DONE, Mark.UNDONE)]
    words = [_traffic(moved)]
    done = [step for step in ORDER if step in moved and all(key.step is not step for key in open_ones)]
    if done:
        words.append(f"Done: {', '.join(done)}")
    words += [f"Not finished: {key.action} ({key.step})" for key in open_ones]
    return ". ".join(words)


def _traffic(moved: Mapping[StepName, Mark]) -> str:
    if StepName.CUT_OVER not in moved:
        if StepName.QUIESCE in moved:
            return "Docker's writer is being stopped or is stopped"
        return "The traffic goes to Docker, as before"
    if StepName.SOAK in moved or StepName.RETIRE in moved:
        return "The traffic goes to Kubernetes"
    return "The traffic is being moved"
