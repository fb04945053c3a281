"""`labtui sync`, `rollback` and `diff`: plan, confirmation, progress on stderr, outcome and exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from labtui.cli.collect import find_application
from labtui.cli.output import (
    EXIT_OF_RESULT,
    Exit,
    plan_json,
    print_json,
    print_plan,
    print_table,
    progress,
)
from labtui.core.executor import Operation
from labtui.core.lab import Lab
from labtui.domain.errors import Invalid
from labtui.domain.plan import Danger, Outcome, Plan
from labtui.domain.planning import shorts
from labtui.domain.text import age, clean
from labtui.ports import SyncRequest


def _ask(question: str) -> str:
    """Ask on stderr: stdout is for the result, and may be a file."""
    print(question, end="", file=sys.stderr, flush=True)
    return input()


def _at_a_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


@dataclass(frozen=True, slots=True)
class Asking:
    """How a command deals with its user."""

    as_json: bool
    yes: bool
    seconds: float
    ask: Callable[[str], str] = _ask
    interactive: Callable[[], bool] = _at_a_terminal


def sync(lab: Lab, name: str, request: SyncRequest, asking: Asking) -> Exit:
    """Sync an application; with `request.dry_run` Argo CD tries it without changing anything."""
    app = find_application(lab, name, asking.seconds)
    return perform(lab, lab.sync(app.ref, request), asking, harmless=request.dry_run)


def rollback(lab: Lab, name: str, to: int | None, prune: bool, dry_run: bool, asking: Asking) -> Exit:
    """Roll an application back; `dry_run` stops after the plan."""
    app = find_application(lab, name, asking.seconds)
    operation = lab.rollback(app.ref, to=to, prune=prune)
    if dry_run:
        return show_plan(operation.plan(), asking)
    return perform(lab, operation, asking)


def finish_rollback(lab: Lab, name: str, dry_run: bool, asking: Asking) -> Exit:
    """Make a rollback last: revert in git, auto-sync on again."""
    app = find_application(lab, name, asking.seconds)
    operation = lab.finish_rollback(app.ref)
    if dry_run:
        return show_plan(operation.plan(), asking)
    return perform(lab, operation, asking)


def history(lab: Lab, name: str, asking: Asking) -> Exit:
    """What an application can be rolled back to, newest first."""
    found = find_application(lab, name, asking.seconds)
    app = lab.argocd().get(found.ref)
    if asking.as_json:
        entries = [
            {"id": h.id, "revisions": list(h.revisions), "deployed": h.deployed, "by": h.by} for h in app.history
        ]
        print_json({"app": app.ref.name, "namespace": app.ref.namespace, "history": entries})
        return Exit.DONE
    now = lab.clock.now()
    rows = [("ID", "REVISION", "DEPLOYED", "BY")]
    for entry in reversed(app.history):
        rows.append((str(entry.id), shorts(entry.revisions), age(entry.deployed, now), entry.by))
    print_table(rows)
    return Exit.DONE


def diff(lab: Lab, name: str, asking: Asking) -> Exit:
    """What a sync would change."""
    app = find_application(lab, name, asking.seconds)
    items = lab.argocd().diff(app.ref)
    if asking.as_json:
        found = [
            {"kind": d.kind, "namespace": d.namespace, "name": d.name, "diff": list(d.lines), "note": d.note}
            for d in items
        ]
        print_json({"app": app.ref.name, "namespace": app.ref.namespace, "sync": app.sync, "diff": found})
        return Exit.DONE
    if not items:
        print(f"{clean(app.ref.name)}: git and the cluster agree ({clean(app.sync)})")
    for item in items:
        print(clean(f"=== {item.kind} {item.namespace}/{item.name} {item.note}".rstrip()))
        for line in item.lines:
            print(clean(line, 2000))
    return Exit.DONE


def show_plan(plan: Plan, asking: Asking) -> Exit:
    """Print a plan that is not run."""
    if asking.as_json:
        print_json({"plan": plan_json(plan)})
    else:
        print_plan(plan)
    return Exit.REFUSED if plan.refusals else Exit.DONE


def perform(lab: Lab, operation: Operation, asking: Asking, *, harmless: bool = False) -> Exit:
    """Plan, confirm, run, report."""
    plan = operation.plan()
    agreed = asking.yes or harmless or not plan.changes
    if not (asking.as_json and agreed):  # nobody is asked about what was not shown
        print_plan(plan)
    if plan.refusals or (lab.executor.read_only and plan.changes):
        return _refuse(lab, plan, asking)
    if not (agreed or confirmed(plan, asking)):
        print("labtui: not confirmed, nothing was changed", file=sys.stderr)
        return Exit.REFUSED
    outcome = lab.executor.run(operation, lab.executor.confirm(plan), progress)
    _print_outcome(plan, outcome, asking)
    return EXIT_OF_RESULT[outcome.result]


def confirmed(plan: Plan, asking: Asking) -> bool:
    """Ask at the terminal; the name is typed where data or traffic is at risk. Raises Invalid without a terminal."""
    if not asking.interactive():
        raise Invalid("This changes something and there is no terminal to confirm it at", "", "Add --yes")
    try:
        if plan.danger is Danger.HIGH:
            return asking.ask(f"Type {clean(plan.target.name)} to go on: ").strip() == plan.target.name
        return asking.ask("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _refuse(lab: Lab, plan: Plan, asking: Asking) -> Exit:
    reasons = [*plan.refusals] or [lab.executor.read_only]
    if asking.as_json:
        print_json({"plan": plan_json(plan), "result": "refused", "message": "; ".join(reasons)})
    print(f"labtui: refused: {clean('; '.join(reasons))}; nothing was changed", file=sys.stderr)
    return Exit.REFUSED


def _print_outcome(plan: Plan, outcome: Outcome, asking: Asking) -> None:
    if asking.as_json:
        print_json(
            {
                "plan": plan_json(plan),
                "result": outcome.result.value,
                "message": outcome.message,
                "state": outcome.state,
                "remaining": list(outcome.remaining),
                **outcome.data,
            }
        )
        return
    print(f"{clean(plan.target.name)}: {outcome.result.value}: {clean(outcome.message)}")
    if outcome.state:
        print(f"  now: {clean(outcome.state)}")
    if outcome.remaining:
        print("  what remains:")
        for step in outcome.remaining:
            print(f"  - {clean(step)}")
        if plan.action == "argocd.rollback":
            print(f"  labtui rollback {clean(plan.target.name)} --finish   does both")
