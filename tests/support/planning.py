"""A small stack and its plan, made without any program: for tests of what stands in front of a conversion."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labtui.core.audit import MemoryAudit
from labtui.core.executor import Executor
from labtui.core.lab import Lab
from labtui.core.stackplan import StackPlanner
from labtui.core.stacks import StackTools
from labtui.domain.compose.stack import EnvironmentValue, Service, Stack
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.facts import Facts
from labtui.domain.conversion.findings import (
    Choice,
    Finding,
    Option,
    PlannedSecret,
    PlannedVolume,
    StackPlan,
    Verdict,
)
from labtui.domain.errors import LabError, NotFound, Refused
from labtui.domain.text import clean
from labtui.ports import Commit

NOW = datetime(2026, 3, 1, 14, 8, 13, tzinfo=UTC)
PASSWORD = "kT9#vXq2-planted-value"
TOKEN = "eyJ-planted-token-8f3aa1"
UPLOAD = "volumes./usr/src/app/upload"
STACK = Stack(
    "wroclaw",
    "immich",
    (
        Service("server", {"image": "ghcr.io/immich-app/immich-server:v1.132.3"}),
        Service("database", {"image": "postgres:16"}, (EnvironmentValue("POSTGRES_PASSWORD", PASSWORD),)),
    ),
)


class FixedClock:
    """Time stands still."""

    def now(self) -> datetime:
        """Always the same."""
        return NOW


def convert(stack: Stack, facts: Facts, answers: Answers) -> StackPlan:
    """Findings of every sort: a choice with a proposal, one without, one that only another answer opens, a refusal by answer."""

    def choice(
        service: str, key: str, question: str, options: Mapping[str, str], proposed: str = "", free: bool = False
    ) -> Finding:
        given = answers.get((service, key), "")
        known = tuple(Option(*o) for o in options.items())
        given = given if free or given in options else ""
        return Finding(service, key, Verdict.CHOICE, question, Choice(question, known, proposed, given, free))

    uploads = {"pvc": "copied to a volume of the cluster", "keep": "stays where it is, the pod runs on that host"}
    findings = [
        Finding("", "networks.default", Verdict.CONVERTED, "The cluster's network takes its place."),
        Finding("server", "image", Verdict.CONVERTED, "The image stays as it is."),
        choice("server", UPLOAD, "What becomes of the uploads?", uploads, "pvc"),
        Finding("database", "image", Verdict.CONVERTED, "The image stays as it is."),
        choice("database", "ports.5432/tcp", "Who may reach the port?", {"peers": "the stack", "all": "everybody"}),
    ]
    if answers.get(("server", UPLOAD)) == "pvc":
        findings.append(choice("server", "size", "How large?", {"10Gi": "as now"}, "10Gi", free=True))
    if answers.get(("server", UPLOAD)) == "keep":
        findings.append(Finding("server", "placement", Verdict.REFUSED, "The cluster's node is another host."))
    values = {
        "components": {"server": {"image": "ghcr.io/immich-app/immich-server:v1.132.3"}},
        "secrets": {"immich": {"path": "apps/immich", "keys": {"DB_PASSWORD": "DB_PASSWORD"}}},
    }
    secrets = (
        PlannedSecret("database", "apps/immich", "DB_PASSWORD", "POSTGRES_PASSWORD", "named as one", PASSWORD),
        PlannedSecret("server", "apps/immich", "TOKEN", "TOKEN", "random letters", None),
    )
    volumes = (PlannedVolume("server", "/usr/src/app/upload", "/srv/immich/upload", False, "pvc", 9_400_000_000, True),)
    interruption = "The stack stands still while 8.8G are copied."
    return StackPlan(
        stack.site, stack.name, ("server", "database"), tuple(findings), values, secrets, volumes, interruption
    )


@dataclass
class FakeCompose:
    """One site with one stack."""

    stack: Stack = STACK
    fail: LabError | None = None
    reads: int = 0

    def stacks(self, site: str) -> tuple[str, ...]:
        """The one."""
        return (self.stack.name, "monitoring") if site == self.stack.site else ()

    def read(self, site: str, stack: str) -> Stack:
        """It, or the error."""
        self.reads += 1
        if self.fail is not None:
            raise self.fail
        return self.stack


@dataclass
class FakeCharts:
    """Renders a Deployment of each component; `fail` raises."""

    fail: LabError | None = None

    def render(self, values: Mapping[str, Any], name: str, namespace: str) -> tuple[Mapping[str, Any], ...]:
        """The Deployments."""
        if self.fail is not None:
            raise self.fail
        return tuple(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": component, "namespace": namespace},
                "spec": {"template": {"spec": {"containers": [{"image": found["image"]}]}}},
            }
            for component, found in values["components"].items()
        )


@dataclass
class FakeFiles:
    """A branch: each revision with all its files."""

    revisions: list[dict[str, str]] = field(default_factory=lambda: [{}])
    messages: list[str] = field(default_factory=list)

    @staticmethod
    def _name(number: int) -> str:
        return hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()

    def head(self) -> str:
        """The newest revision."""
        return self._name(len(self.revisions) - 1)

    def read(self, revision: str, path: str) -> str:
        """As it was then."""
        names = [self._name(n) for n in range(len(self.revisions))]
        if revision not in names or path not in self.revisions[names.index(revision)]:
            raise NotFound(f"no {path} at {revision}")
        return self.revisions[names.index(revision)][path]

    def seen(self, path: str) -> str | None:
        """As it is now."""
        return self.revisions[-1].get(path)

    def write(self, base: str, files: Mapping[str, str], message: str) -> Commit:
        """A commit on top."""
        if base != self.head():
            raise Refused("Somebody pushed to git meanwhile")
        self.push(files)
        self.messages.append(message)
        return Commit(self.head(), message.splitlines()[0])

    def push(self, files: Mapping[str, str]) -> None:
        """What anybody pushes."""
        self.revisions.append({**self.revisions[-1], **files})


ANSWERS_FILE = "manifests/applications/values/homelab/immich.answers.yaml"


def planner(files: FakeFiles | None = None, **changes: Any) -> StackPlanner:
    """A planner over the fakes."""
    settings: dict[str, Any] = {"compose": FakeCompose(), "charts": FakeCharts(), "files": files or FakeFiles()}
    return StackPlanner(convert=convert, sites=("wroclaw",), environment="homelab", **{**settings, **changes})


def make_lab(found: StackPlanner | None = None, read_only: str = "") -> Lab:
    """A lab that can do nothing but plan."""
    clock = FixedClock()
    executor = Executor(MemoryAudit(), clock, by="ada@desk", read_only=read_only)
    return Lab("homelab", clock, (), executor, make_stacks=lambda: StackTools(planner=found or planner()))


def shows_no_secret(text: str) -> None:
    """Fail when a planted value is in the text, in whatever form it may have been printed."""
    import base64
    import json

    for value in (PASSWORD, TOKEN):
        forms = (
            value,
            json.dumps(value)[1:-1],
            base64.b64encode(value.encode()).decode(),
            repr(value)[1:-1],
            clean(value),
        )
        for form in forms:
            assert form not in text, f"a secret is shown: {form[:3]}…"
