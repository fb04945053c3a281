"""A stack that is migrated as a whole by a real labtui, with the estate around it. Everything is of one run and is taken away.

    web     what served.py serves; published; asks `api` under that name
    api     the same program, without a published port
    cache   sleeps

Both `web` and `api` have a secret from an env file. The GitOps repository is the run's own, beside LIVE_GIT_REPO, so that it can be
cut off. The stack has a route in git to begin with (`traffic: docker`), or is reached by an older external-services application.

    with MigratedStack(tmp_path, image, site="kyiv") as stack:
        stack.deploy()
        stack.labtui("migrate", stack.place, "--yes")
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from labtui.adapters.kubernetes.mirror import KubernetesMirror
from labtui.core.migration.journal import entries_of
from labtui.domain.connections import KubernetesConnection
from labtui.domain.migration.journal import Entry
from labtui.domain.migration.names import object_name
from labtui.ports.migration import MirrorCopy
from tests.live.chart_fixture import vault
from tests.live.gitops_fixture import wait_until
from tests.live.migration_fixture import LiveMigration, answers
from tests.live.migrations.image import PROGRAM
from tests.support.whole_migration_program import name_of

ROOT = Path(__file__).parents[3]
GRACE = 20  # seconds that a stop waits for what is under way
DRAIN = 25  # seconds that connections to the containers may last before they are stopped
_BASE = """\
services:
  web:
    image: {image}
    command: ["python3", "-u", "{program}"]
    environment:
      PORT: "8080"
      PEER: "api:8081"
      DB_PASSWORD: ${{DB_PASSWORD}}
      FAULT: "{fault}"
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"]
      interval: 2s
      timeout: 5s
      retries: 3
    depends_on: [api, cache]
    stop_grace_period: {grace}s
    restart: unless-stopped
  api:
    image: {image}
    command: ["python3", "-u", "{program}"]
    environment:
      PORT: "8081"
      API_TOKEN: ${{API_TOKEN}}
    expose: ["8081"]
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8081/"]
      interval: 2s
      timeout: 5s
      retries: 3
    stop_grace_period: 5s
    restart: unless-stopped
  cache:
    image: {registry}/busybox:latest
    command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 60 & wait $$!; done"]
    stop_grace_period: 2s
    restart: unless-stopped
"""
_SITE = """\
services:
  web:
    ports: ["{port}:8080"]
