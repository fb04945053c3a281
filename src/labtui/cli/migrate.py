"""`labtui migrate SITE/STACK` and `labtui migration list|show|resume|undo`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from labtui.cli.argocd import Asking, perform
from labtui.cli.compose import split_target
from labtui.cli.output import Exit, exit_of, print_json, print_table
from labtui.core.lab import Lab
from labtui.core.migration.service import Migrations, Record
from labtui.core.operations.migrate import RunMigration, Verb
from labtui.domain.migration.journal import Entry
from labtui.domain.migration.steps import StepName
from labtui.domain.text import age, clean


def run(lab: Lab, options: argparse.Namespace, asking: Asking) -> Exit:
    """Run one of the commands of `add_commands`."""
    migrations = lab.migrations
    if options.command == "migrate":
        site, stack = split_target(options.stack)
        return _perform(lab, migrations, asking, Verb.MIGRATE, (site, stack), "", options.until, answers=options.set)
    if options.verb == "list":
        return _list(lab, migrations, asking)
    if options.verb == "show":
        return _show(migrations, options.id, asking)
    about = migrations.show(options.id).about
    verb, to, accept = Verb(options.verb), getattr(options, "to", None), getattr(options, "accept", "")
    return _perform(lab, migrations, asking, verb, (about.site, about.stack), about.id, to, accept)


def _perform(
    lab: Lab,
    migrations: Migrations,
    asking: Asking,
    verb: Verb,
    place: tuple[str, str],
    identity: str,
    until: StepName | None,
    accept: str = "",
    answers: Sequence[str] = (),
) -> Exit:
    operation = RunMigration(migrations, verb, *place, identity=identity, step=until, accept=accept, answers=answers)
    with _pausing(migrations):
        return perform(lab, operation, asking)


@contextmanager
def _pausing(migrations: Migrations) -> Iterator[None]:
    """The first Ctrl-C lets the action that runs end, and stops before the next one; the second one interrupts."""
    former = signal.getsignal(signal.SIGINT)

    def pause(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, former)
        if not migrations.pause():
            raise KeyboardInterrupt
        print("labtui: stopping when this action has ended; Ctrl-C again interrupts it", file=sys.stderr)

    signal.signal(signal.SIGINT, pause)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _list(lab: Lab, migrations: Migrations, asking: Asking) -> Exit:
    found = migrations.list()
    problem = found.problem
    if asking.as_json:
        print_json(
            {
                "migrations": [_summary(record) for record in found.records],
                "damaged": dict(found.damaged),
                "problem": str(problem) if problem else "",
            }
        )
    else:
        rows = [("ID", "STACK", "STATE", "LAST STEP", "BEGAN", "WHERE")]
        now = lab.clock.now()
        for record in found.records:
            place = f"{record.about.site}/{record.about.stack}"
            last = record.step.value if record.step else "-"
            rows.append((record.about.id, place, record.state.value, last, age(record.began, now), _where(record)))
        print_table(rows)
        for identity, words in found.damaged.items():
            print(clean(f"{identity}: {words}"), file=sys.stderr)
        if problem:
            print(clean(f"labtui: those in the cluster are missing: {problem}"), file=sys.stderr)
    return exit_of(problem) if problem else Exit.DONE


def _show(migrations: Migrations, identity: str, asking: Asking) -> Exit:
    record = migrations.show(identity)
    if asking.as_json:
        print_json({**migrations.report(record), **_summary(record), "entries": [_entry(e) for e in record.entries]})
        return Exit.DONE
    print(clean(f"{record.about.id}: {record.about.site}/{record.about.stack}, {record.state.value}"))
    print(f"  now: {clean(record.words)}")
    if record.problem:
        print(f"  ▲ {clean(record.problem)}")
    if question := record.question:
        print(f"  ? {clean(question.words)}")
        print(f"    {clean(question.firm or f'may be accepted: {question.accept}')}")
    rows = [("WHEN (UTC)", "WHO", "STEP", "ACTION", "WHAT", "")]
    for entry in record.entries:
        where = entry.step.value if entry.step else ""
        rows.append((f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.by, where, entry.action, entry.mark.value, entry.text))
    print_table(rows, "  ")
    return Exit.DONE


def _summary(record: Record) -> dict[str, Any]:
    return {
        "migration": record.about.id,
        "site": record.about.site,
        "stack": record.about.stack,
        "state": record.state.value,
        "step": record.step.value if record.step else "",
        "words": record.words,
        "began": record.began,
        "question": _question(record),
        "here": record.here,
        "in_cluster": record.mirrored,
        "problem": record.problem,
    }


def _question(record: Record) -> dict[str, Any] | None:
    """What waits for an answer; `accept` is empty where going on from there is not possible."""
    found = record.question
    if found is None:
        return None
    accept = "" if found.firm else found.key.action
    return {
        "step": found.key.step.value,
        "action": found.key.action,
        "words": found.words,
        "accept": accept,
        "firm": found.firm,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": entry.at,
        "mark": entry.mark.value,
        "step": entry.step.value if entry.step else "",
        "action": entry.action,
        "by": entry.by,
        "text": entry.text,
        "data": dict(entry.data),
    }


def _where(record: Record) -> str:
    return ", ".join(word for word, true in (("here", record.here), ("cluster", record.mirrored)) if true)
