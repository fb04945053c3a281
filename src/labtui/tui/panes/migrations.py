"""Migrations of stacks from Docker to Kubernetes: what runs, what waits for somebody, what is done."""

from __future__ import annotations

from datetime import datetime

from labtui.domain.resources.migration import Migration, Requests
from labtui.domain.text import age
from labtui.tui.cells import Cell, Column, Row, alarm, row
from labtui.tui.panes.sections import Section, ago, line, section

COLUMNS = (
    Column("stack", "STACK", min_width=12, comfort=14, max_width=30),
    Column("state", "STATE", min_width=13, comfort=16, max_width=24),
    Column("lost", "LOST", min_width=6, comfort=10, max_width=16, priority=1, quiet=True),
    Column("p95", "P95", 6, align="right", priority=2, quiet=True),
    Column("age", "AGE", 4, align="right", priority=3, quiet=True),
)
EMPTY = (
    "No stack has been migrated yet.\n"
    "m on a Docker stack shows the plan of its move to\n"
    "Kubernetes; m there begins it. Its progress is shown here."
)


def lost(requests: Requests | None) -> str:
    """`0 of 9,214`: the requests of users that were not answered."""
    return f"{requests.failed:,} of {requests.sent:,}" if requests is not None else ""


def late(requests: Requests | None) -> str:
    """`4 ms`: within this time 95 of 100 answers came."""
    return f"{requests.p95 * 1000:.0f} ms" if requests is not None and requests.p95 is not None else ""


def to_row(found: Migration, now: datetime) -> Row:
    """A migration as a row; those that ended stay in the order in which they did."""
    requests, at = found.requests, found.changed
    cells = (
        Cell(f"{found.site}/{found.stack}"),
        Cell(found.state, alarm(found.level)),
        Cell(
            lost(requests),
            "broken" if requests is not None and requests.failed else "muted",
            sort=-requests.failed if requests is not None else None,
        ),
        Cell(late(requests), "muted", sort=requests.p95 if requests is not None else None),
        Cell(age(at, now), "muted", sort=(now - at).total_seconds() if at else None),
    )
    newest = f"{10**12 - int(at.timestamp()):013}" if at else ""
    return row(found.ref, found.level, cells, sort_key=(newest, found.id), also=(found.id, found.words))


def describe_migration(found: Migration, now: datetime) -> tuple[Section, ...]:
    """What its journal says, in short."""
    requests = found.requests
    lines = [
        line("Stack", f"{found.site}/{found.stack}"),
        line("State", found.state, alarm(found.level)),
        line("Now", found.words),
        line("Run by", "this labtui" if found.running else found.holder),
        line("Lost", lost(requests), "broken" if requests is not None and requests.failed else ""),
        line("Longest gap", f"{requests.longest_gap * 1000:.0f} ms" if requests is not None else ""),
        line("95 of 100", f"answered within {late(requests)}" if late(requests) else ""),
        line("Begun", ago(found.began, now)),
        line("Last entry", ago(found.changed, now)),
        line("Id", found.id, "muted"),
        line("Mind", found.problem, "drifted"),
        line("Next", found.next_command if not found.running else ""),
    ]
    return section("Migration", lines)
