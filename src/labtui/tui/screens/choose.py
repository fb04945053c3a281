"""Choosing some of an application's resources for a sync."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from labtui.domain.resources.argocd import ManagedResource
from labtui.domain.text import clean
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import Page, Row, Tone, styled

ResourceKey = tuple[str, str, str, str]  # group, kind, namespace, name


class ChooseResources(Dialog[tuple[ResourceKey, ...]]):
    """Answers with the chosen resources; none chosen means all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back"),
        Binding("space", "mark", "Mark"),
        Binding("o", "out_of_sync", "OutOfSync ones"),
        Binding("a", "none", "All"),
        Binding("c", "use", "Use these"),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(self, resources: tuple[ManagedResource, ...], chosen: tuple[ResourceKey, ...]) -> None:
        super().__init__("Sync only these resources")
        order = sorted(resources, key=lambda r: (r.sync != "OutOfSync", r.kind, r.namespace, r.name))
        self._resources = [r for r in order if not r.hook]
        self._chosen = set(chosen)

    def head(self) -> ComposeResult:
        """What it means."""
        yield Page(
            (
                Row(
                    "",
                    "Nothing marked means all. Hooks do not run, and the sync is not written into the history.",
                    "muted",
                    width=0,
                ),
            )
        )

    def content(self) -> ComposeResult:
        """The list, OutOfSync first."""
        yield OptionList(*(self._option(r) for r in self._resources), id="body", markup=False, compact=True)

    def foot(self) -> ComposeResult:
        """Buttons."""
        with Horizontal(classes="buttons"):
            yield Button("Use these", compact=True, action="screen.use")
            yield Button("Back", compact=True, action="screen.close")

    def _option(self, resource: ManagedResource) -> Option:
        place = f"{clean(resource.namespace)}/" if resource.namespace else ""
        mark: tuple[str, Tone] = ("[x] ", "strong") if _key(resource) in self._chosen else ("[ ] ", "muted")
        tone: Tone = "drifted" if resource.sync == "OutOfSync" else "muted"
        name = f"{clean(resource.kind)} {place}{clean(resource.name)}"
        return Option(styled((mark, (name, ""), (f"  {clean(resource.sync)}", tone))))

    def _draw(self) -> None:
        options = self.query_one(OptionList)
        for number, resource in enumerate(self._resources):
            options.replace_option_prompt_at_index(number, self._option(resource).prompt)

    @on(OptionList.OptionSelected)
    def action_mark(self) -> None:
        """Mark the resource under the cursor, or take its mark away."""
        number = self.query_one(OptionList).highlighted
        if number is not None:
            self._chosen ^= {_key(self._resources[number])}
            self._draw()

    def action_out_of_sync(self) -> None:
        """Mark what differs from git."""
        self._chosen = {_key(r) for r in self._resources if r.sync == "OutOfSync"}
        self._draw()

    def action_none(self) -> None:
        """No choice: all are synced."""
        self._chosen = set()
        self._draw()

    def action_use(self) -> None:
        """Answer."""
        self.leave(tuple(_key(r) for r in self._resources if _key(r) in self._chosen))


def _key(resource: ManagedResource) -> ResourceKey:
    return resource.group, resource.kind, resource.namespace, resource.name
