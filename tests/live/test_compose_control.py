"""`labtui compose` on both sites, one of them behind ssh; what it did is asked of the engine by the docker program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.compose_fixture import SERVICES, LiveStack, docker

pytestmark = pytest.mark.live

_HELLO = """\
  hello:
    image: {registry}/busybox:latest
    command: ["sh", "-c", "echo I say $$GREETING, $$PASSWORD; trap 'exit 0' TERM; sleep 1000 & wait"]
    environment:
      GREETING: ${{GREETING}}
      PASSWORD: ${{PASSWORD}}
    stop_grace_period: 1s
"""


class Site:
    """A stack with a template and a secret, and the estate file that names it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.stack = LiveStack(name, folder)
        stack = self.stack
        own = stack.files[1]
        own.write_text(own.read_text() + _HELLO.format(registry=os.environ["LIVE_REGISTRY"]))
        (stack.folder / stack.name / "site.txt").unlink()
        (stack.folder / stack.name / "site.txt.tmpl").write_text("{{GREETING}} from {{SITE}}\n")
        (stack.folder / ".env.user").write_text("GREETING=hi\nPASSWORD='s3cret$value'\n")
        host = os.environ["LIVE_DOCKER_WROCLAW" if name == "wroclaw" else "LIVE_DOCKER_KYIV"]
        site = {"docker": {"host": host}, "compose": str(stack.folder)}
        self.file = folder / "labtui.yaml"
        self.file.write_text(yaml.safe_dump({"estate": "live", "sites": {name: site}}))

    def labtui(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`labtui compose SITE/STACK WORDS`."""
        target = f"{self.stack.site}/{self.stack.name}"
        command = [sys.executable, "-m", "labtui", "compose", "--estate", str(self.file), target, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def change(self, *words: str) -> dict[str, Any]:
        """Run a verb that must succeed; its report."""
        done = self.labtui(*words, "--yes", "--json")
        assert done.returncode == 0, done.stderr
        assert "s3cret$value" not in done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def inspect(self, service: str, template: str) -> str:
        """What the engine says of a service's container."""
        return docker(self.stack.site, "inspect", "--format", template, self.stack.container(service))


@pytest.fixture(params=["wroclaw", "kyiv"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    found = Site(request.param, tmp_path)
    with found.stack:
        yield found


def test_a_stack_is_started_restarted_read_and_stopped(site: Site) -> None:
    report = site.change("up")
    assert report["result"] == "done"
    assert {s["service"]: s["state"] for s in report["services"]} == dict.fromkeys((*SERVICES, "hello"), "running")
    for service in (*SERVICES, "hello"):
        assert site.inspect(service, "{{.State.Running}}") == "true"
    assert site.stack.exec("web", "cat /etc/site.txt") == f"hi from {site.stack.site}"
    assert site.inspect("web", '{{index .Config.Labels "com.docker.compose.project"}}') == site.stack.name
    assert site.stack.exec("hello", "echo $PASSWORD") == "s3cret$value"

    again = {service: site.inspect(service, "{{.Id}}") for service in SERVICES}
    site.change("up")
    assert {service: site.inspect(service, "{{.Id}}") for service in SERVICES} == again, "nothing to do, nothing done"

    before = {service: site.inspect(service, "{{.State.StartedAt}}") for service in ("hello", "cache")}
    site.change("restart", "--service", "hello")
    assert site.inspect("hello", "{{.State.StartedAt}}") != before["hello"]
    assert site.inspect("cache", "{{.State.StartedAt}}") == before["cache"]

    logs = site.labtui("logs", "--service", "hello", "--tail", "10")
    assert logs.returncode == 0 and "hello-1" in logs.stdout and "I say hi" in logs.stdout
    assert "s3cret$value" not in logs.stdout

    stopped = site.change("stop")
    assert {s["state"] for s in stopped["services"]} == {"exited"}
    assert site.inspect("web", "{{.State.Running}}") == "false"
    if site.stack.site == "wroclaw":  # the other engine has no way to the registry
        site.change("pull", "--service", "cache")


def test_what_the_engine_refuses_is_said_in_its_words(site: Site) -> None:
    own = site.stack.files[1]
    own.write_text(own.read_text() + '    devices: ["/dev/no-such-device"]\n')
    done = site.labtui("up", "--yes", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["result"]) == (1, "failed")
    assert "/dev/no-such-device" in report["message"]
