"""What kompose and labtui make of the same Compose files: `scripts/compare-kompose` prints the tables of docs/kompose.md."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labtui.adapters.helm import HelmRenderer
from labtui.core.stackplan import namespace_of
from labtui.domain.compose.stack import EnvironmentValue, Origin, Service, Stack
from labtui.domain.conversion.convert import convert
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, Kind, MountFacts, NodeFacts
from labtui.domain.conversion.findings import StackPlan
from labtui.domain.errors import LabError
from tests.plans.features import CASES, FEATURES, SECRET, Feature, Objects, pods
from tests.plans.making import demo, docker_compose, plan, stacks, values

MANIFESTS = Path(__file__).parents[2] / "manifests"
CONFIG = "listen = 80\n"
GIB = 1 << 30


@dataclass(frozen=True)
class Made:
    """What a program made of a file: its objects, what it said, and the error that stopped it."""

    objects: Objects
    said: str = ""
    error: str = ""


def main() -> int:
    """Both tables, as Markdown. 2: a program is missing."""
    missing = [program for program in ("kompose", "helm") if shutil.which(program) is None]
    if missing:
        print(f"{' and '.join(missing)} must be in PATH", file=sys.stderr)
        return 2
    version = subprocess.run(["kompose", "version"], capture_output=True, text=True, check=True).stdout.split()[0]
    print(f"kompose {version}\n")
    print("| in the Compose file | kompose | labtui |\n|---|---|---|")
    for feature in FEATURES:
        print(f"| {feature.title} | {_cell(feature, *_kompose_feature(feature))} | {labtui_cell(feature)} |")
    print("\n| stack | kompose | labtui |\n|---|---|---|")
    for site, name in stacks():
        print(f"| {site}/{name} | {_stack_kompose(site, name)} | {labtui_stack(site, name)} |")
    return 0


# kompose


def kompose(document: Mapping[str, Any]) -> Made:
    """Run it on a Compose file. It looks at the bind mounts itself, on this machine: so those of the small cases are made."""
    with tempfile.TemporaryDirectory() as folder:
        file, site = Path(folder) / "compose.yaml", Path(folder) / "site"
        (site / "data/library").mkdir(parents=True)
        (site / "data/library/film.bin").write_bytes(bytes(range(256)) * 4)
        (site / "app.conf").write_text(CONFIG, encoding="utf-8")
        text = yaml.safe_dump(_escaped(document)).replace(CASES, str(site))
        file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["kompose", "convert", "--stdout", "-f", str(file)], capture_output=True, text=True, check=False, cwd=folder
        )
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
    if done.returncode:
        return Made((), said, said.strip().splitlines()[-1].removeprefix("FATA[0000]").removeprefix("FATA ").strip())
    found = [d for d in yaml.safe_load_all(done.stdout) if isinstance(d, dict)]
    objects = [o for d in found for o in (d["items"] if d.get("kind") == "List" else [d])]
    return Made(tuple(objects), "\n".join(line for line in said.splitlines() if "WARN" in line))


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {k: _escaped(v) for k, v in value.items()}
    return [_escaped(v) for v in value] if isinstance(value, list | tuple) else value


def _kompose_feature(feature: Feature) -> tuple[Made, str]:
    made = kompose({"name": "case", "services": dict(feature.services), **feature.top})
    return made, "nothing, with a warning" if made.said else ""


# labtui


def _stack(feature: Feature) -> Stack:
    services = []
    for name, raw in feature.services.items():
        environment = tuple(
            EnvironmentValue(
                k, v, Origin.VARIABLE if v == SECRET else Origin.LITERAL, ("DB_PASSWORD",) if v == SECRET else ()
            )
            for k, v in (raw.get("environment") or {}).items()
        )
        services.append(Service(name, raw, environment))
    return Stack("wroclaw", "case", tuple(services), feature.top, folder=CASES)


def labtui_cell(feature: Feature) -> str:
    """What the table says of labtui. Needs helm."""
    return _cell(feature, *_labtui_feature(feature))


def _labtui_feature(feature: Feature) -> tuple[Made, str]:
    stack = _stack(feature)
    images = {s.image: ImageFacts(("arm64",), ("/run",), (), "", ()) for s in stack.services}
    mounts = {
        f"{CASES}/data": MountFacts(Kind.FOLDER, 3 * GIB),
        "case_data": MountFacts(Kind.FOLDER, 3 * GIB),
        f"{CASES}/app.conf": MountFacts(Kind.FILE, len(CONFIG), CONFIG),
    }
    cluster = ClusterFacts((NodeFacts("n", "arm64", 8, 16 * GIB, 16 * GIB),), ("local-path",), "local-path")
    made = convert(stack, Facts("192.168.88.2", "example.org", True, images, mounts, cluster=cluster))
    found = [f for f in made.findings if f.key == feature.key or f.key.startswith(f"{feature.key}.")]
    verdicts = {f.verdict.value for f in found}
    said = (
        "refused, with the reason"
        if "refused" in verdicts
        else "asks"
        if "choice" in verdicts
        else "says why"
        if found
        else ""
    )
    try:
        return Made(_rendered(made)), said
    except LabError as error:
        return Made((), error=error.title), said


def _rendered(made: StackPlan) -> Objects:
    chart = HelmRenderer(MANIFESTS / "applications/charts/app")
    values = {**made.values, "workload": True, "traffic": "kubernetes"}
    name = namespace_of(made.stack)
    return tuple(dict(o) for o in chart.render(values, name, name))


# Tables


def _cell(feature: Feature, made: Made, said: str) -> str:
    if said.startswith("refused"):
        return said
    if made.error:
        return f"stops: {made.error[:80]}"
    seen = feature.look(made.objects)
    if not seen:
        return said or "nothing, in silence"
    return f"{seen}; {said}" if said == "asks" else seen


def _secrets_shown(objects: Sequence[Mapping[str, Any]]) -> int:
    text = yaml.safe_dump([dict(o) for o in objects])
    return sum(value in text for value in values().values() if "golden-secret" in value)


def _stack_kompose(site: str, name: str) -> str:
    stack = (docker_compose() or demo()).read(site, name)
    made = kompose({"name": name, "services": {s.name: dict(s.raw) for s in stack.services}, **stack.raw})
    if made.error:
        return f"stops: {made.error[:80]}"
    warnings, shown = len(made.said.splitlines()), _secrets_shown(made.objects)
    return f"{len(made.objects)} objects, {len(pods(made.objects))} workloads, {shown} secret values in them; {warnings} warnings"


def labtui_stack(site: str, name: str) -> str:
    """What the second table says of labtui. Needs helm."""
    made = plan(docker_compose() or demo(), site, name)
    count = {v: sum(f.verdict.value == v for f in made.findings) for v in ("converted", "choice", "refused")}
    words = f"{count['converted']} keys converted, {count['choice']} asked, {count['refused']} refused"
    if made.verdict == "refused":
        return f"{words}: stays on Docker"
    objects = _rendered(made)
    return f"{len(objects)} objects, {len(pods(objects))} workloads, {_secrets_shown(objects)} secret values in them; {words}"


if __name__ == "__main__":
    sys.exit(main())
