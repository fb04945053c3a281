"""Secret paths of a KV v2 mount. Never a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labtui.domain.ref import Ref
from labtui.domain.states import Level


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version of a secret. `destroyed` cannot come back, `deleted` can."""

    version: int
    created: datetime | None
    deleted: datetime | None = None
    destroyed: bool = False


@dataclass(frozen=True, slots=True)
class SecretPath:
    """A path of a KV v2 mount (`ref.namespace` is the mount, `ref.name` the path below it; a folder ends in `/`).

    `folder` with `open` false is known by name only and not read yet. `denied` holds the server's words if it may not be
    listed or read. `version` 0 means that the metadata is not read (yet, or for want of the right).
    """

    ref: Ref
    folder: bool = False
    open: bool = False
    version: int = 0
    updated: datetime | None = None
    versions: tuple[SecretVersion, ...] = ()
    custom_metadata: tuple[tuple[str, str], ...] = ()
    denied: str = ""

    @property
    def path(self) -> str:
        """Mount and path: `kv/apps/immich`."""
        return f"{self.ref.namespace}/{self.ref.name}"

    @property
    def level(self) -> Level:
        """Denied paths are unknown; a path whose newest version is deleted is off."""
        if self.denied:
            return Level.UNKNOWN
        newest = max(self.versions, key=lambda v: v.version, default=None)
        if newest and (newest.deleted or newest.destroyed):
            return Level.OFF
        return Level.WELL
