"""Making text of the outside world harmless to show.

Names and messages come from clusters, containers and git: they may hold escape sequences, control characters,
bidirectional overrides or invisible characters. Identity (`Ref`) keeps the raw text; everything shown passes here.
Rules: Unicode categories Cc (control), Cf (format, with the bidirectional controls of UAX #9), Cs, Co, Cn, Zl and Zp
become a visible `·`; right-to-left letters are kept (a table fences them: `tui.widgets.row_line.fit`).
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

_SAFE_ASCII = frozenset(chr(c) for c in range(0x20, 0x7F))
_BAD = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, limit: int = 500) -> str:
    """`text` on one line, without anything a terminal would act on; longer than `limit` ends in `…`."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if _SAFE_ASCII.issuperset(text):
        return text
    return "".join(_visible(c) for c in text)


def clean_lines(text: str, limit: int = 20_000) -> str:
    """Like `clean`, but line breaks stay and tabs become spaces: for manifests, messages and logs."""
    return "\n".join(clean(line.expandtabs(4), limit) for line in text[:limit].splitlines())


def _visible(char: str) -> str:
    if char in _SAFE_ASCII:
        return char
    if char in "\n\r\t":
        return " "
    return "·" if unicodedata.category(char) in _BAD else char


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in the coarsest unit that says something: `<1m`, `12m`, `5h`, `3d`, `2y`; `` when unknown.

    It changes once a minute at most, so that an idle screen stays still.
    """
    if since is None:
        return ""
    seconds = (now - since).total_seconds()
    if seconds < 60:
        return "<1m"
    for size, unit in ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return ""


def duration(span: timedelta) -> str:
    """A span with seconds, for what is happening now: `4s`, `2m05s`, `1h03m`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"


def size(count: int | None) -> str:
    """Bytes in powers of 1024 with two significant digits: `0`, `940K`, `9.4M`, `310M`, `1.2G`; `` when unknown."""
    if count is None:
        return ""
    value = float(count)
    for unit in ("", "K", "M", "G", "T"):
        if value < 1000 or unit == "T":
            return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"
        value /= 1024
    return ""
