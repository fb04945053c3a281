"""The report of a migration as a page, from its plain JSON: the same that the command line prints and that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from labtui.domain.text import clean, duration, size
from labtui.tui.widgets.page import Spans, Tone

_STATES: dict[str, tuple[str, Tone]] = {
    "done": ("●", "well"),
    "failed": ("✗", "broken"),
    "undone": ("○", "off"),
    "undoing": ("⇄", "moving"),
    "running": ("⇄", "moving"),
    "begun": ("⇄", "moving"),
}
_FIGURES: tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("requests sent", lambda s: _number(s.get("sent"))),
    ("failed", lambda s: _number(s.get("failed"))),
    ("longest gap", lambda s: _ms(s.get("longest_gap_ms"))),
    ("p50", lambda s: _ms(_part(s, "latency_ms").get("p50"))),
    ("p95", lambda s: _ms(_part(s, "latency_ms").get("p95"))),
    ("p99", lambda s: _ms(_part(s, "latency_ms").get("p99"))),
    ("CPU, mean", lambda s: _percent(_part(s, "cpu_cores").get("mean"))),
    ("memory, mean", lambda s: size(_part(s, "memory_bytes").get("mean"))),
    ("memory, peak", lambda s: size(_part(s, "memory_bytes").get("peak"))),
    ("restarts", lambda s: _number(s.get("restarts"))),
)


def report_lines(report: Mapping[str, Any]) -> list[Spans]:
    """The page. What a report lacks is left out."""
    state = clean(str(report.get("state", "")))
    lines: list[Spans] = [_label("The stack is", state, "strong")]
    users = report.get("requests")
    if isinstance(users, Mapping):
        gap = _ms(users.get("longest_gap_ms")) or "0 ms"
        failed = users.get("failed") or 0
        words = f"{_number(users.get('sent'))} requests through the Ingress, "
        told = "none failed" if not failed else f"{failed:,} failed"
        lines.append(
            (
                ("Users saw     ", "muted"),
                (words, ""),
                (told, "broken" if failed else "well"),
                (f", longest gap {gap}", ""),
            )
        )
    lines.append(_label("Begun", _moment(report.get("began")), ""))
    lines.append(_label("Ended", _moment(report.get("ended")) or "not yet", ""))
    by = report.get("by")
    lines.append(_label("By", clean(", ".join(by) if isinstance(by, list) else str(by or "")), ""))
    if report.get("next"):
        lines.append(_label("Next", clean(str(report["next"])), "strong"))
    lines += _section("Steps", [_step(step) for step in _list(report, "steps")])
    lines += _section("Both sides", _sides(_part(report, "sides")))
    lines += _section("Answers of both sides", [_path(path) for path in _list(report, "paths")])
    lines += _section("Checks and remarks", list(_remarks(report)))
    lines += _section("Commits that hold", [_commit(commit) for commit in _list(report, "commits")])
    lines += _section("The first failed requests", list(_failures(_part(report, "sides"))))
    files: list[Spans] = [((f"  {clean(str(name), 300)}", ""),) for name in report.get("files") or ()]
    lines += _section("Kept in", files)
    if report.get("not_kept"):
        lines += [(), (("▲ ", "drifted"), (f"It could not be kept: {clean(str(report['not_kept']))}", ""))]
    return lines


def _section(title: str, lines: Sequence[Spans]) -> list[Spans]:
    return [(), ((title, "heading"),), *lines] if lines else []


def _label(label: str, text: str, tone: Tone) -> Spans:
    return ((f"{label:<14}", "muted"), (text, tone))


def _step(step: Mapping[str, Any]) -> Spans:
    state = str(step.get("state", ""))
    sign, tone = _STATES.get(state, (" ", ""))
    seconds = step.get("seconds")
    took = duration(timedelta(seconds=seconds)) if isinstance(seconds, int | float) else ""
    words = step.get("words") or next((a.get("text", "") for a in reversed(_list(step, "actions"))), "")
    return (
        (f"  {sign} ", tone),
        (f"{clean(str(step.get('step', ''))):<10}", "strong"),
        (f"{clean(state):<9}", tone),
        (f"{took:>7}  ", "muted"),
        (clean(str(words), 1000), ""),
    )


def _sides(sides: Mapping[str, Any]) -> list[Spans]:
    known = {name: side for name, side in sides.items() if isinstance(side, Mapping)}
    if not known:
        return []
    head: Spans = ((f"  {'':<16}", ""), *((f"{clean(name):>14}", "strong") for name in known))
    rows: list[Spans] = [head]
    for label, figure in _FIGURES:
        words = [figure(side) for side in known.values()]
        if any(words):
            cells: list[tuple[str, Tone]] = [(f"  {label:<16}", "muted")]
            cells += [(f"{word or '–':>14}", "" if word else "muted") for word in words]
            rows.append(tuple(cells))
    return rows


def _path(path: Mapping[str, Any]) -> Spans:
    verdict = clean(str(path.get("verdict", "")))
    tone: Tone = "drifted" if verdict == "differs" else "well"
    return (
        (f"  {verdict:<10}", tone),
        (f"{clean(str(path.get('path', '')), 60)}  ", "strong"),
        (clean(str(path.get("sentence", "")), 600), ""),
    )


def _remarks(report: Mapping[str, Any]) -> Iterable[Spans]:
    for edge in _list(report, "edges"):
        yield _verdict(bool(edge.get("well")), str(edge.get("sentence", "")))
    for check in _list(report, "checks"):
        words = f"{check.get('name', '')}: {'passed' if check.get('passed') else 'failed'}"
        last = str(check.get("last_line") or "")
        yield _verdict(bool(check.get("passed")), f"{words}: {last}" if last else words)
    for remark in report.get("remarks") or ():
        yield (("  ▲ ", "drifted"), (clean(str(remark), 600), ""))


def _verdict(well: bool, words: str) -> Spans:
    sign: tuple[str, Tone] = ("  ● ", "well") if well else ("  ✗ ", "broken")
    return (sign, (clean(words, 600), ""))


def _commit(commit: Mapping[str, Any]) -> Spans:
    return (
        (f"  {clean(str(commit.get('revision', '')))[:12]}  ", "strong"),
        (clean(str(commit.get("subject", ""))), ""),
    )


def _failures(sides: Mapping[str, Any]) -> Iterable[Spans]:
    for name, side in sides.items():
        for failure in _list(side, "failures") if isinstance(side, Mapping) else ():
            words = f"{name}, after {failure.get('after_seconds', '?')} s: {failure.get('why', '')}"
            yield ((f"  {clean(words, 600)}", ""),)


def _list(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return [each for each in data.get(key) or () if isinstance(each, Mapping)]


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def _moment(text: object) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}" if isinstance(text, str) else ""


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _ms(value: object) -> str:
    return f"{value:.1f} ms" if isinstance(value, int | float) else ""


def _percent(value: object) -> str:
    return f"{value * 100:.0f} %" if isinstance(value, int | float) else ""
