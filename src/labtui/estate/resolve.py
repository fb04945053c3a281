"""From the estate file and the environment to one connection a source. Connects to nothing, imports no client library.

Standard settings win over the file. A source belongs to the estate when the file has its section, or when its own
variable is set: KUBECONFIG, ARGOCD_SERVER (or `--server` in ARGOCD_OPTS), VAULT_ADDR. What merely lies around
(~/.kube/config, ~/.vault-token, the argocd program's file) never adds a source.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labtui.adapters.docker.contexts import find_context, load_contexts
from labtui.domain.checks import Check, Verdict
from labtui.domain.connections import (
    ArgocdConnection,
    DockerConnection,
    KubernetesConnection,
    Secret,
    VaultConnection,
    no_secret,
)
from labtui.domain.errors import Invalid
from labtui.estate.argocd_cli import ArgocdContext, config_path, parse_opts, read_config, read_token
from labtui.estate.file import ArgocdSettings, Estate, Site, VaultSettings, argocd_server, docker_host, http_address

# where Kubernetes mounts a pod's token (kubernetes.io: Service Accounts)
POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
# what Go's strconv.ParseBool takes, which the vault program uses
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


class _Wrong(Protocol):
    """Notes a problem of one source."""

    def __call__(self, detail: str, remedy: str = "", verdict: Verdict = Verdict.FAIL) -> None: ...


@dataclass(frozen=True, slots=True)
class Connections:
    """How to reach each source; None or absent for what does not belong to the estate or cannot even be tried.

    `problems` says which sources cannot be tried, and why, and what looks wrong.
    """

    kubernetes: KubernetesConnection | None = None
    argocd: ArgocdConnection | None = None
    docker: tuple[DockerConnection, ...] = ()
    vault: VaultConnection | None = None
    problems: tuple[Check, ...] = ()


def resolve(estate: Estate, environ: Mapping[str, str], home: Path) -> Connections:
    """All connections of an estate. Never raises for one bad source: that one is named in `problems`."""
    problems: list[Check] = []
    docker = [_docker(site, environ, home, problems) for site in estate.sites]
    kubernetes = _kubernetes(estate, environ, home)
    argocd = _argocd(estate.argocd, environ, home, problems)
    vault = _vault(estate.vault, environ, home, problems)
    if not (estate.sites or kubernetes or argocd or vault or problems):
        words = f"{estate.path} names no site, cluster, argocd or vault"
        problems.append(
            Check("estate", "sources", Verdict.WARN, words, "Add a section; labtui init finds what there is")
        )
    return Connections(kubernetes, argocd, tuple(d for d in docker if d is not None), vault, tuple(problems))


def kubeconfig_paths(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The kubeconfig files in order: KUBECONFIG is a list like PATH, else ~/.kube/config."""
    listed = tuple(Path(p) for p in environ.get("KUBECONFIG", "").split(os.pathsep) if p)
    return listed or (home / ".kube" / "config",)


def docker_folder(environ: Mapping[str, str], home: Path) -> Path:
    """The docker client's folder: DOCKER_CONFIG, else ~/.docker."""
    return Path(environ.get("DOCKER_CONFIG") or home / ".docker")


def _kubernetes(estate: Estate, environ: Mapping[str, str], home: Path) -> KubernetesConnection | None:
    if estate.cluster is None and not environ.get("KUBECONFIG"):
        return None
    # whether the context exists is the adapter's to find out: a kubeconfig may be written while labtui runs
    return KubernetesConnection(estate.cluster.context if estate.cluster else "", kubeconfig_paths(environ, home))


def _docker(site: Site, environ: Mapping[str, str], home: Path, problems: list[Check]) -> DockerConnection | None:
    if not site.context:
        return DockerConnection(site.name, site.host)

    def wrong(detail: str, remedy: str, verdict: Verdict = Verdict.FAIL) -> None:
        problems.append(Check(site.name, "settings", verdict, detail, remedy))

    folder = docker_folder(environ, home)
    context = find_context(folder, site.context, environ)
    if context is None:
        names = ", ".join(("default", *(c.name for c in load_contexts(folder))))
        create = f"docker context create {shlex.quote(site.context)} --docker host=ssh://USER@HOST"
        wrong(f"there is no docker context {site.context} in {folder}; there are: {names}", create)
        return None
    if context.warning:
        remedy = f"docker context rm {shlex.quote(site.context)}, then create it again"
        wrong(context.warning, remedy, Verdict.WARN if context.host else Verdict.FAIL)
    if not context.host:
        return None
    if docker_host(context.host):
        wrong(f"the docker context {site.context} has an endpoint that labtui cannot use", docker_host(context.host))
        return None
    return DockerConnection(
        site.name,
        context.host,
        context.ca_cert,
        context.client_cert,
        context.client_key,
        context.skip_verify,
        context.name,
    )


