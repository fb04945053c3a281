"""One question of a plan: its options with what they mean, or a text of the operator's own."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Label, OptionList
from textual.widgets.option_list import Option

from labtui.core.answers import address
from labtui.domain.conversion.findings import Choice, Finding
from labtui.domain.text import clean
from labtui.tui.screens.dialog import Dialog
from labtui.tui.widgets.page import Page, Tone, paragraph, styled

WIDEST, FRAME = 112, 6  # cells of a dialog, and of what stands around its lines


class AnswerScreen(Dialog[str]):
    """Answers with the chosen answer, an empty text for one that is taken back, None for no change."""

    DEFAULT_CSS = """
    AnswerScreen #head Page { margin-bottom: 1; }
    AnswerScreen OptionList.-none { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Back"),
        Binding("enter", "choose", "Answer"),
        Binding("t", "type", "Type an answer"),
        Binding("x", "take_back", "Take the answer back"),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(self, finding: Finding, choice: Choice) -> None:
        super().__init__(address(finding.service, finding.key))
        self._finding = finding
        self._choice = choice

    def head(self) -> ComposeResult:
        """The question, and what stands behind it."""
        question, detail = self._choice.question, self._finding.detail
        rows = list(paragraph(question or detail, "strong", indent=0))
        if detail and question and detail != question:
            rows += [*paragraph(detail, "muted", indent=0)]
        yield Page(rows)

    def content(self) -> ComposeResult:
        """The options."""
        yield OptionList(
            *(self._option(n) for n in range(len(self._choice.options))), id="body", markup=False, compact=True
        )

    def foot(self) -> ComposeResult:
        """A field where any text is an answer, and buttons."""
        if self._choice.free:
            with Horizontal(classes="field"):
                yield Label(Content("Another answer (t):" if self._choice.options else "Answer:"))
                yield Input(self._own, id="own", compact=True)
        with Horizontal(classes="buttons"):
            yield Button("Back", compact=True, action="screen.close")
            yield Button("Answer (enter)", id="choose", compact=True, action="screen.choose")
            if self._choice.given:
                yield Button("Take the answer back (x)", compact=True, action="screen.take_back")

    def on_resize(self) -> None:
        """Lines break elsewhere."""
        options = self.query_one(OptionList)
        at = options.highlighted
        options.set_options([self._option(n) for n in range(len(self._choice.options))])
        options.highlighted = at

    def on_mount(self) -> None:
        """The answer that holds is the chosen one."""
        super().on_mount()
        options = self.query_one(OptionList)
        options.set_class(not self._choice.options, "-none")
        known = [option.answer for option in self._choice.options]
        if self._choice.answer in known:
            options.highlighted = known.index(self._choice.answer)
        elif known and not self._own:
            options.action_first()
        if not known or self._own:
            self.action_type()

    @property
    def _own(self) -> str:
        """The operator's own text, where it is none of the options."""
        given = self._choice.given
        return given if given not in {o.answer for o in self._choice.options} else ""

    def _option(self, number: int) -> Option:
        option, choice = self._choice.options[number], self._choice
        holds = option.answer == choice.answer
        width = min(24, max(len(clean(o.answer)) for o in choice.options))
        notes = (("your answer", option.answer == choice.given), ("proposed", option.answer == choice.proposed))
        note = next((f"{words} · " for words, true in notes if true), "")
        sign: tuple[str, Tone] = ("● ", "well") if holds else ("  ", "")
        spans: tuple[tuple[str, Tone], ...] = (
            sign,
            (f"{clean(option.answer):<{width}}  ", "strong"),
            (note, "muted"),
            (self._hanging(clean(option.meaning), width + 4, len(note)), ""),
        )
        return Option(styled(spans))

    def _hanging(self, text: str, left: int, first: int) -> str:
        """The text wrapped so that its lines stand below its own beginning; `first` letters of the first line are taken."""
        room = max(20, min(self.app.size.width, WIDEST) - FRAME - left)
        lines = textwrap.wrap("x" * first + text if first else text, room) or [""]
        return ("\n" + " " * left).join([lines[0][first:], *lines[1:]])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done."""
        if action == "type":
            return self._choice.free
        return bool(self._choice.given) if action == "take_back" else True

    @on(OptionList.OptionSelected)
    def action_choose(self) -> None:
        """Answer with what is under the cursor; a form such as `nfs:SERVER:/PATH` is to be filled in first."""
        number = self.query_one(OptionList).highlighted
        if number is None:
            self._type_in()
            return
        option = self._choice.options[number]
        if self._choice.free and option.placeholders:
            self.query_one("#own", Input).value = option.answer
            self.action_type()
        else:
            self.leave(option.answer)

    def action_type(self) -> None:
        """Go to the field."""
        for field in self.query("#own"):
            field.focus()

    @on(Input.Submitted, "#own")
    def _type_in(self) -> None:
        text = self.query_one("#own", Input).value.strip() if self._choice.free else ""
        if text and not any(o.answer == text and o.placeholders for o in self._choice.options):
            self.leave(text)

    def action_take_back(self) -> None:
        """No answer any more: the proposal holds, if there is one."""
        self.leave("")
