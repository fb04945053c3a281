"""From a journal to the report that is shown and kept: the steps with their times, and what verify and soak left there."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from labtui.core.migration.action import LEFT, Data
from labtui.core.migration.probing import probed_of
from labtui.core.migration.report_file import ReportFiles
from labtui.core.migration.soak import Soaked, soaked_of
from labtui.core.migration.verify import Verified, verified_of
from labtui.domain.errors import LabError
from labtui.domain.migration.comparison import Measured
from labtui.domain.migration.journal import About, Entry, Mark, State, done_actions, open_goal, state_of
from labtui.domain.migration.probes import Side, SideCounts
from labtui.domain.migration.report import Report, SideReport, as_json, steps_of
from labtui.domain.migration.tally import added
from labtui.domain.migration.window import windows_of

log = logging.getLogger(__name__)


def report_of(about: About, entries: Sequence[Entry], probed: Iterable[SideCounts] = ()) -> Report:
    """The report of a migration as far as its journal has come (at least one entry). Raises Invalid for damaged records.

    `probed`: what was counted beside the steps `verify` and `soak`, during the cut-over.
    """
    verified, soaked = _pieces(entries)
    return Report(
        migration=about.id,
        stack=about.stack,
        site=about.site,
        state=state_of(entries).value,
        began=entries[0].at,
        ended=entries[-1].at if open_goal(entries) is None else None,
        by=", ".join(dict.fromkeys(entry.by for entry in entries if entry.by)),
        next_command=next_command(about, entries),
        steps=steps_of(entries),
        sides=_sides(verified, soaked, (*_probed(entries), *probed)),
        paths=verified.paths if verified else (),
        edges=verified.edges if verified else (),
        checks=verified.checks if verified else (),
        remarks=(*(verified.remarks if verified else ()), *(soaked.remarks if soaked else ())),
        commits=_commits(entries),
        windows=windows_of(entries),
    )


class Reporting:
    """`service.Reporter`: the report as JSON, which is also kept beside the journal. That it cannot be kept is only said."""

    def __init__(self, files: ReportFiles) -> None:
        self._files = files

    def __call__(self, about: About, entries: Sequence[Entry]) -> dict[str, Any]:
        """The report, with the names of its files."""
        if not entries:
            return {}
        made = report_of(about, entries)
        plain = as_json(made)
        try:
            return {**plain, "files": [str(path) for path in self._files.write(made)]}
        except LabError as error:
            # the migration went as it went: a full disk must not hide that
            log.warning("the report of %s could not be kept: %s", about.id, error)
            return {**plain, "files": [], "not_kept": str(error)}


def _pieces(entries: Sequence[Entry]) -> tuple[Verified | None, Soaked | None]:
    """What the last verification and the last soak left, also of those that were taken back since."""
    verified: Verified | None = None
    soaked: Soaked | None = None
    for entry in entries:
        if entry.mark is Mark.DONE:
            data: Data = entry.data
            verified = verified_of(data) or verified
            soaked = soaked_of(data) or soaked
    return verified, soaked


def _probed(entries: Sequence[Entry]) -> tuple[SideCounts, ...]:
    """What was counted while traffic moved: the actions of a step share their requests, so the last count of each run holds.

    A run ends with a failure, or where the next one says what it is for.
    """
    found: dict[object, tuple[SideCounts, ...]] = {}
    run = 0
    for entry in entries:
        run += "goal" in entry.data
        left = entry.data if entry.mark is Mark.DONE else entry.data.get(LEFT) if entry.mark is Mark.FAILED else {}
        if isinstance(left, Mapping) and (counts := probed_of(left)):
            found[entry.step, run] = counts
        run += entry.mark is Mark.FAILED
    return tuple(side for counts in found.values() for side in counts)


def _sides(verified: Verified | None, soaked: Soaked | None, probed: tuple[SideCounts, ...]) -> tuple[SideReport, ...]:
    """Each side: all its requests together; its use as the soak saw it, which is longer and has users on the new side, else
    as the verification did."""
    counted = [*(verified.counts if verified else ()), *probed, *(soaked.counts if soaked else ())]
    counts = {side: added(mine) for side in Side if (mine := [c for c in counted if c.side is side])}
    use: dict[Side, Measured] = {}
    for piece in (verified, soaked):
        if piece is None:
            continue
        for side, measured in ((Side.DOCKER, piece.docker), (Side.KUBERNETES, piece.kubernetes)):
            if measured != Measured():
                use[side] = measured
    if soaked is not None and soaked.restarts is not None and Side.KUBERNETES in use:
        use[Side.KUBERNETES] = replace(use[Side.KUBERNETES], restarts=soaked.restarts)
    for side in use.keys() - counts.keys():
        counts[side] = SideCounts(side)  # measured, and not asked
    return tuple(SideReport(counts[side], use.get(side, Measured())) for side in Side if side in counts)


def _commits(entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """The commits that are there and not reverted, each with what it did."""
    found = [(str(entry.data.get("commit") or ""), entry.text) for entry in done_actions(entries).values()]
    return tuple((revision, words) for revision, words in found if revision)


def next_command(about: About, entries: Sequence[Entry]) -> str:
    """The one command to type next."""
    state = state_of(entries)
    if state is State.RUNNING or open_goal(entries) is not None:
        return f"labtui migration resume {about.id}"
    if state is State.KUBERNETES:
        return f"labtui migration undo {about.id}"
    return f"labtui migrate {about.site}/{about.stack}"
