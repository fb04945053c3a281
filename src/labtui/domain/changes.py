"""What a feed tells the rest of the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labtui.domain.ref import Ref, SourceId
    from labtui.domain.resources import Resource
    from labtui.domain.states import FeedStatus


@dataclass(frozen=True, slots=True)
class Upsert:
    """A resource is new or has changed; the whole of it."""

    resource: Resource


@dataclass(frozen=True, slots=True)
class Remove:
    """A resource is gone."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Resync:
    """After a list: `resources` is all there is of `kinds` in `source`; what is not in it is gone."""

    source: SourceId
    kinds: frozenset[str]
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """The feed has everything and follows changes. Sent again when the notes change."""

    source: SourceId
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The state of a source, as the feed runner sees it."""

    source: SourceId
    status: FeedStatus


Change = Upsert | Remove | Resync | Live | StatusChanged
