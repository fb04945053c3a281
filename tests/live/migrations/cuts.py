"""The servers of one stack's labtui, each behind something that can cut it off.

    with Cuts(stack) as cuts:        # from now on labtui goes through proxies; others, and the servers themselves, notice nothing
        with cuts.cut("vault"): ...

`git` is the remote repository itself, which Argo CD then cannot read either. With `LIVE_CTL` and `whole=True` the servers
themselves are stopped (Vault, which keeps nothing, is frozen): then everybody notices. Only where nobody else uses them.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.live.faults import alone
from tests.live.migrations.proxy import Place, Proxy
from tests.live.migrations.stack import MigratedStack

SERVERS = ("api", "argocd", "vault", "git", "site")
_STOPPED = {
    "api": "kube-apiserver",
    "argocd": "argocd-server",
    "vault": "vault",
    "wroclaw": "dockerd-wroclaw",
    "kyiv": "sshd",
}


class Cuts:
    """See the module. The stack is deployed already."""

    def __init__(self, stack: MigratedStack, *, whole: bool = False) -> None:
        self._stack, self._whole = stack, whole
        self._left = ExitStack()
        self.proxies: dict[str, Proxy] = {}

    def __enter__(self) -> Self:
        if self._whole:
            self._left.enter_context(alone())
            return self
        with self._left:
            self._kubernetes()
            vault, argocd = urlsplit(os.environ["VAULT_ADDR"]), os.environ["ARGOCD_SERVER"].split(":")
            self._start("vault", (str(vault.hostname), int(vault.port or 8200)))
            self._start("argocd", (argocd[0], int(argocd[1])))
            self._stack.environ["VAULT_ADDR"] = f"http://127.0.0.1:{self.proxies['vault'].port}"
            self._stack.environ["ARGOCD_SERVER"] = f"127.0.0.1:{self.proxies['argocd'].port}"
            if self._stack.site == "kyiv":
                self._ssh()
            else:
                self._socket()
            self._left = self._left.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.close()
        self._stack.environ.clear()
        self._stack.write_estate()

    @contextmanager
    def cut(self, server: str, mode: str = "refused") -> Iterator[None]:
        """A server is away, or silent, meanwhile."""
        if server == "git":
            away = self._stack.bare.with_suffix(".away")
            self._stack.bare.rename(away)
            try:
                yield
            finally:
                away.rename(self._stack.bare)
        elif self._whole:
            name = _STOPPED[self._stack.site if server == "site" else server]
            verbs = ("pause", "resume") if server == "vault" or mode == "silent" else ("stop", "start")
            _control(verbs[0], name)
            try:
                yield
            finally:
                _control(verbs[1], name)
        else:
            self.proxies[server].set(mode)
            try:
                yield
            finally:
                self.proxies[server].set("open")

    def slow(self, seconds: float) -> None:
        """Every answer of the cluster and of Argo CD comes that much later."""
        for server in ("api", "argocd"):
            self.proxies[server].set("open", seconds)

    # How labtui is told

    def _start(self, server: str, place: Place, own: Path | None = None) -> Proxy:
        self.proxies[server] = self._left.enter_context(Proxy(place, own))
        return self.proxies[server]

    def _kubernetes(self) -> None:
        text = Path(os.environ["KUBECONFIG"]).read_text()
        line = next(line for line in text.splitlines() if "server:" in line)
        address = urlsplit(line.partition("server:")[2].strip(" {}").split(",")[0].strip("'\""))
        proxy = self._start("api", (str(address.hostname), int(address.port or 443)))
        config = self._stack.home / "kubeconfig"
        config.touch(0o600)
        config.write_text(text.replace(address.geturl(), f"https://127.0.0.1:{proxy.port}"))
        self._stack.environ["KUBECONFIG"] = str(config)

    def _socket(self) -> None:
        own = self._stack.home / "docker.sock"
        self._start("site", Path(os.environ["LIVE_DOCKER_WROCLAW"].removeprefix("unix://")), own)
        self._stack.write_estate(f"unix://{own}")

    def _ssh(self) -> None:
        """An ssh of its own, before the other in PATH, that goes through the proxy."""
        host = urlsplit(os.environ["LIVE_DOCKER_KYIV"]).hostname or ""
        command = ["ssh", "-F", os.environ["LIVE_SSH_CONFIG"], "-G", host]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        settings = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
        proxy = self._start("site", (settings["hostname"], int(settings["port"])))
        folder = self._stack.home / "bin"
        folder.mkdir(exist_ok=True)
        config = Path(os.environ["LIVE_SSH_CONFIG"]).read_text()
        alias = f"[{settings['hostname']}]:{settings['port']}"
        own = f"Host {host}\n  HostName 127.0.0.1\n  Port {proxy.port}\n  HostKeyAlias {alias}\n"
        (folder / "config").write_text(own + config)
        (folder / "config").chmod(0o600)
        ssh = shutil.which("ssh", path="/usr/bin:/bin") or "/usr/bin/ssh"
        program = folder / "ssh"
        program.write_text(f'#!/bin/sh\nexec {ssh} -F {shlex.quote(str(folder / "config"))} "$@"\n')
        program.chmod(0o755)
        self._stack.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def _control(verb: str, name: str) -> None:
    subprocess.run([os.environ["LIVE_CTL"], verb, name], check=True, capture_output=True, timeout=90)
