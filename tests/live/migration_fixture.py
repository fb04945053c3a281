"""A stack on a live Docker engine and a GitOps repository with the reference layout, for migrations on live servers.

stack    `web` (published, on Docker) and `cache`, run by docker compose in Wrocław
git      LIVE/manifests: app-of-apps, the app chart and, with `old`, the external-services chart that routes the stack today
parent   the app of apps, automated with prune and self-heal
"""

from __future__ import annotations

import os
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import yaml

from labtui.demo.files import data_folder
from tests.live.compose_fixture import LiveStack, docker
from tests.live.gitops_fixture import ARGOCD_NAMESPACE, GitopsEstate

RATE = 50.0


class LiveMigration(GitopsEstate):
    """See the module. The stack's name is `name`; everything else is named after it."""

    def __init__(
        self, tmp: Path, *, old: bool = False, site: str = "wroclaw", environ: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(tmp, environ)
        self.stack = LiveStack(site, tmp, self.name)
        self.address = os.environ["LIVE_NODE_IP" if site == "wroclaw" else "LIVE_KYIV_IP"]
        self.manifests = f"{self.folder}/manifests"
        self.host = f"{self.name}.example.org"
        self.old = f"{self.name}-external" if old else ""
        self.port = free_port()  # a published port that Docker chooses is another one after each stop
        own = self.stack.files[1]
        ports = f'restart: unless-stopped\n    ports: ["{self.port}:8080"]'
        own.write_text(own.read_text().replace('ports: ["8080"]', ports))

    def deploy(self, *, with_parent: bool = True, annotations: bool = True) -> str:
        """Start the stack, push the manifests, and let Argo CD begin; answers the revision. Without `annotations` the older
        application's chart takes none."""
        self.stack.up()
        self._clone()
        source, folder = data_folder("manifests"), self.tree / self.manifests
        shutil.copytree(source / "app-of-apps", folder / "app-of-apps", ignore=shutil.ignore_patterns("values"))
        shutil.copytree(source / "applications/charts", folder / "applications/charts")
        template = folder / "applications/charts/external-services/templates/services.yaml"
        text = template.read_text()
        text = text[: text.index("  tls:")] + "{{- end }}\n"  # requests come by plain HTTP
        template.write_text(text if annotations else without_annotations(text))
        if self.old:
            self._write(
                "manifests/applications/values/homelab/external-services.yaml",
                {
                    "domain": "example.org",
                    "clusterIssuer": "none",
                    "services": {self.name: {"host": self.address, "port": self.port}},
                },
            )
        self._write("manifests/app-of-apps/values/homelab.yaml", self._list())
        revision = self._push("the manifests")
        project = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": self.project, "namespace": ARGOCD_NAMESPACE},
            "spec": {"sourceRepos": [self.repo_url], "destinations": [{"server": "*", "namespace": ARGOCD_NAMESPACE}]},
        }
        parent = self._application(self.parent, "manifests/app-of-apps", automated=True)
        parent["spec"]["source"]["helm"] = {"valueFiles": ["values/homelab.yaml"]}
        parent["spec"]["destination"]["namespace"] = ARGOCD_NAMESPACE
        parent["spec"]["syncPolicy"]["syncOptions"] = ["ServerSideApply=true"]
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([project, parent]))
        # the operator's own identity, which labtui commits under
        for key, value in (("user.name", "Live Operator"), ("user.email", "operator@example.org")):
            self.git("config", key, value)
        return revision

    def delete(self) -> None:
        """Take everything away."""
        self._delete("applications.argoproj.io", self.parent)
        self._delete("applications.argoproj.io", self.name, self.old or self.name)
        self._delete("appproject", f"{self.name}-applications")
        if self.old:
            self.kubectl("delete", "namespace", self.old, "--ignore-not-found", "--wait=false")
        super().delete()
        self.stack.down()

    def values(self) -> dict[str, Any]:
        """What a plan of the stack would say."""
        image = f"{self.registry}/web:1"
        probe = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}
        web = {
            "image": image,
            "ports": [{"name": "http", "port": 8080, "servicePort": 80}],
            "docker": {"port": self.port},
            "probes": {"readiness": probe},
            "terminationGracePeriodSeconds": 20,
        }
        cache = {"image": image, "ports": [{"name": "http", "port": 8080}], "probes": {"readiness": probe}}
        return {
            "workload": False,
            "traffic": "docker",
            "docker": {"host": self.address},
            "ingress": {"enabled": True, "component": "web", "host": self.host},
            "components": {"web": web, "cache": cache},
        }

    def subjects(self) -> list[str]:
        """The subjects of the commits in its folder, newest first."""
        self._fresh()
        return self.git("log", "--format=%s", "--", self.folder).splitlines()

    def running(self) -> dict[str, str]:
        """Service → state of its container."""
        found = docker(
            self.stack.site,
            *("ps", "--all", "--filter", f"label=com.docker.compose.project={self.name}"),
            *("--format", '{{.Label "com.docker.compose.service"}} {{.State}}'),
        )
        return {words[0]: words[1] for line in found.splitlines() if len(words := line.split()) == 2}

    def _list(self) -> dict[str, Any]:
        applications: list[dict[str, Any]] = []
        if self.old:
            applications.append(
                {
                    "name": self.old,
                    "enabled": True,
                    "path": f"{self.manifests}/applications/charts/external-services",
                    "namespace": self.old,
                    "helm": {
                        "valueFiles": [f"/{self.manifests}/applications/values/homelab/external-services.yaml"],
                    },
                }
            )
        return {
            "environment": self.name,
            "repository": self.repo_url,
            "layers": {
                "applications": {"appProject": {"name": f"{self.name}-applications"}, "applications": applications}
            },
        }


def without_annotations(template: str) -> str:
    """The template of the external-services chart as it was before it took annotations."""
    for head in ("  {{- with $service.annotations }}\n  annotations:\n", "    {{- with $service.annotations }}\n"):
        indent = head[: len(head) - len(head.lstrip())]
        template = template.replace(f"{head}    {{{{- toYaml . | nindent 4 }}}}\n{indent}{{{{- end }}}}\n", "")
    assert "annotations }}" not in template
    return template


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as found:
        found.bind(("", 0))
        return int(found.getsockname()[1])


class Crowd:
    """Requests on connections of their own, one every tick, whether or not earlier ones came back."""

    def __init__(self, host: str) -> None:
        self.answers: Counter[str] = Counter()
        self.failed: list[str] = []
        self._host = host
        self._over = Event()
        self._pool = ThreadPoolExecutor(32)
        self._thread = Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._pool.shutdown()

    def _tick(self) -> None:
        begin, number = time.monotonic(), 0
        while not self._over.wait(max(0.0, begin + number / RATE - time.monotonic())):
            self._pool.submit(self._one)
            number += 1

    def _one(self) -> None:
        try:
            self.answers[ask(self._host)] += 1
        except (urllib.error.URLError, OSError) as error:
            self.failed.append(f"{time.monotonic():.1f} {error}")


def ask(host: str) -> str:
    """Who answers behind an Ingress."""
    request = urllib.request.Request(os.environ["LIVE_INGRESS"], headers={"Host": host, "Connection": "close"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return str(answer.read().decode().strip())


def answers(host: str) -> bool:
    """Does anybody?"""
    try:
        return bool(ask(host))
    except (urllib.error.URLError, OSError):
        return False
