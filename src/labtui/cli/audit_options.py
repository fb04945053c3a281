"""The options of `labtui audit`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_audit(add: Callable[..., argparse.ArgumentParser], output: argparse.ArgumentParser) -> None:
    """Add the command."""
    audit = add("audit", "Show who did what, when, and how it ended", output)
    audit.add_argument("--last", type=_count, default=50, metavar="N", help="the newest N (default 50, 0 for all)")
    audit.add_argument(
        "--since", type=since, metavar="WHEN", help="not what ended before: 30m, 2h, 3d, 1w, or 2026-11-24[T10:30]"
    )
    audit.add_argument("--app", metavar="APP", default="", help="only this Argo CD application")
    audit.add_argument(
        "--target", metavar="NAME", default="", help="only this: NAME, NAMESPACE/NAME, SITE/STACK or KIND/NAME"
    )
    audit.add_argument("--failed", action="store_true", help="only what did not end well: failed, unknown, cut off")


def since(text: str) -> datetime:
    """`2h` ago, or a day or moment in the zone of this machine."""
    if found := _SPAN.fullmatch(text):
        span = timedelta(**{_UNITS[found[2]]: int(found[1])})
        try:
            return datetime.now(UTC) - span
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError("write 30m, 2h, 3d, 1w, 2026-11-24 or 2026-11-24T10:30") from None


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be below 0")
    return value
