"""A stack as `docker compose config` merges it, and the keys of it that a migration has to answer for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JsonMapping = Mapping[str, Any]


class Origin(StrEnum):
    """Where an environment value comes from."""

    LITERAL = "literal"  # written in the Compose file
    VARIABLE = "variable"  # has a ${…} in it, filled from an env file or the shell
    ENV_FILE = "env_file"  # a line of a file that the service names under env_file
    HOST = "host"  # a name without a value: taken from the shell that runs compose


@dataclass(frozen=True, slots=True)
class EnvironmentValue:
    """One variable of a service. The value may be a secret: it is in no repr."""

    name: str
    value: str | None = field(repr=False)  # None: unset on this machine
    origin: Origin = Origin.LITERAL
    variables: tuple[str, ...] = ()  # the names of the ${…} in it
    file: str = ""  # the env file, for ENV_FILE


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `raw` is its mapping in the form that `docker compose config --format json` prints (long forms,
    absolute sources), with `$$` already turned into `$`; it may hold secrets, so it is in no repr."""

    name: str
    raw: JsonMapping = field(repr=False)
    environment: tuple[EnvironmentValue, ...] = field(default=(), repr=False)

    @property
    def image(self) -> str:
        """The image reference as written; empty for a service that is only built."""
        return str(self.raw.get("image") or "")


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack of a site. `raw` is everything of the merged file but its services (networks, volumes, configs, secrets, x-…)."""

    site: str
    name: str
    services: tuple[Service, ...]
    raw: JsonMapping = field(default_factory=dict, repr=False)
    files: tuple[str, ...] = ()  # as given to docker compose, base first
    folder: str = ""  # the folder that ${PWD} stands for, on the site's host
    folder_here: str = ""  # the same folder on this machine, where files can be read; empty: not here
    unset: tuple[str, ...] = ()  # variables that are set nowhere and have no default: empty to docker compose

    def service(self, name: str) -> Service | None:
        """The service of this name."""
        return next((s for s in self.services if s.name == name), None)


# Keys whose entries each get a verdict of their own: a mapping by its keys, a list by what names an entry.
_BY_ENTRY = frozenset(
    {
        "environment",
        "labels",
        "annotations",
        "sysctls",
        "extra_hosts",
        "ulimits",
        "storage_opt",
        "depends_on",
        "networks",
    }
)
_NESTED = frozenset({"deploy", "healthcheck", "logging", "build", "develop", "credential_spec", "blkio_config"})


def key_paths(service: Service) -> tuple[str, ...]:
    """Every key of a service that needs exactly one verdict, as a dotted path in file order.

    `environment.DB_PASSWORD`, `ports.8096/tcp`, `volumes./config`, `healthcheck.test`, `deploy.resources.limits.memory`,
    `depends_on.redis`, else the key itself. An empty mapping or list is the key itself.
    """
    found: list[str] = []
    for key, value in service.raw.items():
        if key == "environment":
            names = [e.name for e in service.environment]
            found.extend(f"environment.{name}" for name in names) if names else found.append(key)
        elif key == "ports" and isinstance(value, list) and value:
            found.extend(f"ports.{port_key(entry)}" for entry in value)
        elif key in ("volumes", "configs", "secrets") and isinstance(value, list) and value:
            found.extend(f"{key}.{mount_key(entry)}" for entry in value)
        elif key in _NESTED and isinstance(value, Mapping) and value:
            found.extend(f"{key}.{path}" for path in _leaves(value))
        elif key in _BY_ENTRY and value and isinstance(value, Mapping | list):
            found.extend(f"{key}.{entry}" for entry in value)
        else:
            found.append(key)
    return tuple(dict.fromkeys(found))


def stack_key_paths(stack: Stack) -> tuple[str, ...]:
    """Every key beside the services that needs exactly one verdict: `volumes.data`, `networks.front`, `x-common`."""
    found: list[str] = []
    for key, value in stack.raw.items():
        if key in ("networks", "volumes", "configs", "secrets") and isinstance(value, Mapping) and value:
            found.extend(f"{key}.{entry}" for entry in value)
        elif key != "services":
            found.append(str(key))
    return tuple(dict.fromkeys(found))


def port_key(entry: Any) -> str:
    """What names an entry of `ports`: container port and protocol, and the published port when there are several."""
    if not isinstance(entry, Mapping):
        return str(entry)
    published = f"{entry['published']}:" if entry.get("published") else ""
    return f"{published}{entry.get('target')}/{entry.get('protocol', 'tcp')}"


def mount_key(entry: Any) -> str:
    """What names an entry of `volumes`, `configs` or `secrets`: where it is mounted, else its source."""
    if not isinstance(entry, Mapping):
        return str(entry)
    return str(entry.get("target") or entry.get("source") or "")


def _leaves(value: Mapping[str, Any]) -> Iterator[str]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            for path in _leaves(inner):
                yield f"{key}.{path}"
        else:
            yield str(key)
