"""After the soak: the containers are let go, stopped and kept, and git says where the stack went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from labtui.core.migration.action import Data, Look, Report, Seen
from labtui.core.migration.gitops.argo import Argo
from labtui.core.migration.gitops.cluster import StackWorld
from labtui.core.migration.gitops.commits import Commits, settle_unknown
from labtui.core.migration.gitops.values import Layout, Stand, find_entry, with_entry
from labtui.core.operations.compose import describe
from labtui.core.operations.watching import Pace
from labtui.domain.errors import LabError, OutcomeUnknown, Refused, Unreachable
from labtui.domain.migration.steps import StepName
from labtui.domain.ref import Ref
from labtui.domain.text import clean
from labtui.ports import Clock, ServiceState
from labtui.ports.stacks import StackContainers, StackControl

MARK = "labtui.dev/migrated"
ON_KUBERNETES = Stand(True, "kubernetes")
PROGRESS_SECONDS = 5.0
QUIET_SECONDS = 2.0  # an ingress may open one more connection before it has heard that the slice is gone
Wrong = Callable[[tuple[ServiceState, ...]], Sequence[ServiceState]]


@dataclass(frozen=True, slots=True)
class Drain:
    """Wait until nothing leads to the containers, and their connections have ended or the operator's limit is reached."""

    site: str
    stack: str
    world: StackWorld
    containers: StackContainers
    clock: Clock
    limit: float  # seconds that connections may still last
    pace: Pace = field(default_factory=Pace)
    step: StepName = StepName.RETIRE
    name: str = "drain"
    lasting: str = ""

    @property
    def title(self) -> str:
        """See `Action`."""
        return f"let connections to the containers end, for {self.limit:.0f} s at most"

    def look(self, earlier: Data) -> Look:
        """Done is what the journal says is done, while nothing leads to Docker: waiting leaves no other trace."""
        missing = self.world.traffic_wrong(ON_KUBERNETES)
        if missing:
            seen = Seen.CHANGED if earlier.get("drained") else Seen.NOT_DONE
            return Look(seen, "; ".join(missing[:4]), firm="containers that users are sent to are not stopped")
        if earlier.get("drained"):
            return Look(Seen.DONE, "nothing leads to Docker", earlier)
        return Look(Seen.NOT_DONE, _connections(self._left()))

    def do(self, earlier: Data, report: Report) -> Data:
        """Wait. Reaching the limit is no failure: what is still connected then is cut, and that is reported."""
        self.world.await_traffic(ON_KUBERNETES, report)
        begun = self.pace.monotonic()
        told, quiet = float("-inf"), begun
        while True:
            left = self._left()
            passed = self.pace.monotonic() - begun
            if left != 0:
                quiet = begun + passed
            if begun + passed - quiet >= QUIET_SECONDS:
                report("no connection to the containers is left")
                break
            if passed >= self.limit:
                report(f"the limit of {self.limit:.0f} s is reached: {_connections(left)}")
                break
            if left != 0 and passed - told >= PROGRESS_SECONDS:
                told = passed
                report(f"{_connections(left)}; waiting {self.limit - passed:.0f} s more at most")
            self.pace.wait(min(max(self.pace.every, 0.2), self.limit - passed))
        return {"drained": True, "at": self.clock.now().isoformat(), "left": left if left is not None else -1}

    def undo(self, data: Data, report: Report) -> None:
        """Waiting has changed nothing."""

    def _left(self) -> int | None:
        try:
            return self.containers.connections(self.site, self.stack)
        except Unreachable:
            return None


def _connections(left: int | None) -> str:
    if left is None:
        return "connections to the containers cannot be counted"
    return f"{left} connection{'' if left == 1 else 's'} to the containers"


