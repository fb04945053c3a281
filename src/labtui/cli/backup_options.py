"""The arguments of `labtui backup` and `labtui restore`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def add_backups(add: Callable[..., argparse.ArgumentParser], output: argparse.ArgumentParser) -> None:
    """Add both commands."""
    backup = add("backup", "Archive a stack's files and data with checksums, and read the archive back", output)
    backup.add_argument("stack", metavar="SITE/STACK")
    backup.add_argument("--to", type=Path, metavar="FOLDER", help="put it there instead of labtui's own folder")
    restore = add("restore", "Check a backup and bring its data back; every checksum is compared", output)
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument(
        "--to", metavar="FOLDER", default="", help="into a folder of the site's host, not over what is there"
    )
    restore.add_argument("--overwrite", action="store_true", help="replace what is in its volumes and folders now")
    for command in (backup, restore):
        command.add_argument("--yes", action="store_true", help="do not ask for confirmation")
        command.add_argument("--dry-run", action="store_true", help="show what would be done, change nothing")
