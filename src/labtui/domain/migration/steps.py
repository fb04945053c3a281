"""The steps of a migration, in their order, each with what takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StepName(StrEnum):
    """One step; the order here is the order in which they are done."""

    PLAN = "plan"
    PREFLIGHT = "preflight"
    BACKUP = "backup"
    SECRETS = "secrets"
    WORKLOAD = "workload"
    VERIFY = "verify"
    QUIESCE = "quiesce"
    CUT_OVER = "cut over"
    SOAK = "soak"
    RETIRE = "retire"


ORDER = tuple(StepName)


@dataclass(frozen=True, slots=True)
class StepInfo:
    """What a step does and how it is taken back, in words for the plan page. `undo` empty: there is nothing to take back."""

    name: StepName
    does: str
    undo: str = ""


STEPS: tuple[StepInfo, ...] = (
    StepInfo(StepName.PLAN, "read the Compose files and containers, decide every key"),
    StepInfo(StepName.PREFLIGHT, "check connections, rights, images, capacity, host name, git and Argo CD"),
    StepInfo(StepName.BACKUP, "save Compose files, env files, Vault versions and volumes, with checksums"),
    StepInfo(StepName.SECRETS, "write the secrets to Vault", "delete the versions it wrote"),
    StepInfo(StepName.WORKLOAD, "commit the stack's values, start the pods", "revert the commits, sync"),
    StepInfo(StepName.VERIFY, "ask both sides and compare their answers"),
    StepInfo(
        StepName.QUIESCE, "stop what writes on Docker, start the pods on the same data", "pods off, start Docker again"
    ),
    StepInfo(StepName.CUT_OVER, "send the traffic to both sides, then to Kubernetes alone", "revert the commits, sync"),
    StepInfo(StepName.SOAK, "watch answers, restarts, latency and memory for a set time"),
    StepInfo(StepName.RETIRE, "stop the Compose stack, keep it and mark it", "start the Compose stack again"),
)

UNDOABLE = frozenset(info.name for info in STEPS if info.undo)  # the others change nothing that has to be taken back