@dataclass(frozen=True, slots=True)
class RestartOff:
    """No restart policy any more, so that a stopped stack stays stopped when its host starts again."""

    site: str
    stack: str
    containers: StackContainers
    step: StepName = StepName.RETIRE
    name: str = "restart policy"
    title: str = "turn the restart policy of the containers off"
    lasting: str = ""

    def look(self, earlier: Data) -> Look:
        """Ask the engine."""
        now = dict(self.containers.restart_policies(self.site, self.stack))
        on = sorted(name for name, policy in now.items() if policy != "no")
        data = {"policies": earlier.get("policies") or now}
        if on:
            return Look(Seen.NOT_DONE, f"{', '.join(on)} would be started again", data)
        if earlier.get("policies") is None and now:
            return Look(Seen.DONE, "no container has a restart policy", {"policies": now})
        return Look(Seen.DONE, "off for all containers", data)

    def do(self, earlier: Data, report: Report) -> Data:
        """What the policies were goes into the journal; a half-done run adds to what was noted before."""
        now = dict(self.containers.restart_policies(self.site, self.stack))
        former = {**now, **(earlier.get("policies") or {})}
        for name, policy in now.items():
            if policy != "no":
                self.containers.set_restart_policy(self.site, name, "no")
                report(f"{clean(name, 60)}: restart policy {policy} → no")
        return {"policies": former}

    def undo(self, data: Data, report: Report) -> None:
        """As they were, as far as the journal tells; the Compose files tell the rest when the stack is started."""
        former: Mapping[str, str] = data.get("policies") or {}
        now = self.containers.restart_policies(self.site, self.stack)
        for name, policy in former.items():
            if name in now and now[name] != policy:
                self.containers.set_restart_policy(self.site, name, policy)
                report(f"{clean(name, 60)}: restart policy {policy} again")


@dataclass(frozen=True, slots=True)
class StopStack:
    """The Compose stack stopped and kept; back means `compose up` and healthy."""

    site: str
    stack: str
    control: StackControl
    world: StackWorld
    pace: Pace = field(default_factory=lambda: Pace(limit=300.0))
    held: bool = (
        False  # its data has one writer, the pods: what starts it again is the undo of the step quiesce, without them
    )
    step: StepName = StepName.RETIRE
    name: str = "stop"
    title: str = "stop the Compose stack; its containers and volumes stay"
    lasting: str = ""

    def look(self, earlier: Data) -> Look:
        """Ask the engine."""
        states = self.control.states(self.site, self.stack)
        running = [s for s in states if s.state in ("running", "restarting", "paused")]
        if running:
            services = earlier.get("services") or sorted({s.service for s in running})
            firm = f"its containers would run beside the pods; labtui compose {self.site}/{self.stack} stop ends them"
            return Look(Seen.NOT_DONE, describe(running), {"services": services}, firm=firm)
        return Look(Seen.DONE, describe(states), earlier)

    def do(self, earlier: Data, report: Report) -> Data:
        """Never while something still leads to it."""
        if wrong := self.world.traffic_wrong(ON_KUBERNETES):
            raise Refused("Traffic still goes to Docker", "; ".join(wrong[:4]), "The containers were not stopped")
        before = self.control.states(self.site, self.stack)
        running = sorted({s.service for s in before if s.state in ("running", "restarting", "paused")})
        if any(s.state in ("running", "restarting", "paused") for s in before):
            self.control.run(self.site, self.stack, "stop", (), report)
        self._until(lambda s: [x for x in s if x.state in ("running", "restarting")], "the stack stopped", report)
        return {"services": earlier.get("services") or running}

    def undo(self, data: Data, report: Report) -> None:
        """Start what ran before; with the stack's own files where they are."""
        if self.held:  # not even what only needs a writer: docker compose would start that as well
            report("nothing is started while pods have the data; that comes when they are gone")
            return
        states = self.control.states(self.site, self.stack)
        wanted = [str(s) for s in data.get("services") or ()]
        if not states and not wanted:
            report("there is nothing to start")
            return
        services = wanted or sorted({s.service for s in states})
        if unwell(states, services):
            self.control.run(self.site, self.stack, "up", tuple(services), report)
        if not wanted:  # which ones ran is not known: what ended well just now has done its work
            states = self.control.states(self.site, self.stack)
            services = sorted({s.service for s in states if not (s.state == "exited" and s.exit_code == 0)})
        self._until(lambda now: unwell(now, services), "the stack running and healthy", report)
        report(f"on Docker again: {describe(self.control.states(self.site, self.stack))}")

    def _until(self, wrong: Wrong, what: str, report: Report) -> None:
        end = self.pace.monotonic() + self.pace.limit
        told = ""
        while True:
            try:
                bad = wrong(self.control.states(self.site, self.stack))
                if not bad:
                    return
                words = describe(bad)
            except Unreachable as error:
                words = f"the engine does not answer ({error.cause})"
            if words != told:
                told = words
                report(f"waiting: {words}")
            if self.pace.monotonic() > end:
                raise OutcomeUnknown(f"Did not see {what} in {self.pace.limit:.0f} s", words)
            self.pace.wait(self.pace.every)