"""
CHECKS: Mapping[str, Any] = {
    "paths": ["/", "/health", "/secret"],
    "rate": 5,
    "seconds": 1,
    "websockets": ["/ws"],
    "downloads": ["/film.bin"],
    "budget": {"failed": 0, "gap_seconds": 3},
    "soak": {"seconds": 2},
    "drain": DRAIN,
}


class MigratedStack(LiveMigration):
    """See the module. `route`: `own` (in git, to Docker), `old` (by an older application) or `none`."""

    services = ("api", "cache", "web")
    argocd = True  # does the estate name an Argo CD server?

    def __init__(self, tmp: Path, image: str, *, site: str = "wroclaw", route: str = "own", fault: str = "") -> None:
        self.home = tmp
        repository = Path(os.environ["LIVE_GIT_REPO"])
        repository = repository.with_name(f"{repository.stem}-{uuid.uuid4().hex[:8]}.git")
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", repository], check=True, timeout=30)
        self.bare = repository
        environ = {**os.environ, "LIVE_GIT_REPO": str(repository)}
        super().__init__(tmp, old=route == "old", site=site, environ=environ)
        self.site, self.route, self.image = site, route, image
        self.place = f"{site}/{self.name}"
        self.secrets = {name: f"{name}-{uuid.uuid4().hex}" for name in ("DB_PASSWORD", "API_TOKEN")}
        self.checks: dict[str, Any] = {**CHECKS, "edge": os.environ["LIVE_INGRESS"]}
        self.environ: dict[str, str] = {}
        self.machine = "one"
        base, own = self.stack.files
        base.write_text(_BASE.format(image=image, program=PROGRAM, registry=self.registry, grace=GRACE, fault=fault))
        own.write_text(_SITE.format(port=self.port))
        shutil.rmtree(self.stack.folder / self.name)
        lines = [f"{name}={value}" for name, value in self.secrets.items()]
        (self.stack.folder / ".env.generated").write_text("\n".join(lines) + "\n")
        (self.stack.folder / ".env.user").write_text("\n")

    # Making it and taking it away

    def deploy(self, *, with_parent: bool = True, annotations: bool = True) -> str:
        """Start the stack, push the manifests, and wait until it answers through its Ingress."""
        revision = super().deploy(with_parent=with_parent, annotations=annotations)
        self.write_estate()
        if self.route != "none":
            wait_until("the route", lambda: answers(self.host), 120)
        self._settle()
        return revision

    def _settle(self) -> None:
        """Answer what the plan asks, as the operator does."""
        given = [f"{service}.resources=measured" for service in self.services]
        given += ["cache.expose=none", f"ingress.host={self.host}", "ingress.issuer=none"]
        given += ["cluster.host=adopt"] if self.old else []
        words = [word for answer in given for word in ("--set", answer)]
        status, document, said = self.labtui("plan", self.place, *words, "--save", "--yes")
        assert status == 0 and document["saved"]["result"] == "done", (document.get("saved"), said)

    def _clone(self) -> None:
        seed = self.home / f"seed-{self.name}"
        self.git("clone", "--quiet", self.repository, str(seed), folder=self.home)
        (seed / "README.md").write_text("An estate.\n")
        self.git("add", ".", folder=seed)
        self.git("commit", "--quiet", "-m", "the estate", folder=seed)
        self.git("push", "--quiet", "origin", "HEAD:refs/heads/main", folder=seed)
        super()._clone()

    def _push(self, message: str) -> str:
        if message == "the manifests":
            self._prepare()
        return super()._push(message)

    def _prepare(self) -> None:
        """What the manifests have beside the usual: the checks, a route, and an image that waits."""
        folder = self.tree / self.manifests / "applications"
        chart = folder / "charts/app/values.yaml"
        text = chart.read_text()
        wait = next(line for line in text.splitlines() if line.startswith("waitImage: "))
        chart.write_text(text.replace(wait, f"waitImage: {self.registry}/busybox:latest"))
        self._write(f"manifests/applications/values/homelab/{self.name}.checks.yaml", self.checks)
        if self.route == "own":
            self._write(f"manifests/applications/values/homelab/{self.name}.yaml", self._route())

    def _list(self) -> dict[str, Any]:
        listed = super()._list()
        if self.route == "own":
            listed["layers"]["applications"]["applications"].append(
                {
                    "name": self.name,
                    "enabled": True,
                    "path": f"{self.manifests}/applications/charts/app",
                    "namespace": self.name,
                    "helm": {"valueFiles": [f"/{self.manifests}/applications/values/homelab/{self.name}.yaml"]},
                }
            )
        return listed

    def _route(self) -> dict[str, Any]:
        """Values of a stack that is on Docker."""
        web = {"ports": [{"name": "http", "port": 8080}], "docker": {"port": self.port}}
        return {
            "workload": False,
            "traffic": "docker",
            "docker": {"host": self.address},
            "ingress": {"enabled": True, "component": "web", "host": self.host},
            "components": {"web": web},
        }

    def write_estate(self, engine: str = "") -> None:
        """The estate file; the site's engine is reached at `engine` if one is given."""
        usual = {"wroclaw": os.environ["LIVE_DOCKER_WROCLAW"], "kyiv": os.environ["LIVE_DOCKER_KYIV"]}
        host = engine or usual[self.site]
        site = {
            "docker": {"host": host},
            "address": self.address,
            "compose": str(self.stack.folder),
            "project_dir": str(self.stack.folder),
        }
        estate: dict[str, Any] = {
            "estate": "live",
            "domain": "example.org",
            "sites": {self.site: site},
            "cluster": {},
            "argocd": {"server": os.environ["ARGOCD_SERVER"], "plaintext": True},
            "vault": {"address": os.environ["VAULT_ADDR"], "mount": "kv"},
            "gitops": {
                "repository": str(self.tree),
                "branch": "main",
                "manifests": self.manifests,
                "environment": "homelab",
            },
        }
        if not self.argocd:
            del estate["argocd"]
            self.environ |= {"ARGOCD_SERVER": "", "ARGOCD_AUTH_TOKEN": "", "ARGOCD_OPTS": ""}
        self.file = self.home / "labtui.yaml"
        self.file.write_text(yaml.safe_dump(estate, sort_keys=False))

    def delete(self) -> None:
        """Take everything away, what labtui has left in the cluster too."""
        super().delete()
        vault("DELETE", f"kv/metadata/apps/{self.name}")
        own = object_name(self.site, self.name)
        self.kubectl("-n", "labtui", "delete", f"lease/{own}", f"configmap/{own}", "--ignore-not-found")
        shutil.rmtree(self.bare)

    # Driving labtui

    @property
    def state(self) -> Path:
        """Where the labtui of this machine keeps its own files."""
        return self.home / self.machine / "xdg_state_home" / "labtui"

    def copy(self) -> MirrorCopy | None:
        """The journal of the stack's latest migration, as the cluster has it."""
        mirror = KubernetesMirror(KubernetesConnection())
        try:
            return mirror.read(self.site, self.name)
        finally:
            mirror.close()

    def migration(self) -> str:
        """The stack's latest migration; empty when there is none."""
        copy = self.copy()
        return copy.migration if copy is not None else ""

    def journal(self) -> tuple[Entry, ...]:
        """Its entries."""
        copy = self.copy()
        return entries_of(copy) if copy is not None else ()

    def entries(self) -> list[str]:
        """How the tests name its entries: see tests/support/whole_migration_program.py."""
        return [name_of(e.mark, e.step, e.action, e.data) for e in self.journal()]

    def command(self, *words: str, program: str = "labtui") -> list[str]:
        """The command line of a labtui on this estate."""
        return [sys.executable, "-m", program, "--estate", str(self.file), *words]

    def environment(self, **more: str) -> dict[str, str]:
        """Its environment: folders of its own, of the machine that it plays."""
        folder = self.home / self.machine
        names = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
        own = {name: str(folder / name.lower()) for name in names}
        return {**os.environ, **own, "TMPDIR": str(self.temporary), **self.environ, **more}

    @property
    def temporary(self) -> Path:
        """Where it puts what it wants to forget."""
        folder = self.home / self.machine / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def start(self, *words: str, program: str = "labtui", **environment: str) -> subprocess.Popen[str]:
        """Start a labtui; what it prints can be read."""
        return subprocess.Popen(
            self.command(*words, program=program),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.environment(**environment),
        )

    def labtui(
        self, *words: str, program: str = "labtui", seconds: float = 300, **environment: str
    ) -> tuple[int, dict[str, Any], str]:
        """Run a labtui to its end: exit status, what `--json` says (empty if nothing), and the words on stderr."""
        process = self.start(*words, "--json", program=program, **environment)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += f"\nstill running after {seconds:.0f} s"
        return process.returncode, json.loads(out) if out.strip() else {}, err
