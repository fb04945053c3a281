"""How to reach each server: resolved settings, handed from the estate file to the adapters.

Secrets are never stored here: where one is needed there is a function that reads it when it is used, so that a renewed
token is picked up and nothing secret is in a `repr`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Secret = Callable[[], str | None]


def no_secret() -> str | None:
    """The answer where no secret is configured."""
    return None


@dataclass(frozen=True, slots=True)
class KubernetesConnection:
    """A context of the kubeconfig; `kubeconfig` empty means the standard places, `context` empty the current context."""

    context: str = ""
    kubeconfig: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class DockerConnection:
    """A Docker engine: `unix:///path`, `tcp://host:port` (with the three PEM files for TLS) or `ssh://[user@]host[:port]`."""

    site: str
    host: str
    ca_cert: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    skip_tls_verify: bool = False
    context: str = ""  # the docker context it came from, for people


@dataclass(frozen=True, slots=True)
class ArgocdConnection:
    """An Argo CD API server. `server` is host[:port] without a scheme; https unless `plaintext`."""

    server: str
    plaintext: bool = False
    insecure: bool = False
    root_path: str = ""
    token: Secret = field(default=no_secret, repr=False)
    client_cert: Path | None = None
    client_key: Path | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def url(self) -> str:
        """Base address without a trailing slash."""
        root = "/" + self.root_path.strip("/") if self.root_path.strip("/") else ""
        return f"{'http' if self.plaintext else 'https'}://{self.server}{root}"


@dataclass(frozen=True, slots=True)
class VaultConnection:
    """A Vault or OpenBao server and the KV v2 mount that the estate keeps its secrets in.

    `auth` is `token`, `kubernetes` or `approle`; the last two log in with `role` (and the functions below) at `auth_mount`.
    """

    address: str
    mount: str = "kv"
    namespace: str = ""
    auth: str = "token"
    token: Secret = field(default=no_secret, repr=False)
    role: str = ""
    auth_mount: str = ""
    jwt: Secret = field(default=no_secret, repr=False)
    secret_id: Secret = field(default=no_secret, repr=False)
    ca_cert: Path | None = None
    skip_verify: bool = False
    poll_seconds: float = 10.0
