"""Operations: what labtui can do to the world. Each plans (asking the world) and runs (changing it) through ports."""

from __future__ import annotations

from labtui.core.operations.compose import ComposeVerb
from labtui.core.operations.finish_rollback import FinishRollback
from labtui.core.operations.refresh import Refresh, Terminate
from labtui.core.operations.rollback import Rollback
from labtui.core.operations.sync import Sync

__all__ = ["ComposeVerb", "FinishRollback", "Refresh", "Rollback", "Sync", "Terminate"]
