"""An operation as it happens: its phases in words, then how it ended and what remains to be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button

from labtui.domain.plan import Outcome, Plan, Progress, Result
from labtui.domain.text import clean
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import BLANK, Page, Row, Tone, heading, item

SIGNS: dict[Result, tuple[str, Tone, str]] = {
    Result.DONE: ("●", "well", "Done"),
    Result.FAILED: ("✗", "broken", "Failed"),
    Result.UNKNOWN: ("?", "drifted", "Not known"),
    Result.REFUSED: ("✗", "broken", "Not done"),
}
_PHASES: dict[str, Tone] = {"Succeeded": "well", "Failed": "broken", "Error": "broken"}
LINES_SHOWN = 300


class Next(Enum):
    """What the user wants after an operation."""

    FINISH = "make the rollback last"
    AGAIN = "plan it again"


@dataclass
class Run:
    """One operation that was started from the screen: what has happened so far. Touched on the screen's thread only."""

    plan: Plan
    lines: list[Progress] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def can_finish(self) -> bool:
        """A rollback that happened, and that does not last yet."""
        done = self.outcome is not None and self.outcome.result is not Result.REFUSED
        return done and self.plan.action == "argocd.rollback" and bool(self.outcome and self.outcome.remaining)

    @property
    def can_retry(self) -> bool:
        """Nothing was changed: it may be planned again without harm."""
        refused = self.outcome is not None and self.outcome.result is Result.REFUSED
        return refused and self.plan.action.startswith("argocd.")


def progress_row(progress: Progress) -> Row:
    """`14:08:13  Running    Deployment web/web Synced`, in local time."""
    text = clean(progress.text, 1000)
    prefix = f"{progress.phase}: "
    text = text.removeprefix(prefix)  # Argo CD's own message repeats the phase
    phase = clean(progress.phase)
    label = f"{progress.at.astimezone():%H:%M:%S}  {phase}"
    return Row(label, "" if text == phase else text, "", _PHASES.get(phase, "muted"), width=max(24, len(label) + 2))


class OperationScreen(Dialog[Next]):
    """Shows a Run. `esc` leaves it running; the end is then told elsewhere."""

    DEFAULT_CSS = """
    OperationScreen > #dialog.-tall { max-height: 28; }
    OperationScreen #end { margin-top: 1; max-height: 60%; overflow-y: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Close", key_display="esc"),
        Binding("F", "finish", "Make it last"),
        Binding("a", "again", "Plan again"),
    ]
    AUTO_FOCUS = ""
    tall = True

    def __init__(self, run: Run) -> None:
        super().__init__(run.plan.title)
        self.run = run
        self._ready = False

    def content(self) -> ComposeResult:
        """The phases."""
        with VerticalScroll(id="body", can_focus=False):
            yield Page(css_id="lines")

    def foot(self) -> ComposeResult:
        """The end, the buttons."""
        yield Page(css_id="end")
        with Horizontal(classes="buttons"):
            yield Button("Leave it running", id="close", compact=True, action="screen.close")
            yield Button("Make it last (F)", id="finish", compact=True, action="screen.finish")
            yield Button("Plan again (a)", id="again", compact=True, action="screen.again")

    def on_mount(self) -> None:
        """Show what has happened so far."""
        super().on_mount()
        self._ready = True
        self._draw()

    def update_run(self) -> None:
        """Something has happened."""
        if self._ready:  # else it is drawn as soon as it is
            self._draw()

    def _draw(self) -> None:
        body = self.query_one("#body")
        at_end = body.is_vertical_scroll_end
        self.query_one("#lines", Page).rows = tuple(progress_row(p) for p in self.run.lines[-LINES_SHOWN:])
        if at_end:
            body.scroll_end(animate=False)
        outcome = self.run.outcome
        self.query_one("#end", Page).rows = tuple(_end_rows(self.run))
        self.relabel("close", "Leave it running" if outcome is None else "Close")
        self.query_one("#finish").display = self.run.can_finish
        self.query_one("#again").display = self.run.can_retry
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense now."""
        if action == "finish":
            return self.run.can_finish
        return self.run.can_retry if action == "again" else True

    def action_finish(self) -> None:
        """Go on to make a rollback last."""
        self.leave(Next.FINISH)

    def action_again(self) -> None:
        """Plan anew: the world has changed."""
        self.leave(Next.AGAIN)


def _end_rows(run: Run) -> list[Row]:
    outcome = run.outcome
    if outcome is None:
        return [Row("⇄", "It runs. esc leaves it running: a message tells how it ended.", "", "moving", width=2)]
    sign, tone, word = SIGNS[outcome.result]
    rows = [Row(f"{sign} {word}:", outcome.message, "", tone, width=len(word) + 4)]
    if outcome.state:
        rows.append(Row("Now:", outcome.state, "", "muted", indent=2, width=len(word) + 2))
    if outcome.remaining:
        rows += [BLANK, heading("What remains to be done")]
        rows += [item("▲", step, "drifted") for step in outcome.remaining]
    if run.can_finish:
        rows.append(
            Row(
                "",
                "Until then auto-sync stays off. F does it: git first, then auto-sync.",
                "muted",
                indent=4,
                width=0,
            )
        )
    return rows
