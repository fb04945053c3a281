"""Secret paths of Vault or OpenBao. Never a value."""

from __future__ import annotations

from datetime import datetime

from labtui.domain.ref import SourceKind
from labtui.domain.resources.vault import SecretPath
from labtui.domain.states import Level
from labtui.domain.text import age
from labtui.tui.cells import Cell, Column, Row, row
from labtui.tui.panes.spec import PaneSpec

COLUMNS = (
    Column("path", "PATH", min_width=16, comfort=34, max_width=72, keep_end=True),
    Column("version", "VERSION", 10),
    Column("updated", "AGE", 4, align="right", quiet=True, priority=1),
)


def version_cell(secret: SecretPath) -> Cell:
    """`v4`, or why there is none: denied, a folder that is not read yet, deleted."""
    if secret.denied:
        return Cell("denied", "unknown", sort=0)
    if secret.folder:
        return Cell("closed", "muted", sort=0)
    if secret.level is Level.OFF:
        return Cell(f"v{secret.version} deleted", "off", sort=secret.version)
    return Cell(f"v{secret.version}" if secret.version else "", sort=secret.version)


def to_row(secret: SecretPath, now: datetime) -> Row:
    """A path as a row; a folder ends in `/`."""
    path = secret.path
    if secret.folder and not path.endswith("/"):
        path += "/"
    updated = secret.updated
    cells = (
        Cell(path),
        version_cell(secret),
        Cell(age(updated, now), "muted", sort=-updated.timestamp() if updated else None),
    )
    also = tuple(f"{key}={value}" for key, value in secret.custom_metadata)
    return row(secret.ref, secret.level, cells, sort_key=(path,), also=also, counts=not secret.folder)


def wanted(secret: SecretPath) -> bool:
    """Secrets, and the folders that hide some: an open folder says nothing that its secrets do not say."""
    return not secret.folder or not secret.open or bool(secret.denied)


PANE = PaneSpec(
    id="vault",
    title="Vault",
    source=SourceKind.VAULT,
    kinds=frozenset({"Secret"}),
    type=SecretPath,
    columns=COLUMNS,
    to_row=to_row,
    empty="no secrets in this mount",
    wanted=wanted,
)
