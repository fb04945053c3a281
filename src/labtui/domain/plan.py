"""What will be done, before it is done: a plan is read, confirmed, re-checked against the world and only then run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from labtui.domain.ref import Ref


class Danger(IntEnum):
    """How a plan is confirmed."""

    NONE = 0  # not asked: refresh, open
    CONFIRM = 1  # a dialog, Cancel focused
    HIGH = 2  # the target's name is typed: data or traffic is at risk


@dataclass(frozen=True, slots=True)
class Step:
    """One step in words, and for the curious the exact call or command it makes."""

    title: str
    call: str = ""


@dataclass(frozen=True, slots=True)
class DiffItem:
    """One object whose state would change: unified diff lines without a trailing newline; `note` where there is no text."""

    kind: str
    namespace: str
    name: str
    lines: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`facts` are what the plan was made from (revision, history id, auto-sync …): if a fresh plan has other facts, the
    world has changed since the user read this one, and it is not run. `refusals` non-empty: it cannot be run at all."""

    action: str  # id in core.actions, e.g. argocd.rollback
    title: str
    target: Ref
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    danger: Danger = Danger.CONFIRM
    facts: tuple[tuple[str, str], ...] = ()
    diff: tuple[DiffItem, ...] = ()
    summary: tuple[tuple[str, str], ...] = ()  # label, text: shown above the steps
    undo: str = ""  # how to get back, in words
    changes: bool = True  # False: only asks (a refresh), so it is allowed in read-only mode and not audited
    exclusive: bool = True  # False: may be done while another operation holds the target (ending that one)
    also: tuple[Ref, ...] = ()  # other things held while it runs (the parent application)
    verb: str = ""  # the word on the button; empty: the action's title

    @property
    def digest(self) -> str:
        """Equal for equal facts about the same target."""
        text = json.dumps([self.action, str(self.target), list(self.facts)], ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A plan that a person (or `--yes`) has confirmed; the only thing that the executor takes."""

    plan: Plan
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """A line of what is happening: `phase` is the operation's word (`Running`, `pausing auto-sync`), `text` is for people."""

    at: datetime
    phase: str
    text: str


class Result(StrEnum):
    """How a run ended."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # sent, no answer: observe
    REFUSED = "refused"  # nothing was changed


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, in words, with what remains to be done."""

    result: Result
    message: str
    state: str = ""  # the state that things are in now
    remaining: tuple[str, ...] = ()
    data: dict[str, object] = field(default_factory=dict)
