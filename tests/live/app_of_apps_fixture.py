"""A copy of manifests/app-of-apps with a list of its own, deployed by a real Argo CD.

Three applications in three waves, all of the app chart: `first`, which takes a while to be ready; `secret`, which needs a secret
from Vault; and `last`. Names, folder in git, projects, namespace and Vault path are unique to the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from labtui.demo.files import data_folder
from tests.live.estate_fixture import VaultPaths
from tests.live.gitops_fixture import ARGOCD_NAMESPACE, GitopsEstate, wait_until

WAVE = "argocd.argoproj.io/sync-wave"
REFRESH = "argocd.argoproj.io/refresh"
HEALTH = "resource.customizations.health.argoproj.io_Application"
SLOW = 6  # seconds until `first` is ready


class LiveAppOfApps(GitopsEstate):
    """See the module. The parent is the application of the app of apps."""

    def __init__(self, tmp: Path, value: str) -> None:
        super().__init__(tmp)
        self.value = value
        self.vault = VaultPaths(f"apps/{self.name}")
        self.applications = {wave: f"{self.name}-{wave}" for wave in ("first", "secret", "last")}
        self._former_health: str | None = None

    def deploy(self, *, with_parent: bool = True) -> str:
        """Push chart and list, and let Argo CD begin; answers the revision."""
        self.vault.put("web", self.value)
        self._let_waves_wait()
        self._clone()
        manifests, folder = data_folder("manifests"), self.tree / self.folder
        shutil.copytree(manifests / "app-of-apps", folder / "app-of-apps", ignore=shutil.ignore_patterns("values"))
        shutil.copytree(manifests / "applications/charts/app", folder / "app")
        for application in self.applications:
            self._write(f"values/{application}.yaml", self._values(application))
        self._write("app-of-apps/values/live.yaml", self._list())
        revision = self._push("an app of apps")
        project = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": self.project, "namespace": ARGOCD_NAMESPACE},
            "spec": {"sourceRepos": [self.repo_url], "destinations": [{"server": "*", "namespace": ARGOCD_NAMESPACE}]},
        }
        parent = self._application(self.parent, "app-of-apps", automated=True)
        parent["spec"]["source"]["helm"] = {"valueFiles": ["values/live.yaml"]}
        parent["spec"]["destination"]["namespace"] = ARGOCD_NAMESPACE
        parent["spec"]["syncPolicy"]["syncOptions"] = ["ServerSideApply=true"]
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([project, *([parent] if with_parent else [])]))
        return revision

    def take_away(self, application: str) -> None:
        """Push a list without one of the applications, and let Argo CD see it."""
        self._fresh()
        values = self._list()
        for layer in values["layers"].values():
            layer["applications"] = [a for a in layer["applications"] if a["name"] != self.applications[application]]
        self._write("app-of-apps/values/live.yaml", values)
        self._push(f"without {application}")
        self.refresh(self.parent)

    def delete(self) -> None:
        """Take everything away, Argo CD's opinion on the health of applications too."""
        self._delete("applications.argoproj.io", self.parent)  # it would bring the others back
        self._delete("applications.argoproj.io", *self.applications.values())
        self._delete(
            "appproject", *(self.layer_project(layer) for layer in ("infrastructure", "platform", "applications"))
        )
        super().delete()
        self.vault.delete("web")
        if self._former_health is not None:
            self._set_health(self._former_health or None)

    # Asking

    def layer_project(self, layer: str) -> str:
        """The AppProject of a layer."""
        return f"{self.name}-{layer}"

    def exists(self, name: str) -> bool:
        """Is there an application of this name?"""
        found = self.kubectl(
            "-n", ARGOCD_NAMESPACE, "get", "applications.argoproj.io", name, "--ignore-not-found", "-o", "name"
        )
        return bool(found.strip())

    def healthy(self, name: str, seconds: float = 180) -> dict[str, Any]:
        """Wait until an application is there, Synced and Healthy, without an operation."""

        def probe() -> dict[str, Any] | None:
            if not self.exists(name):
                return None
            found = self.raw(name)
            status = found.get("status", {})
            good = (
                status.get("sync", {}).get("status") == "Synced" and status.get("health", {}).get("status") == "Healthy"
            )
            return found if good and not found.get("operation") else None

        return wait_until(f"{name} Synced and Healthy", probe, seconds, every=0.5)

    def refresh(self, name: str) -> None:
        """Let Argo CD compare with git now."""
        self.patch(name, {"metadata": {"annotations": {REFRESH: "normal"}}})

    def object(self, kind: str, name: str) -> dict[str, Any]:
        """An object of the applications' namespace."""
        found: dict[str, Any] = json.loads(self.kubectl("-n", self.namespace, "get", kind, name, "-o", "json"))
        return found

    def ready_since(self, deployment: str) -> str:
        """When a Deployment became available, as the cluster writes times."""
        conditions = self.object("deployment", deployment)["status"]["conditions"]
        return str(
            next(c["lastTransitionTime"] for c in conditions if c["type"] == "Available" and c["status"] == "True")
        )

    # Parts

    def _let_waves_wait(self) -> None:
        """Argo CD has no opinion on the health of applications until it is given one: the reference estate's."""
        settings = yaml.safe_load(
            (data_folder("manifests") / "platform/charts/argocd/values.yaml").read_text(encoding="utf-8")
        )["argocd"]["configs"]["cm"]
        found = json.loads(self.kubectl("-n", ARGOCD_NAMESPACE, "get", "configmap", "argocd-cm", "-o", "json"))
        self._former_health = found.get("data", {}).get(HEALTH, "")
        self._set_health(settings[HEALTH])

    def _set_health(self, script: str | None) -> None:
        patch = json.dumps({"data": {HEALTH: script}})
        self.kubectl("-n", ARGOCD_NAMESPACE, "patch", "configmap", "argocd-cm", "--type", "merge", "-p", patch)

    def _list(self) -> dict[str, Any]:
        layers = {"infrastructure": ("first", -20), "platform": ("secret", -10), "applications": ("last", 0)}
        return {
            "environment": self.name,
            "repository": self.repo_url,
            "layers": {
                layer: {
                    "appProject": {"name": self.layer_project(layer)},
                    "annotations": {WAVE: str(wave)},
                    "applications": [
                        {
                            "name": self.applications[application],
                            "enabled": True,
                            "path": f"{self.folder}/app",
                            "namespace": self.namespace,
                            "helm": {
                                "releaseName": application,
                                "valueFiles": [f"/{self.folder}/values/{application}.yaml"],
                            },
                        }
                    ],
                }
                for layer, (application, wave) in layers.items()
            },
        }

    def _values(self, application: str) -> dict[str, Any]:
        component: dict[str, Any] = {
            "image": f"{os.environ['LIVE_REGISTRY']}/web:1",
            "ports": [{"name": "http", "port": 8080}],
            "terminationGracePeriodSeconds": 0,
        }
        values: dict[str, Any] = {"workload": True, "traffic": "kubernetes", "components": {application: component}}
        if application == "first":
            probe = {"tcpSocket": {"port": "http"}, "initialDelaySeconds": SLOW, "periodSeconds": 1}
            component["probes"] = {"readiness": probe}
        if application == "secret":
            component["secretEnv"] = {"PASSWORD": {"secret": application, "key": "PASSWORD"}}
            values["secrets"] = {application: {"path": f"{self.vault.folder}/web", "keys": {"PASSWORD": "password"}}}
        return values


def dry_run(text: str, namespace: str) -> None:
    """Let a real API server say whether it would take these objects."""
    command = ["kubectl", "-n", namespace, "apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
