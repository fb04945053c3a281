"""Makes the plan of a stack in compose/ and writes it so that people can read it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from labtui.domain.compose.stack import EnvironmentValue, Origin, Service, Stack
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.findings import StackPlan
from tests.plans.facts import facts

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
COMPOSE = HERE.parent.parent / "compose"
SITES = ("kyiv", "wroclaw")


def stacks() -> list[tuple[str, str]]:
    """Site and name of every stack."""
    return [(site, file.stem) for site in SITES for file in sorted((COMPOSE / site).glob("*.yaml"))]


def program() -> list[str]:
    """How docker compose is called here; empty: it is missing."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]):
            done = subprocess.run([*words, "version"], capture_output=True, text=True, check=False)
            if "Docker Compose" in done.stdout:
                return words
    return []


def read(site: str, name: str) -> Stack:
    """The merged stack, in the form that a site's reader gives it."""
    files = [file for file in (COMPOSE / "_base" / f"{name}.yaml", COMPOSE / site / f"{name}.yaml") if file.exists()]
    merged = _config(site, name, files)
    written = _config(site, name, files, "--no-interpolate")["services"]
    services = []
    for service, raw in merged.pop("services").items():
        templates = written[service].get("environment") or {}
        values = [
            _value(key, value, str(templates.get(key, ""))) for key, value in (raw.get("environment") or {}).items()
        ]
        services.append(Service(service, raw, tuple(values)))
    return Stack(site, name, tuple(services), merged, tuple(map(str, files)), f"/srv/{site}", str(COMPOSE / site))


def _value(name: str, value: str | None, template: str) -> EnvironmentValue:
    variables = tuple(re.findall(r"\$\{?(\w+)", template.replace("$$", "")))
    return EnvironmentValue(name, value, Origin.VARIABLE if variables else Origin.LITERAL, variables)


def _config(site: str, name: str, files: list[Path], *more: str) -> dict[str, Any]:
    argv = [*program(), "-p", name, "--project-directory", str(COMPOSE / site), "--env-file", str(HERE / "values.env")]
    for file in files:
        argv += ["-f", str(file)]
    # nothing of the caller's but what finds the program: a variable of theirs could be one of the stack's
    env = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ} | {
        "PWD": f"/srv/{site}"
    }
    done = subprocess.run(
        [*argv, "config", "--format", "json", *more], env=env, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = _unescaped(json.loads(done.stdout.replace(str(COMPOSE / site), f"/srv/{site}")))
    return found


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: _unescaped(inner) for key, inner in value.items()}
    return [_unescaped(inner) for inner in value] if isinstance(value, list) else value


def plan(site: str, name: str) -> StackPlan:
    """The plan with nothing answered."""
    return convert(read(site, name), facts(site))


def written(made: StackPlan) -> str:
    """The whole plan as YAML, a line for each finding."""
    findings = []
    for f in made.findings:
        proposed = (
            f" [{f.choice.proposed or 'must be answered'}: {', '.join(o.answer for o in f.choice.options)}]"
            if f.choice
            else ""
        )
        findings.append(f"{f.service or '-'} {f.key}: {f.verdict.value}: {f.detail}{proposed}")
    document = {
        "verdict": made.verdict,
        "interruption": made.interruption,
        "components": list(made.components),
        "findings": findings,
        "secrets": [f"{s.service} {s.variable} -> {s.path}#{s.key} ({s.reason})" for s in made.secrets],
        "volumes": [
            f"{v.service} {v.source} -> {v.target}: {v.becomes}, {v.size} bytes, writer: {v.writer}"
            for v in made.volumes
        ],
        "values": dict(made.values),
    }
    return yaml.safe_dump(document, sort_keys=False, width=1000, allow_unicode=True)
