"""The tabs of a small screen: one pane at a time, the others with their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labtui.tui.widgets.line import Line, Part, width


@dataclass(frozen=True, slots=True)
class Tab:
    """A pane's tab. `sign` says that something there needs the operator (✗ ▲) or that its source is not live (?)."""

    number: int
    title: str
    short: str
    count: str
    sign: str = ""


# from much room to little: the words of a tab, and the blank before its sign and after it
_FORMS = (
    ("{n} {title} {count}", " "),
    ("{n} {short} {count}", " "),
    ("{n} {short} {count}", ""),
    ("{n} {short}", ""),
    ("{n}", " "),
    ("{n}", ""),
)


class TabLine(Line):
    """`1 Argo CD 14 ▲  2 Kubernetes 23  …`, the chosen one marked."""

    def show_tabs(self, tabs: Sequence[Tab], chosen: int) -> bool:
        """Show the tabs as long as they fit: full titles, short ones, numbers."""
        parts: list[Part] = []
        for form, space in _FORMS:
            parts = []
            for tab in tabs:
                text = form.format(n=tab.number, title=tab.title, short=tab.short, count=tab.count)
                here = tab.number == chosen
                parts.append(Part(f" {text}", "chosen" if here else "plain", tab.number))
                if tab.sign:
                    parts.append(Part(f"{space}{tab.sign}", "chosen" if here else "attention", tab.number))
                parts.append(Part(space, "chosen" if here else "plain", tab.number))
            if width(parts) <= self.app.size.width:
                break
        return self.show(parts)
