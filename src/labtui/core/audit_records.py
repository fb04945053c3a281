"""The audit log as people ask for it: one record for each thing that was done, with how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from labtui.ports import AuditLog

READ_MOST = 100_000  # entries looked at for one question, about 100 MB; `--last 0` looks at all
PATIENCE = 2_000  # entries looked at beyond the last wanted one, for the intents of operations that took long
STRAY = (
    100  # so many entries in a row that are too old mean that the rest is older too: a clock may have been wrong once
)

UNFINISHED = "unfinished"  # it runs still, or was cut off: an intent without an outcome
DONE = "done"


@dataclass(frozen=True, slots=True)
class Record:
    """One operation: who asked for it, what it was to do and how it ended. Texts are as they were written: not clean."""

    id: str
    at: datetime | None  # when it began; None when its intent was not found
    by: str
    action: str
    title: str
    source: str  # `docker:kyiv`
    kind: str
    namespace: str
    name: str
    steps: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()  # what the plan rested on
    result: str = UNFINISHED
    message: str = ""
    state: str = ""  # the state that things were left in
    ended: datetime | None = None

    @property
    def last(self) -> datetime | None:
        """When something was last written about it."""
        return self.ended or self.at

    @property
    def place(self) -> str:
        """The site or server that it was done on: `kyiv`."""
        return self.source.partition(":")[2] or self.source

    @property
    def target(self) -> str:
        """`NAMESPACE/NAME`, or the name alone."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def is_about(self, name: str) -> bool:
        """Is this its target? NAME, NAMESPACE/NAME, SITE/NAME, SITE/NAMESPACE/NAME or KIND/NAME."""
        return name in (
            self.name,
            f"{self.namespace}/{self.name}",
            f"{self.place}/{self.name}",
            f"{self.place}/{self.namespace}/{self.name}",
            f"{self.kind}/{self.name}",
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; the default is everything."""

    since: datetime | None = None
    app: str = ""  # an Argo CD application
    target: str = ""  # anything by its name
    failed: bool = False  # what did not end well: failed, refused, unknown, cut off
    last: int = 0  # the newest so many; 0: all

    def fits(self, record: Record) -> bool:
        """Is this record wanted?"""
        if self.since is not None and (record.last is None or record.last < self.since):
            return False
        if self.app and not (record.kind == "Application" and record.is_about(self.app)):
            return False
        if self.target and not record.is_about(self.target):
            return False
        return not (self.failed and record.result == DONE)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, newest first. `damaged` are the places of lines that could not be read and were skipped; `whole` is
    false when older entries were not looked at, because the log is very long."""

    records: tuple[Record, ...]
    damaged: tuple[int, ...] = ()
    whole: bool = True


def look(log: AuditLog, wanted: Wanted, most: int = READ_MOST) -> Looked:
    """Read the log from its end, as far as needed; with `wanted.last` 0 and no `since` all of it, else at most `most`
    entries. Raises Refused when it cannot be read."""
    found: dict[str, Record] = {}  # in the order of their newest entry
    waiting: set[str] = set()  # the outcome is known, the intent is not yet
    damaged: list[int] = []
    dropped: set[str] = set()
    beyond = stray = 0
    for number, entry in enumerate(log.newest()):
        if number >= most and (wanted.last or wanted.since is not None):
            return Looked(tuple(found.values()), tuple(damaged), whole=False)
        full = bool(wanted.last) and len(found) >= wanted.last
        if full or stray >= STRAY:
            beyond += 1
            if not waiting or beyond > PATIENCE:
                break
        if "damaged" in entry:
            if not (full or stray >= STRAY):
                damaged.append(int(entry["damaged"]))
            continue
        record, is_intent = _record(entry, number)
        if record.id in found:
            if is_intent and record.id in waiting:
                found[record.id] = _joined(found[record.id], record)
                waiting.discard(record.id)
            continue
        old = wanted.since is not None and (record.last is None or record.last < wanted.since)
        stray = stray + 1 if old else 0
        if record.id in dropped:
            continue
        if full or not wanted.fits(record):
            dropped.add(record.id)  # its intent, which looks as if it had not ended, is not wanted either
            continue
        found[record.id] = record
        if not is_intent:
            waiting.add(record.id)
    return Looked(tuple(found.values()), tuple(damaged))


def _joined(outcome: Record, intent: Record) -> Record:
    return replace(outcome, at=intent.at, steps=intent.steps, facts=intent.facts)


def _record(entry: Mapping[str, Any], number: int) -> tuple[Record, bool]:
    """A record of what one entry says, and whether that is an intent. Whatever stands in the file is taken as text."""
    target = entry.get("target")
    target = target if isinstance(target, dict) else {}
    facts = entry.get("facts")
    steps = entry.get("steps")
    is_outcome = entry.get("event") == "outcome"
    moment = _moment(entry.get("at"))
    return Record(
        id=_text(entry.get("id")) or f"entry {number}",
        at=None if is_outcome else moment,
        by=_text(entry.get("by")),
        action=_text(entry.get("action")),
        title=_text(entry.get("title")),
        source=_text(target.get("source")),
        kind=_text(target.get("kind")),
        namespace=_text(target.get("namespace")),
        name=_text(target.get("name")),
        steps=_texts(steps),
        facts=tuple((str(k), _text(v)) for k, v in facts.items()) if isinstance(facts, dict) else (),
        result=_text(entry.get("result")) or "unknown" if is_outcome else UNFINISHED,
        message=_text(entry.get("message")),
        state=_text(entry.get("state")),
        ended=moment if is_outcome else None,
    ), not is_outcome


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _texts(values: object) -> tuple[str, ...]:
    return tuple(_text(value) for value in values) if isinstance(values, list) else ()


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
