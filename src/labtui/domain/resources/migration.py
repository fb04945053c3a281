"""A migration of a stack as the panes show it: where it stands, and what its users noticed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.domain.states import Level

KIND = "Migration"  # kind of its Ref: the source is the site's engine, the namespace the stack, the name the migration's id


@dataclass(frozen=True, slots=True)
class Requests:
    """What users saw: requests through the Ingress, all in all. `longest_gap` and `p95` in seconds."""

    sent: int
    failed: int
    longest_gap: float = 0.0
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """`words` says what state things are in. `running`: this labtui runs it now; `holder`: another one does. `ended`: there
    is nothing to go on with; `moved`: everything is on Kubernetes. `problem`: what is wrong with its journal."""

    ref: Ref
    level: Level
    state: str  # `soak`, `on Kubernetes`, `paused`: short enough for a column
    words: str = ""
    step: str = ""
    requests: Requests | None = None
    began: datetime | None = None
    changed: datetime | None = None
    running: bool = False
    holder: str = ""
    ended: bool = False
    moved: bool = False
    problem: str = ""
    next_command: str = ""

    @property
    def site(self) -> str:
        """The site that the stack runs on, or ran on."""
        return self.ref.source.scope

    @property
    def stack(self) -> str:
        """The Compose project."""
        return self.ref.namespace

    @property
    def id(self) -> str:
        """The migration's id; empty for one that has only just been begun."""
        return self.ref.name


def migration_ref(site: str, stack: str, identity: str) -> Ref:
    """The identity of a migration among all things."""
    return Ref(SourceId(SourceKind.DOCKER, site), KIND, stack, identity)
