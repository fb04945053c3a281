"""The panes of the Estate screen and the details beside them, at their places."""

from __future__ import annotations

from textual.layout import Layout
from textual.widget import Widget

from labtui.tui.widgets.detail_view import DetailView
from labtui.tui.widgets.estate_layout import Box, EstateLayout, one_at_a_time, regions
from labtui.tui.widgets.pane import Pane


class EstateBody(Widget):
    """The panes and, on a wide screen, the details beside them, placed by `EstateLayout`."""

    def __init__(self, panes: list[Pane], detail: DetailView) -> None:
        super().__init__(*panes, detail)
        self.panes = panes
        self.chosen = 0
        self.alone = False
        self._estate_layout = EstateLayout(self)

    @property
    def layout(self) -> Layout:
        """Ours."""
        return self._estate_layout

    def boxes(self) -> list[Box]:
        """Column and wish of every pane."""
        return [Box(pane.column, pane.wanted_height()) for pane in self.panes]

    def choose(self, index: int) -> None:
        """The pane that is shown when only one is."""
        if index != self.chosen:
            self.chosen = index
            if self.alone or one_at_a_time(self.size):
                self.arrange_anew()

    def zoom(self, alone: bool) -> None:
        """The chosen pane on the whole screen, or all of them."""
        self.alone = alone
        self.arrange_anew()

    def arrange_anew(self) -> None:
        """Place the panes again. Textual keeps an arrangement until a child asks for another one."""
        self.panes[0].refresh(repaint=False, layout=True)

    def rows_changed(self, *, anew: bool = False) -> None:
        """Share the height anew if a pane that is cut would get more of it, or with `anew` if that moves anything at all.

        Moving panes costs 20 kB and the place where the eye is, so a row more or less is not reason enough.
        """
        if self.alone or one_at_a_time(self.size):
            return
        old, new = self._estate_layout.placed, regions(self.size, self.boxes(), self.chosen, alone=False)
        if new == old:
            return
        if anew or any(
            was is not None and now is not None and was.height < min(now.height, pane.wanted_height())
            for pane, was, now in zip(self.panes, old, new, strict=False)
        ):
            self.arrange_anew()
