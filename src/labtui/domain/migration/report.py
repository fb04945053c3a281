"""The report of a migration: what was done when, what users saw of it, how both sides compare. JSON, and Markdown for people.

It holds no secret value: steps and messages come from the journal, which has none, and of bodies and cookies only verdicts are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from labtui.domain.migration.comparison import CheckResult, Measured
from labtui.domain.migration.edge import EdgeVerdict
from labtui.domain.migration.journal import Entry, Mark
from labtui.domain.migration.parity import PathVerdict
from labtui.domain.migration.probes import Side, SideCounts
from labtui.domain.migration.steps import ORDER, StepName
from labtui.domain.migration.window import Window
from labtui.domain.text import clean, duration, size

FORMAT = 1  # of the JSON; a higher one when a key changes its meaning


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step: when it began and ended, how it stands (`done`, `failed`, `undone`, `running`), and its last words."""

    step: StepName
    state: str
    began: datetime
    ended: datetime | None = None
    words: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took, None while it has not ended. Never below 0: two machines may have written it, whose clocks differ."""
        return max(0.0, (self.ended - self.began).total_seconds()) if self.ended else None


@dataclass(frozen=True, slots=True)
class SideReport:
    """What was asked of one side and what it used."""

    counts: SideCounts
    use: Measured = field(default_factory=Measured)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything. `state` is where the stack is now (journal.State's words), `next_command` the one command to type next."""

    migration: str
    stack: str
    site: str
    state: str
    began: datetime
    ended: datetime | None = None
    by: str = ""
    next_command: str = ""
    steps: tuple[StepReport, ...] = ()
    sides: tuple[SideReport, ...] = ()
    paths: tuple[PathVerdict, ...] = ()
    edges: tuple[EdgeVerdict, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    remarks: tuple[str, ...] = ()  # what stands out, in sentences
    commits: tuple[tuple[str, str], ...] = ()  # revision, subject
    windows: tuple[Window, ...] = ()  # in which nobody was answered, where data has one writer

    def side(self, side: Side) -> SideReport | None:
        """What is known of a side."""
        return next((s for s in self.sides if s.counts.side is side), None)


_ENDS = {Mark.DONE: "done", Mark.FAILED: "failed", Mark.UNDONE: "undone"}


def steps_of(entries: Iterable[Entry]) -> tuple[StepReport, ...]:
    """The steps that a journal tells of, in their order. A step is over when its last entry ends an action."""
    found: dict[StepName, list[Entry]] = {}
    for entry in entries:
        if entry.step is not None and entry.mark is not Mark.NOTE:
            found.setdefault(entry.step, []).append(entry)
    steps = []
    for step in ORDER:
        if mine := found.get(step):
            state = _ENDS.get(mine[-1].mark, "running")
            words = next((e.text for e in reversed(mine) if e.text), "")
            ended = mine[-1].at if state != "running" else None
            back = [e for e in mine if e.mark is Mark.UNDOING]
            began = back[0].at if back and mine[-1].mark in (Mark.UNDOING, Mark.UNDONE) else mine[0].at
            steps.append(StepReport(step, state, began, ended, words))
    return tuple(steps)


# JSON


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain JSON: times in ISO 8601, spans in seconds, latencies and gaps in milliseconds, memory in bytes."""
    users = report.side(Side.INGRESS)
    return {
        "format": FORMAT,
        "id": report.migration,
        "stack": f"{report.site}/{report.stack}",
        "state": report.state,
        "began": report.began.isoformat(),
        "ended": _moment(report.ended),
        "by": report.by,
        "next": report.next_command,
        "requests": _requests(users.counts) if users else None,
        "steps": [
            {
                "step": s.step.value,
                "state": s.state,
                "began": s.began.isoformat(),
                "ended": _moment(s.ended),
                "seconds": s.seconds,
                "words": s.words,
            }
            for s in report.steps
        ],
        "windows": [
            {"to": w.to, "began": w.began.isoformat(), "ended": _moment(w.ended), "seconds": w.seconds}
            for w in report.windows
        ],
        "sides": {s.counts.side.value: {**_requests(s.counts), **_use(s.use)} for s in report.sides},
        "paths": [_path(p) for p in report.paths],
        "edges": [{"host": e.host, "well": e.well, "sentence": e.sentence} for e in report.edges],
        "checks": [
            {
                "name": c.name,
                "passed": c.passed,
                "status": c.status,
                "seconds": round(c.seconds, 3),
                "last_line": c.last_line,
            }
            for c in report.checks
        ],
        "remarks": list(report.remarks),
        "commits": [{"revision": revision, "subject": subject} for revision, subject in report.commits],
    }


def _requests(counts: SideCounts) -> dict[str, Any]:
    return {
        "sent": counts.sent,
        "answered": counts.answered,
        "failed": counts.failed,
        "failures": [{"after_seconds": round(f.at, 3), "why": f.why} for f in counts.failures],
        "longest_gap_ms": _ms(counts.longest_gap),
        "stalled_ms": _ms(counts.stalled),
        "latency_ms": {"p50": _ms(counts.p50), "p95": _ms(counts.p95), "p99": _ms(counts.p99)},
    }


def _use(use: Measured) -> dict[str, Any]:
    return {
        "cpu_cores": {"mean": _round(use.cpu_mean), "peak": _round(use.cpu_peak)},
        "memory_bytes": {"mean": use.memory_mean, "peak": use.memory_peak},
        "restarts": use.restarts,
    }


def _path(verdict: PathVerdict) -> dict[str, Any]:
    return {
        "path": verdict.path,
        "verdict": verdict.verdict.word,
        "sentence": verdict.sentence,
        "docker_status": verdict.docker,
        "kubernetes_status": verdict.kubernetes,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


# Markdown


def as_markdown(report: Report) -> str:
    """The report as Markdown. Text of the outside world is made harmless: it is no markup there."""
    title = f"{report.site}/{report.stack}"
    lines = [f"# Migration of {_safe(title)}", ""]
    lines.append(f"{_safe(report.migration)}: the stack is {_safe(report.state)}.")
    if report.next_command:
        lines.append(f"Next: {_code(report.next_command)}")
    ended = f", ended {report.ended:%Y-%m-%d %H:%M:%S}" if report.ended else ""
    by = f", by {_safe(report.by)}" if report.by else ""
    lines += ["", f"Begun {report.began:%Y-%m-%d %H:%M:%S}{ended} UTC{by}.", ""]
    users = report.side(Side.INGRESS)
    if users:
        lines += [f"**{_users_saw(users.counts)}**", ""]
    lines += _table("Steps", ("step", "state", "took", ""), [_step_row(s) for s in report.steps])
    lines += _sides(report.sides)
    lines += _list("Nobody was answered", [w.sentence for w in report.windows])
    rows = [(_code(p.path), p.verdict.word, _safe(p.sentence)) for p in report.paths]
    lines += _table("Answers of both sides", ("path", "verdict", ""), rows)
    said = [*(e.sentence for e in report.edges), *(c.sentence for c in report.checks), *report.remarks]
    lines += _list("Checks and remarks", said)
    lines += _table("Commits", ("revision", "subject"), [(_code(r[:12]), _safe(s)) for r, s in report.commits])
    failures = [f"{s.counts.side} after {f.at:.1f} s: {f.why}" for s in report.sides for f in s.counts.failures]
    lines += _list("The first failed requests", failures)
    return "\n".join(lines).rstrip() + "\n"


def _users_saw(counts: SideCounts) -> str:
    failed = "none failed" if counts.failed == 0 else f"{counts.failed:,} failed"
    return f"{counts.sent:,} requests through the Ingress, {failed}, longest gap {counts.longest_gap * 1000:.0f} ms"


def _step_row(step: StepReport) -> tuple[str, ...]:
    took = "" if step.ended is None else duration(step.ended - step.began)
    return step.step.value, step.state, took, _safe(step.words)


def _sides(sides: Sequence[SideReport]) -> list[str]:
    if not sides:
        return []
    figures: Mapping[str, Any] = {
        "requests sent": lambda s: f"{s.counts.sent:,}",
        "failed": lambda s: f"{s.counts.failed:,}",
        "longest gap": lambda s: _shown_ms(s.counts.longest_gap),
        "labtui itself could not ask for": lambda s: _shown_ms(s.counts.stalled or None),
        "p50": lambda s: _shown_ms(s.counts.p50),
        "p95": lambda s: _shown_ms(s.counts.p95),
        "p99": lambda s: _shown_ms(s.counts.p99),
        "CPU, mean": lambda s: "" if s.use.cpu_mean is None else f"{s.use.cpu_mean * 100:.0f} %",
        "memory, mean": lambda s: size(s.use.memory_mean),
        "memory, peak": lambda s: size(s.use.memory_peak),
        "restarts": lambda s: "" if s.use.restarts is None else str(s.use.restarts),
    }
    rows = [(name, *(figure(s) for s in sides)) for name, figure in figures.items()]
    return _table("Both sides", ("", *(s.counts.side.value for s in sides)), [r for r in rows if any(r[1:])])


def _shown_ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def _list(title: str, items: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *(f"- {_safe(item)}" for item in items), ""] if items else []


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def _safe(text: str) -> str:
    return _MARKUP.sub(r"\\\1", clean(text))


def _code(text: str) -> str:
    # a backtick would end it, and a bar would end the table's cell
    return f"`{clean(text, 200).replace('`', 'ʼ').replace('|', '¦')}`"
