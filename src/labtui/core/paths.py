"""Where labtui keeps its own files, by the XDG Base Directory Specification."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def config_dir(environ: Mapping[str, str], home: Path) -> Path:
    """What the user writes: `keys.yaml`, `themes/`, `estate.yaml`."""
    return _base(environ.get("XDG_CONFIG_HOME"), home / ".config") / "labtui"


def state_dir(environ: Mapping[str, str], home: Path) -> Path:
    """What labtui writes: the audit log, its own log, the last theme."""
    return _base(environ.get("XDG_STATE_HOME"), home / ".local" / "state") / "labtui"


def _base(value: str | None, default: Path) -> Path:
    # the specification: a relative path is invalid and to be ignored
    return Path(value) if value and Path(value).is_absolute() else default
