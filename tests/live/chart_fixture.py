"""An application of the app chart on live servers: its own copy of the chart in git, deployed by Argo CD with self-heal and prune.

    with ChartApp(tmp_path) as app:
        revision = app.install(values)        # commits, and makes the application
        app.settled(revision)                 # Synced and Healthy at that revision
        revision = app.change(values)         # one commit

Needs what GitopsEstate needs. Everything has a name unique to the run and is taken away at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from typing import Any

import yaml

from tests.live.gitops_fixture import ARGOCD_NAMESPACE, GitopsEstate, wait_until
from tests.manifests.charts import APP_CHART


class ChartApp(GitopsEstate):
    """See the module. The application is `child`, its namespace `namespace`."""

    def install(self, values: Mapping[str, Any]) -> str:
        """Push the chart and these values, and make the application; answers the revision."""
        self._clone()
        shutil.copytree(APP_CHART, self.tree / self.folder / "chart")
        self._write("values.yaml", values)
        revision = self._push("the chart")
        anything = [{"group": "*", "kind": "*"}]
        project: dict[str, Any] = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": self.project, "namespace": ARGOCD_NAMESPACE},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": anything,
            },
        }
        application = self._application(self.child, "chart", automated=True)
        application["spec"]["source"]["helm"] = {"valueFiles": ["../values.yaml"]}
        application["spec"]["syncPolicy"]["syncOptions"] = ["CreateNamespace=true", "ServerSideApply=true"]
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all([project, application]))
        return revision

    def change(self, values: Mapping[str, Any], message: str = "other values") -> str:
        """Commit and push other values, and ask Argo CD to look; answers the revision."""
        self._fresh()
        self._write("values.yaml", values)
        revision = self._push(message)
        self.patch(self.child, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}})
        return revision

    def settled(self, revision: str, seconds: float = 120) -> dict[str, Any]:
        """Wait until the application is Synced and Healthy at this revision; answers it."""

        def probe() -> dict[str, Any] | None:
            found = self.raw(self.child)
            status = found.get("status", {})
            sync, operation = status.get("sync", {}), status.get("operationState", {})
            healthy = status.get("health", {}).get("status") == "Healthy"
            done = operation.get("phase") == "Succeeded" and operation.get("syncResult", {}).get("revision") == revision
            at_it = sync.get("status") == "Synced" and sync.get("revision") == revision
            return found if healthy and done and at_it and "operation" not in found else None

        try:
            return wait_until(f"{self.child} Synced and Healthy at {revision[:8]}", probe, seconds)
        except AssertionError as error:
            error.add_note(json.dumps(self.raw(self.child).get("status", {}), indent=1)[:6000])
            raise

    def get(self, *words: str) -> dict[str, Any]:
        """`kubectl get WORDS -o json` in the application's namespace."""
        found: dict[str, Any] = json.loads(self.kubectl("-n", self.namespace, "get", *words, "-o", "json"))
        return found


def kubectl(*words: str, text: str | None = None) -> str:
    """Run kubectl against the live cluster; fails with what it said."""
    done = subprocess.run(["kubectl", *words], input=text, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def vault(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """A call of the live Vault's API, as the operator."""
    request = urllib.request.Request(f"{os.environ['VAULT_ADDR']}/v1/{path}", method=method)
    request.add_header("X-Vault-Token", os.environ["VAULT_TOKEN"])
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data, timeout=10) as answer:
        found: dict[str, Any] = json.loads(answer.read() or b"{}")
        return found


def two_components(app: ChartApp, port: int) -> dict[str, Any]:
    """Two components: `web`, on Docker today, which waits for `store`, which keeps data and knows a secret."""
    image = f"{app.registry}/web:1"
    probe = {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}
    web = {
        "image": image,
        "ports": [{"name": "http", "port": 8080, "servicePort": 80}],
        "service": {"aliases": ["shop-web"]},
        "docker": {"port": port},
        "probes": {"readiness": probe},
        "waitFor": [{"component": "store", "port": 8080}],
        "terminationGracePeriodSeconds": 4,
    }
    store = {
        "kind": "StatefulSet",
        "image": image,
        "ports": [{"name": "http", "port": 8080}],
        "secretEnv": {"PASSWORD": {"secret": "store", "key": "PASSWORD"}},
        "probes": {"startup": probe, "readiness": probe},
        "terminationGracePeriodSeconds": 1,
        "volumes": [
            {"name": "data", "mountPath": "/data", "pvc": {"size": "1Mi"}},
            {"name": "conf", "mountPath": "/etc/conf", "configMap": {"files": {"greeting": "hello\n"}}},
            {"name": "users", "mountPath": "/users", "secret": {"name": "store", "items": {"users": "users"}}},
            {"name": "tmp", "mountPath": "/tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        ],
    }
    return {
        "workload": False,
        "traffic": "docker",
        "docker": {"host": os.environ["LIVE_NODE_IP"]},
        "ingress": {"enabled": True, "component": "web", "host": f"{app.name}.example.org"},
        "components": {"web": web, "store": store},
        "secrets": {
            "store": {
                "path": f"apps/{app.name}",
                "keys": {"PASSWORD": "DB_PASSWORD"},
                "template": {"users": "admin={{ .PASSWORD }}"},
            }
        },
        "waitImage": f"{app.registry}/busybox:latest",
    }
