"""From the server's JSON to domain objects. Pure, and never surprised by a missing or odd field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from labtui.domain.ref import Ref
from labtui.domain.resources.vault import SecretPath, SecretVersion


def mapping(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object under a key, empty if there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def whole(value: Any) -> int:
    """A whole number, 0 if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def moment(value: Any) -> datetime | None:
    """An RFC 3339 time with any number of fractional digits; None for what is empty or none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def secret(ref: Ref, data: Mapping[str, Any], now: datetime) -> SecretPath:
    """A secret's metadata (KV v2 API: Read Secret Metadata). A deletion time to come is not yet a deletion."""
    versions = []
    for number, entry in mapping(data, "versions").items():
        if not (number.isdecimal() and isinstance(entry, dict)):
            continue
        deleted = moment(entry.get("deletion_time"))
        versions.append(
            SecretVersion(
                int(number),
                moment(entry.get("created_time")),
                deleted if deleted and deleted <= now else None,
                entry.get("destroyed") is True,
            )
        )
    custom = mapping(data, "custom_metadata")
    return SecretPath(
        ref,
        version=whole(data.get("current_version")),
        updated=moment(data.get("updated_time")),
        versions=tuple(sorted(versions, key=lambda v: v.version)),
        custom_metadata=tuple(sorted((str(k), str(v)) for k, v in custom.items())),
    )


def askable(name: str) -> bool:
    """Can this path be put into a URL and still mean itself? Empty and dot segments would be folded away on the way."""
    parts = name.removesuffix("/").split("/")
    return not any(part in ("", ".", "..") for part in parts)
