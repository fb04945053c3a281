"""`labtui init`: a first estate file, made of what was found, with comments that say what everything is."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from labtui.domain.errors import Invalid, Refused
from labtui.domain.text import clean
from labtui.estate.discovery import Found, FoundRepository, FoundSite, discover
from labtui.estate.file import argocd_server, docker_host, http_address
from labtui.estate.yamlfile import wrong_value

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*\Z")


@dataclass(frozen=True, slots=True)
class InitReport:
    """Which file was written, what is in it, and what was not found (a commented example stands for it)."""

    path: Path
    found: tuple[str, ...]
    missing: tuple[str, ...]


def init(path: Path, *, force: bool, environ: Mapping[str, str], home: Path, demo: bool = False) -> InitReport:
    """Look around the file's folder and write the file. Raises Refused when there is one already, unless `force`.

    With `demo` nothing is looked for: the file is what the reference estate, which the demo simulates, would have.
    """
    if path.is_dir():
        raise Invalid(f"{path} is a folder", "", "Name the file: labtui init FOLDER/labtui.yaml")
    if not path.absolute().parent.is_dir():
        raise Invalid(f"There is no folder {path.parent}")
    if os.path.lexists(path) and not force:
        raise _exists(path)
    folder = path.absolute().parent
    found = reference_estate(folder) if demo else discover(environ, home, folder)
    _write(path, render_estate(found), force)
    return InitReport(path, *summary(found))


def reference_estate(folder: Path) -> Found:
    """What would be found on the machine that operates the reference estate."""
    return Found(
        folder=folder,
        sites=(
            FoundSite("wroclaw", "wroclaw", "unix:///var/run/docker.sock", "compose/wroclaw"),
            FoundSite("kyiv", "kyiv", "ssh://pi@raspberrypi.local", "compose/kyiv"),
        ),
        kube_contexts=("homelab",),
        kube_current="homelab",
        argocd_server="argocd.example.org",
        vault_address="https://vault.example.org",
        repository=FoundRepository(".", "origin", "main", "manifests", ("homelab",)),
    )


def summary(found: Found) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was found and what was not, a line each."""
    have: list[str] = []
    lack: list[str] = []

    def note(what: str, words: str) -> None:
        (have if words else lack).append(f"{what}: {clean(words, 120)}" if words else what)

    for site in found.sites:
        words = f"docker context {site.context}" if site.context else ""
        parts = [p for p in (words, f"Compose folder {site.compose}" if site.compose else "") if p]
        note(f"site {site.name}", ", ".join(parts))
        if not site.context:
            lack.append(f"site {site.name}: no docker context of this name, so it is a commented example")
    if not found.sites:
        note("sites (no docker context, no local Docker socket, no folder compose/SITE)", "")
    note("cluster", ", ".join(found.kube_contexts) and f"context {_kube_context(found)}")
    note("argocd", found.argocd_server)
    note("vault" if found.vault_address else "vault (VAULT_ADDR is not set)", found.vault_address)
    repository = found.repository
    words = f"{repository.path}, {repository.remote}/{repository.branch}" if repository and repository.remote else ""
    note("gitops" if words else "gitops (no git repository with a remote)", words)
    return tuple(have), tuple(lack)


def render_estate(found: Found) -> str:
    """The text of a labtui.yaml: loads as it is; what was not found, or cannot be used, is a commented example."""
    name = clean(found.folder.name) if not wrong_value(found.folder.name) else "homelab"
    lines = [
        "# The estate that labtui operates. No secret belongs in this file: tokens come from the environment and from",
        "# the files of the vault and argocd programs. Check it with: labtui doctor",
        f"estate: {_scalar(name)}",
        "# domain: example.org              # the domain that the applications are reached under",
        "",
        *_sites(found),
        "",
        *_cluster(found),
        "",
        *_argocd(found),
        "",
        *_vault(found),
        "",
        *_gitops(found.repository),
    ]
    return "\n".join(lines) + "\n"


def _sites(found: Found) -> list[str]:
    active = [s for s in found.sites if s.context and not wrong_value(s.context) and not docker_host(s.host)]
    lines = ["# The places with a Docker engine: a docker context, or {host: unix:///…} or {host: ssh://user@host}"]
    lines.append("sites:" if active else "# sites:")
    for site in active:
        lines += _site(site)
    for site in found.sites:
        if site not in active:
            lines += ["#" + line for line in _site(FoundSite(site.name, compose=site.compose))]
    if not found.sites:
        lines += ["#  kyiv:", '#    docker: {host: "ssh://pi@raspberrypi.local"}', "#    address: 192.168.1.2"]
    if found.compose_folders:
        folders = ", ".join(clean(f, 80) for f in found.compose_folders[:10])
        lines.append(f"# Compose files were found in: {folders}")
    return lines


