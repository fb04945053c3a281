"""`labtui plan SITE/STACK`: what the move of a stack to Kubernetes would be, for every line of it."""

from __future__ import annotations

import shlex
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labtui.cli.argocd import Asking, confirmed
from labtui.cli.output import EXIT_OF_RESULT, Exit, print_json, print_plan, print_table, progress
from labtui.core.answers import address
from labtui.core.lab import Lab
from labtui.core.stackplan import (
    Objects,
    PlannedStack,
    by_service,
    interruption_words,
    namespace_of,
    remaining,
    shown_as,
)
from labtui.domain.conversion.findings import Choice, Finding, Verdict
from labtui.domain.errors import LabError
from labtui.domain.plain import plain
from labtui.domain.plan import Outcome, Result
from labtui.domain.text import clean, size

SIGNS = {Verdict.CONVERTED: "●", Verdict.CHOICE: "▲", Verdict.REFUSED: "✗"}
WIDEST_KEY = 36
LEAD = " " * 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    name: str
    out: Path | None = None
    answers: tuple[str, ...] = ()
    save: bool = False
    namespace: str = ""


def plan(lab: Lab, wanted: Wanted, asking: Asking) -> Exit:
    """Plan, print, and write or save what was asked for. A refused stack ends with 3, also when all else was done."""
    planner = lab.planning()
    site, stack = planner.find(wanted.name)
    planned = planner.plan(site, stack, wanted.answers)
    objects: Objects | None = None
    problem: LabError | None = None
    try:
        objects = planner.render(planned, wanted.namespace)
    except LabError as error:
        if wanted.out is not None:
            raise
        problem = error  # the plan itself is good without the objects, and says why they are not there
    written: list[Path] = []
    if wanted.out is not None and objects is not None:
        from labtui.cli.planfiles import write_files

        written = write_files(wanted.out, planned, objects)
    outcome = _save(lab, planned, asking) if wanted.save else None
    if outcome is not None and outcome.result is Result.DONE:
        planned = replace(planned, saved=planned.answers)  # the page is read after that: nothing is unsaved any more
    if asking.as_json:
        print_json(document(planned, objects, problem, wanted, written, outcome))
    else:
        print_page(planned, objects, problem, wanted)
        _print_done(written, outcome)
    if outcome is not None and outcome.result is not Result.DONE:
        return EXIT_OF_RESULT[outcome.result]
    return Exit.REFUSED if planned.plan.verdict == "refused" else Exit.DONE


def _save(lab: Lab, planned: PlannedStack, asking: Asking) -> Outcome:
    operation = lab.save_answers(planned)
    if not planned.unsaved:
        return Outcome(Result.DONE, "git has all answers already")
    what = operation.plan()
    if not asking.as_json:
        print_plan(what)
    reasons = what.refusals or ((lab.executor.read_only,) if lab.executor.read_only else ())
    if reasons:
        return Outcome(Result.REFUSED, "; ".join(reasons), "Nothing was saved")
    if not (asking.yes or confirmed(what, asking)):
        return Outcome(Result.REFUSED, "not confirmed", "Nothing was saved")
    return lab.executor.run(operation, lab.executor.confirm(what), progress)


# For programs


def document(
    planned: PlannedStack,
    objects: Objects | None,
    problem: LabError | None,
    wanted: Wanted,
    written: Sequence[Path] = (),
    outcome: Outcome | None = None,
) -> dict[str, object]:
    """The plan as JSON (design section 8). It holds no secret value."""
    found = planned.plan
    result: dict[str, object] = {
        "site": found.site,
        "stack": found.stack,
        "namespace": wanted.namespace or namespace_of(found.stack),
        "verdict": found.verdict,
        "components": list(found.components),
        "interruption": found.interruption,
        "window_seconds": found.window,
        "findings": [_finding_json(f) for f in found.findings],
        "secrets": [
            {"service": s.service, "variable": s.variable, "path": s.path, "key": s.key, "reason": s.reason}
            for s in found.secrets
        ],
        "volumes": [
            {
                "service": v.service,
                "target": v.target,
                "source": v.source,
                "read_only": v.read_only,
                "becomes": v.becomes,
                "size": v.size,
                "writer": v.writer,
                "kept": v.kept,
            }
            for v in found.volumes
        ],
        "remaining": list(remaining(planned)),
        "unknown": list(planned.facts.problems),
        "values": plain(found.values),
        "objects": None if objects is None else [plain(o) for o in objects],
    }
    if problem is not None:
        result["problem"] = {"title": problem.title, "detail": problem.detail, "hint": problem.hint}
    if wanted.out is not None:
        result["written"] = [str(path) for path in written]
    if outcome is not None:
        result["saved"] = {"result": outcome.result.value, "message": outcome.message, **outcome.data}
    return result


