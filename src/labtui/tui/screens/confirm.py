"""The plan as a page to read, before anything is done. Cancel has the focus; what puts data at risk wants a name typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Key
from textual.widgets import Button, Input, Label, Static

from labtui.core.actions import BY_ID
from labtui.domain.errors import LabError
from labtui.domain.plan import Danger, Plan
from labtui.domain.resources.argocd import ManagedResource
from labtui.domain.text import clean
from labtui.ports import SyncRequest
from labtui.tui.screens.choose import ChooseResources
from labtui.tui.screens.dialog import Dialog
from labtui.tui.screens.text import TextScreen
from labtui.tui.widgets.lines import count, diff_lines
from labtui.tui.widgets.page import BLANK, Page, Row, heading, item, paragraph, styled

LINES_SHOWN = 400  # of the diff in the page itself; `d` opens all of it
LINES_AT_MOST = 20_000


def plan_rows(plan: Plan) -> list[Row]:
    """A plan as a page: what it is about, what stands against it, what to mind, the steps, the way back."""
    rows = [Row(label, text) for label, text in plan.summary]
    if plan.refusals:
        rows += [BLANK, heading("It cannot be done now")]
        rows += [item("✗", reason, "broken") for reason in plan.refusals]
    if (
        plan.warnings
    ):  # before the steps: on a small screen those fill it, and nobody scrolls to what they do not know of
        rows += [BLANK, heading("Mind")]
        rows += [item("▲", warning, "drifted") for warning in plan.warnings]
    rows += [BLANK, heading("What would be done" if plan.refusals else "What will be done")]
    for number, step in enumerate(plan.steps, 1):
        rows.append(item(f"{number}", step.title, "strong", width=3))
        if step.call:
            rows.append(item("", step.call, text_tone="muted", width=3))
    if plan.undo:
        rows += [BLANK, heading("To get back"), *paragraph(plan.undo)]
    return rows


def diff_heading(plan: Plan) -> Row:
    """How much changes."""
    if not plan.diff:
        return heading("What changes", "no differences known")
    added, removed = (sum(numbers) for numbers in zip(*(count(i) for i in plan.diff), strict=True))
    things = "1 object" if len(plan.diff) == 1 else f"{len(plan.diff)} objects"
    return heading("What changes", f"{things}, +{added} −{removed} lines; - goes, + comes")


def verb(plan: Plan) -> str:
    """The word on the button."""
    if dict(plan.facts).get("dry run") == "True":
        return "Dry run"
    if plan.verb:
        return plan.verb
    action = BY_ID.get(plan.action)
    return action.title if action else "Do it"


class ConfirmScreen(Dialog[bool]):
    """Answers True only for a plan that can be run and that the user has agreed to (and typed the name of, for Danger.HIGH).

    `typed_name` is the name to be typed; the target's own without one.
    """

    DEFAULT_CSS = """
    ConfirmScreen #diff { width: 1fr; height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    ConfirmScreen #notice { height: auto; display: none; }
    ConfirmScreen #notice.-shown { display: block; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel"),
        Binding("d", "diff", "Whole diff"),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]
    AUTO_FOCUS = "#cancel"

    def __init__(self, plan: Plan, typed_name: str | None = None) -> None:
        super().__init__(plan.title)
        self.plan = plan
        self._name = clean(plan.target.name if typed_name is None else typed_name)
        self._asking = False

    def content(self) -> ComposeResult:
        """The page."""
        with VerticalScroll(id="body", can_focus=False):
            yield Page(css_id="plan")
            yield Static(id="diff", markup=False)

    def foot(self) -> ComposeResult:
        """The name to type, the buttons."""
        yield Page(css_id="notice")
        yield from self.fields()
        with Horizontal(id="typing", classes="field"):
            yield Label(Content(f"To confirm, type {self._name}:"))
            yield Input(id="name", compact=True, select_on_focus=False)
        with Horizontal(classes="buttons"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(Content(verb(self.plan)), id="confirm", compact=True, disabled=True)

    def fields(self) -> ComposeResult:
        """What else is asked for."""
        yield from ()

    def on_mount(self) -> None:
        """Show the plan."""
        super().on_mount()
        self.show_plan(self.plan)

    def on_key(self, event: Key) -> None:
        """A name that has to be typed can be typed at once: its letters go to where they belong, but for keys of this page."""
        field = self.query_one("#name", Input)
        letter = event.character if event.is_printable and event.key != "space" else None
        typing = self.query_one("#typing").display and not isinstance(self.focused, Input)
        if letter is None or not typing or event.key in self.active_bindings:
            return
        field.focus()
        field.insert_text_at_cursor(letter)
        event.stop()

    def show_plan(self, plan: Plan) -> None:
        """Show this plan (again): the name that was typed stays, the view stays where it was."""
        self.plan = plan
        self._asking = False
        self.set_heading(plan.title)
        # an operation that makes no diff has nothing to say of one
        changes = (BLANK, diff_heading(plan)) if plan.diff or not plan.action.startswith("migration.") else ()
        self.query_one("#plan", Page).rows = (*self.rows(), *changes)
        lines = diff_lines(plan.diff, LINES_SHOWN)
        self.query_one("#diff", Static).update(Content("\n").join(styled(line) for line in lines))
        self.relabel("confirm", verb(plan))
        self.query_one("#confirm").display = not plan.refusals
        self.query_one("#typing").display = plan.danger is Danger.HIGH and not plan.refusals
        self.notice("")
        self._check()

    def rows(self) -> list[Row]:
        """The rows of the plan."""
        return plan_rows(self.plan)

    def notice(self, text: str, sign: str = "⇄") -> None:
        """A line above the buttons, none with an empty text."""
        page = self.query_one("#notice", Page)
        page.rows = (Row(sign, text, "", "moving" if sign == "⇄" else "broken", width=2),) if text else ()
        page.set_class(bool(text), "-shown")

    @property
    def ready(self) -> bool:
        """May the plan be confirmed now?"""
        if self.plan.refusals or self._asking:
            return False
        return self.plan.danger is not Danger.HIGH or self.query_one("#name", Input).value == self._name

    def _check(self) -> None:
        self.query_one("#confirm", Button).disabled = not self.ready

    @on(Input.Changed, "#name")
    def _name_changed(self) -> None:
        self._check()

    @on(Input.Submitted, "#name")
    @on(Button.Pressed, "#confirm")
    def _confirmed(self) -> None:
        if self.ready:
            self.leave(True)

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        """Close without a yes."""
        self.leave(False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key for a diff that is not there."""
        return bool(self.plan.diff) if action == "diff" else True

    def action_diff(self) -> None:
        """The whole diff on a page of its own."""
        lines = diff_lines(self.plan.diff, LINES_AT_MOST)
        self.app.push_screen(TextScreen(f"{self.plan.title}: what changes", lines, diff_heading(self.plan).text))


Replan = Callable[["ConfirmSyncScreen", SyncRequest], None]


class ConfirmSyncScreen(ConfirmScreen):
    """The plan of a sync, whose options can be changed: each change is planned anew and shown before it can be confirmed.

    `replan` is called with the new request; it answers with `show_request` or `failed`.
    """

    DEFAULT_CSS = """
    ConfirmSyncScreen #revising { display: none; }
    ConfirmSyncScreen #revising.-shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "toggle_prune", "Prune"),
        Binding("n", "toggle_dry_run", "Dry run"),
        Binding("v", "revision", "Revision"),
        Binding("r", "resources", "Resources"),
    ]

    def __init__(
        self, plan: Plan, request: SyncRequest, resources: tuple[ManagedResource, ...], replan: Replan
    ) -> None:
        super().__init__(plan)
        self.request = request
        self._resources = resources
        self._replan = replan

    def fields(self) -> ComposeResult:
        """The revision is asked for when it is wanted."""
        with Horizontal(id="revising", classes="field"):
            yield Label("Revision (branch, tag or commit; empty: the target):")
            yield Input(id="revision", compact=True)

    def rows(self) -> list[Row]:
        """The options stand in the summary, with the keys that change them."""
        request = self.request
        options = (
            f"p: prune {'ON' if request.prune else 'off'}",
            f"n: dry run {'ON' if request.dry_run else 'off'}",
            f"v: revision {request.revision or dict(self.plan.facts).get('to', '')}",
            f"r: {len(request.resources)} chosen" if request.resources else "r: everything",
        )
        rows = plan_rows(self.plan)
        at = len(self.plan.summary)
        return [*rows[:at], Row("Options", "  ".join(options)), *rows[at:]]

    def action_toggle_prune(self) -> None:
        """Prune or not."""
        self._ask(replace(self.request, prune=not self.request.prune))

    def action_toggle_dry_run(self) -> None:
        """Dry run or not."""
        self._ask(replace(self.request, dry_run=not self.request.dry_run))

    def action_revision(self) -> None:
        """Ask for another revision."""
        field = self.query_one("#revision", Input)
        field.value = self.request.revision
        self.query_one("#revising").add_class("-shown")
        field.focus()

    @on(Input.Submitted, "#revision")
    def _revision_given(self, event: Input.Submitted) -> None:
        self.query_one("#revising").remove_class("-shown")
        self.query_one("#cancel").focus()
        self._ask(replace(self.request, revision=event.value.strip()))

    def action_close(self) -> None:
        """Out of the revision first, then out of the dialog."""
        if self.query_one("#revising").has_class("-shown"):
            self.query_one("#revising").remove_class("-shown")
            self.query_one("#cancel").focus()
        else:
            super().action_close()

    def action_resources(self) -> None:
        """Choose what to sync."""

        def chosen(keys: tuple[tuple[str, str, str, str], ...] | None) -> None:
            if keys is not None:
                self._ask(replace(self.request, resources=keys))

        self.app.push_screen(ChooseResources(self._resources, self.request.resources), chosen)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to choose from where Argo CD lists no resources."""
        return bool(self._resources) if action == "resources" else super().check_action(action, parameters)

    def _ask(self, request: SyncRequest) -> None:
        if self._asking or request == self.request:
            return
        self._asking = True
        self._check()
        self.notice("Asking Argo CD what this would do …")
        self._replan(self, request)

    def show_request(self, plan: Plan, request: SyncRequest) -> None:
        """The plan of the new request is here."""
        self.request = request
        self.show_plan(plan)

    def failed(self, error: LabError) -> None:
        """The new request could not be planned: the old plan stands."""
        self._asking = False
        self.notice(f"{error.title}: {error.cause}. The plan above is unchanged.", "✗")
        self._check()
