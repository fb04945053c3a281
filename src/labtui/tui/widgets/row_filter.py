"""What the user types after `/`, made into a test of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A parsed filter: every word of `wanted` is in the text, none of `unwanted`, and `pattern` is found.

    `problem` says what is wrong with a regular expression; such a filter lets everything through.
    """

    text: str = ""
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    problem: str = ""

    @classmethod
    def parse(cls, text: str) -> RowFilter:
        """`word other` (all of them), `!word` (not that), `/expression/` (a regular expression).

        `-l app=x` is understood as in k9s: labels are part of what is searched, so the flag itself means nothing more.
        """
        text = text.strip()
        if len(text) > 2 and text.startswith("/") and text.endswith("/"):
            try:
                return cls(text, pattern=re.compile(text[1:-1], re.IGNORECASE))
            except re.error as error:
                return cls(text, problem=f"not a regular expression: {error}")
        words = [word.casefold() for word in text.split() if word not in ("!", "-l")]
        return cls(
            text,
            wanted=tuple(word for word in words if not word.startswith("!")),
            unwanted=tuple(word[1:] for word in words if word.startswith("!")),
        )

    @property
    def passes_all(self) -> bool:
        """Nothing is filtered."""
        return not (self.wanted or self.unwanted or self.pattern)

    def matches(self, search: str) -> bool:
        """Does a row with this case-folded text stay?"""
        if self.pattern is not None:
            return self.pattern.search(search) is not None
        return all(word in search for word in self.wanted) and not any(word in search for word in self.unwanted)