def _finding_json(finding: Finding) -> dict[str, object]:
    found: dict[str, object] = {
        "service": finding.service,
        "key": finding.key,
        "verdict": finding.verdict.value,
        "detail": finding.detail,
    }
    choice = finding.choice
    if choice is not None:
        found["choice"] = {
            "question": choice.question,
            "options": [{"answer": o.answer, "meaning": o.meaning} for o in choice.options],
            "proposed": choice.proposed,
            "given": choice.given,
            "free": choice.free,
        }
    return found


# For people


def print_page(planned: PlannedStack, objects: Objects | None, problem: LabError | None, wanted: Wanted) -> None:
    """The whole plan as text."""
    found = planned.plan
    _say(f"{planned.name}: {verdict_words(planned)}")
    _say("")
    _say(f"  components    {', '.join(found.components) or 'none'}")
    _say(f"  interruption  {interruption_words(found)}", 16)
    _say(f"  namespace     {wanted.namespace or namespace_of(found.stack)}")
    for service, findings in by_service(found.findings):
        _say("")
        _say(f"Service {service}" if service else "The stack as a whole")
        _print_findings(planned, findings)
    if planned.facts.problems:
        _say("")
        _say("Not known, because it could not be asked")
        for line in planned.facts.problems:
            _say(f"  ? {line}", 4)
    _print_secrets(planned)
    _print_volumes(planned)
    _say("")
    without = ", without what is refused" if found.verdict == "refused" else ""
    _say(f"Objects, as they are when the move is done (workload: true, traffic: kubernetes){without}")
    if objects is not None:
        for kind, names in _kinds(objects).items():
            _say(f"  {kind:<22} {', '.join(names)}", 25)
    if problem is not None:
        _say(f"  not rendered: {problem.title}: {problem.cause}")
        _say(f"  → {problem.hint}" if problem.hint else "")
    left = remaining(planned)
    _say("")
    _say("What remains" if left else "Nothing remains to be decided")
    for line in left:
        _say(f"  - {line}", 4)


def verdict_words(planned: PlannedStack) -> str:
    """The verdict as a sentence, with its sign."""
    counts = {v: sum(f.verdict is v for f in planned.plan.findings) for v in Verdict}
    opened = sum(not f.settled for f in planned.plan.findings if f.verdict is Verdict.CHOICE)
    match planned.plan.verdict:
        case "refused":
            return f"✗ it cannot move as it is: {_count(counts[Verdict.REFUSED], 'key')} refused"
        case "choices":
            return f"▲ it can move; {_count(opened, 'choice')} to make, {counts[Verdict.CONVERTED]} keys converted"
        case _:
            return f"● it can move: {counts[Verdict.CONVERTED]} keys converted"


