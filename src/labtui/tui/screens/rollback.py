"""Choosing what to roll back to: the history, newest first, with who committed what and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from labtui.core.lab import Lab
from labtui.domain.errors import LabError
from labtui.domain.plan import DiffItem
from labtui.domain.planning import previous, shorts
from labtui.domain.resources.argocd import Application, Deployment
from labtui.domain.text import age, clean
from labtui.ports import RevisionInfo
from labtui.tui.background import in_background
from labtui.tui.screens.dialog import Dialog
from labtui.tui.screens.problem import ProblemScreen
from labtui.tui.screens.text import TextScreen
from labtui.tui.screens.wait import WaitScreen
from labtui.tui.widgets.lines import diff_lines
from labtui.tui.widgets.page import BLANK, Page, Row, Tone, item, styled

DIFF_LINES = 20_000


@dataclass(frozen=True, slots=True)
class RollbackChoice:
    """An entry of the history, and whether resources that it does not have are deleted."""

    to: int
    prune: bool


class RollbackScreen(Dialog[RollbackChoice]):
    """Answers with the chosen deployment. The one deployed now cannot be chosen; the last different one is chosen at first."""

    DEFAULT_CSS = """
    RollbackScreen #columns { height: 1; text-wrap: nowrap; }
    RollbackScreen OptionList { text-wrap: nowrap; text-overflow: ellipsis; }
    RollbackScreen #details { margin-top: 1; height: auto; max-height: 9; overflow-y: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel"),
        Binding("enter", "choose", "Plan it"),
        Binding("d", "diff", "Diff"),
        Binding("p", "toggle_prune", "Prune"),
    ]
    AUTO_FOCUS = "OptionList"

    def __init__(self, app: Application, lab: Lab) -> None:
        super().__init__(f"Roll back {app.ref.name}")
        self._application = app
        self._lab = lab
        self._entries = tuple(reversed(app.history))
        self._infos: dict[int, RevisionInfo | LabError] = {}  # by id of the entry
        self._asked: set[int] = set()
        self.prune = False

    def head(self) -> ComposeResult:
        """The names of the columns."""
        yield Static(
            styled(((f"  {'ID':>4}  {'REVISION':<10} {'DEPLOYED':<9} {'BY':<12} COMMIT", "muted"),)), id="columns"
        )

    def content(self) -> ComposeResult:
        """The history."""
        yield OptionList(*(self._option(n) for n in range(len(self._entries))), id="body", markup=False, compact=True)

    def foot(self) -> ComposeResult:
        """The chosen entry in full."""
        yield Page(css_id="details")
        with Horizontal(classes="buttons"):
            yield Button("Cancel", id="cancel", compact=True, action="screen.close")
            yield Button("Plan it (enter)", id="choose", compact=True, action="screen.choose")

    def on_mount(self) -> None:
        """Choose the last different one, and ask for the commits in view."""
        super().on_mount()
        entries = self._list
        best = previous(self._application)
        for number, entry in enumerate(self._entries):
            if best is not None and entry.id == best.id:
                entries.highlighted = number
        if entries.highlighted is None:
            entries.action_first()
        self.watch(entries, "scroll_y", self._ask_soon, init=False)
        self._ask_soon()
        self._show_details()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    @property
    def chosen(self) -> Deployment | None:
        """The entry under the cursor, None where there is none that can be chosen."""
        number = self._list.highlighted
        if number is None or self._is_now(self._entries[number]):
            return None
        return self._entries[number]

    def _is_now(self, entry: Deployment) -> bool:
        return entry.id == self._application.history[-1].id

    def _option(self, number: int) -> Option:
        entry = self._entries[number]
        now = self._is_now(entry)
        deployed = age(entry.deployed, self._lab.clock.now())
        by = clean(entry.by, 12) or "auto-sync"
        revision = clean(shorts(entry.revisions), 10)
        note = "deployed now  " if now else ""
        spans: tuple[tuple[str, Tone], ...] = (
            ("● " if now else "  ", "well"),
            (f"{entry.id:>4}  {revision:<10} {deployed:<9} {by:<12} ", ""),
            (note, "well"),
            (self._commit(entry), "muted"),
        )
        return Option(styled(spans), disabled=now)

    def _commit(self, entry: Deployment) -> str:
        info = self._infos.get(entry.id)
        if info is None:
            return "…"
        if isinstance(info, LabError):
            return "unknown"
        return clean(info.message.strip().partition("\n")[0], 200) or "unknown"

    # Commits: only those in view are asked for

    def _ask_soon(self) -> None:
        self.call_after_refresh(self._ask_visible)

    def _ask_visible(self) -> None:
        if not self.is_attached:
            return
        entries = self._list
        top = round(entries.scroll_y)
        for number in range(top, min(len(self._entries), top + max(1, entries.size.height))):
            entry = self._entries[number]
            if entry.id not in self._asked and entry.revisions:
                self._asked.add(entry.id)
                self._ask_commit(number, entry)

    def _ask_commit(self, number: int, entry: Deployment) -> None:
        def work() -> RevisionInfo:
            return self._lab.argocd().revision(self._application.ref, entry.revisions[0])

        def done(answer: RevisionInfo | LabError) -> None:
            if self.is_attached:
                self._infos[entry.id] = answer
                self._list.replace_option_prompt_at_index(number, self._option(number).prompt)
                self._show_details()

        in_background(self.app, work, done, f"commit {shorts(entry.revisions)}")

    # The chosen one

    @on(OptionList.OptionHighlighted)
    def _show_details(self) -> None:
        entry = self.chosen
        page = self.query_one("#details", Page)
        self.query_one("#choose", Button).disabled = entry is None
        if entry is None:
            page.rows = (
                Row("", "There is no earlier deployment that differs from the one deployed now.", "muted", width=0),
            )
            return
        deployed = f"{entry.deployed.astimezone():%Y-%m-%d %H:%M}" if entry.deployed else "unknown"
        prune = "on: deletes what that deployment does not have" if self.prune else "off: what is newer stays"
        page.rows = (
            Row("Revision", ", ".join(entry.revisions) or "unknown"),
            Row("Deployed", f"{deployed} by {entry.by or 'auto-sync'}"),
            *self._info_rows(entry),
            Row("Source", "; ".join(f"{s.repo_url} {s.place}" for s in entry.sources) or "unknown"),
            BLANK,
            item("p", f"prune {prune}", "moving", width=3),
        )

    def _info_rows(self, entry: Deployment) -> tuple[Row, ...]:
        info = self._infos.get(entry.id)
        if info is None:
            return (Row("Commit", "asking Argo CD …", "muted"),)
        if isinstance(info, LabError):
            return (Row("Commit", f"unknown ({info.cause})", "muted"),)
        author = f" · {info.author}" if info.author else ""
        return (Row("Commit", f"{self._commit(entry)}{author}"),)

    def action_toggle_prune(self) -> None:
        """Prune or not."""
        self.prune = not self.prune
        self._show_details()

    @on(OptionList.OptionSelected)
    def action_choose(self) -> None:
        """Go on to the plan."""
        entry = self.chosen
        if entry is not None:
            self.leave(RollbackChoice(entry.id, self.prune))

    def action_diff(self) -> None:
        """What differs between the manifests deployed now and those of the chosen entry."""
        entry = self.chosen
        if entry is None:
            return
        app, now = self._application, self._application.history[-1]
        wait = WaitScreen(f"Roll back {app.ref.name}", "Asking Argo CD for the manifests of both …")
        title = f"{app.ref.name}: from {shorts(now.revisions)} back to {shorts(entry.revisions)}"

        def done(answer: tuple[DiffItem, ...] | LabError) -> None:
            wait.finish(partial(self._show_diff, title, answer))

        self.app.push_screen(wait)
        in_background(
            self.app, lambda: self._lab.argocd().diff_revisions(app.ref, now, entry), done, "diff of revisions"
        )

    def _show_diff(self, title: str, answer: Sequence[DiffItem] | LabError) -> None:
        if isinstance(answer, LabError):
            self.app.push_screen(ProblemScreen.of(answer, "Diff"))
        elif not answer:
            self.app.notify("The manifests of both are the same", title="Diff", markup=False)
        else:
            note = "- is deployed now, + is what it goes back to"
            self.app.push_screen(TextScreen(title, diff_lines(answer, DIFF_LINES), note))
