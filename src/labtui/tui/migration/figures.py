"""Both sides compared, as lines: how fast they answer, what they use, what users noticed, where the traffic goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from labtui.core.migration.overview import uncounted
from labtui.core.migration.reporting import report_of
from labtui.domain.errors import LabError
from labtui.domain.migration.comparison import Measured
from labtui.domain.migration.probes import Side, SideCounts
from labtui.domain.migration.tally import by_side, sparkline
from labtui.domain.text import size
from labtui.tui.migration.steps import traffic
from labtui.tui.migration.track import Track
from labtui.tui.widgets.page import Spans, Tone

LABEL = 10  # cells of the first column
FIGURE = 9  # cells of a figure, the blank after it included
ONE_LINE = 66  # cells from which the requests and the traffic take one line each
_SHARES: dict[str, tuple[float, str]] = {
    "docker": (0.0, "all to Docker"),
    "both": (0.5, "to both sides"),
    "kubernetes": (1.0, "all to Kubernetes"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of one side. `p95` over time; `SideCounts` has the middle latency over time."""

    counts: SideCounts | None = None
    use: Measured = field(default_factory=Measured)
    p95: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides, and the requests of users. `live`: seen just now, else what the journal kept."""

    docker: Figures = field(default_factory=Figures)
    kubernetes: Figures = field(default_factory=Figures)
    users: SideCounts | None = None
    traffic: tuple[str, bool] = ("docker", False)  # where it goes, and is that being changed?
    live: bool = False
    not_kept: bool = False  # the requests were counted, and only the words of the failure tell of them

    @property
    def known(self) -> bool:
        """Is there anything to compare?"""
        return self.users is not None or any(
            side.counts is not None or side.use != Measured() for side in (self.docker, self.kubernetes)
        )


def compared(track: Track) -> Compared:
    """What was seen last in this labtui, else what the journal says."""
    where = traffic(track.entries)
    seen = track.observation
    if seen is not None:
        sides = {side.side: side for side in by_side(seen.counts)}
        series = {side: found.values() for side, found in track.latencies.items()}
        return Compared(
            Figures(sides.get(Side.DOCKER), seen.docker, series.get(Side.DOCKER, ())),
            Figures(sides.get(Side.KUBERNETES), seen.kubernetes, series.get(Side.KUBERNETES, ())),
            sides.get(Side.INGRESS),
            where,
            live=True,
        )
    if not track.entries:
        return Compared(traffic=where)
    try:
        report = report_of(track.about, track.entries)
    except LabError:
        return Compared(traffic=where)  # a damaged record; the report's page tells it
    found = {side.counts.side: Figures(side.counts, side.use) for side in report.sides}
    users = found.get(Side.INGRESS)
    return Compared(
        found.get(Side.DOCKER, Figures()),
        found.get(Side.KUBERNETES, Figures()),
        users.counts if users and not uncounted(track.entries) else None,
        where,
        not_kept=uncounted(track.entries),
    )


def figure_lines(seen: Compared, width: int, lines: int) -> list[Spans]:
    """At most `lines` lines of `width` cells; what says least is left out first."""
    half = max(FIGURE + 2, (width - LABEL) // 2)
    docker, pods = seen.docker, seen.kubernetes
    head: Spans = ((" " * LABEL, ""), (f"{'Docker':<{half}}", "strong"), ("Kubernetes", "strong"))
    rows = {
        "p50": _row("p50", half, _latency(docker, "p50"), _latency(pods, "p50")),
        "p95": _row("p95", half, _latency(docker, "p95"), _latency(pods, "p95")),
        "CPU": _row("CPU", half, _cpu(docker.use), _cpu(pods.use)),
        "memory": _row("memory", half, _memory(docker.use), _memory(pods.use)),
    }
    after = [*_users(seen, width), *_traffic(*seen.traffic, width)]
    for least in ("p50", "memory", "CPU", "p95"):
        if 1 + len(rows) + len(after) <= lines:
            break
        del rows[least]
    found = [head, *rows.values(), *after]
    if len(found) < lines:
        found.append(((_explained(seen, width), "muted"),))
    return found[:lines]


Figure = tuple[str, tuple[float, ...]]  # a figure in words, and the same over time


def _latency(side: Figures, which: str) -> Figure:
    counts = side.counts
    if counts is None:
        return "", ()
    if which == "p50":
        return _ms(counts.p50), counts.recent
    return _ms(counts.p95), side.p95


def _cpu(use: Measured) -> Figure:
    return ("" if use.cpu_mean is None else f"{use.cpu_mean * 100:.0f} %"), use.cpu


def _memory(use: Measured) -> Figure:
    return size(use.memory_mean), use.memory


def _row(label: str, half: int, docker: Figure, kubernetes: Figure) -> Spans:
    room = max(0, min(24, half - FIGURE - 2))
    spans: list[tuple[str, Tone]] = [(f"{label:<{LABEL}}", "muted")]
    for (words, series), width in ((docker, half), (kubernetes, half)):
        line = sparkline(series, room)
        spans += [(f"{words or '–':<{FIGURE}}", "" if words else "muted"), (line, "moving")]
        spans.append((" " * max(0, width - FIGURE - len(line)), ""))
    return tuple(spans)


def _users(seen: Compared, width: int) -> list[Spans]:
    """What users noticed, on one line where there is room, else on two."""
    users = seen.users
    label: tuple[str, Tone] = (f"{'requests':<{LABEL}}", "muted")
    if users is None:
        words = "not kept: the step failed, see above" if seen.not_kept else "none counted yet"
        return [(label, (words, "muted"))]
    failed: tuple[str, Tone] = (f"{users.failed:,} failed", "broken" if users.failed else "well")
    counted: Spans = (label, (f"{users.sent:,} sent · ", ""), failed)
    gap = f"{users.longest_gap * 1000:.0f} ms"
    if width >= ONE_LINE:
        return [(*counted, (f" · longest gap {gap}", ""))]
    return [counted, ((f"{'':<{LABEL}}", ""), (f"longest gap {gap}", ""))]


def _traffic(where: str, moving: bool, width: int) -> list[Spans]:
    """`traffic  to both sides  Docker ▒▒▒▒▒▒████ Kubernetes`."""
    share, words = _SHARES[where]
    told: Spans = (
        (f"{'traffic':<{LABEL}}", "muted"),
        (words, "strong"),
        (", being moved" if moving else "", "moving"),
    )
    taken = len("Docker  Kubernetes") + LABEL
    wide = width >= ONE_LINE
    room = max(6, min(24, width - taken - (len(words) + len(", being moved  ") if wide else 0)))
    pods = round(room * share)
    bar: Spans = (("Docker ", ""), ("▒" * (room - pods), "muted"), ("█" * pods, "moving"), (" Kubernetes", ""))
    if wide:
        return [(*told, ("  ", ""), *bar)]
    return [told, ((" " * LABEL, ""), *bar)]


def _explained(seen: Compared, width: int) -> str:
    if not seen.known:
        return "Figures come with verify." if width < ONE_LINE else "Figures come with verify, which asks both sides."
    if not seen.live:
        return (
            "As verify and soak left it."
            if width < ONE_LINE
            else "As the steps verify and soak left it in the journal."
        )
    if width < ONE_LINE:
        return "p95: so fast were 95 of 100 answers."
    return "p50, p95: half, and 95 of 100, of the answers came within this time."


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