def _print_findings(planned: PlannedStack, findings: Sequence[Finding]) -> None:
    """What needs somebody as a paragraph each, then the rest in two columns."""
    width = max((len(clean(f.key)) for f in findings if f.settled), default=0)
    width = min(width, WIDEST_KEY, _columns() // 3 or WIDEST_KEY)
    for finding in findings:
        sign, key = SIGNS[shown_as(finding)], clean(finding.key)
        answer = f"{clean(finding.choice.given)} (your answer). " if finding.choice and finding.choice.given else ""
        if not finding.settled:
            _say(f"  {sign} {key}")
            _say(f"{LEAD}{finding.detail}")
            if finding.choice is not None:
                _print_choice(planned, finding, finding.choice)
        elif len(key) > width:
            _say(f"  {sign} {key}")
            _say(f"    {'':<{width}}  {answer}{finding.detail}", width + 6)
        else:
            _say(f"  {sign} {key:<{width}}  {answer}{finding.detail}", width + 6)


def _print_choice(planned: PlannedStack, finding: Finding, choice: Choice) -> None:
    if choice.question != finding.detail:
        _say(f"{LEAD}{choice.question}")
    widest = max((len(clean(o.answer)) for o in choice.options), default=0)
    for option in choice.options:
        sign = "●" if option.answer == choice.answer else "○"
        note = "  (proposed)" if option.answer == choice.proposed else ""
        _say(f"{LEAD}{sign} {clean(option.answer):<{widest}}  {option.meaning}{note}", len(LEAD) + widest + 4)
    if choice.free:
        _say(f"{LEAD}or another text of such a form" if choice.options else f"{LEAD}any text is an answer")
    example = choice.proposed or (choice.options[0].answer if choice.options else "ANSWER")
    setting = shlex.quote(f"{address(finding.service, finding.key)}={example}")
    _say(f"{LEAD}labtui plan {shlex.quote(planned.name)} --set {setting}", None)


def _print_secrets(planned: PlannedStack) -> None:
    secrets = planned.plan.secrets
    _say("")
    if not secrets:
        _say("Secrets: none")
        return
    _say("Secrets, to Vault and from there to the pods; no value is shown or in the values")
    rows = [("SERVICE", "VARIABLE", "VAULT PATH", "KEY", "WHY")]
    rows += [(s.service, s.variable, s.path, s.key, s.reason) for s in secrets]
    _print_rows(rows)


def _print_volumes(planned: PlannedStack) -> None:
    volumes = planned.plan.volumes
    _say("")
    if not volumes:
        _say("Volumes: none")
        return
    _say("Volumes")
    rows = [("SERVICE", "MOUNTED AT", "BECOMES", "SIZE", "ACCESS", "FROM")]
    for v in volumes:
        access = "read only" if v.read_only else "writes" if v.writer else "may write"
        rows.append((v.service, v.target, v.becomes, size(v.size) or "unknown", access, v.source))
    _print_rows(rows)


def _kinds(objects: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for o in objects:
        found.setdefault(clean(str(o.get("kind"))), []).append(clean(str((o.get("metadata") or {}).get("name"))))
    return found


def _print_done(written: Sequence[Path], outcome: Outcome | None) -> None:
    if written:
        _say("")
        _say(f"Wrote {_count(len(written), 'file')}:")
        for path in written:
            _say(f"  {path}")
    if outcome is not None:
        _say("")
        _say(f"Answers: {outcome.result.value}: {outcome.message}")
        if outcome.state:
            print(f"labtui: {clean(outcome.state)}", file=sys.stderr)


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def _print_rows(rows: Sequence[Sequence[str]]) -> None:
    """A table; where that is too wide, the last column stands on lines of its own."""
    columns = _columns()
    widths = [max(len(clean(row[i])) for row in rows) for i in range(len(rows[0]))]
    if not columns or sum(widths) + 2 * len(widths) <= columns:
        print_table(rows, "  ")
        return
    name = rows[0][-1].lower()
    for number, row in enumerate(rows):
        cells = (f"{clean(cell):<{width}}" for cell, width in zip(row[:-1], widths, strict=False))
        _say(f"  {'  '.join(cells)}", 4)
        if number:
            _say(f"      {name}: {row[-1]}", 8)


def _columns() -> int:
    """The width of the terminal; 0 for a file or a pipe, where lines are as long as they are."""
    return shutil.get_terminal_size((0, 0)).columns if sys.stdout.isatty() else 0


def _say(text: str, hang: int | None = len(LEAD)) -> None:
    """A line; in a terminal its words go on below, `hang` letters from the left. None: it is to be copied whole."""
    line = clean(text, 2000).rstrip()
    columns = _columns()
    if not columns or hang is None or len(line) <= columns:
        print(line)
        return
    room = max(columns, hang + 20)
    wrapped = textwrap.wrap(
        line,
        room,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    print("\n".join(wrapped))
