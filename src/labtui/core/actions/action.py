"""What an action is: the one description that keys, footer, help, palette, `keys.yaml` and command line are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from labtui.domain.plan import Danger
from labtui.domain.resources import Resource

R = TypeVar("R")


def _fits(resource: Any) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the operator can do to a chosen row.

    `on` are the kinds of rows that it makes sense for. `check` answers with the reason why it cannot be done to this one
    now, with an empty text when it can, and with None where it makes no sense at all (then it is not offered). `key` is the
    default key (Textual's name); actions on different kinds of rows may share one. `command` is the headless twin, in the
    words of the command line with NAMES in capitals; without one, `screen_only` says why. `bulk`: may be run on several
    marked rows at once.
    """

    id: str
    key: str
    title: str
    help: str
    on: tuple[type, ...]
    check: Callable[[Any], str | None] = _fits
    danger: Danger = Danger.NONE
    changes: bool = True
    command: str = ""
    screen_only: str = ""
    bulk: bool = False

    @property
    def group(self) -> str:
        """What comes before the dot of its id: which flow of the screen carries it out."""
        return self.id.partition(".")[0]

    def why_not(self, resource: Resource) -> str | None:
        """The reason against it, empty when it can be done, None when it is nothing for this row."""
        return self.check(resource) if isinstance(resource, self.on) else None


def checking(kind: type[R], check: Callable[[R], str | None]) -> Callable[[Any], str | None]:
    """A check that knows its kind."""
    return lambda resource: check(cast(R, resource))
