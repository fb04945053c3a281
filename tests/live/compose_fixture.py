"""A small Compose stack on a live Docker engine, deployed as the estate does it.

    web      answers HTTP on port 8080, which is published on a free port of the host; has a health check
    cache    sleeps
    worker   sleeps, depends on cache

The files are `compose/_base/STACK.yaml` and `compose/SITE/STACK.yaml` under a folder of the caller; the stack is run from the site's
folder: project name = stack, files base then site, env files `.env.generated` and `.env.user`, `${PWD}/STACK/…` for bind mounts.
The name of the stack is unique to the run unless one is given, so several may exist at once.

Needs docker with its compose plugin in PATH and LIVE_REGISTRY (the images `web:1` and `busybox:latest` are in the engine), and for
site `wroclaw` LIVE_DOCKER_WROCLAW, for `kyiv` LIVE_DOCKER_KYIV_SOCKET (or LIVE_DOCKER_KYIV).

    with LiveStack("kyiv", tmp_path) as stack:      # stack.down() at the end
        stack.up()
        stack.stop("cache")
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

SERVICES = ("web", "cache", "worker")

# ends with 0 on SIGTERM, and on SIGUSR1 with the number in /tmp/code
_SLEEP = """trap 'exit 0' TERM; trap 'exit $$(cat /tmp/code)' USR1; while :; do sleep 60 & wait $$!; done"""

_BASE = """\
services:
  web:
    image: {registry}/web:1
    environment:
      GREETING: ${{GREETING:-hello}}
    healthcheck:
      test: ["CMD-SHELL", "test ! -e /tmp/sick"]
      interval: 1s
      timeout: 5s
      retries: 1
    depends_on: [cache]
    stop_grace_period: 1s
  cache:
    image: {registry}/busybox:latest
    command: ["sh", "-c", {sleep}]
    stop_grace_period: 2s
  worker:
    image: {registry}/busybox:latest
    command: ["sh", "-c", {sleep}]
    depends_on: [cache]
    stop_grace_period: 2s
"""

_SITE = """\
services:
  web:
    ports: ["8080"]
    volumes:
      - ${{PWD}}/{stack}/site.txt:/etc/site.txt:ro
"""


def engine_address(site: str) -> str:
    """Where the tests drive the engine of a site: beside labtui, by a socket where there is one."""
    if site == "wroclaw":
        return os.environ["LIVE_DOCKER_WROCLAW"]
    return os.environ.get("LIVE_DOCKER_KYIV_SOCKET") or os.environ["LIVE_DOCKER_KYIV"]


def docker(site: str, *words: str, cwd: Path | None = None) -> str:
    """Run `docker WORDS` against the engine of a site and return what it prints. Fails with what it said."""
    environ = {k: v for k, v in os.environ.items() if k != "DOCKER_CONTEXT"}
    environ["DOCKER_HOST"] = engine_address(site)
    if cwd is not None:
        environ["PWD"] = str(cwd)  # what Compose puts in for ${PWD}
    done = subprocess.run(["docker", *words], cwd=cwd, env=environ, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(f"docker {' '.join(words)} on {site}: {done.stderr.strip()}")
    return done.stdout.strip()


class LiveStack:
    """A stack of one run; see the module. Every verb waits until Compose says that it is done."""

    def __init__(self, site: str, folder: Path, name: str = "") -> None:
        self.site = site
        self.name = name or f"lt-{uuid.uuid4().hex[:8]}"
        self.compose = folder / "compose"
        self.folder = self.compose / site
        self.files = (self.compose / "_base" / f"{self.name}.yaml", self.folder / f"{self.name}.yaml")
        for file in (*self.files, self.folder / self.name / "site.txt"):
            file.parent.mkdir(parents=True, exist_ok=True)
        registry = os.environ["LIVE_REGISTRY"]
        self.files[0].write_text(_BASE.format(registry=registry, sleep=json.dumps(_SLEEP)))
        self.files[1].write_text(_SITE.format(stack=self.name))
        (self.folder / self.name / "site.txt").write_text(site)
        (self.folder / ".env.generated").write_text(f"SITE={site}\n")
        (self.folder / ".env.user").write_text("GREETING=hi\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def run(self, *words: str) -> str:
        """`docker compose … WORDS` by the estate's convention; returns what it prints."""
        base, site = (os.path.relpath(file, self.folder) for file in self.files)
        return docker(
            self.site,
            *("compose", "--project-name", self.name, "-f", base, "-f", site),
            *("--env-file", ".env.generated", "--env-file", ".env.user"),
            *words,
            cwd=self.folder,
        )

    def up(self, *words: str) -> None:
        """Create and start what is not there: services, or options such as `--scale cache=2`."""
        self.run("up", "--detach", "--quiet-pull", *words)

    def stop(self, service: str = "") -> None:
        """Stop one service, or all."""
        self.run("stop", *filter(None, [service]))

    def start(self, service: str = "") -> None:
        """Start one service, or all."""
        self.run("start", *filter(None, [service]))

    def restart(self, service: str = "") -> None:
        """Restart one service, or all."""
        self.run("restart", *filter(None, [service]))

    def kill(self, service: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a service's programs."""
        self.run("kill", "--signal", signal, service)

    def rm(self, service: str) -> None:
        """Stop and remove the containers of one service."""
        self.run("rm", "--stop", "--force", service)

    def crash(self, service: str, code: int = 3) -> None:
        """Make the program of `cache` or `worker` end by itself with an exit status."""
        self.exec(service, f"echo {code} > /tmp/code; kill -USR1 1")

    def sicken(self, service: str = "web") -> None:
        """Make the health check fail from now on."""
        self.exec(service, "touch /tmp/sick")

    def heal(self, service: str = "web") -> None:
        """Make the health check succeed again."""
        self.exec(service, "rm /tmp/sick")

    def exec(self, service: str, script: str) -> str:
        """Run a shell script in a service's container."""
        return self.run("exec", "--no-TTY", service, "sh", "-c", script)

    def container(self, service: str) -> str:
        """The id of a service's first container, running or not."""
        return self.run("ps", "--all", "--quiet", service).split()[0]

    def down(self) -> None:
        """Remove all containers and networks."""
        self.run("down", "--timeout", "1", "--volumes", "--remove-orphans")
