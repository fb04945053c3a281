"""Run a Compose stack of a site: up, stop, restart, pull."""

from __future__ import annotations

from collections.abc import Sequence

from labtui.core.executor import Report
from labtui.domain.errors import LabError
from labtui.domain.plan import Danger, Outcome, Plan, Result, Step
from labtui.domain.ref import Ref, SourceId, SourceKind
from labtui.ports import ComposeControl, ServiceState

VERBS = ("up", "stop", "restart", "pull")
_TITLES = {"up": "Start", "stop": "Stop", "restart": "Restart", "pull": "Pull the images of"}
_STEPS = {
    "up": "Create and start what is not as the files say",
    "stop": "Stop the containers; they and their volumes stay",
    "restart": "Restart the containers",
    "pull": "Pull the images; the containers stay as they are",
}
_UNDO = {"up": "labtui compose {} stop", "stop": "labtui compose {} up"}
_INTERRUPTS = {
    "stop": "What these services serve is down until they are started again",
    "restart": "A short interruption",
}


def stack_ref(site: str, stack: str) -> Ref:
    """The identity of a stack as a whole."""
    return Ref(SourceId(SourceKind.DOCKER, site), "ComposeStack", "", stack)


class ComposeVerb:
    """One verb on a stack, or on some of its services."""

    def __init__(self, control: ComposeControl, site: str, stack: str, verb: str, services: Sequence[str] = ()) -> None:
        self.target = stack_ref(site, stack)
        self.action = f"compose.{verb}"
        self._control = control
        self._site, self._stack, self._verb = site, stack, verb
        self._services = tuple(services)

    def plan(self) -> Plan:
        """Look at the files and at what runs. Raises NotFound, Invalid, Refused, Unreachable."""
        preview = self._control.preview(self._site, self._stack, self._verb, self._services)
        before = self._control.states(self._site, self._stack)
        steps = [Step(f"Fill in {file}", "") for file in preview.files]
        steps.append(Step(_STEPS[self._verb], "; ".join(preview.commands)))
        warnings = preview.warnings
        touched = [s for s in before if s.service in preview.services]
        if self._verb in _INTERRUPTS and any(s.state == "running" for s in touched):
            warnings = (_INTERRUPTS[self._verb], *warnings)
        name = f"{self._site}/{self._stack}"
        return Plan(
            action=self.action,
            title=f"{_TITLES[self._verb]} {name}" + (f": {', '.join(self._services)}" if self._services else ""),
            target=self.target,
            steps=tuple(steps),
            warnings=warnings,
            refusals=preview.refusals,
            danger=Danger.HIGH if self._verb == "stop" else Danger.CONFIRM,
            facts=(
                ("command", "; ".join(preview.commands)),
                ("files", preview.digest),
                ("containers", ", ".join(f"{s.container} {s.state}" for s in touched) or "none"),
            ),
            summary=(
                ("Services", ", ".join(preview.services)),
                ("Now", describe(before)),
                *(("Command", command) for command in preview.commands),
            ),
            undo=_UNDO.get(self._verb, "").format(name),
        )

    def run(self, plan: Plan, report: Report) -> Outcome:
        """Do it, then read back what runs."""
        services = self._control.preview(self._site, self._stack, self._verb, self._services).services
        self._control.run(
            self._site, self._stack, self._verb, self._services, lambda line: report(f"compose {self._verb}", line)
        )
        try:
            after = self._control.states(self._site, self._stack)
        except LabError as error:
            return Outcome(
                Result.UNKNOWN, f"docker compose is done, but what runs cannot be read: {error.cause}", "not known"
            )
        data: dict[str, object] = {"services": [_plain(state) for state in after]}
        wrong = [] if self._verb == "pull" else [w for name in services if (w := _wrong(self._verb, name, after))]
        if wrong:
            return Outcome(Result.FAILED, "; ".join(wrong), describe(after), data=data)
        return Outcome(Result.DONE, f"{self._verb} of {', '.join(services)}", describe(after), data=data)


def describe(states: Sequence[ServiceState]) -> str:
    """`web running (healthy), cache exited 1`; `no containers` for none."""
    return ", ".join(_words(state) for state in states) or "no containers"


def _words(state: ServiceState) -> str:
    more = f" ({state.health})" if state.health else ""
    if state.state == "exited" and state.exit_code:
        more = f" {state.exit_code}"
    return f"{state.service} {state.state}{more}"


def _wrong(verb: str, service: str, states: Sequence[ServiceState]) -> str:
    """What is not as it should be after `verb`; empty when it is."""
    own = [state for state in states if state.service == service]
    if verb == "stop":
        return next((f"{_words(state)}, not stopped" for state in own if state.state == "running"), "")
    if not own:
        return f"{service} has no container"
    # a container that has done its work and ended well is as it should be
    bad = [s for s in own if s.state != "running" and not (s.state == "exited" and s.exit_code == 0)]
    return f"{_words(bad[0])}" if bad else ""


def _plain(state: ServiceState) -> dict[str, object]:
    return {
        "service": state.service,
        "container": state.container,
        "state": state.state,
        "health": state.health,
        "image": state.image,
        "exit_code": state.exit_code,
    }
