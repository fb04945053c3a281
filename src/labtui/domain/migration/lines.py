"""A journal as text: one JSON object a line. Reading it, writing it, making it smaller, and joining two copies of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from labtui.domain.errors import Invalid, Refused
from labtui.domain.migration.journal import Entry, Goal, Mark, last_entries, open_goal
from labtui.domain.migration.steps import StepName

TEXT_LIMIT = 4_000  # characters of an entry's text
DATA_LIMIT = 64 * 1024  # bytes of an entry's data, as JSON: larger things belong into a file that the data names
MIRROR_LIMIT = (
    900 * 1024
)  # bytes of a mirrored journal: etcd takes no object above 1.5 MiB, a ConfigMap none above 1 MiB


def encode(entry: Entry) -> str:
    """An entry as a line, ASCII, with its line break. Raises Invalid when its data is no JSON or too large."""
    try:
        data = json.dumps(dict(entry.data), ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Invalid(f"{entry.action} left data that is no JSON", str(error)) from error
    if len(data) > DATA_LIMIT:
        raise Invalid(f"{entry.action} left {len(data)} bytes of data", f"a journal takes {DATA_LIMIT}")
    text = entry.text if len(entry.text) <= TEXT_LIMIT else entry.text[: TEXT_LIMIT - 1] + "…"
    line = {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "migration": entry.migration,
        "mark": entry.mark.value,
        "step": entry.step.value if entry.step else None,
        "action": entry.action,
        "by": entry.by,
        "fence": entry.fence,
        "text": text,
        "data": dict(entry.data),
    }
    return json.dumps(line, ensure_ascii=True, allow_nan=False) + "\n"


def encode_all(entries: Iterable[Entry]) -> str:
    """All entries; where some were left out a line says so."""
    lines, last = [], 0
    for entry in entries:
        if entry.number != last + 1:
            lines.append(json.dumps({"left_out": [last + 1, entry.number - 1]}) + "\n")
        lines.append(encode(entry))
        last = entry.number
    return "".join(lines)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The entries of a text. `good` is the length in bytes of what could be read; `damaged` says what is wrong with the rest."""

    entries: tuple[Entry, ...]
    good: int
    damaged: str = ""


def decode(raw: bytes, where: str) -> Parsed:
    """Read a journal. A last line that a crash cut off is left out and told; damage before it raises Refused.

    `where` names the copy in the error.
    """
    lines = raw.split(b"\n")
    rest = lines.pop()  # what follows the last line break: nothing, or a line that was never finished
    entries: list[Entry] = []
    good = following = 0
    for number, line in enumerate(lines, 1):
        try:
            made = _read(line)
        except (
            ValueError,
            LookupError,
            TypeError,
            OverflowError,
            RecursionError,
        ) as error:  # anybody may have written it
            if number == len(lines) and not rest:
                return Parsed(
                    tuple(entries), good, f"line {number} was cut off in the middle of writing and is left out"
                )
            raise _broken(where, number, "it cannot be read") from error
        if isinstance(made, int):
            following = made
        else:
            if made.number != following + 1 or (entries and made.migration != entries[0].migration):
                raise _broken(where, number, f"it is entry {made.number}, after {following}")
            following = made.number
            entries.append(made)
        good += len(line) + 1
    cut = f"line {len(lines) + 1} was cut off in the middle of writing and is left out" if rest else ""
    return Parsed(tuple(entries), good, cut)


def _read(line: bytes) -> Entry | int:
    """An entry, or the number of the last one that was left out."""
    found = json.loads(line)
    if "left_out" in found:
        return int(found["left_out"][1])
    at = datetime.fromisoformat(found["at"])
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    if not isinstance(found["data"], dict):
        raise ValueError("data that is no object")
    Goal.of_data(found["data"])  # raises for what is no goal
    return Entry(
        number=int(found["number"]),
        at=at,
        migration=str(found["migration"]),
        mark=Mark(found["mark"]),
        step=StepName(found["step"]) if found["step"] else None,
        action=str(found["action"]),
        by=str(found["by"]),
        fence=int(found["fence"]),
        text=str(found["text"]),
        data=found["data"],
    )


def _broken(where: str, line: int, why: str) -> Refused:
    return Refused(
        "The journal is damaged, so nothing is done",
        f"{where}, line {line}: {why}",
        "Move that copy aside: the other one (in the state folder, or in the cluster) is used then",
    )


def compact(entries: Sequence[Entry], limit: int = MIRROR_LIMIT) -> str:
    """The text for the mirror: everything, or without what later entries have overtaken when that is above `limit` bytes.

    Raises Refused when even that is too large.
    """
    text = encode_all(entries)
    if len(text) <= limit:
        return text
    needed = {entry.number for entry in last_entries(entries).values()}
    needed |= {entries[0].number, entries[-1].number}
    if open_goal(entries) is not None:
        needed.add(max(entry.number for entry in entries if entry.mark is Mark.NOTE and "goal" in entry.data))
    text = encode_all(entry for entry in entries if entry.number in needed)
    if len(text) > limit:
        raise Refused("The journal is too large for its copy in the cluster", f"{len(text)} bytes, {limit} are allowed")
    return text


@dataclass(frozen=True, slots=True)
class Joined:
    """What two copies of a journal come to. `aside`: entries of the local copy that were never agreed on."""

    entries: tuple[Entry, ...]
    local_behind: bool
    mirror_behind: bool
    aside: tuple[Entry, ...] = ()


def join(local: Sequence[Entry], mirrored: Sequence[Entry]) -> Joined:
    """The longer copy, if the other one is its beginning. Where they differ, what was written under the higher fence.

    They differ when one machine wrote an entry and died, or was cut off, before it was mirrored, and another one has taken
    over: its entries are the later ones. Raises Refused when nothing tells which is right.
    """
    mine = {entry.number: entry for entry in local}
    theirs = {entry.number: entry for entry in mirrored}
    for number in sorted(mine.keys() & theirs.keys()):
        one, other = mine[number], theirs[number]
        if one == other:
            continue
        if one.fence == other.fence:
            raise Refused(
                "The journal here and its copy in the cluster contradict each other, so nothing is done",
                f"both have an entry {number} written under the same lease",
                "Look at both, and move the wrong one aside",
            )
        if other.fence < one.fence:
            return Joined(tuple(local), local_behind=False, mirror_behind=True)
        aside = tuple(entry for entry in local if entry.number >= number)
        return Joined(tuple(mirrored), local_behind=True, mirror_behind=False, aside=aside)
    end_here = local[-1].number if local else 0
    end_there = mirrored[-1].number if mirrored else 0
    if end_there <= end_here:
        return Joined(tuple(local), local_behind=False, mirror_behind=end_there < end_here)
    merged = mine | theirs  # a shortened mirror lacks what is here
    return Joined(tuple(merged[number] for number in sorted(merged)), local_behind=True, mirror_behind=False)
