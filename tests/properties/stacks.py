"""Whole stacks: made from a seed as keys and values, and written as the files of a site in one of the many ways to write the same.

What is made and how it is written are kept apart, and every decision on how hangs on the seed, the service and the key alone:
a key can be taken out of a stack that fails, and the rest is written as it was (`smaller`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests.properties.keys import SERVICE, YOUNG, used
from tests.properties.nested_values import Values, top_level
from tests.properties.planting import Planted
from tests.properties.service_values import SKIP, Around

NAME = "stack"
Keys = dict[str, Any]
_REFERENCES = frozenset(
    (
        *("depends_on", "links", "volumes_from", "network_mode", "ipc", "pid"),
        *("networks", "volumes", "configs", "secrets", "models", "credential_spec", "build"),
    )
)
_PATHS = frozenset(["env_file", "label_file", "develop"])
_MADE = [key for key in SERVICE if f"services.*.{key}" not in YOUNG and key != "extends"]
_NAMES = ("web", "db", "my_db", "Cache", "9lives", "a.b", "long-" + "x" * 60, "worker", "server", "api")


@dataclass(frozen=True)
class Made:
    """A stack. `files` are those beside the Compose files; `secrets` are all values that nothing may show."""

    seed: int
    services: dict[str, Keys]
    included: dict[str, Keys]
    top: Keys
    planted: Planted = field(repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> list[str]:
        """The planted values."""
        return self.planted.values

    def keys(self) -> Counter[str]:
        """The documented keys that it uses, and how often."""
        found = Counter(used({"services": {**self.services, **self.included}, **self.top}))
        text = "".join(self.texts().values())
        more = {
            "include": "include:",
            "name": f"name: {NAME}",
            "version": "version: ",
            "services.*.extends": "extends:",
        }
        found.update({key: text.count(word) for key, word in more.items() if word in text})
        found.update(
            {
                f"include.{k}": 1
                for k in ("path", "env_file", "project_directory")
                if f"{k}: parts/more" in text or f"{k}: parts/}}" in text
            }
        )
        found.update(
            {f"services.*.extends.{k}": 1 for k in ("file", "service") if f"{k}: " in text.partition("extends:")[2]}
        )
        found["services"] += 1
        return found

    def texts(self) -> dict[str, str]:
        """The files of the site `kyiv` and of `_base`, by path."""
        return _Writer(self).files()

    def write(self, folder: Path) -> Path:
        """Write the files; answers the site's folder."""
        for name, text in self.texts().items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return folder / "kyiv"


def make(seed: int, services: int | None = None) -> Made:
    """The stack of a seed."""
    r = random.Random(seed)
    planted, around = Planted(r), Around()
    top = top_level(Values(r, planted, around), around)
    if r.random() < 0.4:
        top["x-" + r.choice(("common", "note", "a.b"))] = {
            "token": planted.value(),
            "list": [1, None, {"deep": planted.written()}],
        }
    names = r.sample(_NAMES, services or r.choice((1, 2, 2, 3, 4)))
    made: dict[str, Keys] = {}
    for name in names:
        around.peers = list(made)
        made[name] = _service(r, Values(r, planted, around))
    included = {}
    if r.random() < 0.25:
        alone = Values(r, planted, Around(files=around.files))
        included["included"] = {k: v for k, v in _service(r, alone).items() if k not in _REFERENCES | _PATHS} | {
            "image": "x:1"
        }
    return Made(seed, made, included, top, planted, around.files)


def _service(r: random.Random, values: Values) -> Keys:
    share = r.choice((0.08, 0.2, 0.5))
    keys = [key for key in _MADE if r.random() < share]
    r.shuffle(keys)
    made = {key: value for key in keys if (value := values.make(key)) is not SKIP}
    if r.random() < 0.2:
        made["x-note"] = r.choice((None, {"password": values.planted.value()}, "text"))
    for key in ("deploy", "healthcheck", "build"):
        if isinstance(made.get(key), dict) and r.random() < 0.2:
            made[key]["x-inner"] = values.planted.value()
    if not made.keys() & {"image", "build", "provider"}:
        made["image"] = values.make("image")
    for key in _conflicting(made):
        made.pop(key, None)
    return made


