"""A migration as it happens: its steps, both sides compared, what state things are in, the log in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.timer import Timer

from labtui.core.inventory import Delta
from labtui.core.lab import Lab
from labtui.domain.resources import Resource
from labtui.domain.states import Level
from labtui.domain.text import clean
from labtui.tui import keymap
from labtui.tui.acting import LabScreen
from labtui.tui.migration.body import MigrationBody, fitted
from labtui.tui.migration.figures import compared, figure_lines
from labtui.tui.migration.logbook import log_lines
from labtui.tui.migration.standing import headline, rows
from labtui.tui.migration.step_list import StepList
from labtui.tui.migration.steps import StepLine, step_lines
from labtui.tui.migration.track import Track
from labtui.tui.widgets.footer import FooterLine, Hint
from labtui.tui.widgets.line import Line, Part
from labtui.tui.widgets.live_lines import LiveLines, ScrollLines
from labtui.tui.widgets.page import Page, page_lines, tone_of

TICK = 1.0  # seconds between two looks at the clock while something runs
_ACTIONS = ("migration.pause", "migration.resume", "migration.undo", "migration.report")
_TONES = {"broken": "bad", "drifted": "attention", "well": "good", "moving": "key"}


class MigrationScreen(LabScreen):
    """Shows a Track. `esc` leaves; what runs goes on."""

    DEFAULT_CSS = """
    MigrationScreen { layout: vertical; overflow: hidden; }
    MigrationScreen #body { width: 1fr; height: 1fr; }
    MigrationScreen #words { padding: 0 2; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", show=False),
        Binding("d", "details", show=False),
        Binding("u", "undo_to", show=False, id="migration.undo_to"),
        Binding("tab,shift+tab", "turn", show=False),
        *(b for b in keymap.action_bindings() if b.id in (*_ACTIONS, "argocd.refresh")),
    ]
    AUTO_FOCUS = "#steps"

    def __init__(self, lab: Lab, track: Track) -> None:
        super().__init__()
        self.lab = lab
        self.track = track
        self.heading = Line(css_id="heading")
        self.steps = StepList(css_id="steps")
        self.sides = LiveLines(css_id="sides")
        self.words = Page(css_id="words")
        self.log_view = ScrollLines(css_id="log", follow=True)
        self.body = MigrationBody(self.steps, self.sides, self.words, self.log_view)
        self.footer = FooterLine(css_id="footer")
        self._logged = (-1, 0)  # the version of the track that the log shows, and how wide
        self._moved = False  # has the cursor been moved by hand?
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.heading
        yield self.body
        yield self.footer

    def on_mount(self) -> None:
        """What is known now."""
        self._timer = self.set_interval(TICK, self._clock, pause=True)
        self.steps.title("Steps")
        self.sides.title("Both sides")
        self.log_view.title("Log")
        self.draw()

    def on_resize(self, event: Resize) -> None:
        """Another size means another arrangement."""
        self.call_after_refresh(self.draw)

    def on_live_lines_resized(self) -> None:
        """Both sides or the log have another room."""
        self._draw_sides()

    # What is shown

    def draw(self) -> None:
        """Show what is known; what looks the same is not painted."""
        if not self.is_mounted or not self.size.width:
            return
        track, now = self.track, self.lab.clock.now()
        lines = step_lines(track, now)
        self._follow(lines)
        self.steps.show_steps(lines)
        self._draw_sides()
        self._draw_words()
        self._draw_log()
        self._draw_heading()
        self.show_hints()
        if self._timer is not None:
            (self._timer.resume if track.running else self._timer.pause)()

    def _follow(self, lines: Sequence[StepLine]) -> None:
        """The cursor goes along with what runs, or has failed, until it is moved by hand."""
        if self._moved:
            return
        wanted = [line.step for line in lines if line.level in (Level.MOVING, Level.BROKEN)]
        done = [line.step for line in lines if line.level is Level.WELL]
        if found := wanted or done:  # neither: everything was undone
            self.steps.choose(found[-1], follow=True)

    def _draw_words(self) -> None:
        width = max(20, self.body.size.width - 4)
        found = fitted(rows(self.track, self._keys()), width, self.body.most_words())
        if found != self.words.rows:
            self.words.rows = found
        self.body.want(len(page_lines(found, width)))

    def _draw_log(self) -> None:
        """Thousands of lines are laid out anew only when one has come, or their width is another."""
        shown = self.track.version, self.log_view.room
        if shown != self._logged:
            self._logged = shown
            self.log_view.show(log_lines(self.track.log, self.lab.clock.now(), shown[1]))

    def _draw_sides(self) -> None:
        room = self.sides.size
        if room:
            self.sides.show(figure_lines(compared(self.track), max(30, self.sides.room), max(1, room.height)))

    def _draw_heading(self) -> None:
        level, word = headline(self.track)
        tone = _TONES.get(tone_of(level), "plain")
        place = clean(f"{self.track.site}/{self.track.stack}", 60)
        marks = [word for word, on in (("READ-ONLY", self.lab.executor.read_only), ("DEMO", self.lab.demo)) if on]
        right = [Part(f"{self.lab.clock.now().astimezone():%H:%M} "), *(Part(f" {mark} ", "chosen") for mark in marks)]
        identity = [Part(f"  {clean(self.track.id, 60)}", "dim")] if self.track.id and not self.body.narrow else []
        left = [Part(" labtui", "title"), Part(f"  {place} → Kubernetes  "), Part(f"{level.sign} {word}", tone)]
        self.heading.show([*left, *identity], right)

    def _keys(self) -> dict[str, str]:
        of = self.lab_app.keymap.of
        return {identity: of(identity) for identity in _ACTIONS}

    # Changes

    def chosen_resource(self) -> Resource | None:
        """The migration itself."""
        return self.track.migration()

    def operations_changed(self) -> None:
        """The run has told something, or has ended."""
        self.draw()

    def migrations_changed(self, delta: Delta) -> None:
        """The journals were read anew."""
        self.draw()

    def tick(self) -> None:
        """The time of day."""
        self.draw()

    def _clock(self) -> None:
        if self.is_current:
            self.draw()

    def show_hints(self) -> None:
        """The keys that do something now."""
        of = self.lab_app.keymap.of
        row = [hint for hint in self.hints() if not hint.off]
        if not self.track.running and self.track.entries:
            row.insert(-1, Hint(of("migration.undo_to"), "Undo to here", "migration.undo_to"))
        if self.body.narrow:
            at = len(row) - 1 if row and row[-1].action == "migration.report" else len(row)
            row.insert(at, Hint("tab", "Both sides" if self.body.turned else "Log", "estate.next"))
        row.append(Hint("enter", "Details", "table.open"))
        always = [Hint("esc", "Back", "estate.back"), Hint(of("app.help"), "Help", "app.help")]
        self.footer.show_hints(row, always)

    # Keys

    def action_back(self) -> None:
        """To the panes; what runs goes on."""
        if self.is_current:
            self.dismiss()

    def action_turn(self) -> None:
        """Narrow: the log or both sides. Wide: from the steps to the log and back."""
        if self.body.narrow:
            self.body.turn()
            self.set_focus(self.log_view if self.body.turned else self.steps)
            self.call_after_refresh(self.draw)
        else:
            self.set_focus(self.steps if self.log_view.has_focus else self.log_view)

    action_next_pane = action_turn

    def on_step_list_moved(self) -> None:
        """The cursor was moved by hand: it stays where it is put."""
        self._moved = True

    @on(StepList.Opened)
    def action_details(self) -> None:
        """What the step under the cursor does and has done."""
        self.lab_app.flow.migrations.details(self.track, self.steps.chosen)

    action_open_chosen = action_details

    def action_undo_to(self) -> None:
        """Take back what came after the step under the cursor."""
        self.lab_app.flow.migrations.undo(self.track, self.steps.chosen)

    def _reconnect(self) -> bool:
        """Refresh means: read the journals now."""
        self.lab_app.board.read()
        return True

    async def on_line_chosen(self, event: Line.Chosen) -> None:
        """A click on a footer entry."""
        if event.target == "migration.undo_to":
            self.action_undo_to()
        elif isinstance(event.target, str):
            await self.run_hint(event.target)
