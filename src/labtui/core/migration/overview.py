"""A journal in one line: for lists of migrations."""

from __future__ import annotations

from collections.abc import Sequence

from labtui.core.migration.reporting import next_command, report_of
from labtui.core.migration.service import Record
from labtui.domain.errors import LabError
from labtui.domain.migration.journal import About, Entry, Mark, State, last_entries, open_goal, state_of
from labtui.domain.migration.probes import Side, SideCounts
from labtui.domain.migration.standing import standing
from labtui.domain.migration.steps import ORDER, StepName
from labtui.domain.resources.migration import Migration, Requests, migration_ref
from labtui.domain.states import Level

BY_ITSELF = "taken back by itself"  # how the engine's note of a take-back that nobody asked for ends
_UNDER_WAY = (Mark.BEGUN, Mark.UNDOING, Mark.FAILED)


def migration_of(record: Record, holder: str = "") -> Migration:
    """A migration that this labtui does not run. `holder`: the labtui that does."""
    return told(record.about, record.entries, holder=holder, problem=record.problem)


def told(
    about: About,
    entries: Sequence[Entry],
    *,
    running: bool = False,
    holder: str = "",
    problem: str = "",
    counts: SideCounts | None = None,
) -> Migration:
    """What these entries say. `counts` is newer than what they say of the requests."""
    state, step = state_of(entries), where(entries)
    open_end = open_goal(entries) is not None
    busy = running or bool(holder)
    level, word = Level.MOVING, step.value if step else "begins"
    if not busy and state is State.KUBERNETES and not open_end:
        level, word = Level.WELL, state.value
    elif not busy and state is State.DOCKER and not open_end:
        level, word = Level.OFF, "back on Docker" if last_entries(entries) else state.value
    elif not busy:
        level, word = _stopped(entries, word)
    return Migration(
        migration_ref(about.site, about.stack, about.id),
        level,
        word,
        words=standing(entries),
        step=step.value if step else "",
        requests=requests_of(counts) if counts is not None else asked(about, entries),
        began=entries[0].at if entries else None,
        changed=entries[-1].at if entries else None,
        running=running,
        holder=holder,
        ended=not busy and not open_end and state is not State.RUNNING,
        moved=state is State.KUBERNETES,
        problem=problem,
        next_command=next_command(about, entries),
    )


def where(entries: Sequence[Entry]) -> StepName | None:
    """The step that is under way, else the last one that is done."""
    last = last_entries(entries)
    open_ones = [key.step for key, entry in last.items() if entry.mark in _UNDER_WAY]
    if open_ones:
        return max(open_ones, key=ORDER.index)
    done = [key.step for key, entry in last.items() if entry.mark is Mark.DONE]
    return max(done, key=ORDER.index) if done else None


def asked(about: About, entries: Sequence[Entry]) -> Requests | None:
    """What the journal says of users' requests, None when none were counted, when those that count most were not kept, or
    when their record is damaged."""
    if not entries or uncounted(entries):
        return None
    try:
        side = report_of(about, entries).side(Side.INGRESS)
    except LabError:
        return None  # its own page tells that
    return requests_of(side.counts) if side is not None else None


def uncounted(entries: Sequence[Entry]) -> bool:
    """Has a step failed while users were on their way? What it had counted is not in the journal then: only its words are."""
    failed = failure(entries)
    return failed is not None and failed.step in (StepName.CUT_OVER, StepName.SOAK)


def requests_of(counts: SideCounts) -> Requests:
    """Counts, as far as a line tells them."""
    return Requests(counts.sent, counts.failed, counts.longest_gap, counts.p95)


def failure(entries: Sequence[Entry]) -> Entry | None:
    """Why the last run ended, if that was a failure; also when labtui took back by itself what had missed its aim."""
    for entry in reversed(entries):
        if entry.mark is Mark.FAILED:
            return entry
        if entry.mark in (Mark.BEGUN, Mark.DONE):
            return None
        if entry.mark is Mark.NOTE and "goal" in entry.data and not entry.text.endswith(BY_ITSELF):
            return None  # somebody has asked for something else since
    return None


def _stopped(entries: Sequence[Entry], step: str) -> tuple[Level, str]:
    """One that nobody runs and that has not ended waits for a person."""
    failed = failure(entries)
    if failed is not None:
        return Level.BROKEN, f"failed: {failed.step}"
    last = [entry for entry in entries if entry.mark is not Mark.NOTE][-1:]
    if last and last[0].mark in (Mark.BEGUN, Mark.UNDOING):
        return Level.BROKEN, f"cut off: {step}"
    return Level.DRIFTED, f"after {step}"