def unwell(states: tuple[ServiceState, ...], services: list[str]) -> list[ServiceState]:
    """What is not up: not running, or not healthy; a service without a container counts."""
    found = []
    for service in services:
        own = [s for s in states if s.service == service]
        ok = [s for s in own if s.state == "running" and s.health in ("", "healthy", "none")]
        if not ok:
            found.append(own[0] if own else ServiceState(service, "", "not there"))
    return found


@dataclass(frozen=True, slots=True)
class Mark:
    """The list of applications says where the stack went: an annotation of its application, which Argo CD carries into the
    cluster. The host gets no file: what is there may be copied from git at any time, and would be lost."""

    site: str
    stack: str
    commits: Commits
    layout: Layout
    argo: Argo
    parent: Ref | None
    step: StepName = StepName.RETIRE
    name: str = "mark"
    title: str = "note in git where the stack went"
    lasting: str = ""

    @property
    def _note(self) -> str:
        return f"from {self.site}/{self.stack} by {self.commits.migration}"

    def look(self, earlier: Data) -> Look:
        """The annotation of the entry at the remote's head."""
        head = self.commits.files.head()
        text = self.commits.texts(head, [self.layout.list])[self.layout.list]
        entry = find_entry(text or "", self.layout.list, self.stack)
        if text is None or entry is None:
            return Look(Seen.DONE, "there is no list to note it in", {"commit": ""})
        note = entry.annotations.get(MARK)
        if note is None:
            return Look(Seen.NOT_DONE, "not noted")
        if note != self._note:
            words = f"{self.layout.list} says {clean(str(note), 100)}"
            accept = "this migration's note takes its place; the way back puts theirs there again"
            look = Look(Seen.CHANGED, words, {"former": str(note)}, accept=accept)
            return look.answered(earlier, Seen.NOT_DONE)
        return Look(Seen.DONE, f"noted: {note}", {"commit": self._own()})

    def do(self, earlier: Data, report: Report) -> Data:
        """One commit."""
        path = self.layout.list
        subject = f"{self.stack}: retired from Docker in {self.site}"

        def make() -> str:
            return self.commits.make(
                [path], lambda old: {path: self._noted(old[path], self._note)}, subject, self.name, report
            )

        revision = settle_unknown(make, self._own, report) or self._own()
        if self.parent is not None:
            self.argo.settled(self.parent, revision or self.commits.files.head(), report)
        return {"commit": revision, **({"former": earlier["former"]} if earlier.get("former") else {})}

    def undo(self, data: Data, report: Report) -> None:
        """Revert that commit; others change the list too, so the annotation alone is taken out where that conflicts."""
        former = str(data["former"]) if data.get("former") else None
        path = self.layout.list
        own = self._own()
        subject = f"{self.stack}: back on Docker in {self.site}"
        if own:
            try:
                self.commits.revert(own, subject, self.name, report)
            except OutcomeUnknown:
                raise
            except LabError as error:
                report(f"{error.title}; taking the annotation out instead")
        self.commits.make(
            [path], lambda old: {path: self._noted(old[path], former)}, subject, f"undo of {self.name}", report
        )
        if self.parent is not None:
            self.argo.settled(self.parent, self.commits.files.head(), report)

    def _noted(self, text: str | None, note: str | None) -> str | None:
        entry = find_entry(text or "", self.layout.list, self.stack)
        if text is None or entry is None or (note is None and MARK not in entry.annotations):
            return text
        return with_entry(text, self.layout, self.stack, entry.namespace, {MARK: note})

    def _own(self) -> str:
        found = self.commits.own(self.commits.files.head(), [self.layout.list], self.name).commit
        return found.revision if found else ""
