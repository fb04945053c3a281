"""The settings of the argocd program: ARGOCD_OPTS and its configuration file.

Source of all rules here: argo-cd 3.2, util/localconfig/localconfig.go (places, keys), util/config/env.go (ARGOCD_OPTS),
util/localconfig/file_perm_unix.go (mode).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labtui.domain.errors import Invalid


@dataclass(frozen=True, slots=True)
class ArgocdContext:
    """A context of the argocd program, without its token. `plaintext` and `insecure` are None where the file is silent."""

    name: str
    server: str
    user: str = ""
    plaintext: bool | None = None
    insecure: bool | None = None
    core: bool = False
    root_path: str = ""
    has_client_cert: bool = False


@dataclass(frozen=True, slots=True)
class ArgocdConfig:
    """The configuration file: which contexts there are. `warning` says in words what is wrong with the file."""

    path: Path
    current: str = ""
    contexts: tuple[ArgocdContext, ...] = ()
    warning: str = ""

    def for_server(self, server: str) -> ArgocdContext | None:
        """The context of a server, the current one first when several have it."""
        matching = [c for c in self.contexts if c.server == server]
        return next((c for c in matching if c.name == self.current), matching[0] if matching else None)

    def current_context(self) -> ArgocdContext | None:
        """What the argocd program would use now."""
        return next((c for c in self.contexts if c.name == self.current), None)


def config_path(environ: Mapping[str, str], home: Path) -> Path:
    """Where the argocd program keeps its configuration."""
    if folder := environ.get("ARGOCD_CONFIG_DIR"):
        return Path(folder) / "config"
    if (home / ".argocd").is_dir():
        return home / ".argocd" / "config"
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else home / ".config") / "argocd" / "config"


def read_config(path: Path) -> ArgocdConfig:
    """What the file says; empty when there is none. Never raises."""
    try:
        document = _load(path)
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return ArgocdConfig(path)
    except OSError as error:
        return ArgocdConfig(path, warning=f"{path} cannot be read: {error.strerror}")
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        # the parser's own words may quote a token
        return ArgocdConfig(path, warning=f"{path} is no valid YAML")
    warning = ""
    if mode not in (0o600, 0o400):
        warning = f"{path} may be read by others (mode {mode:04o}); the argocd program refuses it: chmod 600 {path}"
    servers = {_text(s, "server"): s for s in _list(document, "servers")}
    contexts = []
    for entry in _list(document, "contexts"):
        address = _text(entry, "server")
        server = servers.get(address, {})
        contexts.append(
            ArgocdContext(
                _text(entry, "name"),
                address,
                _text(entry, "user"),
                plaintext=_flag(server, "plain-text"),
                insecure=_flag(server, "insecure"),
                core=_flag(server, "core") is True,
                root_path=_text(server, "grpc-web-root-path"),
                has_client_cert=bool(_text(server, "client-certificate-data")),
            )
        )
    return ArgocdConfig(path, _text(document, "current-context"), tuple(contexts), warning)


def read_token(path: Path, user: str) -> str | None:
    """The token of a user, read now: the argocd program renews it. None when there is none."""
    try:
        document = _load(path)
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return None
    for entry in _list(document, "users"):
        if _text(entry, "name") == user:
            return _text(entry, "auth-token") or None
    return None


def parse_opts(text: str) -> Mapping[str, tuple[str, ...]]:
    """ARGOCD_OPTS as long option → its values in order (`true` for an option without one). Raises Invalid."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Invalid("ARGOCD_OPTS cannot be understood", str(error)) from None
    options: dict[str, list[str]] = {}
    waiting = ""
    for word in words:
        if word == "-H":
            word = "--header"
        if word.startswith("--"):
            if waiting:
                options[waiting].append("true")
            name, equals, value = word[2:].partition("=")
            options.setdefault(name, [])
            waiting = "" if equals else name
            if equals:
                options[name].append(value)
        elif waiting:
            options[waiting].append(word)
            waiting = ""
        else:
            # the word is not repeated: it may be a token that lost its option
            raise Invalid("ARGOCD_OPTS cannot be understood", "a value stands there without its --option")
    if waiting:
        options[waiting].append("true")
    return {name: tuple(values) for name, values in options.items()}


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _list(document: Any, key: str) -> list[Any]:
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, list) else []


def _text(entry: Any, key: str) -> str:
    found = entry.get(key) if isinstance(entry, dict) else None
    return found if isinstance(found, str) else ""


def _flag(entry: Any, key: str) -> bool | None:
    found = entry.get(key) if isinstance(entry, dict) else None
    return found if isinstance(found, bool) else None
