"""Everything about a secret path but its values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from labtui.domain.resources.vault import SecretPath
from labtui.tui.panes.sections import Line, Section, ago, joined, line, section


def describe_secret(secret: SecretPath, now: datetime) -> tuple[Section, ...]:
    """The path, its custom metadata, its versions."""
    return (
        *section("Folder" if secret.folder else "Secret", _path(secret, now)),
        *section("Custom metadata", (line(key, value) for key, value in secret.custom_metadata)),
        *section("Versions", _versions(secret, now)),
    )


def _path(secret: SecretPath, now: datetime) -> Iterator[Line]:
    yield line("Path", secret.path)
    yield line("Denied", secret.denied, "unknown")
    if secret.folder:
        yield line("State", "open" if secret.open else "not read yet; enter opens it")
        return
    yield line("Version", str(secret.version) if secret.version else "not known", "" if secret.version else "muted")
    yield line("Updated", ago(secret.updated, now))
    yield line("Values", "are shown only when asked for", "muted")


def _versions(secret: SecretPath, now: datetime) -> Iterator[Line]:
    for version in sorted(secret.versions, key=lambda v: -v.version):
        state = "destroyed" if version.destroyed else f"deleted {ago(version.deleted, now)}" if version.deleted else ""
        yield line(f"v{version.version}", joined(ago(version.created, now), state) or "–", "off" if state else "")
