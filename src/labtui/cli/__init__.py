"""The command line. `main` is the console script; nothing heavy is imported before the command is known."""

from __future__ import annotations

from labtui.cli.main import main

__all__ = ["main"]
