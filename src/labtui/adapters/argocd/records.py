"""What labtui writes on an Application, and the patches that pause and resume auto-sync."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from labtui.domain.resources.argocd import AutoSync, RollbackRecord

ANNOTATION = "labtui.dev/rollback"
_LIMIT = 16_384
# A commit, tag, branch or chart version; never something that a program could take for an option
_REVISION = re.compile(r"[\w][\w.+/@-]{0,199}\Z", re.ASCII)


def write(record: RollbackRecord) -> str:
    """The annotation's text: one JSON object."""
    return json.dumps(
        {
            "to": record.to_id,
            "fromRevisions": list(record.from_revisions),
            "toRevisions": list(record.to_revisions),
            "paused": record.paused,
            "formerEnabled": record.former_enabled,
            "at": record.at.isoformat(),
            "by": record.by,
        },
        ensure_ascii=True,
    )


def read(value: object) -> RollbackRecord | None:
    """The record in the annotation; None if there is none or it is not one that labtui writes (anybody may write there)."""
    if not isinstance(value, str) or not value or len(value) > _LIMIT:
        return None
    try:
        raw = json.loads(value)
        record = RollbackRecord(
            to_id=_typed(raw["to"], int),
            from_revisions=_revisions(raw["fromRevisions"]),
            to_revisions=_revisions(raw["toRevisions"]),
            paused=_typed(raw["paused"], bool),
            former_enabled=None if raw["formerEnabled"] is None else _typed(raw["formerEnabled"], bool),
            at=datetime.fromisoformat(_typed(raw["at"], str)),
            by=_typed(raw.get("by", ""), str)[:200],
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return record if record.at.tzinfo is not None and record.to_id >= 0 else None


def pause_patch(record: RollbackRecord, *, automated: bool) -> dict[str, Any]:
    """The merge patch that notes the record, and switches auto-sync off where the application has such a block."""
    patch: dict[str, Any] = {"metadata": {"annotations": {ANNOTATION: write(record)}}}
    if record.paused and automated:
        patch["spec"] = {"syncPolicy": {"automated": {"enabled": False}}}
    return patch


def resume_patch(former: AutoSync | None, *, automated: bool) -> dict[str, Any]:
    """The merge patch that takes the record away, and puts `enabled` back (null removes the key: RFC 7396)."""
    patch: dict[str, Any] = {"metadata": {"annotations": {ANNOTATION: None}}}
    if former is not None and former.configured and automated:
        patch["spec"] = {"syncPolicy": {"automated": {"enabled": former.enabled}}}
    return patch


def merged(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch applied (RFC 7396), for servers that cannot do it now. Leaves `document` alone."""
    found = deepcopy(dict(document))
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            below = found.get(key)
            found[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            found[key] = value
    return found


def _revisions(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 50:
        raise ValueError("not a list of revisions")
    found = tuple(_typed(v, str) for v in value)
    if any(v and not _REVISION.match(v) for v in found):
        raise ValueError("not a revision")
    return found


def _typed(value: Any, kind: type) -> Any:
    # bool is an int in Python, not in JSON
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError("unexpected type")
    return value
