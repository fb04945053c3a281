"""Makes the plan of a stack in compose/ and writes it so that people can read it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import yaml

from labtui.adapters.compose import ComposeReader, Place
from labtui.adapters.compose.program import find_program
from labtui.demo.compose import DemoCompose
from labtui.domain.compose.stack import Stack
from labtui.domain.conversion.context import Answers
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.findings import Choice, Finding, StackPlan
from labtui.domain.errors import Refused
from tests.plans.facts import facts

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
COMPOSE = HERE.parent.parent / "compose"
SITES = ("kyiv", "wroclaw")


class Reader(Protocol):
    """What reads the stacks: docker compose or the demo."""

    def read(self, site: str, stack: str) -> Stack:
        """The merged stack."""
        ...


def stacks() -> list[tuple[str, str]]:
    """Site and name of every stack."""
    return [(site, file.stem) for site in SITES for file in sorted((COMPOSE / site).glob("*.yaml"))]


def values() -> dict[str, str]:
    """What the variables of the stacks stand for."""
    lines = (HERE / "values.env").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=")[::2] for line in lines if line and not line.startswith("#"))
    return {name: value.strip("'") for name, value in pairs}


def docker_compose() -> Reader | None:
    """The reader that asks docker compose; None where that is missing."""
    # nothing of the caller's but what finds the program: a variable of theirs could be one of the stack's
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ}
    try:
        find_program(environ)
    except Refused:
        return None
    return ComposeReader([Place(site, COMPOSE / site, f"/srv/{site}") for site in SITES], environ | values())


def demo() -> Reader:
    """The reader that needs no program; another test says that it reads what docker compose does."""
    return DemoCompose(COMPOSE, values=values())


def plan(reader: Reader, site: str, name: str, answers: Answers | None = None) -> StackPlan:
    """The plan of a stack, with nothing answered unless said otherwise."""
    stack = reader.read(site, name)
    return convert(stack, facts(stack), answers or {})


def written(made: StackPlan) -> str:
    """The whole plan as YAML: a line for each finding, and one below it for each answer that it takes."""
    document = {
        "verdict": made.verdict,
        "interruption": made.interruption,
        "components": list(made.components),
        "findings": [line for finding in made.findings for line in _lines(finding)],
        "secrets": [f"{s.service} {s.variable} -> {s.path}#{s.key} ({s.reason})" for s in made.secrets],
        "volumes": [
            f"{v.service} {v.source or '(no name)'} -> {v.target}: {v.becomes}, {v.size} bytes, writer: {v.writer}"
            for v in made.volumes
        ],
        "values": dict(made.values),
    }
    return yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)


def _lines(finding: Finding) -> list[str]:
    lines = [f"{finding.service or '-'} {finding.key}: {finding.verdict.value}: {finding.detail}"]
    if finding.choice is not None:
        lines.append(f"  ? {finding.choice.question}")
        lines += [f"  {_sign(finding.choice, o.answer)} {o.answer}: {o.meaning}" for o in finding.choice.options]
    return lines


def _sign(choice: Choice, answer: str) -> str:
    return "*" if answer == choice.answer else "-"
