"""A stack's whole way: files, docker compose, conversion, the app chart; and what must hold at every step of it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labtui.adapters.compose import ComposeReader, Place
from labtui.adapters.helm import HelmRenderer
from labtui.cli.plan import Wanted, document, print_page
from labtui.core.stackplan import PlannedStack
from labtui.core.yamltext import to_yaml
from labtui.demo.files import data_folder
from labtui.domain.compose.stack import Service, Stack, key_paths, mount_key, stack_key_paths
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.convert import UNKNOWN, convert
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, Kind, MountFacts, NodeFacts
from labtui.domain.conversion.findings import StackPlan, Verdict
from labtui.domain.errors import Invalid, LabError
from tests.properties.planting import shown
from tests.properties.stacks import NAME, Made

CHART = data_folder("manifests") / "applications" / "charts" / "app"
MODES = (("docker", False), ("docker", True), ("kubernetes", True))
ROUNDS = 12  # a stack loses what is refused, and gains answers, until nothing is left to do


@dataclass
class Seen:
    """What a stack came to. `problems` are sentences; empty: all holds. `objects` are those of every mode."""

    made: Made
    problems: list[str] = field(default_factory=list)
    objects: list[Mapping[str, Any]] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    movable: bool = False


class Pipeline:
    """`namespace` is where the objects would go."""

    def __init__(self, folder: Path, namespace: str = "test") -> None:
        self._folder = folder
        self._namespace = namespace
        self._charts = HelmRenderer(CHART)

    def read(self, made: Made) -> Stack:
        """The merged stack. Raises what the reader raises."""
        here = made.write(self._folder / str(made.seed))
        environ = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "FROM_SHELL": made.planted.value()}
        return ComposeReader([Place("kyiv", here, "/srv/kyiv")], environ).read("kyiv", NAME)

    def run(self, made: Made, render: bool = True) -> Seen:
        """All of it, with every law checked. A broken one is a sentence in `problems`."""
        seen = Seen(made)
        logs = io.StringIO()
        handler = logging.StreamHandler(logs)
        logging.getLogger().addHandler(handler)
        try:
            with contextlib.redirect_stdout(logs), contextlib.redirect_stderr(logs):
                self._run(seen, render)
        except LabError as error:
            seen.problems.append(f"{type(error).__name__}: {error}")
        finally:
            logging.getLogger().removeHandler(handler)
        self._hidden(seen, "what is printed and logged", logs.getvalue())
        self._hidden(seen, "the objects", json.dumps(seen.objects, ensure_ascii=False) if seen.objects else "")
        seen.problems = [problem for problem in seen.problems if problem]
        return seen

    def _run(self, seen: Seen, render: bool) -> None:
        r = random.Random(seen.made.seed)
        stack = self.read(seen.made)
        facts = some_facts(r, stack, seen.made)
        plan = convert(stack, facts, {})
        seen.verdicts.update(finding.verdict.value for finding in plan.findings)
        self._laws(seen, stack, facts, {}, plan)
        stack, answers, plan = movable(r, stack, facts)
        seen.movable = plan.verdict != "refused"
        self._laws(seen, stack, facts, answers, plan)
        if not seen.movable:
            refused = [f"{f.service}.{f.key}: {f.detail}" for f in plan.findings if f.verdict is Verdict.REFUSED]
            seen.problems.append(f"it cannot move although nothing that is refused is left: {refused[:3]}")
        if render and plan.components:
            for traffic, workload in MODES:
                values = {**plan.values, "traffic": traffic, "workload": workload}
                seen.objects += self._charts.render(values, NAME, self._namespace)

    def _laws(self, seen: Seen, stack: Stack, facts: Facts, answers: Answers, plan: StackPlan) -> None:
        counted = Counter((f.service, f.key) for f in plan.findings)
        wanted = {("", path) for path in stack_key_paths(stack)}
        wanted |= {(service.name, path) for service in stack.services for path in key_paths(service)}
        problems = [f"{times} verdicts on {at}" for at, times in counted.items() if times > 1]
        problems += [f"no verdict on {at}" for at in wanted - set(counted)]
        problems += [f"unknown: {f.service}.{f.key}" for f in plan.findings if f.detail == UNKNOWN]
        problems += [f"a crash: {f.service}.{f.key}: {f.detail}" for f in plan.findings if "labtui failed" in f.detail]
        seen.problems += problems
        planned = PlannedStack(stack, facts, plan, answers)
        wanted_words = Wanted(f"kyiv/{NAME}")
        print_page(planned, None, None, wanted_words)
        said = json.dumps(document(planned, None, None, wanted_words), ensure_ascii=False, default=str)
        self._hidden(seen, "the document", said)
        self._hidden(seen, "the values", to_yaml(plan.values))
        self._hidden(seen, "a repr", f"{plan!r}{planned!r}{stack!r}{facts!r}")
        if (
            json.dumps(
                document(PlannedStack(stack, facts, convert(stack, facts, answers), answers), None, None, wanted_words),
                ensure_ascii=False,
                default=str,
            )
            != said
        ):
            seen.problems.append("the same stack is converted differently the second time")

    def _hidden(self, seen: Seen, where: str, text: str) -> None:
        for value in shown(seen.made.secrets, text):
            at = next((text.find(form) for form in (value, json.dumps(value)[1:-1]) if form in text), 0)
            around = text[max(0, at - 120) : at + 30].replace(value, "SECRET")
            seen.problems.append(f"a secret is in {where}: …{around}…")
            break


def some_facts(r: random.Random, stack: Stack, made: Made) -> Facts:
    """Facts as they may be, and what the stack's files hold."""
    if r.random() < 0.2:
        return Facts("192.168.88.2")
    image = ImageFacts(
        ("amd64", "arm64"), ("/entry",), ("run",), r.choice(("", "1000", "www")), ("8080/tcp",), ("/data",)
    )
    node = NodeFacts("n", "amd64", 64.0, 1 << 38, 1 << 39)
    cluster = ClusterFacts((node,), ("local-path",), "local-path", {}, {})
    mounts: dict[str, MountFacts] = {}
    for service in stack.services:
        for mount in service.raw.get("volumes") or ():
            source = str(mount.get("source", ""))
            secret = f"key = {made.planted.value()}\npassword: {made.planted.value()}\n"
            mounts[source] = r.choice(
                (
                    MountFacts(Kind.FOLDER, 5 << 20), MountFacts(Kind.FILE, 10, "level: info\n"), MountFacts(Kind.FILE, 80, secret),
                    MountFacts(Kind.MISSING), MountFacts(Kind.FOLDER, 90, None, "", {"a.yaml": "x: 1\n", "b_key": secret}),
                    MountFacts(Kind.FOLDER, 1 << 40, None, "192.168.1.2:/srv/x"),
                )
            )  # fmt: skip
    for raw in (*stack.raw.get("configs", {}).values(), *stack.raw.get("secrets", {}).values()):
        name = Path(str(raw.get("file", ""))).name
        if name in made.files:
            mounts[str(raw["file"])] = MountFacts(Kind.FILE, len(made.files[name]), made.files[name])
    images = {service.image: image for service in stack.services if r.random() < 0.5}
    return Facts(
        "192.168.88.2", r.choice(("", "example.org")), r.choice((None, True, False)), images, mounts, cluster=cluster
    )


