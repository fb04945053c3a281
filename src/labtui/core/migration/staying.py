"""What verify and quiesce ask where written data stays in place: Docker before the stop, the pods when they have the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from labtui.core.migration.action import Action
from labtui.core.migration.baseline import AskDocker, CompareWithDocker, DockerPlan, answered_by_pods
from labtui.core.migration.checks_file import verify_plan
from labtui.core.migration.places import Places
from labtui.core.migration.verify import VerifyPlan
from labtui.core.operations.watching import Pace
from labtui.domain.compose.stack import Service
from labtui.domain.migration.journal import Entry
from labtui.domain.migration.parity import paths_to_compare
from labtui.domain.migration.settings import CheckSettings
from labtui.domain.migration.steps import StepName
from labtui.ports import Clock
from labtui.ports.migration import OwnCheck, Prober

ANSWERS_SECONDS = 30.0  # for pods that are ready and still loading


@dataclass(frozen=True)
class Staying:
    """The questions of one migration. `services` are those of the Compose files, read when they are needed; `entries` the
    journal as it is when the run begins. A stack that publishes no port is asked nothing."""

    subject: str
    places: Places
    settings: Callable[[], CheckSettings]
    services: Callable[[], Sequence[Service]]
    prober: Prober
    clock: Clock
    own: OwnCheck | None
    pace: Pace
    entries: Sequence[Entry] = ()

    def verify(self) -> tuple[Action, ...]:
        """For the step verify."""
        return self._asked[:1]

    def before(self) -> tuple[Action, ...]:
        """Right before the stop."""
        return self._asked[1:]

    def after(self) -> tuple[Action, ...]:
        """When the pods are ready, and no user is sent to them yet."""
        if not self._asked:
            return ()
        pace = Pace(self.pace.every, ANSWERS_SECONDS, self.pace.wait, self.pace.monotonic)
        return (CompareWithDocker(self._asked, self._both, self.prober, self.own, pace),)

    def answered(self) -> str:
        """Why users are not answered by the pods through the Ingress, empty when they are."""
        return answered_by_pods(self.prober, self.places.ingress)

    @cached_property
    def _asked(self) -> tuple[AskDocker, ...]:
        if self.places.door is None:
            return ()
        return tuple(
            AskDocker(step, self.subject, self._docker, self.prober, self.clock, self.entries)
            for step in (StepName.VERIFY, StepName.QUIESCE)
        )

    def _docker(self) -> DockerPlan:
        settings, (target, identity) = self.settings(), self.places.docker()
        paths = paths_to_compare(self.services(), settings.paths)
        return DockerPlan(target, identity, self.places.ingress(), paths, settings.paths, settings.rules)

    def _both(self) -> VerifyPlan:
        return verify_plan(self.settings(), self.places.sides(lambda words: None))
