"""A whole small estate on live servers, as an operator would have it, with the estate file that names it.

Argo CD: an app-of-apps parent (self-heal, prune, ServerSideApply), its child, and a second application without auto-sync.
Docker: a three-container stack on each site. Kubernetes: some Deployments of its own. Vault: thirty paths.
Everything has a name unique to the run and is taken away at the end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.live.compose_fixture import LiveStack
from tests.live.gitops_fixture import GitopsEstate, wait_until

PATHS = 30


class VaultPaths:
    """Secret paths below a folder of its own, through the HTTP API (KV v2)."""

    def __init__(self, folder: str, environ: Mapping[str, str] = os.environ) -> None:
        self.folder = folder
        self._address = environ["VAULT_ADDR"]
        self._token = environ["VAULT_TOKEN"]

    def put(self, name: str, value: str = "s3cret-value") -> None:
        """Write a new version of `folder/name`."""
        self._call("POST", f"data/{self.folder}/{name}", {"data": {"password": value}})

    def delete(self, name: str) -> None:
        """Delete the path with all its versions."""
        self._call("DELETE", f"metadata/{self.folder}/{name}")

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> None:
        request = urllib.request.Request(f"{self._address}/v1/kv/{urllib.parse.quote(path)}", method=method)
        request.add_header("X-Vault-Token", self._token)
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data, timeout=10):
            pass


class LiveEstate:
    """See the module. `folder` holds the estate file; `name` is the prefix of everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gitops = GitopsEstate(folder)
        self.name = self.gitops.name
        self.namespace = f"{self.name}-apps"
        self.wroclaw = LiveStack("wroclaw", folder, f"{self.name}-w")
        self.kyiv = LiveStack("kyiv", folder, f"{self.name}-k")
        self.vault = VaultPaths(f"apps/{self.name}")
        self.file = folder / "labtui.yaml"
        self._paths: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    def deploy(self) -> None:
        """Make everything and wait until it is up: both synced applications healthy, all containers running."""
        self.wroclaw.up()
        self.kyiv.up()
        for number in range(PATHS):
            self._paths.append(f"app-{number:02}")
            self.vault.put(self._paths[-1])
        documents = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}]
        documents += [self._deployment(name) for name in ("alpha", "beta", "gamma")]
        self.gitops.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(documents))
        self.gitops.deploy()
        self.gitops.patch(self.gitops.second, {"operation": {"sync": {"revision": "main"}}})
        for app in (self.gitops.parent, self.gitops.child, self.gitops.second):
            self.wait_for_app(app, sync="Synced", health="Healthy", seconds=120)
        self.write_file()

    def delete(self) -> None:
        """Take everything away."""
        self.gitops.delete()
        self.gitops.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")
        for name in self._paths:
            try:
                self.vault.delete(name)
            except urllib.error.URLError:  # a test has stopped the server, which keeps nothing
                break
        self.wroclaw.down()
        self.kyiv.down()

    def write_file(self) -> None:
        """The estate file; the live servers' own settings come from the environment, as standard settings do."""
        server = os.environ["ARGOCD_SERVER"]
        self.file.write_text(
            yaml.safe_dump(
                {
                    "estate": "live",
                    "sites": {
                        "wroclaw": {"docker": {"host": os.environ["LIVE_DOCKER_WROCLAW"]}},
                        "kyiv": {"docker": {"host": os.environ["LIVE_DOCKER_KYIV"]}},
                    },
                    "cluster": {},
                    "argocd": {"server": server, "plaintext": True},
                    "vault": {"address": os.environ["VAULT_ADDR"], "mount": "kv"},
                    "gitops": {"repository": str(self.gitops.tree), "branch": "main"},
                },
                sort_keys=False,
            )
        )

    # Asking the servers, not labtui

    def app(self, name: str) -> dict[str, Any]:
        """The Application object as the cluster has it."""
        return self.gitops.raw(name)

    def wait_for_app(self, name: str, *, sync: str = "", health: str = "", seconds: float = 60) -> dict[str, Any]:
        """Wait until the cluster shows this sync status and health."""

        def probe() -> dict[str, Any] | None:
            try:
                found = self.gitops.raw(name)
            except subprocess.CalledProcessError:  # its parent has not made it yet
                return None
            status = found.get("status", {})
            good = (not sync or status.get("sync", {}).get("status") == sync) and (
                not health or status.get("health", {}).get("status") == health
            )
            return found if good and not found.get("operation") else None

        return wait_until(f"{name} {sync} {health}", probe, seconds)

    def greeting(self, which: str = "child") -> str:
        """What the ConfigMap of an application says in the cluster."""
        return self.gitops.kubectl(
            "-n", self.gitops.namespace, "get", "configmap", f"{which}-config", "-o", "jsonpath={.data.greeting}"
        )

    # Driving labtui

    def command(self, *arguments: str) -> list[str]:
        """The command line of a labtui on this estate."""
        return [sys.executable, "-m", "labtui", "--estate", str(self.file), *arguments]

    def run(
        self, *arguments: str, environ: Mapping[str, str] | None = None, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a headless command to its end."""
        command = [sys.executable, "-m", "labtui", *_with_estate(arguments, self.file)]
        env = {**os.environ, **(environ or {})}
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=env, check=False)

    def _deployment(self, name: str) -> dict[str, Any]:
        labels = {"app": name}
        container = {"name": "web", "image": f"{os.environ['LIVE_REGISTRY']}/web:1"}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
                },
            },
        }


def _with_estate(arguments: Sequence[str], file: Path) -> list[str]:
    """`--estate` goes after the command's name."""
    return [arguments[0], "--estate", str(file), *arguments[1:]]