def _site(site: FoundSite) -> list[str]:
    lines = [f"  {site.name}:"]
    docker = f"{{context: {_scalar(site.context)}}}" if site.context else '{host: "ssh://user@host"}'
    lines.append(f"    docker: {docker}" + (f"  # {clean(site.host, 80)}" if site.host else ""))
    address = _ip_of(site.host)
    example = f"    address: {address}" if address else "    # address: 192.168.1.2"
    lines.append(f"{example}  # where pods reach the ports that this site publishes")
    if site.compose and not wrong_value(site.compose):
        lines.append(f"    compose: {_scalar(site.compose)}  # folder of the site's stacks, relative to this file")
    else:
        lines.append(f"    # compose: compose/{site.name}  # folder of the site's stacks, relative to this file")
    lines.append(f"    # project_dir: /srv/{site.name}  # the same folder on that host; default: compose")
    return lines


def _cluster(found: Found) -> list[str]:
    lines = ["# The Kubernetes cluster: a context of the kubeconfig"]
    if len(found.kube_contexts) > 1:
        lines.append(f"# There are: {', '.join(clean(c, 60) for c in found.kube_contexts[:20])}")
    context = _kube_context(found)
    well = context and not wrong_value(context)
    return [*lines, f"cluster: {{context: {_scalar(context)}}}" if well else "# cluster: {context: homelab}"]


def _kube_context(found: Found) -> str:
    """The current context, else the only one, else the first."""
    return found.kube_current or (found.kube_contexts[0] if found.kube_contexts else "")


def _argocd(found: Found) -> list[str]:
    lines = ["# Argo CD's API server, host or host:port. plaintext: without TLS; insecure: any certificate"]
    if len(found.argocd_servers) > 1:
        lines.append(f"# There are: {', '.join(clean(s, 60) for s in found.argocd_servers[:20])}")
    server = found.argocd_server
    if not server or wrong_value(server, argocd_server):
        return [*lines, "# argocd: {server: argocd.example.org, plaintext: false, insecure: false}"]
    flags = f"plaintext: {_flag(found.argocd_plaintext)}, insecure: {_flag(found.argocd_insecure)}"
    return [*lines, f"argocd: {{server: {_scalar(server)}, {flags}}}"]


def _vault(found: Found) -> list[str]:
    lines = [
        "# Vault or OpenBao, and its KV version 2 mount. auth: token (VAULT_TOKEN or ~/.vault-token), kubernetes or approle",
    ]
    address = found.vault_address
    if not address or wrong_value(address, http_address):
        return [*lines, '# vault: {address: "https://vault.example.org", mount: kv}']
    return [*lines, f"vault: {{address: {_scalar(address)}, mount: kv}}"]


def _gitops(repository: FoundRepository | None) -> list[str]:
    lines = ["# The repository that Argo CD deploys from, as a folder of this machine, relative to this file"]
    if (
        repository is None
        or not repository.remote
        or any(wrong_value(v) or v.startswith("-") for v in (repository.path, repository.remote, repository.branch))
    ):
        example = "{repository: ., remote: origin, branch: main, manifests: manifests, environment: homelab}"
        return [*lines, f"# gitops: {example}"]
    lines += [
        "gitops:",
        f"  repository: {_scalar(repository.path)}",
        f"  remote: {_scalar(repository.remote)}",
        f"  branch: {_scalar(repository.branch)}",
    ]
    lines.append("  manifests: manifests" if repository.manifests else "  # manifests: manifests")
    names = [n for n in repository.environments if not wrong_value(n)]
    environment = "homelab" if "homelab" in names else (names[0] if len(names) == 1 else "")
    if environment:
        lines.append(f"  environment: {_scalar(environment)}  # folder of values in each layer")
    else:
        lines.append("  # environment: homelab  # folder of values in each layer")
    return lines


def _scalar(text: str) -> str:
    """A text as a YAML scalar that reads back as the same text, whatever is in it; ASCII only, on one line."""
    if _PLAIN.match(text) and yaml.safe_load(text) == text:
        return text
    return str(yaml.safe_dump(text, default_style='"', width=1_000_000, allow_unicode=False)).strip()


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _ip_of(host: str) -> str:
    """The address in `ssh://user@192.168.1.2`; an alias of the ssh configuration is none that pods can use."""
    try:
        return str(ipaddress.ip_address(urlsplit(host).hostname or ""))
    except ValueError:
        return ""


def _exists(path: Path) -> Refused:
    return Refused(f"{path} is there already", "", "labtui init --force writes it anew; what is in it is lost")


def _write(path: Path, text: str, force: bool) -> None:
    """All or nothing: a reader sees the old file or the new one, and a file that came meanwhile is not overwritten."""
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with open(beside, "x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if force:
            os.replace(beside, target)
        else:
            os.link(beside, target)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise Refused(f"{path} cannot be written", error.strerror or "") from None
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
