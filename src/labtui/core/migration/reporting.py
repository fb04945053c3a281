"""Putting the report of a migration together, from its journal and from what the engine's own probes counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from labtui.core.migration.soak import soaked_of
from labtui.core.migration.verify import verified_of
from labtui.domain.errors import Invalid
from labtui.domain.migration.comparison import Measured
from labtui.domain.migration.journal import Entry, State, done_actions
from labtui.domain.migration.probes import Side, SideCounts
from labtui.domain.migration.report import Report, SideReport, steps_of
from labtui.domain.migration.steps import StepName
from labtui.domain.migration.tally import added


def report_of(
    entries: Sequence[Entry],
    *,
    stack: str,
    site: str,
    state: State,
    next_command: str = "",
    probed: Iterable[SideCounts] = (),
    commits: Iterable[tuple[str, str]] = (),
) -> Report:
    """The report as the journal stands now. `probed`: what was counted beside the steps `verify` and `soak`, during the cut-over.

    Raises Invalid when the journal is empty or a record in it is damaged.
    """
    if not entries:
        raise Invalid("There is nothing to report", "the journal is empty")
    done = done_actions(entries)
    verified = next(
        (v for (step, _), e in done.items() if step is StepName.VERIFY and (v := verified_of(e.data))), None
    )
    soaked = next((s for (step, _), e in done.items() if step is StepName.SOAK and (s := soaked_of(e.data))), None)
    counts = [*(verified.counts if verified else ()), *probed, *(soaked.counts if soaked else ())]
    uses: dict[Side, Measured] = {}
    for found in (verified, soaked):  # what was measured for longer, with users on it, counts
        if found is not None:
            uses |= {Side.DOCKER: found.docker, Side.KUBERNETES: found.kubernetes}
    together = [added(mine) for side in Side if (mine := [c for c in counts if c.side is side])]
    sides = (SideReport(side, uses.get(side.side, Measured())) for side in together)
    return Report(
        migration=entries[0].migration,
        stack=stack,
        site=site,
        state=state.value,
        began=entries[0].at,
        ended=entries[-1].at if state != State.RUNNING else None,
        by=entries[-1].by,
        next_command=next_command,
        steps=steps_of(entries),
        sides=tuple(sides),
        paths=verified.paths if verified else (),
        edges=verified.edges if verified else (),
        checks=verified.checks if verified else (),
        remarks=(*(verified.remarks if verified else ()), *(soaked.remarks if soaked else ())),
        commits=tuple(commits),
    )
