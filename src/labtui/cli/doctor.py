"""`labtui doctor`: every connection, version, permission and clock, one line each, with what to do about it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator

from labtui.cli.output import Exit, print_json
from labtui.core.lab import Lab
from labtui.domain.checks import Check, Verdict
from labtui.domain.errors import LabError, Unreachable
from labtui.domain.text import clean
from labtui.ports import Diagnosable

SIGNS = {Verdict.OK: "●", Verdict.WARN: "▲", Verdict.FAIL: "✗", Verdict.SKIP: "○"}


def doctor(lab: Lab, *, as_json: bool, seconds: float) -> Exit:
    """Examine all sources at once; those that have not finished after `seconds` are reported as such."""
    checks = [*lab.problems, *examine(lab.diagnosables, seconds)]
    if as_json:
        print_json(
            {
                "estate": lab.name,
                "checks": [
                    {
                        "subject": c.subject,
                        "name": c.name,
                        "verdict": c.verdict.value,
                        "detail": c.detail,
                        "remedy": c.remedy,
                    }
                    for c in checks
                ],
            }
        )
    else:
        _print(checks)
    if any(c.verdict is Verdict.FAIL and c.unreachable for c in checks):
        return Exit.UNREACHABLE
    return Exit.FAILED if any(c.verdict is Verdict.FAIL for c in checks) else Exit.DONE


def examine(diagnosables: Iterable[tuple[str, Diagnosable]], seconds: float) -> list[Check]:
    """All checks, source by source in the given order. Each source is examined in a thread of its own."""
    subjects = list(diagnosables)
    found: dict[str, list[Check]] = {subject: [] for subject, _ in subjects}
    answers: queue.Queue[tuple[str, Check | None]] = queue.Queue()
    for subject, diagnosable in subjects:
        work = threading.Thread(target=_examine, args=(subject, diagnosable, answers), daemon=True)
        work.start()
    open_ones, end = {subject for subject, _ in subjects}, time.monotonic() + seconds
    while open_ones:
        try:
            subject, check = answers.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        if check is None:
            open_ones.discard(subject)
        else:
            found[subject].append(check)
    for subject in open_ones:
        words = f"no answer within {seconds:g} s"
        remedy = "Look whether the server is up and reachable, then try again"
        found[subject].append(Check(subject, "examination", Verdict.FAIL, words, remedy, unreachable=True))
    return [check for subject, _ in subjects for check in found[subject]]


def _examine(subject: str, diagnosable: Diagnosable, answers: queue.Queue[tuple[str, Check | None]]) -> None:
    try:
        for check in _safely(subject, diagnosable):
            answers.put((subject, check))
    finally:
        answers.put((subject, None))


def _safely(subject: str, diagnosable: Diagnosable) -> Iterator[Check]:
    try:
        yield from diagnosable.check()
    except LabError as error:
        unreachable = isinstance(error, Unreachable)
        yield Check(subject, "connection", Verdict.FAIL, str(error), error.hint, unreachable=unreachable)


def _print(checks: Iterable[Check]) -> None:
    last = ""
    for check in checks:
        if check.subject != last:
            print(("\n" if last else "") + clean(check.subject))
            last = check.subject
        print(f"  {SIGNS[check.verdict]} {clean(check.name):<24} {clean(check.detail)}".rstrip())
        if check.remedy and check.verdict in (Verdict.WARN, Verdict.FAIL):
            print(f"    {'':<24} → {clean(check.remedy)}")
