"""Durations, sizes and CPU counts as Compose writes them, and as Kubernetes does."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?")


def seconds(value: Any) -> float | None:
    """`1m30s`, or a count of nanoseconds as JSON may have it, in seconds; None when it is neither."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value / 1e9 if math.isfinite(value) else None
    text = str(value).strip().lower()
    if text == "0":
        return 0.0
    parts = _DURATION.findall(text)
    if not parts or "".join(n + unit for n, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def whole_seconds(value: Any, least: int = 1) -> int | None:
    """`seconds`, rounded up, since Kubernetes knows whole ones alone; `least` at the least."""
    found = seconds(value)
    return None if found is None else max(least, math.ceil(found))


def size(value: Any) -> int | None:
    """`512m`, `1.5GB` or a number of bytes, in bytes (k is 1024, as in Docker); None when it is none of these."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if math.isfinite(value) and value >= 0 else None
    found = _SIZE.fullmatch(str(value).strip().lower())
    return int(float(found[1]) * _BYTES[found[2]]) if found else None


def memory(count: int) -> str:
    """Bytes as a Kubernetes quantity, in the largest unit that is exact: `2Gi`, `1536Mi`, `1000`."""
    for power, unit in ((1 << 40, "Ti"), (1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")):
        if count and count % power == 0:
            return f"{count // power}{unit}"
    return str(count)


def cores(value: Any) -> str | None:
    """A CPU count as a Kubernetes quantity: `2`, `500m`; None when it is none, or nothing at all."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        count = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not count.is_finite() or count <= 0 or count > 100_000:
        return None
    milli = max(1, math.ceil(count * 1000))
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def whole(value: Any) -> int | None:
    """An integer, also written as a text; None when it is none."""
    if isinstance(value, bool):
        return None
    try:
        return int(str(value).strip())
    except ValueError:
        return None


def no_expansion(text: str) -> str:
    """`text` so that Kubernetes gives the program just that: it would replace `$(NAME)` and make `$$` one `$` in
    commands, arguments, environment values and probes. `$NAME` and `${NAME}` are nothing to it and stay."""
    return re.sub(r"\$+(?=\()|\${2,}", lambda found: found[0] * 2, text)
