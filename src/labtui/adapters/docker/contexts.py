"""The docker client's contexts, read from its plain files: no SDK, no engine.

Layout (docker/cli, cli/context/store): `contexts/meta/<sha256 of the name>/meta.json` holds `Name`, `Metadata.Description`
and `Endpoints.docker.{Host,SkipTLSVerify}`; `contexts/tls/<same sha256>/docker/{ca,cert,key}.pem` the TLS files.
Which context is the current one (docker/cli, cli/command/cli.go: resolveContextName): DOCKER_HOST means `default`,
then DOCKER_CONTEXT, then `currentContext` in config.json.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT = "default"
DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class DockerContext:
    """A context of the docker client. `warning` is set, and `host` may be empty, when its file is damaged."""

    name: str
    host: str = ""
    ca_cert: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    skip_verify: bool = False
    description: str = ""
    warning: str = ""


def load_contexts(docker_config: Path) -> tuple[DockerContext, ...]:
    """All contexts under the client's folder (`~/.docker`), by name; `default` is not among them, it has no file.

    Never raises: what cannot be read or understood comes back as a context with a `warning`.
    """
    meta = docker_config / "contexts" / "meta"
    try:
        folders = sorted(p for p in meta.iterdir() if p.is_dir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        return (DockerContext("", warning=f"{meta} cannot be read: {error.strerror}"),)
    return tuple(sorted((_load(docker_config, folder) for folder in folders), key=lambda c: c.name))


def find_context(docker_config: Path, name: str, environ: Mapping[str, str]) -> DockerContext | None:
    """The context of that name, None if there is none. `default` is what DOCKER_HOST and its TLS variables say."""
    if name == DEFAULT:
        return _default(docker_config, environ)
    return next((c for c in load_contexts(docker_config) if c.name == name), None)


def current_context(docker_config: Path, environ: Mapping[str, str]) -> str:
    """The name of the context that `docker` would use now."""
    if environ.get("DOCKER_HOST"):
        return DEFAULT
    if name := environ.get("DOCKER_CONTEXT"):
        return name
    try:
        config = json.loads((docker_config / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return DEFAULT
    name = config.get("currentContext") if isinstance(config, dict) else None
    return name if isinstance(name, str) and name else DEFAULT


def _load(docker_config: Path, folder: Path) -> DockerContext:
    file = folder / "meta.json"
    try:
        meta = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        return DockerContext(folder.name, warning=f"{file} cannot be read: {error.strerror}")
    except ValueError:
        return DockerContext(folder.name, warning=f"{file} is not valid JSON")
    name = _text(meta, "Name")
    if not name:
        return DockerContext(folder.name, warning=f"{file} has no Name")
    host = _text(meta, "Endpoints", "docker", "Host")
    warning = "" if host else f"{file} has no Docker endpoint"
    if hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest() != folder.name:
        warning = f"{file} says it is {name!r}, its folder says otherwise"
    tls = docker_config / "contexts" / "tls" / folder.name / "docker"
    return DockerContext(
        name,
        host,
        *_pem_files(tls),
        skip_verify=_at(meta, "Endpoints", "docker", "SkipTLSVerify") is True,
        description=_text(meta, "Metadata", "Description"),
        warning=warning,
    )


def _default(docker_config: Path, environ: Mapping[str, str]) -> DockerContext:
    host = environ.get("DOCKER_HOST") or DEFAULT_HOST
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not (host.startswith("tcp://") and (verify or environ.get("DOCKER_TLS"))):
        return DockerContext(DEFAULT, host)
    folder = Path(environ.get("DOCKER_CERT_PATH") or docker_config)
    return DockerContext(DEFAULT, host, *_pem_files(folder), skip_verify=not verify)


def _pem_files(folder: Path) -> tuple[Path | None, Path | None, Path | None]:
    ca, cert, key = (file if file.is_file() else None for file in (folder / f"{n}.pem" for n in ("ca", "cert", "key")))
    return ca, cert, key


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any, *keys: str) -> str:
    found = _at(value, *keys)
    return found if isinstance(found, str) else ""
