"""A stack of the reference estate on live servers, first on a Docker engine and then, by its plan, in the cluster.

The Compose files are the repository's own, with the images of tests/live/stand_ins.py. The stack's name, and with it the Compose
project, the Vault path and the namespace, is unique to the run; container names and published ports are those of the files, so only
one run at a time may have them (LIVE_LOCK with `.stacks` added).

    with PlannedStack("immich", tmp_path) as stack:
        stack.up()                  # labtui compose … up
        stack.plan(answers)         # labtui plan … --out
        stack.put_secrets()
        stack.apply()
        stack.ready()
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.live.chart_fixture import kubectl, vault
from tests.live.compose_fixture import docker
from tests.live.gitops_fixture import GitopsEstate, wait_until
from tests.live.stand_ins import STAND_INS, built
from tests.manifests.charts import APP_CHART

REFERENCE = APP_CHART.parents[3] / "compose"
SITE = "wroclaw"
# values that break what does not take care: a dollar for Compose, $(…) for Kubernetes, quotes and spaces for shells
STRANGE = 'it\'s $HOME $(TZ) $$ "x" #1 %s'
SETTINGS = {
    "MIKROTIK_PASSWORD": "r0uter-of-the-run",
    "BASIC_AUTH_HASH": "$2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG",
    "AUTHELIA_ADMIN_HASH": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",
    "CLOUDFLARE_API_TOKEN": "cf-token-of-the-run",
}


@contextmanager
def only_one() -> Iterator[None]:
    """No other run has these container names and ports meanwhile."""
    with Path(os.environ.get("LIVE_LOCK", "/tmp/labtui-live.lock") + ".stacks").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class PlannedStack:
    """See the module. `service` names are those of the Compose file, and of the components: they are valid DNS labels."""

    def __init__(self, reference: str, folder: Path) -> None:
        self.reference = reference
        self.folder = folder
        # a repository of its own: a plan to commit is refused when somebody else has pushed meanwhile, as other tests do
        repository = folder / "estate.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", repository], check=True, timeout=30)
        self.gitops = GitopsEstate(folder, {**os.environ, "LIVE_GIT_REPO": str(repository)})
        self.name = f"{reference}-{self.gitops.name}"
        self.compose = folder / "compose"
        self.photos = self.compose / SITE / "photos"
        self.services = tuple(STAND_INS[reference])
        self.out = folder / "out"
        self.answers: tuple[str, ...] = ()
        self.document: dict[str, Any] = {}
        self._left = ExitStack()

    def __enter__(self) -> Self:
        with self._left:
            self._left.enter_context(only_one())
            images = self._left.enter_context(built(self.reference, self.gitops.name))
            self._write_compose(images)
            self._left.callback(self._remove_containers)
            self._write_gitops()
            self._left.callback(vault, "DELETE", f"kv/metadata/apps/{self.name}")
            self._left.callback(self._remove_objects)
            self._left = self._left.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.close()

    # The estate

    def _write_compose(self, images: Mapping[str, str]) -> None:
        for part in ("_base", SITE):
            (self.compose / part).mkdir(parents=True)
            text = (REFERENCE / part / f"{self.reference}.yaml").read_text()
            file = yaml.safe_load(text)
            for service, image in images.items():
                if was := file["services"].get(service, {}).get("image"):
                    text = text.replace(f"image: {was}\n", f"image: {image}\n")
            text = text.replace(f"${{PWD}}/{self.reference}/", f"${{PWD}}/{self.name}/")
            (self.compose / part / f"{self.name}.yaml").write_text(text)
        site = self.compose / SITE
        if (REFERENCE / SITE / self.reference).is_dir():
            shutil.copytree(REFERENCE / SITE / self.reference, site / self.name)
        self._write_data(site / self.name)
        shutil.copy(REFERENCE / "generate", self.compose)
        shutil.copy(REFERENCE / SITE / ".env.generated.example", site)
        subprocess.run(["sh", self.compose / "generate", SITE], check=True, capture_output=True, timeout=30)
        example = (REFERENCE / SITE / ".env.user.example").read_text()
        lines = [line for line in example.splitlines() if line.partition("=")[0] not in SETTINGS]
        lines += [f"{name}='{value}'" for name, value in SETTINGS.items()]
        quoted = STRANGE.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
        lines += [f"PHOTOS={self.photos}", f'IMMICH_DB_PASSWORD="{quoted}"']
        (site / ".env.user").write_text("\n".join(lines) + "\n")

    def _write_data(self, data: Path) -> None:
        """What an operator's site has: folders that the containers' users may write to, files that they may read."""
        self.photos.mkdir()
        (self.photos / "cat.jpg").write_bytes(b"\xff\xd8 a cat \x00\xff")
        if self.reference == "monitoring":
            for name in ("grafana", "mktxp"):
                (data / name).mkdir(exist_ok=True)
                (data / name).chmod(0o777)
            (data / "mktxp" / "mktxp.conf").touch(0o644)

    def _write_gitops(self) -> None:
        self.gitops._clone()
        manifests = f"{self.gitops.folder}/manifests"
        chart = self.gitops.tree / manifests / "applications" / "charts" / "app"
        shutil.copytree(APP_CHART, chart)
        values = (chart / "values.yaml").read_text()
        wait = next(line for line in values.splitlines() if line.startswith("waitImage: "))
        (chart / "values.yaml").write_text(values.replace(wait, f"waitImage: {self.gitops.registry}/busybox:latest"))
        self.gitops._push("the chart")
        self.file = self.folder / "labtui.yaml"
        estate: dict[str, Any] = {
            "estate": "homelab",
            "domain": "example.org",
            "sites": {
                SITE: {
                    "docker": {"context": SITE},
                    "address": os.environ["LIVE_NODE_IP"],
                    "compose": str(self.compose / SITE),
                }
            },
            "cluster": {"context": "homelab"},
            "argocd": {"server": os.environ["ARGOCD_SERVER"], "plaintext": True},
            "vault": {"address": os.environ["VAULT_ADDR"], "mount": "kv"},
            "gitops": {
                "repository": str(self.gitops.tree),
                "remote": "origin",
                "branch": "main",
                "manifests": manifests,
                "environment": "homelab",
            },
        }
        self.file.write_text(yaml.safe_dump(estate, sort_keys=False))

    @property
    def environ(self) -> dict[str, str]:
        """What labtui runs with: settings and state of the run's own."""
        return {
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "GIT_AUTHOR_NAME": "Live Test",
            "GIT_AUTHOR_EMAIL": "live@example.org",
            "GIT_COMMITTER_NAME": "Live Test",
            "GIT_COMMITTER_EMAIL": "live@example.org",
        }

    # labtui

    def command(self, *words: str) -> list[str]:
        """The command line of a labtui on this estate."""
        estate = ("--estate", str(self.file))
        rest = (*words[:1], *estate, *words[1:]) if words else estate
        return [sys.executable, "-m", "labtui", *rest]

    def labtui(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run `labtui WORDS --json` to its end; exit status and document. It must not print a secret."""
        done = subprocess.run(
            self.command(*words, "--json"),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            env={**os.environ, **self.environ},
        )
        self.holds_no_secret(done.stdout + done.stderr, " ".join(words))
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, found

    def up(self) -> None:
        """Run the stack on its site, by labtui."""
        status, report = self.labtui("compose", f"{SITE}/{self.name}", "up", "--yes")
        assert status == 0, report
        assert {s["service"] for s in report["services"]} == set(self.services)

    def plan(self, answers: Sequence[str]) -> None:
        """Plan it with these answers; the values and the objects are in `out`."""
        words = [word for answer in answers for word in ("--set", answer)]
        status, self.document = self.labtui("plan", f"{SITE}/{self.name}", *words, "--out", str(self.out))
        assert status == 0, self.document.get("findings", self.document)
        for file in self.out.rglob("*.yaml"):
            self.holds_no_secret(file.read_text(), file.name)

    def secret_values(self) -> dict[str, str]:
        """What the containers have for each planned secret: key in Vault → value."""
        return {
            s["key"]: self.container_environment(s["service"])[s["variable"]] for s in self.document.get("secrets", ())
        }

    def holds_no_secret(self, text: str, where: str) -> None:
        """Fail if a secret of the env files is in a text."""
        names = ("PASSWORD", "SECRET", "KEY", "TOKEN", "HASH")
        for file in (self.compose / SITE / ".env.generated", self.compose / SITE / ".env.user"):
            for line in file.read_text().splitlines():
                name, _, value = line.partition("=")
                if any(word in name for word in names) and (plain := value.strip("'\"")):
                    assert plain not in text, f"{where} shows {name}"
        assert STRANGE not in text, f"{where} shows IMMICH_DB_PASSWORD"

    def put_secrets(self) -> None:
        """Write them to Vault where the plan says, as the migration would."""
        paths = {s["path"] for s in self.document["secrets"]}
        assert paths == {f"apps/{self.name}"}
        vault("POST", f"kv/data/apps/{self.name}", {"data": self.secret_values()})

    # The engine

    def container(self, service: str) -> dict[str, Any]:
        """A service's container as the engine shows it."""
        ids = docker(
            SITE,
            *("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.name}"),
            *("--filter", f"label=com.docker.compose.service={service}"),
        ).split()
        assert len(ids) == 1, service
        found: dict[str, Any] = json.loads(docker(SITE, "inspect", ids[0]))[0]
        return found

    def container_environment(self, service: str) -> dict[str, str]:
        """The variables that Compose gave a container."""
        return dict(pair.split("=", 1) for pair in self.container(service)["Config"]["Env"])

    def in_container(self, service: str, script: str) -> str:
        """Run a script in a service's container."""
        return docker(SITE, "exec", self.container(service)["Id"], "sh", "-c", script)

    def healthy(self) -> None:
        """Wait until every container runs, and is healthy where it has a check."""

        def state(service: str) -> str:
            found = self.container(service)["State"]
            return str(found.get("Health", {}).get("Status") or found["Status"])

        def probe() -> bool:
            states = {service: state(service) for service in self.services}
            assert not set(states.values()) & {"exited", "dead", "unhealthy"}, states
            return set(states.values()) <= {"healthy", "running"}

        wait_until("all containers are healthy", probe, 120)

    # The cluster

    def apply(self) -> None:
        """Make the namespace and the rendered objects, as an operator with kubectl would."""
        kubectl("create", "namespace", self.name)
        kubectl("apply", "--server-side", "--namespace", self.name, "--filename", str(self.out / self.name))

    def get(self, *words: str) -> dict[str, Any]:
        """`kubectl get WORDS -o json` in the stack's namespace."""
        found: dict[str, Any] = json.loads(kubectl("-n", self.name, "get", *words, "-o", "json"))
        return found

    def pods(self) -> dict[str, dict[str, Any]]:
        """Component → its pod."""
        items = self.get("pods")["items"]
        return {pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod for pod in items}

    def ready(self, seconds: float = 150) -> None:
        """Wait until each component has a Ready pod; says why not."""

        def probe() -> bool:
            pods = self.pods()
            return set(pods) == set(self.services) and all(map(_is_ready, pods.values()))

        try:
            wait_until(f"all pods of {self.name} are Ready", probe, seconds)
        except AssertionError as error:
            for words in (("get", "pods", "-o", "wide"), ("get", "events"), ("describe", "externalsecrets")):
                error.add_note(kubectl("-n", self.name, *words)[-5000:])
            raise

    def in_pod(self, service: str, script: str) -> str:
        """Run a script in a component's container, as whoever its pod runs as."""
        name = self.pods()[service]["metadata"]["name"]
        return kubectl("-n", self.name, "exec", name, "-c", service, "--", "sh", "-c", script).strip()

    # Taking it away

    def _remove_objects(self) -> None:
        """The namespace, and the disks of its claims, which the provisioner removes after them."""
        kubectl("delete", "namespace", self.name, "--ignore-not-found", "--wait=true", "--timeout=110s")

        def gone() -> bool:
            volumes = json.loads(kubectl("get", "persistentvolumes", "-o", "json"))["items"]
            return not [v for v in volumes if v["spec"].get("claimRef", {}).get("namespace") == self.name]

        wait_until("the volumes are gone", gone, 90)

    def _remove_containers(self) -> None:
        site = self.compose / SITE
        words = f"compose --project-name {self.name} -f ../_base/{self.name}.yaml -f {self.name}.yaml"
        files = ("--env-file", ".env.generated", "--env-file", ".env.user")
        docker(SITE, *shlex.split(words), *files, "down", "--timeout", "1", "--volumes", cwd=site)


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
