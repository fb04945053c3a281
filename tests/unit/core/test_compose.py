"""Running a stack through the executor: the plan, what is refused, and what is read back."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import pytest

from labtui.core.audit import MemoryAudit
from labtui.core.executor import Executor
from labtui.core.operations import ComposeVerb
from labtui.domain.errors import LabError, OutcomeUnknown, Unreachable
from labtui.domain.plan import Danger, Outcome, Result
from labtui.ports import ComposePreview, ServiceState
from tests.unit.core.fakes import Clock

WEB = ServiceState("web", "s-web-1", "running", "healthy", "a:1", 0)
CACHE = ServiceState("cache", "s-cache-1", "exited", "", "b:1", 0)


class Control:
    """A stack of web and cache; `after` is what there is when a verb has been run."""

    def __init__(self, *after: ServiceState) -> None:
        self.now: tuple[ServiceState, ...] = (WEB, CACHE)
        self.after = after
        self.digest = "one"
        self.refusals: tuple[str, ...] = ()
        self.ran: list[tuple[str, tuple[str, ...]]] = []
        self.fails: LabError | None = None
        self.blind = False

    def preview(self, site: str, stack: str, verb: str, services: Sequence[str]) -> ComposePreview:
        command = f"docker compose --project-name {stack} {verb}"
        touched = tuple(services) or ("cache", "web")
        return ComposePreview((command,), touched, ("/srv/x",), ("A is set nowhere",), self.refusals, self.digest)

    def run(self, site: str, stack: str, verb: str, services: Sequence[str], report: Callable[[str], None]) -> None:
        self.ran.append((verb, tuple(services)))
        report("Container s-web-1  Started")
        self.now = self.after
        if self.fails:
            raise self.fails

    def logs(self, site: str, stack: str, services: Sequence[str], *, follow: bool, tail: int) -> Generator[str]:
        yield from ()

    def states(self, site: str, stack: str) -> tuple[ServiceState, ...]:
        if self.blind and self.ran:
            raise Unreachable("gone")
        return self.now


def run(control: Control, verb: str, *services: str, read_only: str = "") -> tuple[Outcome, MemoryAudit, list[str]]:
    audit, said = MemoryAudit(), list[str]()
    executor = Executor(audit, Clock(), by="me", read_only=read_only)
    operation = ComposeVerb(control, "kyiv", "s", verb, services)
    confirmed = executor.confirm(operation.plan())
    return executor.run(operation, confirmed, lambda phase, text: said.append(text)), audit, said


def test_the_plan_says_exactly_what_is_run() -> None:
    plan = ComposeVerb(Control(), "kyiv", "s", "stop").plan()
    assert plan.danger is Danger.HIGH and plan.target.name == "s" and plan.target.source.scope == "kyiv"
    assert plan.steps[0].title == "Fill in /srv/x"
    assert plan.steps[-1].call == "docker compose --project-name s stop"
    assert ("Command", "docker compose --project-name s stop") in plan.summary
    assert plan.warnings == ("What these services serve is down until they are started again", "A is set nowhere")
    assert plan.undo == "labtui compose kyiv/s up"
    assert ComposeVerb(Control(), "kyiv", "s", "restart", ["cache"]).plan().warnings == ("A is set nowhere",)
    assert ComposeVerb(Control(), "kyiv", "s", "up").plan().danger is Danger.CONFIRM


@pytest.mark.parametrize(
    ("verb", "services", "after", "result", "words"),
    [
        ("up", (), (WEB, CACHE), Result.DONE, "web running (healthy)"),
        ("up", (), (WEB,), Result.FAILED, "cache has no container"),
        ("up", (), (replace(WEB, state="exited", exit_code=3), CACHE), Result.FAILED, "web exited 3"),
        ("up", ("web",), (WEB,), Result.DONE, "web running"),
        ("restart", (), (replace(WEB, state="restarting"), CACHE), Result.FAILED, "web restarting"),
        ("stop", (), (replace(WEB, state="exited"), CACHE), Result.DONE, "web exited"),
        ("stop", (), (WEB, CACHE), Result.FAILED, "web running (healthy), not stopped"),
        ("pull", (), (), Result.DONE, "no containers"),
    ],
)
def test_what_runs_is_read_back(
    verb: str, services: tuple[str, ...], after: tuple[ServiceState, ...], result: Result, words: str
) -> None:
    control = Control(*after)
    outcome, audit, said = run(control, verb, *services)
    assert (outcome.result, control.ran) == (result, [(verb, services)])
    assert words in f"{outcome.message} {outcome.state}"
    assert said == ["Container s-web-1  Started"]
    intent, ended = audit.entries()
    assert (intent["action"], intent["target"]["name"], ended["result"]) == (f"compose.{verb}", "s", result.value)


def test_nothing_is_run_when_it_may_not_or_the_files_have_changed() -> None:
    control = Control(WEB, CACHE)
    outcome, _, _ = run(control, "up", read_only="--read-only")
    assert outcome.result is Result.REFUSED
    operation = ComposeVerb(control, "kyiv", "s", "up")
    executor = Executor(MemoryAudit(), Clock(), by="me")
    confirmed = executor.confirm(operation.plan())
    control.digest = "two"
    outcome = executor.run(operation, confirmed, lambda phase, text: None)
    assert outcome.result is Result.REFUSED and "one → two" in outcome.message
    control.refusals = ("/srv/x is not there",)
    outcome, _, _ = run(control, "up")
    assert outcome.result is Result.REFUSED and "/srv/x" in outcome.message
    assert not control.ran


def test_an_outcome_that_nobody_knows_is_unknown() -> None:
    control = Control(WEB)
    control.fails = OutcomeUnknown("docker compose up did not end in 3600 s")
    assert run(control, "up")[0].result is Result.UNKNOWN
    blind = Control(WEB)
    blind.blind = True
    outcome, _, _ = run(blind, "up")
    assert outcome.result is Result.UNKNOWN and "cannot be read" in outcome.message
