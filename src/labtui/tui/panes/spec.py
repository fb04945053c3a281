"""What a pane is: a value. The widget that shows it is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from labtui.domain.ref import SourceKind
from labtui.domain.states import Level
from labtui.tui.cells import Column, Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PaneSpec(Generic[T]):
    """One kind of pane.

    `kinds` are the `Ref.kind`s that it shows, of sources of kind `source`. `to_row` depends on nothing but the resource
    and the time, so a row needs to be made again only when its resource has changed or its ages have.
    `empty` is said when the source is live and has nothing; `noun` counts rows in words (`2 not ready`). `wanted` leaves
    resources out.
    """

    id: str
    title: str
    source: SourceKind
    kinds: frozenset[str]
    type: type[T]
    columns: tuple[Column, ...]
    to_row: Callable[[T, datetime], Row]
    empty: str
    noun: str = "need you"
    wanted: Callable[[T], bool] = lambda _: True

    def rows(self, resources: Iterable[object], now: datetime) -> list[Row]:
        """The rows of those resources that belong into this pane."""
        return [self.to_row(r, now) for r in resources if isinstance(r, self.type) and self.shows(r)]

    def shows(self, resource: object) -> bool:
        """Does a resource belong into this pane?"""
        ref = getattr(resource, "ref", None)
        return isinstance(resource, self.type) and ref is not None and ref.kind in self.kinds and self.wanted(resource)

    def summary(self, levels: Iterable[Level]) -> str:
        """For the pane's title: `14 · 2 need you`, or `14`."""
        found = list(levels)
        needy = sum(level.needs_operator for level in found)
        return f"{len(found)} · {needy} {self.noun}" if needy else str(len(found))
