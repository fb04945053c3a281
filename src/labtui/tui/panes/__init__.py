"""The panes of the Estate screen, one file each. A new pane is a file here and a line in PANES."""

from __future__ import annotations

from typing import Any

from labtui.domain.ref import SourceKind
from labtui.tui.panes import argocd, docker, kubernetes, vault
from labtui.tui.panes.spec import PaneSpec

PANES: dict[SourceKind, PaneSpec[Any]] = {
    spec.source: spec for spec in (argocd.PANE, kubernetes.PANE, docker.PANE, vault.PANE)
}

__all__ = ["PANES", "PaneSpec"]
