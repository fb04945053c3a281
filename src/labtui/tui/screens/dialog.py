"""What all dialogs share: a framed page that scrolls, keys at its foot, nothing that moves by itself."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Footer

from labtui.domain.text import clean

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A dialog over the screen below. `body_id` names the widget that the arrow keys scroll where nothing else takes them."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > #dialog {
        width: 100%; max-width: 112; height: auto; max-height: 100%;
        border: round $pane-border-focus; border-title-color: $foreground; border-title-style: bold;
        background: $surface; padding: 0 1; scrollbar-size: 1 1;
    }
    Dialog > #dialog.-tall { height: 100%; max-height: 48; }
    Dialog #body { height: auto; max-height: 100%; background: $surface; }
    Dialog #dialog.-tall #body { height: 1fr; }
    Dialog #body { scrollbar-size: 1 1; scrollbar-background: $surface; }
    Dialog #head { dock: top; height: auto; }
    Dialog #foot { dock: bottom; height: auto; }
    Dialog Footer { dock: none; background: $surface; margin-top: 1; }
    Dialog Footer FooterKey { background: $surface; }
    Dialog Footer.-compact FooterKey { margin-right: 2; }
    Dialog OptionList { border: none; background: $surface; padding: 0; }
    Dialog OptionList:focus { border: none; background-tint: transparent; }
    Dialog OptionList > .option-list--option { text-wrap: nowrap; text-overflow: ellipsis; padding: 0; }
    Dialog OptionList:focus > .option-list--option-highlighted {
        background: $row-cursor; color: $foreground; text-style: bold;
    }
    Dialog .buttons { height: 1; margin-top: 1; }
    Dialog .buttons Button { margin-right: 2; min-width: 10; background: $foreground 15%; color: $foreground; }
    Dialog .field { height: 1; margin-top: 1; }
    Dialog .field Label { width: auto; padding-right: 1; }
    Dialog .field Input { width: 1fr; max-width: 50; background: $foreground 12%; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("up,k", "scroll_body('up')", show=False),
        Binding("down,j", "scroll_body('down')", show=False),
        Binding("pageup", "scroll_body('page_up')", show=False),
        Binding("pagedown", "scroll_body('page_down')", show=False),
        Binding("home,g", "scroll_body('home')", show=False),
        Binding("end,G", "scroll_body('end')", show=False),
    ]

    body_id = "body"
    tall = False

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading

    def compose(self) -> ComposeResult:
        """The frame; what is in it comes from `content`."""
        with Vertical(id="dialog", classes="-tall" if self.tall else ""):
            with Vertical(id="head"):
                yield from self.head()
            yield from self.content()
            with Vertical(id="foot"):
                yield from self.foot()
                yield Footer(compact=True, show_command_palette=False)

    def head(self) -> ComposeResult:
        """What stays above the body."""
        yield from ()

    def content(self) -> ComposeResult:
        """The body: one widget, which gives way and scrolls when there is not room for all."""
        yield from ()

    def foot(self) -> ComposeResult:
        """What stays below the body, above the keys."""
        yield from ()

    def on_mount(self) -> None:
        """Set the title without interpreting it."""
        self.set_heading(self._heading)

    def set_heading(self, text: str) -> None:
        """The title in the frame."""
        self.query_one("#dialog").border_title = Content(clean(text, 200))

    def relabel(self, button_id: str, text: str) -> None:
        """Another word on a button, which then gets as wide as the word."""
        button = self.query_one(f"#{button_id}", Button)
        button.label = Content(text)
        button.refresh(layout=True)

    def leave(self, result: T | None = None) -> None:
        """Close with a result. Does nothing unless this dialog is the one on top, so that it can never close another."""
        if self.is_current:
            self.dismiss(result)

    def action_close(self) -> None:
        """Close without a result."""
        self.leave(None)

    def action_scroll_body(self, how: str) -> None:
        """Scroll the body, without animation. A dialog that has none has nothing to scroll."""
        body: Widget | None = next(iter(self.query(f"#{self.body_id}")), None)
        if body is None:
            return
        moves = {
            "up": body.scroll_up,
            "down": body.scroll_down,
            "page_up": body.scroll_page_up,
            "page_down": body.scroll_page_down,
            "home": body.scroll_home,
            "end": body.scroll_end,
        }
        moves[how](animate=False)
