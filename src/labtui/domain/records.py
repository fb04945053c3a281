"""Frozen dataclasses to plain JSON and back, by their type hints: for journals, where results outlive the process.

Understood: dataclasses, enums, `tuple[X, ...]`, `X | None`, str, int, float, bool. What a field's default says is left out when a
value equals it; unknown keys are an error, so that nothing is read that was not meant.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum
from typing import Any, TypeVar

from labtui.domain.errors import Invalid

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Plain JSON of a value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_plain(got) for f in dataclasses.fields(value) if (got := getattr(value, f.name)) != _default(f)
        }
    if isinstance(value, Enum):
        return value.value
    return [to_plain(item) for item in value] if isinstance(value, tuple) else value


def from_plain(kind: type[T], raw: Any) -> T:
    """The value again. Raises Invalid when `raw` is not what `to_plain` makes of such a value."""
    found: T = _read(kind, raw, kind.__name__)
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _read(kind: Any, raw: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        inner = [a for a in typing.get_args(kind) if a is not type(None)]
        return None if raw is None else _read(inner[0], raw, where)
    if origin is tuple:
        if not isinstance(raw, list):
            raise _wrong(where)
        return tuple(_read(typing.get_args(kind)[0], item, where) for item in raw)
    if dataclasses.is_dataclass(kind):
        return _read_object(kind, raw, where)
    try:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(raw)
    except ValueError:
        raise _wrong(where) from None
    if kind is float and type(raw) is int:
        return float(raw)
    if type(raw) is not kind:
        raise _wrong(where)
    return raw


def _read_object(kind: Any, raw: Any, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    names = {f.name for f in dataclasses.fields(kind)}
    if not isinstance(raw, dict) or not raw.keys() <= names:
        raise _wrong(where)
    try:
        return kind(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in raw.items()})
    except TypeError:  # something without a default is missing
        raise _wrong(where) from None


def _wrong(where: str) -> Invalid:
    return Invalid("A record cannot be read", f"{where} is not what was written")
