"""The plan of a stack's move: a verdict for every key, the questions to answer, what would be written where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from labtui.core.answers import Key, address
from labtui.core.stackplan import Objects, PlannedStack, StackPlanner, by_service, interruption_words, shown_as
from labtui.core.yamltext import to_yaml
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.findings import Choice, Finding, Verdict
from labtui.domain.errors import LabError
from labtui.domain.text import clean, size
from labtui.tui.background import in_background
from labtui.tui.screens.answer import AnswerScreen
from labtui.tui.screens.dialog import Dialog
from labtui.tui.screens.problem import ProblemScreen
from labtui.tui.screens.text import TextScreen, table_lines, yaml_lines
from labtui.tui.screens.wait import WaitScreen
from labtui.tui.widgets.page import Page, Row, Spans, Tone, styled

SIGNS: dict[Verdict, tuple[str, Tone]] = {
    Verdict.CONVERTED: ("●", "well"),
    Verdict.CHOICE: ("▲", "drifted"),
    Verdict.REFUSED: ("✗", "broken"),
}
WIDEST_KEY = 34
LOW = 30  # lines of a terminal in which the list comes first
SHORT = 116  # letters of a sentence there, two lines of a terminal of 80; `v` shows all of the interruption
Save = Callable[[PlannedStack], None]
Migrate = Callable[[PlannedStack], None]


class PlanScreen(Dialog[None]):
    """`save` begins the saving of a plan's answers; when it has come back, the saved ones are read anew. `migrate` begins the
    migration itself; None where there is no cluster to migrate to."""

    DEFAULT_CSS = """
    PlanScreen > #dialog { max-width: 150; }
    PlanScreen #head { height: auto; max-height: 8; }
    PlanScreen #body { margin-top: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    PlanScreen #details { margin-top: 1; height: 5; overflow-y: auto; }
    PlanScreen.-low #details { height: 4; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("enter", "answer", "Answer"),
        Binding("n", "next_open", "Next"),
        Binding("a", "all", "All"),
        Binding("m", "migrate", "Migrate"),
        Binding("S", "save", "Save"),
        Binding("y", "values", "Values"),
        Binding("o", "objects", "Objects"),
        Binding("e", "secrets", "Secrets"),
        Binding("v", "volumes", "Volumes"),
        Binding("q", "close", show=False),
    ]
    AUTO_FOCUS = "OptionList"
    tall = True

    def __init__(
        self, planner: StackPlanner, planned: PlannedStack, save: Save, migrate: Migrate | None = None
    ) -> None:
        super().__init__(f"Plan a move to Kubernetes: {planned.name}")
        self._planner = planner
        self.planned = planned
        self._save = save
        self._migrate = migrate
        self._rows: list[Finding | None] = []  # what stands on each line of the list; None: the name of a service
        self.only_open = False
        self._warned = False

    def head(self) -> ComposeResult:
        """The plan in a few lines."""
        yield Page(css_id="summary")

    def content(self) -> ComposeResult:
        """A line for every key."""
        yield OptionList(id="body", markup=False, compact=True)

    def foot(self) -> ComposeResult:
        """The chosen key in full."""
        yield Page(css_id="details")

    def on_mount(self) -> None:
        """Show the plan; the first refused key is chosen, else the first that needs an answer."""
        super().on_mount()
        keys = (f for _, findings in by_service(self.planned.plan.findings) for f in findings)
        first = next((f for f in keys if f.verdict is Verdict.REFUSED), None)
        self._draw((first.service, first.key) if first else None)
        if self.chosen is None or (first is None and self.chosen.settled):
            self.action_next_open()

    def on_resize(self) -> None:
        """In a low terminal the list gets the lines."""
        self.set_class(self._low, "-low")
        if self._rows:
            self._summarise()

    @property
    def _low(self) -> bool:
        return self.app.size.height < LOW

    def _summarise(self) -> None:
        self.query_one("#summary", Page).rows = tuple(summary_rows(self.planned, SHORT if self._low else 2000))

    def on_screen_resume(self) -> None:
        """What lay above has gone; maybe the answers are saved now."""

        def done(saved: Answers | LabError) -> None:
            if self.is_attached and not isinstance(saved, LabError) and saved != self.planned.saved:
                self.show_plan(replace(self.planned, saved=saved))

        if self.planned.unsaved and self._planner.files is not None:
            stack = self.planned.stack
            in_background(self.app, lambda: self._planner.saved(stack.name, stack.site), done, "saved answers")

    # What is shown

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @property
    def chosen(self) -> Finding | None:
        """The finding under the cursor."""
        number = self._list.highlighted
        return self._rows[number] if number is not None and number < len(self._rows) else None

    def show_plan(self, planned: PlannedStack) -> None:
        """Show this plan; the cursor stays on its key."""
        chosen = self.chosen
        self.planned = planned
        self._warned = False
        self._draw((chosen.service, chosen.key) if chosen else None)

    def _draw(self, at: Key | None) -> None:
        self._summarise()
        self._rows, options = [], []
        for service, findings in by_service(self.planned.plan.findings):
            shown = [f for f in findings if not self.only_open or f.verdict is not Verdict.CONVERTED]
            if shown:
                self._rows += [None, *shown]
                options += [_service_line(service, findings), *_finding_lines(shown)]
        entries = self._list
        entries.set_options(options)
        keys = [(f.service, f.key) if f else None for f in self._rows]
        if at is not None and at in keys:
            entries.highlighted = keys.index(at)
        elif options:
            entries.action_first()
        self._show_details()

    @on(OptionList.OptionHighlighted)
    def _show_details(self) -> None:
        finding = self.chosen
        self.query_one("#details", Page).rows = tuple(detail_rows(finding)) if finding else ()

    # Keys

    def action_next_open(self) -> None:
        """To the next key that is refused or asks, after the last one to the first."""
        entries = self._list
        here = -1 if entries.highlighted is None else entries.highlighted
        wanted = [n for n, f in enumerate(self._rows) if f is not None and not f.settled]
        if wanted:
            entries.highlighted = next((n for n in wanted if n > here), wanted[0])

    def action_all(self) -> None:
        """All keys, or only those that are refused or ask."""
        chosen = self.chosen
        self.only_open = not self.only_open
        self._draw((chosen.service, chosen.key) if chosen else None)

    @on(OptionList.OptionSelected)
    def action_answer(self) -> None:
        """Answer the question of the chosen key, also of one that is converted but could be otherwise."""
        finding = self.chosen
        if finding is None:
            return
        key = (finding.service, finding.key)
        choice = self._planner.question(self.planned, key)
        if choice is None:
            self.app.notify(f"{address(*key)} is {finding.verdict}; there is nothing to answer", title="Answer")
            return
        self.app.push_screen(AnswerScreen(finding, choice), partial(self._answered, key, choice))

    def _answered(self, key: Key, choice: Choice, answer: str | None) -> None:
        if answer is None or answer == choice.given:
            return
        try:
            planned = self._planner.settle(self.planned, key, answer)
        except LabError as error:
            self.app.push_screen(ProblemScreen.of(error, "Answer"))
            return
        self.show_plan(planned)

    def action_values(self) -> None:
        """The values of the app chart."""
        note = "Values of the app chart; they hold no secret"
        self.app.push_screen(
            TextScreen(f"{self.planned.name}: values", yaml_lines(to_yaml(self.planned.plan.values)), note)
        )

    def action_objects(self) -> None:
        """The objects that helm renders from the values."""
        planned = self.planned
        wait = WaitScreen(f"{planned.name}: objects", "helm renders the app chart …")

        def done(answer: Objects | LabError) -> None:
            wait.finish(partial(self._show_objects, answer))

        self.app.push_screen(wait)
        in_background(self.app, lambda: self._planner.render(planned), done, f"render {planned.name}")

    def _show_objects(self, answer: Objects | LabError) -> None:
        if isinstance(answer, LabError):
            self.app.push_screen(ProblemScreen.of(answer, "Objects"))
            return
        text = "---\n".join(to_yaml(found) for found in answer)
        note = f"{_count(len(answer), 'object')}, as they are when the move is done; nothing is applied"
        self.app.push_screen(TextScreen(f"{self.planned.name}: objects", yaml_lines(text), note))

    def action_secrets(self) -> None:
        """What goes to Vault, and why."""
        rows = [("SERVICE", "VARIABLE", "VAULT PATH", "KEY", "WHY")]
        rows += [(s.service, s.variable, s.path, s.key, s.reason) for s in self.planned.plan.secrets]
        note = "To Vault, and from there to the pods; values are never shown"
        self.app.push_screen(TextScreen(f"{self.planned.name}: secrets", table_lines(rows), note))

    def action_volumes(self) -> None:
        """What becomes of each mount."""
        rows = [("SERVICE", "MOUNTED AT", "BECOMES", "SIZE", "ACCESS", "FROM")]
        for v in self.planned.plan.volumes:
            access = "read only" if v.read_only else "writes" if v.writer else "may write"
            rows.append((v.service, v.target, v.becomes, size(v.size) or "unknown", access, v.source))
        note = self.planned.plan.interruption or "Sizes as measured on the site"
        self.app.push_screen(TextScreen(f"{self.planned.name}: volumes", table_lines(rows), note))

    def action_save(self) -> None:
        """Remember the answers in git."""
        if not self.planned.unsaved:
            self.app.notify("git has all answers already", title="Save")
            return
        self._save(self.planned)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done."""
        return self._migrate is not None if action == "migrate" else True

    def action_migrate(self) -> None:
        """Begin the migration: it reads the answers from git, so they must be there."""
        if self._migrate is None:
            return
        opened = sum(not f.settled for f in self.planned.plan.findings if f.verdict is Verdict.CHOICE)
        if self.planned.plan.verdict == "refused":
            self._not_now("The plan refuses it; n goes to the reason")
        elif self.planned.unsaved:
            self._not_now("A migration reads the answers from git: S saves them first")
        elif self.planned.plan.verdict != "ready" and opened:
            self._not_now(f"{_count(opened, 'choice')} open; n goes to the next one, enter answers it")
        else:
            self._migrate(self.planned)

    def _not_now(self, why: str) -> None:
        self.app.notify(why, title="Migrate: not now", severity="warning")

    def action_close(self) -> None:
        """Leave; answers that are not saved are lost, so say that first."""
        unsaved = len(self.planned.unsaved)
        if unsaved and not self._warned:
            self._warned = True
            words = "1 answer is" if unsaved == 1 else f"{unsaved} answers are"
            self.app.notify(
                f"{words} not saved. S saves, the same key again leaves without.", title="Not saved", severity="warning"
            )
            return
        super().action_close()


# Rows


def summary_rows(planned: PlannedStack, longest: int = 2000) -> list[Row]:
    """Verdict, components, secrets, volumes, interruption; the sentences at most `longest` letters long."""
    plan = planned.plan
    refused = sum(f.verdict is Verdict.REFUSED for f in plan.findings)
    converted = sum(f.verdict is Verdict.CONVERTED for f in plan.findings)
    opened = sum(not f.settled for f in plan.findings if f.verdict is Verdict.CHOICE)
    unsaved = f" · {_count(len(planned.unsaved), 'answer')} not saved" if planned.unsaved else ""
    words: dict[str, tuple[str, Tone]] = {
        "refused": (f"✗ cannot move: {_count(refused, 'key')} refused, {_count(opened, 'choice')} open", "broken"),
        "choices": (f"▲ {_count(opened, 'choice')} open, {_count(converted, 'key')} converted", "drifted"),
        "ready": (f"● ready: {_count(converted, 'key')} converted, every choice made", "well"),
    }
    text, tone = words[plan.verdict]
    total = sum(v.size or 0 for v in plan.volumes)
    unknown = any(v.size is None for v in plan.volumes)
    volumes = ", ".join(f"{n} {kind}" for kind, n in _kinds([v.becomes for v in plan.volumes]).items())
    measured = f" · {size(total)}{' and more' if unknown else ''}" if total else ""
    paths = ", ".join(dict.fromkeys(s.path for s in plan.secrets))
    return [
        Row("Verdict", f"{text}{unsaved}", tone),
        Row("Components", ", ".join(plan.components) or "none"),
        Row("Secrets", f"{len(plan.secrets)} to Vault at {paths}" if plan.secrets else "none"),
        Row("Volumes", f"{volumes}{measured}" if plan.volumes else "none"),
        Row("Interruption", clean(interruption_words(plan), longest)),
        *(Row("Not known", clean(problem, longest), "unknown", "unknown") for problem in planned.facts.problems[:2]),
    ]


def _kinds(names: list[str]) -> dict[str, int]:
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _service_line(service: str, findings: tuple[Finding, ...]) -> Option:
    counts = [(verdict, sum(shown_as(f) is verdict for f in findings)) for verdict in reversed(Verdict)]
    spans: list[tuple[str, Tone]] = [(clean(service, 60) or "The stack as a whole", "heading")]
    for verdict, number in counts:
        if number:
            sign, tone = SIGNS[verdict]
            spans += [(f"  {sign}", tone), (f" {number}", "muted")]
    return Option(styled(spans), disabled=True)


def _finding_lines(findings: list[Finding]) -> list[Option]:
    width = min(WIDEST_KEY, max(len(clean(f.key)) for f in findings))
    return [Option(styled(finding_spans(f, width))) for f in findings]


def finding_spans(finding: Finding, width: int) -> Spans:
    """One line: sign, key, the answer if there is one, the sentence."""
    sign, tone = SIGNS[shown_as(finding)]
    key = clean(finding.key)
    if len(key) > width:  # the end of a path says more than its beginning
        key = f"…{key[-(width - 1) :]}"
    choice = finding.choice
    answer: tuple[tuple[str, Tone], ...] = ()
    if choice is not None:
        if choice.given:
            answer = ((f"{clean(choice.given, 30)}  ", "strong"),)
        elif choice.proposed:
            answer = ((f"{clean(choice.proposed, 30)}? ", "drifted"),)
        else:
            answer = (("must be answered  ", "broken"),)
    muted: Tone = "muted" if finding.verdict is Verdict.CONVERTED else ""
    return ((f"  {sign} ", tone), (f"{key:<{width}}  ", ""), *answer, (clean(finding.detail, 300), muted))


def detail_rows(finding: Finding) -> list[Row]:
    """The chosen key in full."""
    sign, tone = SIGNS[shown_as(finding)]
    choice = finding.choice
    rows = [Row(sign, address(finding.service, finding.key), "strong", tone, width=2)]
    if choice is not None:
        question = f"{choice.question} " if choice.question != finding.detail else ""
        state, state_tone = _state(choice)
        rows.append(Row("", f"{question}{state}", state_tone, width=2))
    return [*rows, Row("", finding.detail, width=2)]


def _state(choice: Choice) -> tuple[str, Tone]:
    if choice.given:
        return f"Your answer: {choice.given}", "well"
    if choice.proposed:
        return f"Proposed: {choice.proposed}; enter to answer", "drifted"
    return "It must be answered before anything moves: enter", "broken"


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"
