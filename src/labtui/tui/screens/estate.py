"""The first screen: every source in a pane of its own, what needs the operator at the top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import DescendantFocus, Resize
from textual.geometry import Region, Size
from textual.timer import Timer
from textual.widget import Widget

from labtui.core.inventory import Delta
from labtui.core.lab import Lab
from labtui.domain.errors import LabError
from labtui.domain.ref import Ref, SourceId
from labtui.domain.resources import Migration, Resource, SecretPath
from labtui.domain.states import FeedState
from labtui.tui import activity, keymap
from labtui.tui.acting import LabScreen
from labtui.tui.background import in_background
from labtui.tui.screens.detail import DetailScreen
from labtui.tui.widgets.detail_view import DetailView
from labtui.tui.widgets.estate_body import EstateBody
from labtui.tui.widgets.estate_layout import one_at_a_time
from labtui.tui.widgets.footer import FooterLine, Hint
from labtui.tui.widgets.line import Line
from labtui.tui.widgets.pane import Pane
from labtui.tui.widgets.panes import ActivityPane, MigrationsPane, make_panes
from labtui.tui.widgets.row_table import RowTable
from labtui.tui.widgets.source_bar import SourceBar
from labtui.tui.widgets.tab_line import TabLine

if TYPE_CHECKING:
    from labtui.tui.widgets.filter_line import FilterLine


DETAIL_DELAY = 0.1  # seconds that the cursor rests before the details beside follow it
GATHER = 0.5  # seconds after the start that the panes keep their places while a source has yet to answer


class EstateScreen(LabScreen):
    """Source bar, tabs (small screens), panes, footer."""

    BINDINGS: ClassVar[list[BindingType]] = [*keymap.bindings(keymap.ESTATE_KEYS), *keymap.action_bindings()]
    AUTO_FOCUS = None

    def __init__(self, lab: Lab) -> None:
        self._focusing = False
        super().__init__()
        self.lab = lab
        self.panes = make_panes(lab)
        self.bar = SourceBar(css_id="sources")
        self.tabs = TabLine(css_id="tabs")
        self.detail = DetailView(lab, css_id="beside")
        self.body = EstateBody(self.panes, self.detail)
        self.footer = FooterLine(css_id="footer")
        self._detail_timer: Timer | None = None
        self._gathering = True

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.bar
        yield self.tabs
        yield self.body
        yield self.footer

    def on_mount(self) -> None:
        """Say what is not known yet, and put the focus into the first pane."""
        for pane in self.panes:
            pane.show_status(self.lab.inventory.status(pane.source) if pane.source else None)
        self.panes[0].focus()
        self._show_sources()
        self.set_timer(GATHER, self._gathered)

    def on_resize(self, event: Resize) -> None:
        """Another size may mean another arrangement."""
        self.tabs.display = one_at_a_time(Size(event.size.width, event.size.height - 2)) or self.body.alone
        self._show_sources()
        self._show_tabs()
        self.show_hints()

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """As ever; but Textual would paint the whole screen for it. The panes paint what looks different."""
        self._focusing = True
        try:
            super().set_focus(widget, scroll_visible, from_app_focus)
        finally:
            self._focusing = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As ever, except for the focus."""
        return super().refresh(*regions, repaint=repaint and not self._focusing, layout=layout, recompose=recompose)

    # What is chosen

    @property
    def pane(self) -> Pane:
        """The pane that has the focus, or had it last."""
        return self.panes[self.body.chosen]

    def chosen_resource(self) -> Resource | None:
        """The resource that the cursor stands on."""
        ref = self.pane.cursor
        return self.lab.inventory.get(self.pane.resource_ref(ref)) if ref else None

    def other_marks(self, resource: Resource) -> int:
        """Who has marked rows must not believe that a change was made to all of them."""
        marked = {self.pane.resource_ref(ref) for ref in self.pane.marked}
        return len(marked) if marked != {resource.ref} else 0

    def chosen_source(self) -> SourceId | None:
        """The source of the pane."""
        return self.pane.source or super().chosen_source()

    def all_resources(self) -> Iterator[tuple[Resource, str]]:
        """Everything that a pane shows, with the pane's title."""
        for pane in self.panes:
            for resource in pane.resources():
                yield resource, pane.title

    def pane_titles(self) -> list[tuple[int, str]]:
        """Number and title of every pane."""
        return [(pane.number, pane.title) for pane in self.panes]

    # Changes

    def take(self, delta: Delta) -> None:
        """Facts have changed: hand them to the panes that show them."""
        with self.app.batch_update():
            for pane in self.panes:
                pane.take(delta)
            if not self._still_gathering():
                self.body.rows_changed(anew=bool(delta.sources))
            if delta.sources:
                self._show_sources()
            self._show_tabs()
        self._chosen_changed()

    def _still_gathering(self) -> bool:
        """Sources answer one after the other at the start: the panes are placed once for all of them, not once for each."""
        if self._gathering:
            statuses = [self.lab.inventory.status(source) for source in self.lab.sources]
            self._gathering = any(status is not None and status.state is FeedState.CONNECTING for status in statuses)
        return self._gathering

    def _gathered(self) -> None:
        """Whoever has not answered by now is not waited for."""
        if self._gathering:
            self._gathering = False
            self.body.rows_changed(anew=True)

    def operations_changed(self) -> None:
        """An operation has begun, got on or ended."""
        for pane in self.panes:
            if isinstance(pane, ActivityPane):
                pane.refill()
        self.body.rows_changed()
        self._show_tabs()
        self.show_hints()

    def migrations_changed(self, delta: Delta) -> None:
        """Migrations were read, or one that runs here has got on."""
        for pane in (pane for pane in self.panes if isinstance(pane, MigrationsPane)):
            pane.take(delta)
            pane.read_anew()
        self.body.rows_changed(anew=not self._still_gathering())
        self._show_tabs()
        self._chosen_changed()

    def _reconnect(self) -> bool:
        """Refresh on the migrations means: read their journals now."""
        if not isinstance(self.pane, MigrationsPane):
            return super()._reconnect()
        self.lab_app.board.read()
        return True

    def tick(self) -> None:
        """Ages may read differently; what reads the same is not painted."""
        for pane in self.panes:
            pane.tick()
        self._show_sources()
        self.detail.tick()

    def _show_sources(self) -> None:
        marks = [word for word, on in (("READ-ONLY", self.lab.executor.read_only), ("DEMO", self.lab.demo)) if on]
        statuses = [(source, self.lab.inventory.status(source)) for source in self.lab.sources]
        self.bar.show_sources(self.lab.name, statuses, self.lab.clock.now(), marks)

    def _show_tabs(self) -> None:
        if self.tabs.display:
            self.tabs.show_tabs([pane.tab() for pane in self.panes], self.pane.number)

    def _chosen_changed(self) -> None:
        self._show_detail()
        self.show_hints()

    def _show_detail(self) -> None:
        if self._detail_timer is not None:
            self._detail_timer.stop()
            self._detail_timer = None
        if self.detail.size.width:
            resource = self.chosen_resource()
            self.detail.show(resource.ref if resource else None)

    def _cursor_moved(self) -> None:
        """The details wait until the cursor rests: all of them change with every step."""
        self.show_hints()
        if self._detail_timer is not None:
            self._detail_timer.stop()
        self._detail_timer = self.set_timer(DETAIL_DELAY, self._show_detail)

    def use_keys(self) -> None:
        """The user's keys are known: name them wherever keys are named."""
        for pane in self.panes:
            pane.use_keys(self.lab_app.keymap.of)
        self.show_hints()

    def show_hints(self) -> None:
        """The keys that do something now."""
        if not self.is_mounted:
            return
        of = self.lab_app.keymap.of
        row = self.hints()
        if self.body.alone or self.pane.filter:
            row.insert(0, Hint(of("estate.back"), "Back", "estate.back"))
        status = self.pane.status
        if status is not None and status.state not in (FeedState.LIVE, FeedState.CONNECTING):
            row = [h for h in row if h.action != "argocd.refresh"]
            row.insert(0, Hint(of("estate.source"), "Why", "estate.source"))
            row.insert(0, Hint(of("argocd.refresh"), "Connect now", "argocd.refresh"))
            if self.pane.sign_in and status.state is FeedState.SIGNED_OUT:
                row.insert(0, Hint(of("app.sign_in"), "Sign in", "app.sign_in"))
        if self.pane.cursor:
            row.insert(0, Hint(of("table.open"), "Open", "table.open"))
        always = [
            Hint(of("app.help"), "Help", "app.help"),
            Hint(of("app.commands"), "Commands", "app.commands"),
            Hint(of("estate.filter"), "Filter", "estate.filter"),
            Hint(of("app.quit"), "Quit", "app.quit"),
        ]
        self.footer.show_hints(row, always)

    # Keys

    def go_to_pane(self, number: int) -> None:
        """Focus the pane of this number, if there is one."""
        for index, pane in enumerate(self.panes):
            if pane.number == number:
                self.body.choose(index)
                pane.focus()

    def go_to(self, ref: Ref) -> None:
        """Put the cursor on a resource; a filter that hides it is taken away."""
        for pane in self.panes:
            if pane.belongs(ref):
                if not pane.select(ref):
                    pane.filter_by("")
                    pane.select(ref)
                self.go_to_pane(pane.number)
                return

    def action_pane(self, number: int) -> None:
        """A digit was pressed."""
        self.go_to_pane(number)

    def action_next_pane(self) -> None:
        """To the next pane, after the last one to the first."""
        self.go_to_pane(self.panes[(self.body.chosen + 1) % len(self.panes)].number)

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self.go_to_pane(self.panes[self.body.chosen - 1].number)

    def action_zoom(self) -> None:
        """The pane on the whole screen, and back."""
        self.body.zoom(not self.body.alone)
        self.show_hints()

    def action_back(self) -> None:
        """Take away the filter, then the marks, then the zoom."""
        pane = self.pane
        if self.detail.has_focus:
            pane.focus()
        elif pane.filter:
            pane.filter_by("")
        elif pane.marked:
            pane.clear_marks()
        elif self.body.alone:
            self.body.zoom(False)
        self.show_hints()

    def action_sort(self) -> None:
        """Order by the next column."""
        self.pane.sort_by_next()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.pane.sort_by(self.pane.sort_column, reverse=not self.pane.sort_reverse)

    async def action_filter(self) -> None:
        """Ask for a filter; it works while it is typed, and from the first letter on."""
        from textual.widgets import Input

        from labtui.tui.widgets.filter_line import FilterLine

        line = FilterLine(self.pane.filter)
        self.footer.display = False
        await self.mount(line, after=self.footer)
        self.set_focus(line.query_one(Input))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a filter is typed, its key is a letter of it."""
        return not (action == "filter" and self.query("FilterLine"))

    def _close_filter(self) -> None:
        self.query("FilterLine").remove()
        self.footer.display = True

    def action_open_chosen(self) -> None:
        """The footer's way to open a row."""
        self.pane.action_open()

    def open_row(self, ref: Ref) -> None:
        """Details of a row; an operation is shown as it runs, an unfinished rollback is taken up again."""
        app, resource = self.lab_app, self.chosen_resource()
        if ref.kind == activity.OPERATION and app.flow.show_run(self.pane.resource_ref(ref)):
            return
        if resource is None:
            return
        if isinstance(resource, Migration):
            app.flow.migrations.open_known(resource)
        elif isinstance(resource, SecretPath) and resource.folder and not resource.open:
            self._open_folder(resource)
        elif ref.kind == activity.UNFINISHED:
            app.start_action("argocd.finish_rollback", resource)
        elif self.detail.size.width:
            self._show_detail()
            self.detail.focus()
        else:
            app.push_screen(DetailScreen(self.lab, resource.ref))

    def _open_folder(self, folder: SecretPath) -> None:
        """Read a folder from now on; its feed shows what is in it."""
        secrets, app = self.lab.secrets, self.lab_app
        if secrets is None:
            return

        def done(answer: LabError | None) -> None:
            if answer is not None:
                app.notify(str(answer), title=folder.path, severity="error")

        in_background(app, lambda: secrets.open(folder.ref), done, f"open {folder.path}")

    # Messages

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """A pane has got the focus: by key, click or palette."""
        if isinstance(event.widget, Pane):
            self._close_filter()
            self.body.choose(self.panes.index(event.widget))
            self._show_tabs()
            self._chosen_changed()

    def on_row_table_highlighted(self, event: RowTable.Highlighted) -> None:
        """The cursor has moved."""
        if event.table is self.pane:
            self._cursor_moved()

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        """Enter or a double click on a row."""
        self.open_row(event.ref)

    def on_row_table_marks_changed(self, event: RowTable.MarksChanged) -> None:
        """Marks are counted in the frame."""
        if isinstance(event.table, Pane):
            event.table.reframe()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        """The filter is being typed."""
        self.pane.filter_by(event.text)
        self.body.rows_changed()

    def on_filter_line_closed(self) -> None:
        """The filter has been typed."""
        self._close_filter()
        self.pane.focus()
        self.show_hints()

    async def on_line_chosen(self, event: Line.Chosen) -> None:
        """A click on a source, a tab or a footer entry."""
        match event.target:
            case SourceId() as source:
                self.lab_app.show_source(source)
            case int() as number:
                self.go_to_pane(number)
            case str() as identity:
                await self.run_hint(identity)
