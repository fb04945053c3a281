"""Actions on the services of Compose stacks."""

from __future__ import annotations

from labtui.core.actions.action import Action, checking
from labtui.domain.resources import DockerService

_ON = (DockerService,)
_STACK = checking(DockerService, lambda service: "" if service.stack else "it belongs to no Compose stack")

ACTIONS = (
    Action(
        "docker.plan", "m", "Plan a move to Kubernetes",
        "What the move of the stack would be, line by line; changes nothing", _ON, _STACK, changes=False,
        command="plan SITE/STACK",
    ),
)  # fmt: skip
