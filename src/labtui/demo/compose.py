"""The simulated sites' stacks: `ports.ComposeFiles` over compose/, in the form that `docker compose config` prints.

Does what docker compose does with the features that the reference estate uses, no more; a test compares the two.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labtui.demo.files import SITES, ComposeService, load_stacks, merged_files
from labtui.domain.compose.stack import Service, Stack
from labtui.domain.compose.variables import environment_values, strings, unset_variables, written_environment
from labtui.domain.errors import Invalid, NotFound
from labtui.domain.text import clean

_FILL = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::?-(?P<default>[^}]*))?\}")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?\Z")
_SIZES = {"K": 1024, "M": 1024**2, "G": 1024**3}
_HEALTHCHECK = ("test", "timeout", "interval", "start_period")  # in the order of docker compose config
_AS_IT_IS = ("cap_add", "container_name", "expose", "network_mode", "restart", "user")


class DemoCompose:
    """The stacks of the demo's sites. Every variable without a default is set to something that shows what it is."""

    def __init__(self, *folders: Path, values: Mapping[str, str] | None = None) -> None:
        """`folders` each hold `_base` and the sites' folders. `values` replaces what variables stand for (for tests); PWD is
        always the site's folder on its host."""
        self.folders = folders
        self._values = values

    def stacks(self, site: str) -> tuple[str, ...]:
        """See `ports.ComposeFiles`."""
        self._demand(site)
        return tuple(sorted(file.stem for folder in self.folders for file in (folder / site).glob("*.yaml")))

    def read(self, site: str, stack: str) -> Stack:
        """See `ports.ComposeFiles`."""
        if stack not in self.stacks(site):
            there = ", ".join(self.stacks(site))
            raise NotFound(f"{site} has no stack {clean(stack, 60)}", "", f"There are: {there}")
        compose = self._of(site, stack)
        written = merged_files(compose, site, stack)
        value_of = self._lookup(site, written)
        document = {k: v for k, v in written.items() if k != "services"}
        services = sorted(written["services"].items())
        rest: dict[str, Any] = {"networks": _networks(stack, written)}
        if volumes := document.get("volumes"):
            rest["volumes"] = {name: {"name": f"{stack}_{name}"} for name in sorted(volumes)}
        return Stack(
            site=site,
            name=stack,
            services=tuple(_service(name, service, value_of) for name, service in services),
            raw=rest,
            files=(f"../_base/{stack}.yaml", f"{stack}.yaml"),
            folder=f"/srv/{site}",
            folder_here=str(compose / site),
            unset=unset_variables(written, value_of),
        )

    def templates(self, site: str, stack: str) -> tuple[str, ...]:
        """What the stack's templates are filled into, relative to the site's folder."""
        self._demand(site)
        folder = self._of(site, stack) / site
        found = (file.relative_to(folder) for file in (folder / stack).rglob("*.tmpl"))
        return tuple(sorted(str(file.with_name(file.stem)) for file in found))

    def services(self, site: str, stack: str) -> tuple[ComposeService, ...]:
        """The services of a stack as its containers are made from them."""
        return tuple(s for s in load_stacks(site, self._of(site, stack)) if s.stack == stack)

    def texts(self, site: str, stack: str) -> Mapping[str, str]:
        """The stack's own files by their path from the folder above the site's."""
        compose = self._of(site, stack)
        files = [compose / place / f"{stack}.yaml" for place in ("_base", site)]
        files += (compose / site / stack).rglob("*.tmpl")
        return {str(f.relative_to(compose)): f.read_text(encoding="utf-8") for f in sorted(files) if f.is_file()}

    def settings(self, site: str, stack: str) -> Mapping[str, str]:
        """What its variables without a default stand for; some are secrets."""
        written = merged_files(self._of(site, stack), site, stack)
        value_of = self._lookup(site, written)
        names = {m["name"] for text in strings(written) for m in _FILL.finditer(text) if m["name"]} - {"PWD"}
        return {name: value for name in names if (value := value_of(name)) is not None}

    def _of(self, site: str, stack: str) -> Path:
        """The folder that has the files of a stack."""
        found = (folder for folder in self.folders if (folder / site / f"{stack}.yaml").is_file())
        return next(found, self.folders[0])

    def _demand(self, site: str) -> None:
        if site not in SITES:
            raise NotFound(f"There is no site {clean(site, 60)}", "", f"There are: {', '.join(SITES)}")

    def _lookup(self, site: str, written: Mapping[str, Any]) -> Callable[[str], str | None]:
        values = self._values
        optional = {m["name"] for text in strings(written) for m in _FILL.finditer(text) if m["default"] is not None}

        def value_of(name: str) -> str | None:
            if name == "PWD":
                return f"/srv/{site}"
            if values is not None:
                return values.get(name)
            return None if name in optional else f"demo-{name.lower().replace('_', '-')}"

        return value_of


