"""Compose stacks by the docker compose program: their files read, their containers run."""

from __future__ import annotations

from labtui.adapters.compose.control import ComposeRunner
from labtui.adapters.compose.places import Place
from labtui.adapters.compose.reading import ComposeReader

__all__ = ["ComposeReader", "ComposeRunner", "Place"]
