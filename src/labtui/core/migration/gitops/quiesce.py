"""The step quiesce for data that stays where it is: Docker's writers are stopped, then the pods are started; users wait meanwhile.

From the stop on nobody is answered. So whatever goes wrong here is taken back at once, by the engine: MustUndo. Data that has to be
copied to another place would be copied between the two, by an action of its own; there is none yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from labtui.core.migration.action import Action, Data, Look, Report, Seen
from labtui.core.migration.around import Around
from labtui.core.migration.gitops.law import RUNNING, OneWriter, in_words
from labtui.core.migration.gitops.retire import unwell
from labtui.core.operations.compose import describe
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, MustUndo, OutcomeUnknown, Unreachable
from labtui.domain.migration.steps import StepName
from labtui.domain.text import clean

ANSWER_SECONDS = 60.0  # for the Ingress to hear of the pods, when the API server shows them already


@contextmanager
def urgent() -> Iterator[None]:
    """Users are cut off: what fails is taken back, whatever it is."""
    try:
        yield
    except MustUndo:
        raise
    except LabError as error:
        raise MustUndo(error.title, error.detail, error.hint) from error


TWO_WRITERS = "containers and pods never have the data both: stop what runs on Docker"  # nobody may accept that


@dataclass(frozen=True, slots=True)
class HoldWriters:
    """No restart policy for the services that have the data: what is stopped stays stopped when its host starts again."""

    law: OneWriter
    step: StepName = StepName.QUIESCE
    name: str = "restart policy"
    title: str = "turn the restart policy of the containers that write off"
    lasting: str = ""

    def look(self, earlier: Data) -> Look:
        """Ask the engine."""
        now = self._policies()
        on = sorted(name for name, policy in now.items() if policy != "no")
        data = {"policies": {**now, **(earlier.get("policies") or {})}}
        if on:
            return Look(Seen.NOT_DONE, f"{clean(', '.join(on), 200)} would be started again", data)
        return Look(Seen.DONE, "they would not be started again", data)

    def do(self, earlier: Data, report: Report) -> Data:
        """What the policies were goes into the journal before the first is changed (the look has found them). Raises Refused
        when this would end before the pods start."""
        self.law.demand_no_others()
        now = self._policies()
        for name, policy in now.items():
            if policy != "no":
                report(f"{clean(name, 60)}: restart policy {policy} → no")
                self.law.containers.set_restart_policy(self.law.site, name, "no")
        return {"policies": {**now, **(earlier.get("policies") or {})}}

    def undo(self, data: Data, report: Report) -> None:
        """As they were."""
        former: Mapping[str, str] = data.get("policies") or {}
        now = self._policies()
        for name, policy in former.items():
            if name in now and now[name] != policy:
                report(f"{clean(name, 60)}: restart policy {policy} again")
                self.law.containers.set_restart_policy(self.law.site, name, policy)

    def _policies(self) -> dict[str, str]:
        law = self.law
        names = {s.container for s in law.control.states(law.site, law.stack) if s.service in law.writers.services}
        return {n: p for n, p in law.containers.restart_policies(law.site, law.stack).items() if n in names}


@dataclass(frozen=True, slots=True)
class StopWriters:
    """The services that have the data are stopped: from here on users wait. Back means up and healthy, never beside a pod."""

    law: OneWriter
    pace: Pace = field(default_factory=lambda: Pace(limit=300.0))
    step: StepName = StepName.QUIESCE
    name: str = "stop"  # domain.migration.window knows it
    lasting: str = ""

    @property
    def title(self) -> str:
        """See `Action`."""
        return f"stop {', '.join(self.law.writers.services)} on Docker: nobody is answered until the pods are"

    def look(self, earlier: Data) -> Look:
        """Ask the engine who has the data. What ran is noted before anything is stopped."""
        law = self.law
        states = law.control.states(law.site, law.stack)
        data = {
            "ran": earlier["ran"] if "ran" in earlier else sorted({s.service for s in states if s.state in RUNNING})
        }
        running = law.containers_running()
        if running:
            return Look(Seen.NOT_DONE, in_words(running), data, firm=TWO_WRITERS)
        return Look(Seen.DONE, f"no container has the data: {describe(states)}", data)

    def do(self, earlier: Data, report: Report) -> Data:
        """Stop exactly these services, and wait until their containers have ended. Raises Refused before anything is stopped
        when a container has the data that is no part of the stack, MustUndo when the stop does not come about."""
        law = self.law
        law.demand_no_others()
        report(f"stopping {', '.join(law.writers.services)}: from now on nobody is answered")
        with urgent():
            law.control.run(law.site, law.stack, "stop", law.writers.services, report)
            self._until(lambda: in_words(law.containers_running()), "the containers stopped", report)
        return {"ran": list(earlier.get("ran") or ())}

    def undo(self, data: Data, report: Report) -> None:
        """Start what ran, once no pod can have the data. Raises Refused while one can."""
        law = self.law
        law.await_no_pods(report)
        services = [str(s) for s in data.get("ran", law.writers.services)]
        law.demand_no_pods()
        if unwell(law.control.states(law.site, law.stack), services):
            report(f"starting {clean(', '.join(services), 200)}")
            law.control.run(law.site, law.stack, "up", tuple(services), report)
        self._until(lambda: self._unwell(services), "the containers healthy", report)
        report(f"on Docker again: {describe(law.control.states(law.site, law.stack))}")

    def _unwell(self, services: list[str]) -> str:
        states = self.law.control.states(self.law.site, self.law.stack)
        # what ran and has ended well since has done its work
        bad = [s for s in unwell(states, services) if not (s.state == "exited" and s.exit_code == 0)]
        return describe(bad) if bad else ""

    def _until(self, wrong: Callable[[], str], what: str, report: Report) -> None:
        end = self.pace.monotonic() + self.pace.limit
        told = ""
        while True:
            try:
                words = wrong()
                if not words:
                    return
            except Unreachable as error:
                words = f"the engine does not answer ({error.cause})"
            if words != told:
                told = words
                report(f"waiting: {words}")
            if self.pace.monotonic() > end:
                raise OutcomeUnknown(f"Did not see {what} in {self.pace.limit:.0f} s", words)
            self.pace.wait(self.pace.every)


class Guarded(Around):
    """A change of the values that lets pods write, or sends users to them: only while no container has the data.

    `answered` says why users are not answered by the pods yet, empty when they are; it is waited for at the end.
    """

    def __init__(
        self, inner: Action, law: OneWriter, answered: Callable[[], str] = lambda: "", limit: float = ANSWER_SECONDS
    ) -> None:
        super().__init__(inner)
        self.law, self.answered, self.limit = law, answered, limit

    def look(self, earlier: Data) -> Look:
        """As within; but with a container that has the data it is not done, and the way back stays open."""
        found = self.inner.look(earlier)
        if found.seen is Seen.DONE and (running := self.law.containers_running()):
            words = f"containers have the data that pods write: {in_words(running)}"
            return Look(Seen.NOT_DONE, words, found.data, firm=TWO_WRITERS)
        return found

    def do(self, earlier: Data, report: Report) -> Data:
        """Raises MustUndo for whatever goes wrong."""
        with urgent():
            self.law.demand_containers_stopped()
            data = self.inner.do(earlier, report)
            if running := self.law.containers_running():  # somebody started them meanwhile
                raise MustUndo("Containers have the data that pods write", in_words(running))
            self._await_answer(report)
        return data

    def _await_answer(self, report: Report) -> None:
        pace = self.law.world.pace
        end, told = pace.monotonic() + self.limit, ""
        while why := self.answered():
            if why != told:
                told = why
                report(f"waiting for an answer: {clean(why, 200)}")
            if pace.monotonic() > end:
                raise MustUndo("Users are not answered by the pods", clean(why, 300))
            pace.wait(pace.every)


class StartPods(Guarded):
    """The pods, started while no container has the data. Back means gone: also the last one that is still leaving."""

    def undo(self, data: Data, report: Report) -> None:
        """See `Action`."""
        self.inner.undo(data, report)
        self.law.await_no_pods(report)
