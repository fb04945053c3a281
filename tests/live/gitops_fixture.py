"""A small GitOps estate on live servers: one folder in the git repository and the Argo CD applications that deploy it.

    parent   app-of-apps, automated with prune and self-heal, ServerSideApply=true; renders the child
    child    automated with prune and self-heal; a ConfigMap and a small Deployment
    second   the same manifests in a folder of its own, without auto-sync

Everything carries a name that is unique to the run and is in an AppProject and a namespace of its own, so several may exist
at once. Needs git and kubectl in PATH and the variables KUBECONFIG, LIVE_GIT_REPO (path of a bare repository that the
repo-server can read) and LIVE_REGISTRY (has the images `web:1` and `busybox:latest`).

    with GitopsEstate(tmp_path) as estate:
        estate.deploy()
        revision = estate.commit_change("child", "a new greeting")
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import yaml

from labtui.domain.ref import Ref, SourceId

T = TypeVar("T")
ARGOCD_NAMESPACE = "argocd"
_ATTEMPTS = 20


def wait_until(what: str, probe: Callable[[], T | None], seconds: float = 60.0, every: float = 0.2) -> T:
    """Ask `probe` until it answers something true, and return that. Fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"did not see in {seconds:.0f} s: {what}")
        time.sleep(every)


class GitopsEstate:
    """Applications of one run; see the module. `folder` is where they are in the repository, `tree` the clone."""

    def __init__(self, tmp: Path, environ: Mapping[str, str] | None = None) -> None:
        env = os.environ if environ is None else environ
        self.repository = env["LIVE_GIT_REPO"]
        self.repo_url = f"file://{self.repository}"
        self.registry = env["LIVE_REGISTRY"]
        self.name = f"lt-{uuid.uuid4().hex[:8]}"
        self.folder = f"live/{self.name}"
        self.namespace = self.name
        self.project = self.name
        self.parent = f"{self.name}-parent"
        self.child = f"{self.name}-child"
        self.second = f"{self.name}-second"
        self.tree = tmp / f"clone-{self.name}"
        self._changes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delete()

    def ref(self, source: SourceId, name: str) -> Ref:
        """Identity of one of its applications at the server `source`."""
        return Ref(source, "Application", ARGOCD_NAMESPACE, name)

    # Making it

    def deploy(self, *, with_parent: bool = True) -> str:
        """Write the folder, push it, create project and applications; answers the first revision. Does not wait for syncs."""
        self._clone()
        self._write_app("child")
        self._write_app("second")
        self._write("parent/child.yaml", self._application(self.child, "child", automated=True))
        revision = self._push("the beginning")
        documents: list[dict[str, Any]] = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "AppProject",
                "metadata": {"name": self.project, "namespace": ARGOCD_NAMESPACE},
                "spec": {
                    "sourceRepos": ["*"],
                    "destinations": [{"server": "*", "namespace": "*"}],
                    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                    "sourceNamespaces": ["*"],
                    "syncWindows": [],
                },
            },
            self._application(self.second, "second", automated=False),
        ]
        if with_parent:
            parent = self._application(self.parent, "parent", automated=True)
            parent["spec"]["destination"]["namespace"] = ARGOCD_NAMESPACE
            parent["spec"]["syncPolicy"]["syncOptions"] = ["ServerSideApply=true"]
            documents.append(parent)
        self.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(documents))
        return revision

    def delete(self) -> None:
        """Take everything away: applications (the parent first), project, namespace, the folder in git."""
        self._delete("applications.argoproj.io", self.parent)  # it would bring its child back
        self._delete("applications.argoproj.io", self.child, self.second)
        self._delete("appproject", self.project)
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")
        if (self.tree / self.folder).exists():
            self._fresh()
            self.git("rm", "-r", "--quiet", "--", self.folder)
            self._push("the end")

    # Changing it

    def commit_change(self, which: str = "child", message: str = "a change") -> str:
        """Change the ConfigMap of `which` (child or second) and push; answers the new revision."""
        self._fresh()
        self._changes += 1
        self._write(f"{which}/config.yaml", self._config(which, f"change {self._changes}"))
        return self._push(message)

    def break_it(self, which: str = "child", message: str = "a mistake") -> str:
        """Commit a Deployment that the API server refuses (its selector does not fit), so that a sync fails."""
        self._fresh()
        broken = self._deployment(which)
        broken["metadata"]["name"] += "-broken"
        broken["spec"]["selector"]["matchLabels"] = {"app": "somebody-else"}
        self._write(f"{which}/broken.yaml", broken)
        return self._push(message)

    def add_slow_hook(self, which: str = "second", seconds: int = 300, message: str = "a slow hook") -> str:
        """Commit a PreSync hook that takes `seconds`, so that an operation keeps running."""
        self._fresh()
        hook = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": f"{which}-slow",
                "annotations": {
                    "argocd.argoproj.io/hook": "PreSync",
                    "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
                },
            },
            "spec": {
                "backoffLimit": 0,
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "terminationGracePeriodSeconds": 0,
                        "containers": [
                            {
                                "name": "wait",
                                "image": f"{self.registry}/busybox:latest",
                                "command": ["sleep", str(seconds)],
                            }
                        ],
                    }
                },
            },
        }
        self._write(f"{which}/slow.yaml", hook)
        return self._push(message)

    def remove(self, which: str, file: str, message: str = "take it away") -> str:
        """Remove a file of an application's folder (`broken.yaml`, `slow.yaml`) and push."""
        self._fresh()
        self.git("rm", "--quiet", "--", f"{self.folder}/{which}/{file}")
        return self._push(message)

    def revert(self, revision: str, message: str = "revert") -> str:
        """Push a commit that undoes `revision`."""
        self._fresh()
        self.git("revert", "--no-commit", revision)
        return self._push(message)

    def close_window(self) -> None:
        """A sync window that is always open and denies all syncs, manual ones too."""
        window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"], "manualSync": False}
        self._windows([window])

    def open_window(self) -> None:
        """No sync windows any more."""
        self._windows([])

    def raw(self, name: str) -> dict[str, Any]:
        """The Application object as the cluster has it."""
        answer = self.kubectl("-n", ARGOCD_NAMESPACE, "get", "applications.argoproj.io", name, "-o", "json")
        found: dict[str, Any] = json.loads(answer)
        return found

    def patch(self, name: str, patch: Mapping[str, Any]) -> None:
        """Merge-patch an Application behind Argo CD's API server."""
        self.kubectl(
            "-n",
            ARGOCD_NAMESPACE,
            "patch",
            "applications.argoproj.io",
            name,
            "--type",
            "merge",
            "-p",
            json.dumps(patch),
        )

    # Programs

    def git(self, *args: str, folder: Path | None = None) -> str:
        """Run git in the clone, with an identity of its own and without the user's settings."""
        env = dict(os.environ) | {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_NAME": "Live Test",
            "GIT_AUTHOR_EMAIL": "live@example.org",
            "GIT_COMMITTER_NAME": "Live Test",
            "GIT_COMMITTER_EMAIL": "live@example.org",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        return _run(["git", *args], cwd=folder or self.tree, env=env)

    def kubectl(self, *args: str, text: str | None = None) -> str:
        """Run kubectl against the live cluster."""
        return _run(["kubectl", *args], text=text)

    # Parts

    def _clone(self) -> None:
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        self.git("clone", "--quiet", self.repository, str(self.tree), folder=self.tree.parent)
        self.git("symbolic-ref", "HEAD", "refs/heads/main")

    def _fresh(self) -> None:
        """Begin with what is in the repository now; there is never anything in the clone that was not pushed."""
        self.git("fetch", "--quiet", "origin", "main")
        self.git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def _push(self, message: str) -> str:
        """Commit everything and push; others push to the same branch, so on top of theirs, again and again."""
        self.git("add", "--all", "--", ".")
        self.git("commit", "--quiet", "-m", f"{self.name}: {message}")
        for attempt in range(_ATTEMPTS):
            try:
                self.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
                return self.git("rev-parse", "HEAD").strip()
            except subprocess.CalledProcessError:
                if attempt == _ATTEMPTS - 1:
                    raise
                self.git("fetch", "--quiet", "origin", "main")
                self.git("rebase", "--quiet", "FETCH_HEAD")
        raise AssertionError("unreachable")

    def _write(self, file: str, document: Mapping[str, Any]) -> None:
        path = self.tree / self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(dict(document)))

    def _write_app(self, which: str) -> None:
        self._write(f"{which}/config.yaml", self._config(which, "the beginning"))
        self._write(f"{which}/deployment.yaml", self._deployment(which))

    def _config(self, which: str, greeting: str) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{which}-config"},
            "data": {"greeting": greeting},
        }

    def _deployment(self, which: str) -> dict[str, Any]:
        labels = {"app": f"{which}-web"}
        container = {"name": "web", "image": f"{self.registry}/web:1", "ports": [{"containerPort": 8080}]}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"{which}-web"},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
                },
            },
        }

    def _application(self, name: str, which: str, *, automated: bool) -> dict[str, Any]:
        spec: dict[str, Any] = {
            "project": self.project,
            "source": {"repoURL": self.repo_url, "path": f"{self.folder}/{which}", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": self.namespace},
        }
        if automated:
            spec["syncPolicy"] = {"automated": {"prune": True, "selfHeal": True}}
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": ARGOCD_NAMESPACE},
            "spec": spec,
        }

    def _delete(self, kind: str, *names: str) -> None:
        self.kubectl("-n", ARGOCD_NAMESPACE, "delete", kind, *names, "--ignore-not-found")

    def _windows(self, windows: list[dict[str, Any]]) -> None:
        patch = json.dumps({"spec": {"syncWindows": windows}})
        self.kubectl("-n", ARGOCD_NAMESPACE, "patch", "appproject", self.project, "--type", "merge", "-p", patch)


def _run(
    command: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None, text: str | None = None
) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=env, input=text, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        error = subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
        error.add_note(done.stderr)
        raise error
    return done.stdout
