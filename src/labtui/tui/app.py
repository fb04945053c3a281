"""The Textual app: shows the first frame before anything is connected, then keeps it true."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.command import Provider
from textual.message import Message
from textual.screen import Screen
from textual.types import AnimationLevel
from textual.worker import Worker, WorkerState

from labtui.core.paths import config_dir
from labtui.domain.checks import Verdict
from labtui.domain.errors import LabError
from labtui.domain.text import clean, clean_lines
from labtui.tui import keymap, theming
from labtui.tui.screens.curtain import Curtain
from labtui.tui.theme_choice import ThemeChoice

# All that the first frame does not need is imported after it.
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from textual.driver import Driver

    from labtui.core.inventory import Delta
    from labtui.core.lab import Lab
    from labtui.domain.ref import SourceId
    from labtui.domain.resources import Resource
    from labtui.tui.acting import LabScreen
    from labtui.tui.live import LiveLab, Wake
    from labtui.tui.migration.board import MigrationBoard
    from labtui.tui.operations import ActionFlow
    from labtui.tui.screens.estate import EstateScreen

log = logging.getLogger(__name__)

RETELL = 10.0  # seconds between two looks at the clock; ages change once a minute
FIRST_FRAME = 0.01  # seconds in which nothing else is done, so that the first frame is written at once
SETTLED = 3.0  # seconds after which everything that is imported at the start is there
TOAST_TEXT = 140  # letters, two lines: a toast at the start must not hide what it speaks about


def _commands() -> type[Provider]:
    from labtui.tui.palette import LabCommands

    return LabCommands


@dataclass(frozen=True)
class Opening:
    """An estate that is still to be opened: its name is known, all else is imported and resolved by `open`."""

    name: str
    open: Callable[[], Lab]
    theme_dirs: tuple[Path, ...] = ()


def _collect_again() -> None:
    """The command line starts without the garbage collector; what is there by now stays, so it need not be looked at again."""
    gc.freeze()
    gc.enable()


class LabApp(App[int]):
    """Owns the inventory (it alone applies changes), the screens and the keys."""

    TITLE = "labtui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(keymap.APP_KEYS)]
    animation_level: AnimationLevel = "none"

    @dataclass
    class ChangesReady(Message):
        """Feeds have left changes in the mailbox."""

    @dataclass
    class OperationsReady(Message):
        """The executor has something new to tell."""

    lab: Lab
    live: LiveLab
    board: MigrationBoard
    estate: EstateScreen
    _changes: Wake
    _operations: Wake

    def __init__(
        self,
        lab: Lab | Opening,
        *,
        theme: str | None = None,
        keys_file: Path | None = None,
        follow: bool = True,
        driver: type[Driver] | None = None,
    ) -> None:
        """With an `Opening` the first frame is painted before the estate is opened. `theme` wins over the remembered one.
        `keys_file` is `keys.yaml` of the config folder unless given. With `follow` false no feed is started (tests put
        changes in by themselves). `driver` is Textual's own unless given."""
        super().__init__(driver_class=driver)
        self.keymap = keymap.Keymap({})
        self.failure: LabError | None = None  # why the estate could not be opened
        self._opening = lab if isinstance(lab, Opening) else None
        self.themes = ThemeChoice(self, lab.theme_dirs)
        self.themes.dress(theme)
        self._keys_file = keys_file or config_dir(os.environ, Path.home()) / "keys.yaml"
        self._follow = follow
        if not isinstance(lab, Opening):
            self._adopt(lab)

    def _adopt(self, lab: Lab) -> None:
        """From now on this is the estate that is shown. The feeds connect while the screen is made."""
        from labtui.tui.live import LiveLab, Wake

        self.lab = lab
        self._changes = Wake(self._post_changes, self.set_timer)
        self._operations = Wake(self._post_operations, self.set_timer)
        self.live = LiveLab(lab, self._changes.ask)
        if self._opening and self._follow:
            self.live.start()
        from labtui.tui.migration.board import MigrationBoard
        from labtui.tui.screens.estate import EstateScreen

        self.board, self.estate = MigrationBoard(self, lab), EstateScreen(lab)

    # Start and end

    def get_default_screen(self) -> Screen[None]:
        """The Estate screen, or what stands there until the estate is open."""
        return Curtain(self._opening.name) if self._opening else self.estate

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own tokens, so that the stylesheet parses with every theme."""
        return {**super().get_theme_variable_defaults(), **theming.VARIABLE_DEFAULTS}

    def on_ready(self) -> None:
        """Go on: the first frame has been handed to the thread that writes it."""
        # after a stop the terminal shows something else
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.set_timer(FIRST_FRAME, self._begin)

    def _begin(self) -> None:
        if self._opening is not None:
            try:
                self._adopt(self._opening.open())
            except LabError as error:
                self.failure = error
                self.exit(1)
                return
            self.push_screen(self.estate)
        elif self._follow:
            self.live.start()
        self.lab.executor.changed = self._chained(self.lab.executor.changed)
        self.set_interval(RETELL, self._tick)
        self.set_timer(SETTLED, _collect_again)
        self.set_timer(0.5 if self._opening else 0.01, self.themes.load)
        self._load_keys()
        for problem in self.lab.problems:
            if problem.verdict is Verdict.FAIL and problem.subject in {source.label for source in self.lab.sources}:
                continue  # its pane says it
            text = clean(" · ".join(part for part in (problem.detail, problem.remedy) if part), TOAST_TEXT)
            self.notify(text, title=f"{problem.subject}: {problem.name}", severity="warning", timeout=12)

    def _chained(self, before: Callable[[], None]) -> Callable[[], None]:
        def changed() -> None:
            before()
            self._operations.ask()

        return changed

    def _load_keys(self) -> None:
        self.keymap = keymap.load(self._keys_file)
        if self.keymap.overrides:
            self.set_keymap(dict(self.keymap.overrides))
        if self.keymap.problems:
            text = "\n".join(self.keymap.problems)
            self.notify(text, title=f"Ignored in {self._keys_file.name}", severity="warning", timeout=12)
        self.estate.use_keys()

    # From the feeds to the panes

    def _post_changes(self) -> None:
        self.post_message(self.ChangesReady())

    def _post_operations(self) -> None:
        self.post_message(self.OperationsReady())

    def on_lab_app_changes_ready(self) -> None:
        """Changes wait: take them in now, or when a tenth of a second has passed since the last time."""
        self._changes.due(self.take_changes)

    def take_changes(self) -> None:
        """Apply what has arrived and tell the screens what is different."""
        delta = self.live.drain()
        if delta:
            for screen in self.lab_screens():
                screen.take(delta)
            self._tell_source_screen(delta)

    def _tell_source_screen(self, delta: Delta) -> None:
        if delta.sources and type(self.screen).__name__ == "SourceScreen":
            from labtui.tui.screens.source import SourceScreen

            if isinstance(self.screen, SourceScreen) and self.screen.source in delta.sources:
                status = self.lab.inventory.status(self.screen.source)
                if status is not None:
                    self.screen.show_status(status)

    def on_lab_app_operations_ready(self) -> None:
        """Operations have changed: tell the screens, at most ten times a second."""
        self._operations.due(self._tell_operations)

    def _tell_operations(self) -> None:
        self.board.take()
        for screen in self.lab_screens():
            screen.operations_changed()

    def _tick(self) -> None:
        for screen in self.lab_screens():
            screen.tick()

    def lab_screens(self) -> Iterator[LabScreen]:
        """The screens that show the inventory, from the bottom up."""
        from labtui.tui.acting import LabScreen

        yield from [screen for screen in self.screen_stack if isinstance(screen, LabScreen)]

    # What the user asks for

    def start_action(self, identity: str, resource: Resource) -> None:
        """Plan, ask, run: see `operations.ActionFlow`."""
        self.flow.start(identity, resource)

    @cached_property
    def flow(self) -> ActionFlow:
        """Plans, confirmations, progress. Made when first needed: it brings the dialogs with it."""
        from labtui.tui.operations import ActionFlow

        return ActionFlow(self, self.lab)

    def show_source(self, source: SourceId) -> None:
        """Why a source is as it is, since when, and what to do."""
        from labtui.tui.screens.source import SourceScreen

        status = self.lab.inventory.status(source)
        self.push_screen(SourceScreen(source, status, source.scope, self.lab, lambda: self.connect_again(source)))

    def connect_again(self, source: SourceId) -> None:
        """Connect to a source now, whatever its state is, and say so."""
        self.live.retry(source)
        self.notify(f"Connecting to {clean(source.label)} now")

    def action_sign_in(self) -> None:
        """Sign in to the source of the chosen pane, or to the only one that takes a password."""
        from labtui.tui.acting import LabScreen

        screen = self.screen
        source = screen.chosen_source() if isinstance(screen, LabScreen) else None
        if source not in self.lab.logins and len(self.lab.logins) == 1:
            source = next(iter(self.lab.logins))
        if source is None or source not in self.lab.logins:
            where = source.label if source else "This pane"
            self.notify(f"{where} takes no user name and password here", title="Sign in: not now", severity="warning")
            return
        self.sign_in(source)

    def sign_in(self, source: SourceId) -> None:
        """Ask for user name and password, then connect again."""
        from labtui.tui.screens.login import LoginScreen

        self.push_screen(LoginScreen(self.lab.logins[source], source.label, lambda: self.live.retry(source)))

    def action_help(self) -> None:
        """All keys, and what the signs mean."""
        from labtui.tui.screens.help import HelpScreen

        groups = (
            ("The screen", [self._help_line(k) for k in (*keymap.ESTATE_KEYS, *keymap.APP_KEYS)]),
            ("A table", [self._help_line(k) for k in keymap.table_keys()]),
            ("A migration's own screen", [self._help_line(k) for k in keymap.MIGRATION_KEYS]),
        )
        self.push_screen(HelpScreen(groups, self.keymap.overrides))

    def _help_line(self, key: keymap.Key) -> tuple[str, str]:
        keys = self.keymap.overrides.get(key.id, key.keys).split(",")
        return " ".join(keymap.spoken(k) for k in keys), key.help

    def action_command_palette(self) -> None:
        """Find anything by name."""
        from labtui.tui.palette import LabPalette

        if not isinstance(self.screen, LabPalette):
            self.push_screen(LabPalette())

    def action_audit(self) -> None:
        """Who did what, when, and how it ended."""
        from labtui.tui.screens.audit import AuditScreen

        if not any(isinstance(screen, AuditScreen) for screen in self.screen_stack):
            self.push_screen(AuditScreen(self.lab))

    def action_themes(self) -> None:
        """Choose a theme; each is worn while the cursor stands on it."""
        from labtui.tui.screens.theme import ThemeScreen

        self.themes.look_again()
        self.push_screen(ThemeScreen(self.themes))

    def on_app_focus(self) -> None:
        """Who comes back from an editor may have changed a theme."""
        self.themes.look_again()

    async def action_quit(self) -> None:
        """Leave, unless a migration runs: then ask first. Connections are closed after the terminal is given back."""
        if not hasattr(self, "board") or not self.board.running() or not self.flow.asks_before_leaving():
            self.exit(0)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Textual's own entries of the palette: none, ours say the same in our words."""
        return ()

    # What goes wrong

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Literal["information", "warning", "error"] = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """A toast. Text in it is never markup, whoever wrote it."""
        super().notify(
            clean_lines(message, 2000), title=clean(title, 120), severity=severity, timeout=timeout, markup=False
        )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Whatever fails in a worker is shown and logged, not swallowed."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            error = event.worker.error
            log.error("worker %s failed", event.worker.name, exc_info=error)
            self.notify(f"{type(error).__name__}: {error}", title="Internal error", severity="error", timeout=12)


def run(opening: Opening, *, theme: str | None = None, keys_file: Path | None = None, mouse: bool = True) -> int:
    """Show the estate until the user leaves; the exit status of the program. Raises what `opening.open` raises."""
    from labtui.tui.terminal import TerminalDriver, terminal_title

    app = LabApp(opening, theme=theme, keys_file=keys_file, driver=TerminalDriver)
    try:
        with terminal_title():
            app.run(mouse=mouse)
    finally:
        if hasattr(app, "live"):
            app.live.stop()
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0