def _conflicting(made: Keys) -> Iterator[str]:
    """What docker compose does not take beside what else is there."""
    deploy = made.get("deploy") or {}
    resources = deploy.get("resources") or {}
    if "network_mode" in made:
        yield from ("networks", "mac_address")
    if "networks" in made:
        yield "mac_address"
    if isinstance(made.get("build"), dict) and "platforms" in made["build"]:
        yield "platform"
    if "replicas" in deploy:
        yield "scale"
    if {"replicas"} & deploy.keys() or "scale" in made:
        yield "container_name"
    if resources.keys() & {"limits", "reservations"}:
        yield from ("cpus", "mem_limit", "mem_reservation", "pids_limit", "gpus")  # two values for one thing


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Writer:
    """One stack as text. `_how` decides, always the same for the same seed and place."""

    def __init__(self, made: Made) -> None:
        self._made = made
        self._anchors: list[str] = []
        self._base: dict[str, list[str]] = {}
        self._parts: dict[str, list[str]] = {}
        self._with_base = self._how("base").random() < 0.4

    def _how(self, *place: str) -> random.Random:
        return random.Random("/".join((str(self._made.seed), *place)))

    def files(self) -> dict[str, str]:
        """See `Made.texts`."""
        how = self._how("files")
        blocks = [self._service(name, keys) for name, keys in self._made.services.items()]
        top = [self._pair(key, value, self._how("top", key)) for key, value in self._made.top.items()]
        head = how.choice(("", "---\n", "# a comment\n", f"name: {NAME}\n", "version: '3.8'\n", "%YAML 1.1\n---\n"))
        include = self._include() if self._made.included else ""
        anchors = f"x-anchors:\n{_indented(''.join(self._anchors))}" if self._anchors else ""
        own = f"{head}{anchors}{include}services:\n{_indented(''.join(blocks))}{''.join(top)}"
        found = {f"kyiv/{NAME}.yaml": own, "kyiv/.env.user": self._made.planted.env_file()}
        if self._base:
            found[f"_base/{NAME}.yaml"] = "services:\n" + _indented(
                "".join(_block(*item) for item in self._base.items())
            )
        beside = dict(self._made.files)
        if self._parts:
            beside["parts/base.yaml"] = "services:\n" + _indented(
                "".join(_block(*item) for item in self._parts.items())
            )
        if self._made.included:
            services = "".join(
                _block(n, [_dumped({k: v}) for k, v in keys.items()]) for n, keys in self._made.included.items()
            )
            beside["parts/more.yaml"] = "services:\n" + _indented(services)
            beside["parts/more.env"] = self._made.planted.env_file()
        # relative paths are relative to the first file's folder
        found.update({f"{where}/{name}": text for name, text in beside.items() for where in ("kyiv", "_base")})
        if how.random() < 0.1:
            found[f"kyiv/{NAME}.yaml"] = own.replace("\n", "\r\n")
        return found

    def _include(self) -> str:
        place = self._how("include").choice(
            (
                "parts/more.yaml",
                "{path: parts/more.yaml, env_file: parts/more.env}",
                "{path: parts/more.yaml, project_directory: parts/}",
            )
        )
        return f"include:\n  - {place}\n"

    def _service(self, name: str, keys: Keys) -> str:
        lines: list[str] = []
        merged: list[str] = []
        base: list[str] = []
        parts: list[str] = []
        for key, value in keys.items():
            how = self._how(name, key)
            where = how.random()
            if where < 0.12:
                merged.append(_dumped({key: value}))
            elif where < 0.24 and self._with_base:
                base.append(_dumped({key: value}, how.random() < 0.2))
            elif where < 0.34 and key not in _REFERENCES | _PATHS:
                parts.append(_dumped({key: value}, how.random() < 0.2))
            elif where < 0.42 and self._with_base and key in ("dns", "logging", "cap_add", "dns_search"):
                base.append(_dumped({key: {"driver": "none"} if key == "logging" else ["z"]}))
                lines.append(_tagged(key, value))
            else:
                lines.append(self._pair(key, value, how))
        if merged:
            lines.insert(0, self._merge(name, merged))
        if parts:
            self._parts[f"part-{len(self._parts)}"] = parts
            lines.append(f"extends: {{file: parts/base.yaml, service: part-{len(self._parts) - 1}}}\n")
        if self._with_base and self._how(name, "reset").random() < 0.2 and "tty" not in keys:
            base.append("tty: true\n")
            lines.append("tty: !reset null\n")
        if base:
            self._base[name] = base
        return _block(name, lines)

    def _merge(self, name: str, pairs: list[str]) -> str:
        first = len(self._anchors)
        how = self._how(name, "<<")
        groups = [pairs] if how.random() < 0.5 or len(pairs) < 2 else [pairs[:1], pairs[1:]]
        for group in groups:
            self._anchors.append(f"m{len(self._anchors)}: &m{len(self._anchors)}\n{_indented(''.join(group))}")
        names = [f"*m{first + number}" for number in range(len(groups))]
        return f"<<: {names[0]}\n" if len(names) == 1 else f"<<: [{', '.join(names)}]\n"

    def _pair(self, key: str, value: Any, how: random.Random) -> str:
        if how.random() < 0.08 and value not in (None, "", [], {}):
            self._anchors.append(f"v{len(self._anchors)}: &v{len(self._anchors)}\n{_indented(_dumped(value))}")
            return f"{_dumped(key).strip()}: *v{len(self._anchors) - 1}\n"
        return _dumped({key: value}, how.random() < 0.2)


def _tagged(key: str, value: Any) -> str:
    return f"{key}: !override {_in_one_line(value)}\n"


def _in_one_line(value: Any) -> str:
    text = str(yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=10**6, allow_unicode=True))
    return text.strip().removesuffix("...").strip()


def _dumped(value: Any, flow: bool = False) -> str:
    if isinstance(value, dict) and flow:
        ((key, inner),) = value.items()
        return f"{_dumped(key).strip()}: {_in_one_line(inner)}\n"
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, width=10**6, allow_unicode=True, sort_keys=False)
    return str(text).removesuffix("...\n")


def _block(name: str, lines: list[str]) -> str:
    return f"{_dumped(name).strip()}:\n{_indented(''.join(lines))}" if lines else f"{_dumped(name).strip()}: {{}}\n"


def _indented(text: str) -> str:
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def smaller(made: Made, fails: Callable[[Made], bool]) -> Made:
    """The smallest stack that still fails, by taking out one service, key or entry after the other."""
    again = True
    while again:
        again = False
        for candidate in _without_one(made):
            if fails(candidate):
                made, again = candidate, True
                break
    return made


def _without_one(made: Made) -> Iterator[Made]:
    for where in ("services", "included", "top"):
        kept: Keys = getattr(made, where)
        for path in _removable(kept):
            tried = deepcopy(kept)
            inner = tried
            for step in path[:-1]:
                inner = inner[step]
            del inner[path[-1]]
            parts: dict[str, Any] = {where: tried}
            yield replace(made, **parts)


def _removable(value: Any, depth: int = 0) -> Iterator[tuple[Any, ...]]:
    steps = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    yield from ((step,) for step in steps)
    if depth < 4:
        for step in steps:
            yield from ((step, *rest) for rest in _removable(value[step], depth + 1))
