"""The last line of the screen: the keys that do something now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labtui.tui.widgets.line import Line, Part, width


@dataclass(frozen=True, slots=True)
class Hint:
    """A key and what it does; `off` is why it does nothing now. `action` is the id that a click runs."""

    key: str
    title: str
    action: str
    off: str = ""


def hint_parts(hint: Hint) -> list[Part]:
    """The hint as parts of a line."""
    if hint.off:
        return [Part(f" {hint.key} {hint.title} ", "off", hint.action)]
    return [Part(f" {hint.key}", "key", hint.action), Part(f" {hint.title} ", "plain", hint.action)]


class FooterLine(Line):
    """Keys for the chosen row on the left, keys that always work on the right; nothing is cut in the middle."""

    def show_hints(self, row: Sequence[Hint], always: Sequence[Hint]) -> bool:
        """Show what fits; hints that are off give way first, then the last ones."""
        room = self.app.size.width
        right = [part for hint in always for part in hint_parts(hint)]
        while always and width(right) > room:
            always = always[:-1]
            right = [part for hint in always for part in hint_parts(hint)]
        kept = list(row)
        while kept and sum(width(hint_parts(h)) for h in kept) + width(right) > room:
            off = [h for h in kept if h.off]
            kept.remove(off[-1] if off else kept[-1])
        return self.show([part for hint in kept for part in hint_parts(hint)], right)
