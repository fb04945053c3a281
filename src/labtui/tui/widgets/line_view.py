"""A scrolling widget that sends only the lines that look different. Textual sends a whole widget, and again whenever the
focus moves: 20 kB over ssh, where two lines would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Self

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

_TOP = ("border_top", "border_title_color", "border_title_background", "border_title_style")
_BOTTOM = ("border_bottom", "border_subtitle_color", "border_subtitle_background", "border_subtitle_style")


class LineView(ScrollView, inherit_bindings=False):
    """Lines from `render_line`, in a frame or not. `refresh` compares them with what was shown and paints the differences.

    The scroll bar's column is always there: its coming and going would lay the whole screen out anew, and because it ends
    left of the frame, Textual can send the frame's right side without the line before it.
    """

    DEFAULT_CSS = """
    LineView {
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
    }
    """

    _lines_shown: tuple[Strip, ...] = ()
    _frame_shown: tuple[object, ...] = ()
    _ground_shown: tuple[object, ...] = ()
    _worn: dict[str, str] | None = None  # the theme's variables when styles were last told to be new

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As Textual's, but without a region (or with all of the content, as scrolling asks) paints only differences."""
        whole = not regions or regions == (self.size.region,)
        if not (whole and repaint and self.is_mounted and self.size) or recompose:
            return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        if layout:
            super().refresh(repaint=False, layout=True)
        if self._ground() != self._ground_shown:
            self._remember()
            return super().refresh()
        different = tuple(self._differences())
        return super().refresh(*different) if different else self

    def notify_style_update(self) -> None:
        """Colours may have changed."""
        super().notify_style_update()
        self.forget_styles()
        self.refresh()
        before, self._worn = self._worn, self.app.theme_variables
        if before is not None and before is not self._worn:
            # Textual tells of another theme before it has made the component classes' styles: the lines have the old ones
            self.call_next(self._dress_anew)

    def _dress_anew(self) -> None:
        super().notify_style_update()
        self.forget_styles()
        self.refresh()

    def forget_styles(self) -> None:
        """Drop whatever was made of the old colours."""

    def set_line_count(self, lines: int) -> None:
        """How long the content is. Only the scroll bar has to know: setting `virtual_size` would lay the screen out anew."""
        if lines == self.virtual_size.height:
            return
        if self.is_mounted and self.show_vertical_scrollbar:
            self.set_reactive(LineView.virtual_size, Size(1, lines))
            bar = self.vertical_scrollbar
            if max(lines, bar.window_virtual_size) > self.container_size.height:  # else it is blank and stays so
                bar.window_virtual_size = lines
        else:
            self.virtual_size = Size(1, lines)
        if self.scroll_offset.y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def _ground(self) -> tuple[object, ...]:
        return self.outer_size, *self.background_colors

    def _remember(self) -> tuple[tuple[Strip, ...], tuple[object, ...]]:
        """Take what would be painted now for what is shown; returns what was shown before."""
        before = self._lines_shown, self._frame_shown
        self._ground_shown = self._ground()
        self._lines_shown = tuple(self.render_line(y) for y in range(self.size.height))
        styles = self.styles
        self._frame_shown = (
            (self.border_title, *(getattr(styles, name) for name in _TOP)),
            (self.border_subtitle, *(getattr(styles, name) for name in _BOTTOM)),
            styles.border_left,
            styles.border_right,
        )
        return before

    def _differences(self) -> Iterator[Region]:
        """The regions, in content coordinates, that look different from what is shown."""
        lines, frame = self._remember()
        for y, (old, new) in enumerate(zip_longest(lines, self._lines_shown)):
            if new is not None and old != new:
                yield Region(0, y, self.size.width if old is None else differing_width(old, new), 1)
        if frame == self._frame_shown:
            return
        (left, top), (width, height) = self.content_offset, self.outer_size
        sides = (
            Region(-left, -top, width, 1),
            Region(-left, height - top - 1, width, 1),
            Region(-left, -top, 1, height),
            Region(width - left - 1, -top, 1, height),
        )
        for side, was, now in zip_longest(sides, frame, self._frame_shown):
            if side is not None and was != now:
                yield side


def differing_width(old: Strip, new: Strip) -> int:
    """The cells from the left that have to be painted to turn `old` into `new`: what is the same at the end stays."""
    if old.cell_length != new.cell_length:
        return max(old.cell_length, new.cell_length)
    same = 0
    for before, after in zip(reversed(list(old)), reversed(list(new)), strict=False):
        if before != after:
            break
        same += after.cell_length
    return new.cell_length - same
