"""Reading JSON that may lack anything: an object that makes no sense gives empty values, never an exception."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def value(obj: object, *path: str) -> object:
    """What stands at `path`, None if any step of it is missing."""
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def sub(obj: object, *path: str) -> Json:
    """The object at `path`, empty if there is none."""
    found = value(obj, *path)
    return found if isinstance(found, dict) else {}


def rows(obj: object, *path: str) -> list[Json]:
    """The objects of the list at `path`; what is not an object is left out."""
    found = value(obj, *path)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def words(obj: object, *path: str) -> tuple[str, ...]:
    """The texts of the list at `path`."""
    found = value(obj, *path)
    return tuple(w for w in found if isinstance(w, str)) if isinstance(found, list) else ()


def text(obj: object, *path: str) -> str:
    """The text at `path`, empty if there is none. Short texts repeat in thousands of objects: they are kept once."""
    found = value(obj, *path)
    if isinstance(found, str):
        return sys.intern(found) if len(found) < 80 else found
    return str(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else ""


def number(obj: object, *path: str, default: int = 0) -> int:
    """The integer at `path`."""
    found = value(obj, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def pairs(obj: object, *path: str) -> tuple[tuple[str, str], ...]:
    """The texts of the object at `path`, sorted by key."""
    found = [(sys.intern(k), sys.intern(v)) for k, v in sub(obj, *path).items() if isinstance(v, str)]
    return tuple(sorted(found))


def moment(obj: object, *path: str) -> datetime | None:
    """The RFC 3339 time at `path`, timezone-aware."""
    found = value(obj, *path)
    if not isinstance(found, str):
        return None
    try:
        when = datetime.fromisoformat(found)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


_FACTORS = {
    **{unit: 1000.0**power for power, unit in enumerate(("", "k", "M", "G", "T", "P", "E"))},
    **{unit: 1024.0**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
}


def quantity(obj: object, *path: str) -> float:
    """A Kubernetes quantity (`250m`, `1536Ki`, `2`) as a number; 0 when it cannot be read."""
    raw = text(obj, *path).strip()
    digits = raw.rstrip("kmunKMGTPEi")
    try:
        return float(digits) * _FACTORS[raw[len(digits) :]]
    except (ValueError, KeyError):
        return 0.0