def _service(name: str, service: Mapping[str, Any], value_of: Callable[[str], str | None]) -> Service:
    filled = _filled({k: v for k, v in service.items() if k != "environment"}, value_of)
    raw: dict[str, Any] = {k: filled[k] for k in _AS_IT_IS if k in filled}
    raw["image"] = filled["image"]
    for key, convert in _FORMS.items():
        if key in filled:
            raw[key] = convert(filled[key])
    if "network_mode" not in filled:
        raw["networks"] = dict.fromkeys(sorted(filled.get("networks") or ["default"]))
    written = {k: v for k, v in sorted(written_environment(service.get("environment")).items())}
    values = {k: _text(v, value_of) for k, v in written.items() if v is not None}
    environment = environment_values(values, written, value_of, lambda name: "")
    if environment:
        raw["environment"] = {e.name: e.value for e in environment}
    return Service(name, {key: raw[key] for key in sorted(raw)}, environment)


def _networks(stack: str, written: Mapping[str, Any]) -> dict[str, Any]:
    used: set[str] = set()
    for service in written["services"].values():
        if "network_mode" not in service:
            used |= set(service.get("networks") or ["default"])
    return {name: {"name": f"{stack}_{name}", "ipam": {}} for name in sorted(used)}


def _filled(value: Any, value_of: Callable[[str], str | None]) -> Any:
    if isinstance(value, str):
        return _text(value, value_of)
    if isinstance(value, Mapping):
        return {k: _filled(v, value_of) for k, v in value.items()}
    return [_filled(v, value_of) for v in value] if isinstance(value, list) else value


def _text(text: str, value_of: Callable[[str], str | None]) -> str:
    def one(met: re.Match[str]) -> str:
        if met[0] == "$$":
            return "$"
        return value_of(met["name"]) or met["default"] or ""

    return _FILL.sub(one, text)


def _command(value: Any) -> list[str]:
    return shlex.split(value) if isinstance(value, str) else [str(v) for v in value]


def _ports(value: list[Any]) -> list[dict[str, Any]]:
    found = []
    for text in map(str, value):
        numbers, _, protocol = text.partition("/")
        published, _, target = numbers.rpartition(":")
        port = {"mode": "ingress", "target": int(target), "published": published, "protocol": protocol or "tcp"}
        found.append(port)
    return found


def _volumes(value: list[Any]) -> list[dict[str, Any]]:
    return [dict(entry) if isinstance(entry, Mapping) else _volume(str(entry)) for entry in value]


def _volume(text: str) -> dict[str, Any]:
    source, target, *mode = text.split(":")
    bind = source.startswith("/")
    found: dict[str, Any] = {"type": "bind" if bind else "volume", "source": source, "target": target}
    if mode == ["ro"]:
        found["read_only"] = True
    return found | ({"bind": {"create_host_path": True}} if bind else {"volume": {}})


def _deploy(value: Mapping[str, Any]) -> dict[str, Any]:
    resources = {}
    for kind, amounts in value["resources"].items():
        resources[kind] = {k: _memory(v) if k == "memory" else float(v) for k, v in amounts.items()}
    return {"resources": resources}


def _memory(value: Any) -> str:
    text = str(value)
    return str(int(text[:-1]) * _SIZES[text[-1]])


def _healthcheck(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: value[k] if k == "test" else _duration(str(value[k])) for k in _HEALTHCHECK if k in value}


def _duration(text: str) -> str:
    met = _DURATION.match(text)
    if met is None:
        raise Invalid(f"{text!r} is no duration of the reference estate")
    hours, minutes, seconds = (int(part or 0) for part in met.groups())
    minutes, hours = minutes % 60, hours + minutes // 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}s"


def _devices(value: list[Any]) -> list[dict[str, str]]:
    found = []
    for text in value:
        source, target, *mode = str(text).split(":")
        found.append({"source": source, "target": target, "permissions": mode[0] if mode else "rwm"})
    return found


_FORMS: dict[str, Callable[[Any], Any]] = {
    "command": _command,
    "depends_on": lambda v: {name: {"condition": "service_started", "required": True} for name in sorted(v)},
    "deploy": _deploy,
    "devices": _devices,
    "extra_hosts": lambda v: [str(entry).replace(":", "=", 1) for entry in v],
    "healthcheck": _healthcheck,
    "ports": _ports,
    "volumes": _volumes,
}
