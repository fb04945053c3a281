"""Names of a migration: its id, which is also a file name, and what the cluster's objects of it are called."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from labtui.domain.errors import Invalid
from labtui.domain.text import clean

NAMESPACE = "labtui"  # of the Leases and the mirrored journals
_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,180}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_LONGEST = 100


def slug(site: str, stack: str) -> str:
    """Both names as one that Kubernetes and a file system take; two different pairs never have the same."""
    joined = f"{site}-{stack}"
    if _PLAIN.fullmatch(joined) and "-" not in site and len(joined) <= _LONGEST:
        return joined
    # what was changed, or where the site ends, is in the digest
    words = re.sub(r"[^a-z0-9]+", "-", joined.lower()).strip("-")[:_LONGEST].strip("-") or "stack"
    return f"{words}-{hashlib.sha256(f'{site}/{stack}'.encode()).hexdigest()[:10]}"


def new_id(site: str, stack: str, now: datetime) -> str:
    """The id of a migration that begins now: `SITE-STACK-YYYYMMDD-hhmmss` (UTC)."""
    return f"{slug(site, stack)}-{now:%Y%m%d-%H%M%S}"


def valid_id(text: str) -> str:
    """`text`, if it can be an id. Raises Invalid: an id becomes a file name."""
    if not _ID.fullmatch(text):
        raise Invalid(f"{clean(text, 80)!r} is no id of a migration", "", "labtui migration list shows them")
    return text


def valid_name(text: str) -> bool:
    """Can it be the name of a site or of a stack? Such names need no quoting, in a shell or anywhere else."""
    return _NAME.fullmatch(text) is not None


def object_name(site: str, stack: str) -> str:
    """What the Lease and the ConfigMap of a stack are called."""
    return f"labtui-migration-{slug(site, stack)}"
