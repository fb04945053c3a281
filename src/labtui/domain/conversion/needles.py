"""Many secrets looked for in many texts, in time that grows with the text alone."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 8  # characters; shorter secrets are in every text by accident


class Needles:
    """The secrets of `values` that are long enough to look for."""

    def __init__(self, values: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for value in dict.fromkeys(values):
            if len(value) >= SHORTEST:
                self._by_start.setdefault(value[:SHORTEST], []).append(value)
        for found in self._by_start.values():
            found.sort(key=len, reverse=True)

    def first(self, text: str) -> str:
        """The longest secret at the first place in `text` that has one; empty: none."""
        if self._by_start:
            for i in range(len(text) - SHORTEST + 1):
                for value in self._by_start.get(text[i : i + SHORTEST], ()):
                    if text.startswith(value, i):
                        return value
        return ""
