"""What the screen remembers from one time to the next: the theme that was chosen last."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from labtui.core.paths import state_dir

log = logging.getLogger(__name__)


def remembered_theme() -> str:
    """The theme that was chosen last, empty if none was."""
    path = state_dir(os.environ, Path.home()) / "ui.yaml"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""  # nothing remembered, or not readable: the default theme does
    found = [line.partition(":")[2] for line in lines if line.startswith("theme:")]
    return found[0].strip().strip("'\"") if found else ""


def remember_theme(name: str) -> None:
    """Note the theme for the next time. A place that cannot be written is logged: the choice still holds until the end."""
    path = state_dir(os.environ, Path.home()) / "ui.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(f"theme: {name}\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        log.warning("the theme cannot be remembered: %s", error)
