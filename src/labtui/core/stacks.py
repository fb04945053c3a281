"""What reads, runs and plans Compose stacks. Made when it is first wanted: the screen starts without any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labtui.core.stackplan import StackPlanner
    from labtui.ports import ComposeControl, ComposeFiles, StackFacts


@dataclass
class StackTools:
    """`files` and `control` are None when the estate has no site, `planner` when no site names a Compose folder."""

    files: ComposeFiles | None = None
    control: ComposeControl | None = None
    facts: StackFacts | None = None
    planner: StackPlanner | None = None