def _argocd(
    settings: ArgocdSettings | None, environ: Mapping[str, str], home: Path, problems: list[Check]
) -> ArgocdConnection | None:
    def wrong(detail: str, remedy: str = "", verdict: Verdict = Verdict.FAIL) -> None:
        problems.append(Check("argocd", "settings", verdict, detail, remedy))

    try:
        options = parse_opts(environ.get("ARGOCD_OPTS", ""))
    except Invalid as error:
        wrong(f"{error.title}: {error.detail}", "Correct ARGOCD_OPTS; it is left out until then", Verdict.WARN)
        options = {}
    given = _last(options, "server") or environ.get("ARGOCD_SERVER", "")
    if settings is None and not given:
        return None
    settings = settings or ArgocdSettings()
    config = read_config(Path(_last(options, "config") or config_path(environ, home)))
    if config.warning:
        wrong(config.warning, "", Verdict.WARN)
    named = _last(options, "argocd-context") or config.current
    current = next((c for c in config.contexts if c.name == named), None)
    server = given or settings.server or (current.server if current else "")
    if not server:
        wrong("no server is set", "Set argocd.server in the estate file, or run: argocd login SERVER")
        return None
    # a token goes to the server that it was made for, to no other
    context = current if current and current.server == server else config.for_server(server)
    if (context and context.core) or "core" in options:
        wrong(f"{server} is set to core mode, which has no API server", "Set argocd.server to a real Argo CD server")
        return None
    if words := argocd_server(server):
        wrong(f"the server's address {words}", "Correct ARGOCD_SERVER, ARGOCD_OPTS or argocd.server")
        return None
    if context and context.has_client_cert and not _last(options, "client-crt"):
        remedy = "Put them into files and name these with --client-crt and --client-crt-key in ARGOCD_OPTS"
        wrong("a client certificate inside the argocd program's file is not used", remedy, Verdict.WARN)
    # what the file says of its own server does not hold for another one
    own = settings if server == settings.server or not settings.server else ArgocdSettings()
    return ArgocdConnection(
        server,
        plaintext=_decided(options, "plaintext", context.plaintext if context else None, own.plaintext),
        insecure=_decided(options, "insecure", context.insecure if context else None, own.insecure),
        root_path=_last(options, "grpc-web-root-path") or (context.root_path if context else ""),
        token=_argocd_token(options, environ, config.path, context),
        client_cert=_path(_last(options, "client-crt")),
        client_key=_path(_last(options, "client-crt-key")),
        headers=_headers(options.get("header", ()), wrong),
    )


def _argocd_token(
    options: Mapping[str, tuple[str, ...]], environ: Mapping[str, str], file: Path, context: ArgocdContext | None
) -> Secret:
    def token() -> str | None:
        given = _last(options, "auth-token") or environ.get("ARGOCD_AUTH_TOKEN")
        return given or (read_token(file, context.user) if context else None)

    return token


def _headers(values: tuple[str, ...], wrong: _Wrong) -> tuple[tuple[str, str], ...]:
    """`Name: value`, several in one option separated by commas (cmd/util/app.go: header flags)."""
    found = []
    for text in (part for value in values for part in value.split(",")):
        name, colon, content = text.partition(":")
        if colon and name.strip() and "\n" not in text and "\r" not in text:
            found.append((name.strip(), content.strip()))
        else:
            wrong("a --header in ARGOCD_OPTS is not of the form NAME: VALUE", "Correct ARGOCD_OPTS", Verdict.WARN)
    return tuple(found)


def _vault(
    settings: VaultSettings | None, environ: Mapping[str, str], home: Path, problems: list[Check]
) -> VaultConnection | None:
    given = environ.get("VAULT_ADDR", "")
    if settings is None and not given:
        return None
    settings = settings or VaultSettings()
    address = (given or settings.address).rstrip("/")
    if not address:
        remedy = "Set vault.address in the estate file, or VAULT_ADDR"
        problems.append(Check("vault", "settings", Verdict.FAIL, "no address is set", remedy))
        return None
    if words := http_address(address):
        remedy = "Correct VAULT_ADDR or vault.address"
        problems.append(Check("vault", "settings", Verdict.FAIL, f"the address {words}", remedy))
        return None
    role_id, secret_id = environ.get("VAULT_ROLE_ID", ""), environ.get("VAULT_SECRET_ID", "")
    auth = settings.auth or ("approle" if role_id and secret_id else "token")
    if environ.get("VAULT_TOKEN"):
        auth = "token"
    return VaultConnection(
        address,
        settings.mount,
        environ.get("VAULT_NAMESPACE") or settings.namespace,
        auth,
        token=_vault_token(environ, home) if auth == "token" else no_secret,
        role=(role_id if auth == "approle" else "") or settings.role,
        auth_mount=settings.auth_mount or ("" if auth == "token" else auth),
        jwt=_pod_token if auth == "kubernetes" else no_secret,
        secret_id=(lambda: environ.get("VAULT_SECRET_ID") or None) if auth == "approle" else no_secret,
        ca_cert=_path(environ.get("VAULT_CACERT", "")),
        skip_verify=environ.get("VAULT_SKIP_VERIFY", "") in _TRUE,
    )


def _vault_token(environ: Mapping[str, str], home: Path) -> Secret:
    """VAULT_TOKEN, else what `vault login` wrote to ~/.vault-token."""
    return lambda: environ.get("VAULT_TOKEN") or _first_line(home / ".vault-token")


def _pod_token() -> str | None:
    return _first_line(POD_TOKEN)


def _first_line(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _last(options: Mapping[str, tuple[str, ...]], name: str) -> str:
    return options.get(name, ("",))[-1]


def _decided(options: Mapping[str, tuple[str, ...]], name: str, in_config: bool | None, in_file: bool) -> bool:
    if name in options:
        return _last(options, name) in _TRUE
    return in_file if in_config is None else in_config


def _path(text: str) -> Path | None:
    return Path(text) if text else None
