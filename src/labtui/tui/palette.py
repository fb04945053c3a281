"""The command palette: every action, pane, resource and theme by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher
from textual.markup import escape
from textual.widgets import Input

from labtui.core.actions import offered
from labtui.domain.resources import Resource
from labtui.domain.text import clean
from labtui.tui import keymap
from labtui.tui.acting import LabScreen
from labtui.tui.app import LabApp

MOST = 60  # hits shown; who has more to choose from types another letter
PAUSE_EVERY = 500  # resources looked at before other things get their turn


@dataclass(frozen=True, slots=True)
class Command:
    """One entry: what is shown and searched, what it means, what it does."""

    title: str
    help: str
    run: Callable[[], object]


class LabPalette(CommandPalette):
    """Textual's palette, without anything that blinks."""

    def __init__(self) -> None:
        super().__init__(placeholder="an action, a pane, a name, a theme …")

    def on_mount(self) -> None:
        """Still the cursor."""
        self.query_one(Input).cursor_blink = False


class LabCommands(Provider):
    """Where the palette's entries come from. Nothing of the outside world is ever read as markup."""

    @property
    def _lab_app(self) -> LabApp:
        return cast(LabApp, self.app)

    def _commands(self) -> Iterator[Command]:
        """Everything but the resources."""
        app, screen = self._lab_app, self.screen
        resource = screen.chosen_resource() if isinstance(screen, LabScreen) else None
        if resource is not None and isinstance(screen, LabScreen):
            for action, reason in offered(resource, app.lab.executor.read_only):
                title = f"{action.title}: {clean(resource.ref.name, 60)}"
                text = f"not now: {reason}" if reason else action.help
                yield Command(title, self._with_key(action.id, text), partial(screen.action_run, action.id))
        for number, title in app.estate.pane_titles():
            help_text = self._with_key(f"estate.pane_{number}", "Go to this pane")
            yield Command(f"Pane {number}: {clean(title)}", help_text, partial(app.estate.go_to_pane, number))
        for source in app.lab.sources:
            text = "Why it is as it is, since when, what to do"
            yield Command(f"Source: {clean(source.label)}", text, partial(app.show_source, source))
        for source in app.lab.logins:
            yield Command(f"Sign in: {clean(source.label)}", "User name and password", partial(app.sign_in, source))
        for name in app.themes.names:
            yield Command(f"Theme: {clean(name)}", "Use it from now on", partial(app.themes.choose, name))
        for key in keymap.APP_KEYS:
            if key.id in ("app.help", "app.audit", "app.theme", "app.quit"):
                yield Command(key.title, self._with_key(key.id, key.help), partial(app.run_action, key.action))

    def _with_key(self, identity: str, text: str) -> str:
        key = self._lab_app.keymap.of(identity)
        return f"{key}  {text}" if key else text

    async def discover(self) -> Hits:
        """What the palette offers before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(
                cast(str, Content(command.title)), partial(self._call, command), command.title, escape(command.help)
            )

    async def search(self, query: str) -> Hits:
        """Commands and resources whose name has the letters of `query` in their order."""
        matcher = self.matcher(query)
        for command in self._commands():
            if (score := matcher.match(command.title)) > 0:
                yield self._hit(score, highlighted(matcher, command.title), command)
        found = looked_at = 0
        estate = self._lab_app.estate
        for resource, pane in estate.all_resources():
            looked_at += 1
            if looked_at % PAUSE_EVERY == 0:
                await asyncio.sleep(0)
            title = clean(f"{resource.ref.namespace}/{resource.ref.name}".lstrip("/"), 100)
            if not in_order(query.casefold(), title.casefold()) or (score := matcher.match(title)) <= 0:
                continue
            place = f"{clean(resource.ref.kind)} in {clean(pane)}"
            yield self._hit(score, highlighted(matcher, title), Command(title, place, partial(self._go, resource)))
            found += 1
            if found >= MOST:
                return

    def _hit(self, score: float, shown: Content, command: Command) -> Hit:
        # Textual reads `help` as markup, and titles unless they are Content
        return Hit(score, shown, partial(self._call, command), command.title, escape(command.help))

    def _go(self, resource: Resource) -> None:
        self._lab_app.estate.go_to(resource.ref)

    async def _call(self, command: Command) -> None:
        result = command.run()
        if asyncio.iscoroutine(result):
            await result


def highlighted(matcher: Matcher, text: str) -> Content:
    """`text` with the letters that were searched for. `Matcher.highlight` would read it as markup."""
    content = Content(text)
    _, offsets = matcher.fuzzy_search.match(matcher.query, text)
    for offset in offsets:
        if not text[offset].isspace():
            content = content.stylize(matcher.match_style, offset, offset + 1)
    return content


def in_order(letters: str, text: str) -> bool:
    """Are all letters found in the text, in their order? A cheap test before the exact one."""
    rest = iter(text)
    return all(letter in rest for letter in letters if letter != " ")
