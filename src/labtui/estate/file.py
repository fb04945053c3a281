"""The estate file, `labtui.yaml`: what belongs to the estate and where it is. Never a secret."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from labtui.core.paths import config_dir
from labtui.domain.errors import Invalid
from labtui.estate.yamlfile import Section, load_root, nearest, read_section

FILE_NAME = "labtui.yaml"
AUTH_METHODS = ("token", "kubernetes", "approle")
# the labels of the other sources: a site of this name could not be told from them
RESERVED_NAMES = frozenset({"cluster", "argocd", "vault"})

_ROOT_KEYS = ("estate", "domain", "sites", "cluster", "argocd", "vault", "gitops")
_SITE_KEYS = ("docker", "address", "compose", "project_dir")
_DOCKER_KEYS = ("context", "host")
_ARGOCD_KEYS = ("server", "plaintext", "insecure")
_VAULT_KEYS = ("address", "mount", "auth", "role", "auth_mount", "namespace")
_GITOPS_KEYS = ("repository", "remote", "branch", "manifests", "environment")

_SITE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?\Z")


@dataclass(frozen=True, slots=True)
class Site:
    """A place with a Docker engine: exactly one of `context` (of the docker client) and `host` (its address) is set.

    `address` is where pods reach the ports that the site publishes. `compose` is the folder of its stacks as written
    (relative to the file), `project_dir` the same folder on that host.
    """

    name: str
    context: str = ""
    host: str = ""
    address: str = ""
    compose: str = ""
    project_dir: str = ""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """The kubeconfig context; empty means the current one."""

    context: str = ""


@dataclass(frozen=True, slots=True)
class ArgocdSettings:
    """The Argo CD server as host[:port]; empty means the argocd program's current context."""

    server: str = ""
    plaintext: bool = False
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class VaultSettings:
    """The Vault server and its KV v2 mount. `auth` empty means a token."""

    address: str = ""
    mount: str = "kv"
    auth: str = ""
    role: str = ""
    auth_mount: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class GitopsSettings:
    """The repository that Argo CD deploys from; `repository` is a folder, relative to the file."""

    repository: str = "."
    remote: str = "origin"
    branch: str = "main"
    manifests: str = "manifests"
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Estate:
    """One estate file. A section that the file does not have is None."""

    name: str
    path: Path
    domain: str = ""
    sites: tuple[Site, ...] = ()
    cluster: ClusterSettings | None = None
    argocd: ArgocdSettings | None = None
    vault: VaultSettings | None = None
    gitops: GitopsSettings | None = None

    def local(self, path: str) -> Path:
        """A path of the file as a path of this machine: `~` is the home folder, relative counts from the file."""
        return self.path.absolute().parent / Path(path).expanduser()


def find_estate_file(explicit: Path | None, cwd: Path, environ: Mapping[str, str], home: Path) -> Path:
    """`explicit` if given, else labtui.yaml in `cwd`, else estate.yaml in the user's configuration. Raises Invalid."""
    if explicit is not None:
        return cwd / explicit
    places = (cwd / FILE_NAME, config_dir(environ, home) / "estate.yaml")
    for place in places:
        if place.is_file() or place.is_symlink():
            return place
    looked = f"looked for {places[0]} and {places[1]}"
    raise Invalid("There is no estate file", looked, "labtui init writes one; labtui demo needs none")


def load_estate(path: Path) -> Estate:
    """Read an estate file. Raises Invalid with all its mistakes: file, line, key and the nearest known key."""
    root = load_root(path, _ROOT_KEYS)
    estate = Estate(
        name=root.text("estate", required=True),
        path=path,
        domain=root.text("domain", rule=_host_name),
        sites=_sites(root),
        cluster=_cluster(root),
        argocd=_argocd(root),
        vault=_vault(root),
        gitops=_gitops(root),
    )
    if root.problems.found:
        raise root.problems.error()
    return estate


def _sites(root: Section) -> tuple[Site, ...]:
    node = root.values.get("sites")
    names = None if node is None else read_section(root.problems, node, "sites", None)
    if names is None:
        return ()
    found = []
    for name, site_node in names.values.items():
        line = int(site_node.start_mark.line) + 1
        if not _SITE_NAME.match(name):
            words = "the name of a site has only small letters, digits and hyphens, and starts with no hyphen"
            root.problems.add(line, names.at(name), words)
        elif name in RESERVED_NAMES:
            root.problems.add(line, names.at(name), "this name belongs to another source; give the site another one")
        section = names.section(name, _SITE_KEYS)
        if section is not None:
            found.append(_site(name, section))
    return tuple(found)


