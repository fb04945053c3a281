"""What a target's values become: the source's, but for what belongs to the environment. Data alone; `text` writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labtui.core.promotion.rules import Path, Rules


@dataclass(frozen=True, slots=True)
class Promotion:
    """`values` are what the target becomes. `kept` are its own keys that differ from the source's, `missing` those that it
    would have to have and has not, `begun` those of sizes that it takes over, `foreign` keys whose promoted text still
    says something that belongs to the source's environment."""

    values: Any
    kept: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


class _Absent:
    """No value at all: None is one."""


_ABSENT = _Absent()


def promote(source: Any, target: Any, rules: Rules) -> Promotion:
    """`source` is already in the target's words (`Rules.translated`)."""
    work = _Work(rules)
    values = work.merged(source, target, ())
    if values is _ABSENT:
        values = {}
    return Promotion(
        values,
        tuple(dict.fromkeys(work.kept)),
        tuple(work.missing),
        tuple(work.begun),
        tuple(_foreign(values, target, source, work.source_only)),
    )


class _Work:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.kept: list[str] = []
        self.missing: list[str] = []
        self.begun: list[str] = []
        self.source_only: set[str] = set()  # texts that the source has under its own keys and the target has not

    def merged(self, new: Any, old: Any, path: Path) -> Any:
        if self._rules.stays(path):
            if new is not _ABSENT and not same(new, old):
                self.kept.append(".".join(path))
                self.source_only |= set(_texts(new)) - set(_texts(old))
            return old
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            return self._mappings(new, old, path)
        if named(new) and named(old):
            return self._lists(new, old, path)
        return self._new(new, path)

    def _mappings(self, new: Mapping[str, Any], old: Mapping[str, Any], path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in [*new, *(k for k in old if k not in new)]:
            here = (*path, str(key))
            if key in new and key in old:
                value = self.merged(new[key], old[key], here)
            else:
                value = self._new(new[key], here) if key in new else self._only_own(old[key], here)
            if value is not _ABSENT:
                found[key] = value
        return found

    def _lists(self, new: Sequence[Any], old: Sequence[Any], path: Path) -> list[Any]:
        known = {item["name"]: item for item in old}
        found = []
        for item in new:
            name = item["name"]
            here = (*path, str(name))
            found.append(self.merged(item, known[name], here) if name in known else self._new(item, here))
        return found

    def _new(self, value: Any, path: Path) -> Any:
        """What the target does not have yet, without what it would have to have itself."""
        if self._rules.must_be_there(path):
            self.missing.append(".".join(path))
            self.source_only |= set(_texts(value))
            return _ABSENT
        if self._rules.stays(path):
            self.begun.append(".".join(path))
            return value
        if isinstance(value, Mapping):
            parts = {key: self._new(each, (*path, str(key))) for key, each in value.items()}
            return {key: each for key, each in parts.items() if each is not _ABSENT}
        if named(value):
            return [self._new(item, (*path, str(item["name"]))) for item in value]
        return value

    def _only_own(self, value: Any, path: Path) -> Any:
        """What stays of something that the source does not have: the target's own keys."""
        if self._rules.stays(path):
            self.kept.append(".".join(path))
            return value
        if isinstance(value, Mapping):
            parts = {key: self._only_own(each, (*path, str(key))) for key, each in value.items()}
            return {key: each for key, each in parts.items() if each is not _ABSENT} or _ABSENT
        return _ABSENT


def same(one: Any, other: Any) -> bool:
    """Do two values read the same in YAML? 1 and true do not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[str]:
    """The keys that differ, each once: a whole mapping or list where it is new, gone, or no mapping."""
    if same(old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*new, *(k for k in old if k not in new)]:
            if key not in old or key not in new:
                yield ".".join((*path, str(key)))
            else:
                yield from differences(old[key], new[key], (*path, str(key)))
    elif named(old) and named(new):
        before, after = ({str(i["name"]): i for i in items} for items in (old, new))
        if list(before) == list(after):
            yield from differences(before, after, path)
        else:
            yield ".".join(path)
    else:
        yield ".".join(path)


def named(value: Any) -> bool:
    """Is it a list of mappings that each have a name of their own?"""
    if not isinstance(value, list) or not value or not all(isinstance(i, Mapping) and "name" in i for i in value):
        return False
    names = [str(item["name"]) for item in value]
    return len(set(names)) == len(names)


def _texts(value: Any) -> Iterator[str]:
    """The texts that could only mean one environment: host names, addresses, paths; `true` or `nginx` say nothing."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str) and len(value) >= 6 and ("." in value or "/" in value):
        yield value


def _foreign(values: Any, target: Any, source: Any, words: set[str], path: Path = ()) -> Iterator[str]:
    """Keys whose value came from the source and holds one of `words`."""
    if same(values, target) or source is None:
        return
    if isinstance(values, Mapping):
        for key, each in values.items():
            before = target.get(key) if isinstance(target, Mapping) else None
            came = source.get(key) if isinstance(source, Mapping) else None
            yield from _foreign(each, before, came, words, (*path, str(key)))
    elif isinstance(values, list):
        for number, each in enumerate(values):
            yield from _foreign(each, None, each, words, (*path, _label(each, number)))
    elif isinstance(values, str) and any(word in values for word in words):
        yield ".".join(path)


def _label(item: Any, number: int) -> str:
    return str(item["name"]) if isinstance(item, Mapping) and "name" in item else str(number)
