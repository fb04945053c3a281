"""Where a stack is, asked of docker, kubectl, git and Vault, and not of labtui: fully on Docker, or fully on Kubernetes."""

from __future__ import annotations

import json
import subprocess
import urllib.error
from typing import Any

import yaml

from tests.live.chart_fixture import vault
from tests.live.compose_fixture import docker
from tests.live.gitops_fixture import wait_until
from tests.live.migrations.stack import MigratedStack

MARK = "labtui.dev/migrated"
DOCKER, KUBERNETES = "fully on Docker", "fully on Kubernetes"


class World:
    """What the servers say of one stack. Each question is asked anew."""

    def __init__(self, stack: MigratedStack) -> None:
        self.stack = stack
        self.listed = self.text(self.listing)

    @property
    def listing(self) -> str:
        """The list of applications in the repository."""
        return f"{self.stack.manifests}/app-of-apps/values/homelab.yaml"

    @property
    def namespace(self) -> str:
        """Where the stack is reached in the cluster."""
        return self.stack.old or self.stack.name

    @property
    def public(self) -> str:
        """The service that users reach: with an adopted route that of the older application, whose name stays."""
        return self.stack.name if self.stack.old else "web"

    def text(self, path: str) -> str:
        """A file of the branch as the remote has it; empty when it is not there."""
        command = ["git", "--git-dir", str(self.stack.bare), "show", f"main:{path}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout if done.returncode == 0 else ""

    def values(self) -> dict[str, Any]:
        """The stack's values in git."""
        path = f"{self.stack.manifests}/applications/values/homelab/{self.stack.name}.yaml"
        return yaml.safe_load(self.text(path)) or {}

    def containers(self) -> dict[str, tuple[str, str]]:
        """Service → state and restart policy of its container."""
        name = f"label=com.docker.compose.project={self.stack.name}"
        ids = docker(self.stack.site, "ps", "--all", "--quiet", "--filter", name).split()
        found = json.loads(docker(self.stack.site, "inspect", *ids)) if ids else []
        return {
            c["Config"]["Labels"]["com.docker.compose.service"]: (
                c["State"]["Status"],
                c["HostConfig"]["RestartPolicy"]["Name"],
            )
            for c in found
        }

    def objects(self, *words: str) -> list[dict[str, Any]]:
        """Objects of the stack's namespace."""
        found = json.loads(self.stack.kubectl("-n", self.namespace, "get", *words, "-o", "json"))
        return list(found["items"])

    def behind(self) -> set[str]:
        """The addresses behind the service that users reach."""
        slices = self.objects("endpointslices", "-l", f"kubernetes.io/service-name={self.public}")
        return {a for s in slices for e in s.get("endpoints") or () for a in e["addresses"]}

    def secret(self) -> dict[str, str]:
        """What Vault has for the stack now."""
        try:
            return dict(vault("GET", f"kv/data/apps/{self.stack.name}")["data"]["data"] or {})
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise

    def holder(self) -> str:
        """Who holds the lease: nobody when a run has ended that was not killed."""
        leases = json.loads(self.stack.kubectl("-n", "labtui", "get", "leases", "-o", "json"))["items"]
        own = [lease for lease in leases if lease["metadata"]["name"].endswith(f"-{self.stack.name}")]
        return " ".join(str(lease["spec"].get("holderIdentity") or "") for lease in own)

    # What is wrong with it

    def not_on_docker(self) -> list[str]:
        """What keeps the stack from being fully on Docker, as it was before anything was done; empty when it is."""
        wrong = []
        for service, state in {**dict.fromkeys(self.stack.services), **self.containers()}.items():
            if state != ("running", "unless-stopped"):
                wrong.append(f"container {service}: {state}")
        left = [o for o in self.objects("pods,deployments,replicasets,externalsecrets,secrets") if not _ending(o)]
        wrong += [f"{o['kind']} {o['metadata']['name']} is there" for o in left]
        if self.stack.route == "none":
            wrong += [f"{o['kind']} {o['metadata']['name']} is there" for o in self.objects("services,ingresses")]
        elif (behind := self.behind()) != {self.stack.address}:
            wrong.append(f"behind the service: {sorted(behind)}")
        values = self.values()
        if self.stack.route == "own":
            if (values.get("workload"), values.get("traffic")) != (False, "docker"):
                wrong.append(f"git says workload {values.get('workload')}, traffic {values.get('traffic')}")
        elif values:
            wrong.append("git has values of it")
        if self.text(self.listing) != self.listed:
            wrong.append("the list of applications is another one than before")
        if self.secret():
            wrong.append("Vault has its secrets")
        return wrong

    def not_on_kubernetes(self) -> list[str]:
        """What keeps it from being fully on Kubernetes; empty when it is."""
        wrong = []
        for service, state in {**dict.fromkeys(self.stack.services), **self.containers()}.items():
            if state != ("exited", "no"):
                wrong.append(f"container {service}: {state}")
        ready = {
            o["metadata"]["labels"]["app.kubernetes.io/name"]: o["status"]["podIP"]
            for o in self.objects("pods")
            if not _ending(o) and _ready(o)
        }
        if set(ready) != {*self.stack.services, self.public} - ({"web"} if self.stack.old else set()):
            wrong.append(f"pods that are ready: {sorted(ready)}")
        if (behind := self.behind()) != {ready.get(self.public)}:
            wrong.append(f"behind the service: {sorted(behind)}; the pod is {ready.get(self.public)}")
        values = self.values()
        if (values.get("workload"), values.get("traffic")) != (True, "kubernetes"):
            wrong.append(f"git says workload {values.get('workload')}, traffic {values.get('traffic')}")
        if MARK not in self.text(self.listing):
            wrong.append("the list of applications does not say where it came from")
        if self.secret() != self.stack.secrets:
            wrong.append("Vault has other secrets than the env file")
        return wrong

    def demand(self, standing: str, seconds: float = 30.0) -> None:
        """Wait until the stack is there; fails with what is wrong. Pods that end take a moment."""
        question = self.not_on_docker if standing == DOCKER else self.not_on_kubernetes
        last: list[str] = []

        def probe() -> bool:
            last[:] = question()
            return not last

        try:
            wait_until(f"{self.stack.place} {standing}", probe, seconds, every=0.5)
        except AssertionError:
            raise AssertionError(f"{self.stack.place} is not {standing}: {'; '.join(last)}") from None

    def standing(self) -> str:
        """Where it is; what it is not, where it is in between."""
        if not (docker_wrong := self.not_on_docker()):
            return DOCKER
        if not (kubernetes_wrong := self.not_on_kubernetes()):
            return KUBERNETES
        return f"neither: {'; '.join(docker_wrong)} / {'; '.join(kubernetes_wrong)}"


def _ending(found: dict[str, Any]) -> bool:
    return "deletionTimestamp" in found["metadata"]


def _ready(pod: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