def movable(r: random.Random, stack: Stack, facts: Facts) -> tuple[Stack, Answers, StackPlan]:
    """The stack without all keys that are refused, its questions answered at random among their options."""
    answers: dict[tuple[str, str], str] = {}
    plan = convert(stack, facts, answers)
    for _ in range(ROUNDS):
        refused = {(f.service, f.key) for f in plan.findings if f.verdict is Verdict.REFUSED}
        answers = {at: answer for at, answer in answers.items() if at not in refused}
        stack = _without(stack, refused)
        for finding in plan.findings:
            choice, at = finding.choice, (finding.service, finding.key)
            if choice and not choice.given and at not in refused and (not choice.proposed or r.random() < 0.5):
                # `plain` and `configmap` are how an operator says that a value may be seen
                usable = [
                    o.answer for o in choice.options if o.answer.islower() and o.answer not in ("plain", "configmap")
                ]
                answers[at] = r.choice(usable or [choice.proposed])
        asked = {(f.service, f.key) for f in plan.findings if f.choice}
        plan = convert(stack, facts, answers)
        lost = {f.key.removeprefix("answers.") for f in plan.findings if f.key.startswith("answers.")}
        answers = {
            at: a
            for at, a in answers.items()
            if ".".join(filter(None, at)) not in lost and at in asked | answers.keys()
        }
        plan = convert(stack, facts, answers)
        if plan.verdict != "refused" and all(f.choice.answer for f in plan.findings if f.choice):
            break
    return stack, answers, plan


def _without(stack: Stack, refused: set[tuple[str, str]]) -> Stack:
    def gone(service: str, key: str) -> bool:
        return any(of == service and (at == key or at.startswith(f"{key}.")) for of, at in refused)

    def mended(service: str, key: str, value: Any) -> Any:
        if key == "volumes" and isinstance(value, list):
            return [entry for entry in value if (service, f"volumes.{mount_key(entry)}") not in refused]
        if key in ("extra_hosts", "networks", "depends_on", "labels") and isinstance(value, dict):
            return {name: inner for name, inner in value.items() if (service, f"{key}.{name}") not in refused}
        return None if gone(service, key) else value

    services = []
    for service in stack.services:
        kept = {k: mended(service.name, str(k), v) for k, v in service.raw.items() if (service.name, k) not in refused}
        raw = {k: v for k, v in kept.items() if v is not None or service.raw[k] is None or k == "image"}
        if "environment" in service.raw:
            raw["environment"] = service.raw["environment"]
        raw["image"] = service.raw.get("image") or "nginx:1"
        environment = tuple(e for e in service.environment if (service.name, f"environment.{e.name}") not in refused)
        services.append(Service(service.name, raw, environment))
    rest = {key: value for key, value in stack.raw.items() if not gone("", str(key))}
    return replace(stack, services=tuple(services), raw=rest)


def accepted(objects: Sequence[Mapping[str, Any]], namespace: str) -> str:
    """Ask the API server whether it takes all objects; answers what it says against them, empty: it does."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    command = [
        "kubectl",
        "-n",
        namespace,
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
    ]
    done = subprocess.run(
        [*command, "-o", "name", "-f", "-"], input=text, capture_output=True, text=True, check=False, timeout=600
    )
    taken = len(done.stdout.split())
    if done.returncode or taken != len(objects):
        return f"{taken} of {len(objects)} objects taken: {done.stderr}"
    return ""


def parts(seen: Sequence[Seen], size: int) -> Iterator[list[Seen]]:
    """Groups of stacks whose objects come to about `size`."""
    group: list[Seen] = []
    for one in seen:
        group.append(one)
        if sum(len(s.objects) for s in group) >= size:
            yield group
            group = []
    if group:
        yield group


__all__ = ["Invalid", "Pipeline", "Seen", "accepted", "parts"]
