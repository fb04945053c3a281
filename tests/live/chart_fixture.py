"""An application of the app chart on live servers: its own copy of the chart in git, deployed by Argo CD with self-heal and prune.

    with ChartApp(tmp_path) as app:
        revision = app.install(values)        # commits, and makes the application
        app.settled(revision)                 # Synced and Healthy at that revision
        revision = app.change(values)         # one commit

Needs what GitopsEstate needs. Everything has a name unique to the run and is taken away at the end.
"""

from __future__ import annotations

import json
import shutil
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
