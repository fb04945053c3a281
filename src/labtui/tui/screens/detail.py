"""The details of one thing on the whole screen, for terminals without room for them beside the panes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from labtui.core.inventory import Delta
from labtui.core.lab import Lab
from labtui.domain.ref import Ref
from labtui.domain.resources import Resource
from labtui.tui import keymap
from labtui.tui.acting import LabScreen
from labtui.tui.widgets.detail_view import DetailView
from labtui.tui.widgets.footer import FooterLine, Hint


class DetailScreen(LabScreen):
    """Text that scrolls and stays true; the actions of the row work here too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", show=False),
        Binding("i", "source", show=False, id="estate.source"),
        *keymap.action_bindings(),
    ]

    def __init__(self, lab: Lab, ref: Ref) -> None:
        super().__init__()
        self.lab = lab
        self.ref = ref
        self.detail = DetailView(lab, css_id="details")
        self.footer = FooterLine(css_id="footer")

    def compose(self) -> ComposeResult:
        """Text and keys."""
        yield self.detail
        yield self.footer

    def on_mount(self) -> None:
        """What is known now."""
        self.detail.show(self.ref)
        self.detail.focus()
        self.show_hints()

    def on_resize(self) -> None:
        """Another number of keys fits."""
        self.show_hints()

    def chosen_resource(self) -> Resource | None:
        """What is shown."""
        return self.lab.inventory.get(self.ref)

    def take(self, delta: Delta) -> None:
        """It, or something that belongs to it, may have changed."""
        self.detail.show(self.ref)
        self.show_hints()

    def tick(self) -> None:
        """Ages."""
        self.detail.tick()

    def show_hints(self) -> None:
        """Keys that do something now."""
        of = self.lab_app.keymap.of
        always = [Hint("esc", "Back", "estate.back"), Hint(of("app.help"), "Help", "app.help")]
        self.footer.show_hints(self.hints(), always)

    def action_back(self) -> None:
        """To the panes."""
        if self.is_current:
            self.dismiss()