def _site(name: str, section: Section) -> Site:
    docker = section.section("docker", _DOCKER_KEYS)
    context = host = ""
    if docker is not None:
        context = docker.text("context")
        host = docker.text("host", rule=docker_host)
        if len(docker.values) != 1:
            words = "has both context and host; keep one" if docker.values else "needs a context or a host"
            section.problems.add(docker.line, docker.where, words)
    elif "docker" not in section.values:
        section.problems.add(section.line, section.at("docker"), "is missing: {context: NAME} or {host: ADDRESS}")
    return Site(
        name,
        context,
        host,
        address=section.text("address", rule=_address),
        compose=section.text("compose"),
        project_dir=section.text("project_dir", rule=_absolute),
    )


def _cluster(root: Section) -> ClusterSettings | None:
    section = root.section("cluster", ("context",))
    return None if section is None else ClusterSettings(section.text("context"))


def _argocd(root: Section) -> ArgocdSettings | None:
    section = root.section("argocd", _ARGOCD_KEYS)
    if section is None:
        return None
    server = section.text("server", rule=argocd_server)
    return ArgocdSettings(server, section.flag("plaintext"), section.flag("insecure"))


def _vault(root: Section) -> VaultSettings | None:
    section = root.section("vault", _VAULT_KEYS)
    if section is None:
        return None
    settings = VaultSettings(
        address=section.text("address", rule=http_address),
        mount=section.text("mount", "kv", _mount).strip("/"),
        auth=section.text("auth", rule=_auth_method),
        role=section.text("role"),
        auth_mount=section.text("auth_mount", rule=_mount).strip("/"),
        namespace=section.text("namespace", rule=_mount),
    )
    if settings.auth == "kubernetes" and not settings.role:
        section.problems.add(section.line, section.at("role"), "is missing: Kubernetes auth logs in with a role")
    return settings


def _gitops(root: Section) -> GitopsSettings | None:
    section = root.section("gitops", _GITOPS_KEYS)
    if section is None:
        return None
    return GitopsSettings(
        repository=section.text("repository", "."),
        remote=section.text("remote", "origin", _no_option),
        branch=section.text("branch", "main", _no_option),
        manifests=section.text("manifests", "manifests"),
        environment=section.text("environment"),
    )


# Rules: what is wrong with a text, in words; empty when nothing is


def docker_host(text: str) -> str:
    """`unix:///path`, `tcp://host:port` or `ssh://[user@]host[:port]`."""
    shape = "must be unix:///path, tcp://host:port or ssh://[user@]host[:port]"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return shape
    if parts.scheme == "unix":
        return "" if not parts.netloc and parts.path.startswith("/") else shape
    user = parts.username or ""
    if parts.scheme not in ("tcp", "ssh") or _address(parts.hostname or "") or user.startswith("-"):
        return shape
    return shape if parts.scheme == "tcp" and port is None else ""


def argocd_server(text: str) -> str:
    """host or host:port."""
    if "://" in text:
        return "must be host or host:port, without https://"
    return "" if _host_and_port(text) else "must be host or host:port"


def http_address(text: str) -> str:
    """`http://` or `https://`, host, maybe a port and a path."""
    shape = "must be http://host:port or https://host:port"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return shape
    well = parts.scheme in ("http", "https") and not _address(parts.hostname or "")
    return "" if well and not parts.query and not parts.fragment else shape


def _host_and_port(text: str) -> bool:
    try:
        parts = urlsplit(f"//{text}")
        _ = parts.port
    except ValueError:
        return False
    return parts.netloc == text and "@" not in text and not _address(parts.hostname or "")


def _host_name(text: str) -> str:
    return "" if _HOST_NAME.match(text) else "must be a domain name"


def _address(text: str) -> str:
    if _HOST_NAME.match(text):
        return ""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "must be an IP address or a host name"
    return ""


def _absolute(text: str) -> str:
    return "" if text.startswith("/") else "must be an absolute path on that host"


def _mount(text: str) -> str:
    parts = text.strip("/").split("/")
    return "must be a mount path such as kv" if any(p in ("", ".", "..") for p in parts) else ""


def _no_option(text: str) -> str:
    return "must not start with a hyphen" if text.startswith("-") else ""


def _auth_method(text: str) -> str:
    if text in AUTH_METHODS:
        return ""
    near = nearest(text, AUTH_METHODS)
    return f"must be {', '.join(AUTH_METHODS[:-1])} or {AUTH_METHODS[-1]}" + (
        f"; the nearest is {near}" if near else ""
    )
