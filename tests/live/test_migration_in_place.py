"""A folder that is written stays where it is: the container and the pod have it one after the other, on a host that is both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from labtui.adapters.probe import NetworkProber
from labtui.core.clock import SystemClock
from labtui.core.migration.action import Action
from labtui.core.migration.baseline import AskDocker, CompareWithDocker, DockerPlan, answered_by_pods
from labtui.core.migration.gitops.plan import DockerSide, Moving
from labtui.core.migration.journal_file import JournalFolder
from labtui.core.migration.service import Migrations
from labtui.core.migration.sides import Sides
from labtui.core.migration.verify import VerifyPlan
from labtui.core.operations.watching import Pace
from labtui.domain.conversion.findings import PlannedVolume
from labtui.domain.errors import MustUndo, Refused
from labtui.domain.migration.journal import Entry, State
from labtui.domain.migration.names import object_name
from labtui.domain.migration.probes import Side, Target
from labtui.domain.migration.progress import MigrationProgress
from labtui.domain.migration.steps import StepName
from labtui.domain.migration.window import windows_of
from tests.live.compose_fixture import docker
from tests.live.gitops_fixture import wait_until
from tests.live.migration_fixture import Crowd, LiveMigration, answers
from tests.live.test_migration_gitops import Operator
from tests.support.migration_fakes import FakeLeases, FakeMirror

pytestmark = [pytest.mark.live, pytest.mark.sampled]

# notes ten times a second who it is, and serves the folder; what it has begun it ends before it goes
WRITER = (
    "test -e /data/index.html || echo the shop > /data/index.html; httpd -p 8080 -h /data; "
    'trap \'over=1\' TERM; n=0; while test -z "$over"; do n=$((n+1)); echo "$(hostname) $n" >> /data/log; sleep 0.1; done'
)


class InPlace:
    """The stack, its folder, and labtui's actions for it."""

    def __init__(self, live: LiveMigration, data: Path) -> None:
        self.live, self.data = live, data
        site = live.stack.files[1]
        mount = f"    volumes:\n      - {data}:/data\n"
        script = json.dumps(["sh", "-c", WRITER.replace("$", "$$")])
        site.write_text(site.read_text().replace("    volumes:\n", f"    command: {script}\n{mount}", 1))
        self.volumes = (PlannedVolume("web", "/data", str(data), False, "hostPath", writer=True, kept=True),)
        self.lines: list[str] = []
        self.mirror = FakeMirror()

    def begin(self) -> None:
        """What needs the repository."""
        live = self.live
        values = live.values()
        folder = {"name": "data", "mountPath": "/data", "hostPath": {"path": str(self.data), "type": "Directory"}}
        values["components"]["web"] |= {"volumes": [folder], "command": ["sh", "-c", WRITER]}
        values["components"]["cache"] |= {"terminationGracePeriodSeconds": 1}  # its program does not hear SIGTERM
        self.operator = operator = Operator(live)
        self.prober = NetworkProber()
        address = os.environ["LIVE_NODE_IP"]
        edge = urlsplit(os.environ["LIVE_INGRESS"])
        self.docker = Target(Side.DOCKER, address, live.port, host=live.host)
        self.ingress = Target(Side.INGRESS, str(edge.hostname), edge.port or 80, host=live.host)
        pace = Pace(every=0.2, limit=60)

        def answered() -> str:
            return answered_by_pods(self.prober, lambda: self.ingress)

        side = DockerSide("wroclaw", live.name, operator.compose, operator.containers, answered, pace, pace)
        moved = operator.moved(values)
        self.moving = Moving(live.name, values, self.volumes, moved.delivery, operator.world, side)

    def sides(self) -> Sides:
        (pod,) = [p for p in self.operator.cluster.pods(self.live.name, self.live.name) if p.component == "web"]
        return Sides(self.docker, Target(Side.KUBERNETES, pod.address, 8080, host=self.live.host), self.ingress)

    def actions(self, entries: Sequence[Entry]) -> tuple[Action, ...]:
        asked = [
            AskDocker(step, "shop", lambda: DockerPlan(self.docker), self.prober, SystemClock(), entries)
            for step in (StepName.VERIFY, StepName.QUIESCE)
        ]
        compare = CompareWithDocker(asked, lambda: VerifyPlan(self.sides()), self.prober, pace=Pace(0.2, 10))
        quiesce = self.moving.quiesce(before=(asked[1],), after=(compare,))
        return (*self.moving.workload(), asked[0], *quiesce, *self.moving.cut_over())

    def service(self) -> Migrations:
        def tell(progress: MigrationProgress) -> None:
            self.lines.append(f"{time.monotonic():.1f} {progress.text}")

        self.tell = tell
        leases = FakeLeases()
        folder = JournalFolder(self.live.tree.parent / "journals")
        return Migrations(
            folder, self.mirror, leases, lambda about, entries, fence: self.actions(entries), SystemClock(), "ada"
        )

    def writers(self) -> list[str]:
        """Who wrote, in turn."""
        lines = (self.data / "log").read_text().splitlines()
        assert all(len(line.split()) == 2 for line in lines), "a line is broken"
        return [who for who, _ in groupby(line.split()[0] for line in lines)]

    def count(self) -> int:
        return len((self.data / "log").read_text().splitlines())

    def pods(self) -> list[str]:
        found = self.live.kubectl("-n", self.live.name, "get", "pods", "-o", "name", "--ignore-not-found").split()
        return [name.partition("/")[2] for name in found]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[InPlace]:
    shared = os.environ.get("LIVE_SHARED_FOLDER") or "/var/tmp"
    with LiveMigration(tmp_path) as live, tempfile.TemporaryDirectory(prefix="lt-", dir=shared) as data:
        found = InPlace(live, Path(data))
        live.deploy()
        found.begin()
        yield found
        live.stack.down()
        live.kubectl(
            "-n", "labtui", "delete", "configmap,lease", object_name("wroclaw", live.name), "--ignore-not-found"
        )


def test_what_was_written_is_there_after_and_comes_back_with_what_was_written_meanwhile(place: InPlace) -> None:
    wait_until("Docker writes", lambda: (place.data / "log").exists() and place.count() > 5)
    before = place.count()
    service = place.service()
    service.migrate("wroclaw", place.live.name, StepName.VERIFY, place.tell)
    wait_until("the route", lambda: answers(place.live.host))
    with Crowd(place.live.host) as crowd:
        record, ended = service.migrate("wroclaw", place.live.name, None, place.tell)
        assert ended.state is State.KUBERNETES, place.lines
        wait_until("the pod writes", lambda: len(place.writers()) == 2)
        container, pod = place.writers()
        assert place.count() > before and pod in place.pods() and pod.startswith("web-")
        assert place.live.running()["web"] == "exited" and place.live.running()["cache"] == "running"
        there = place.count()
        service.undo(record.about.id, StepName.VERIFY, place.tell)
        assert place.pods() == [] and place.live.running()["web"] == "running"
        wait_until("Docker writes again", lambda: len(place.writers()) == 3)
        assert place.writers() == [container, pod, container] and place.count() > there
        wait_until("Docker answers", lambda: answers(place.live.host))
    policy = docker(
        "wroclaw", "inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", place.live.stack.container("web")
    )
    assert policy == "unless-stopped"
    windows = windows_of(service.show(record.about.id).entries)
    assert [w.to for w in windows] == ["Kubernetes", "Docker"]
    for window in windows:
        print(f"nobody was answered for {window.seconds:.1f} s on the way to {window.to}")
        assert window.seconds is not None and window.seconds < 60
    # users noticed just that: a request takes five seconds to be given up, and another one comes every fiftieth of one
    seconds = sum(window.seconds or 0.0 for window in windows)
    assert 0 < len(crowd.failed) < (seconds + 4) * 50
    assert sum(crowd.answers.values()) > 50


def test_pods_that_answer_otherwise_are_taken_back_by_themselves(place: InPlace) -> None:
    wait_until("Docker writes", lambda: (place.data / "log").exists() and place.count() > 5)
    wait_until("the port", lambda: place.prober.ask(place.docker).status == 200)
    web = place.moving.values["components"]["web"]
    web["command"] = [
        "sh",
        "-c",
        WRITER.replace("-h /data", "-h /www").replace("httpd", "echo 1 > /www/index.html; httpd"),
    ]
    service = place.service()
    with pytest.raises(MustUndo, match="do not answer as Docker did") as failed:
        service.migrate("wroclaw", place.live.name, None, place.tell)
    assert "another body" in failed.value.detail and "taken back by itself" in failed.value.detail
    assert place.pods() == [] and place.live.running()["web"] == "running"
    wait_until("Docker writes again", lambda: len(place.writers()) == 3)
    container, pod, last = place.writers()
    assert container == last and pod.startswith("web-")


def test_a_stranger_in_the_folder_and_a_pod_that_leaves_slowly_are_seen(place: InPlace) -> None:
    wait_until("Docker writes", lambda: (place.data / "log").exists())
    values = place.moving.values["components"]["web"]
    values["command"] = ["sh", "-c", f"{WRITER}; sleep 4"]  # it is there for a while when told to go
    name = f"{place.live.name}-stranger"
    image = f"{place.live.registry}/busybox:latest"
    docker("wroclaw", "run", "-d", "--name", name, "-v", f"{place.data}:/there", image, "sleep", "600")
    service = place.service()
    try:
        with pytest.raises(Refused, match="Other containers write") as refused:
            service.migrate("wroclaw", place.live.name, None, place.tell)
        assert name in refused.value.detail and place.live.running()["web"] == "running"
    finally:
        docker("wroclaw", "rm", "-f", name)
    record, ended = service.migrate("wroclaw", place.live.name, None, place.tell)
    assert ended.state is State.KUBERNETES
    began = time.monotonic()
    service.undo(record.about.id, None, place.tell)
    assert time.monotonic() - began > 4 and place.pods() == []
    wait_until("Docker writes again", lambda: len(place.writers()) == 3)


class Shell:
    """The command line on an estate file of its own."""

    def __init__(self, place: InPlace, folder: Path) -> None:
        live = place.live
        site = {"docker": {"host": os.environ["LIVE_DOCKER_WROCLAW"]}, "address": os.environ["LIVE_NODE_IP"]}
        estate = {
            "estate": "live",
            "domain": "example.org",
            "sites": {"wroclaw": {**site, "compose": str(live.stack.folder)}},
            "argocd": {"server": os.environ["ARGOCD_SERVER"], "plaintext": True},
            "gitops": {"repository": str(live.tree), "manifests": live.manifests, "environment": "homelab"},
        }
        self.file = folder / "labtui.yaml"
        self.file.write_text(yaml.safe_dump(estate))
        self.target = f"wroclaw/{live.name}"
        self.environ = {
            **os.environ,
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    def __call__(self, *words: str) -> dict[str, Any]:
        """Run it; what it prints as JSON."""
        argv = [sys.executable, "-m", "labtui", "--estate", str(self.file), *words, "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=400, check=False, env=self.environ)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def answered(self, *first: str) -> tuple[list[str], dict[str, Any]]:
        """The plan with every question answered: with these, else as proposed."""
        given = list(first)
        while True:
            made = self("plan", self.target, *(word for answer in given for word in ("--set", answer)))
            asked = [f for f in made["findings"] if f.get("choice") and not f["choice"]["given"]]
            if not asked:
                return given, made
            for f in asked:
                key = f"{f['service']}.{f['key']}".lstrip(".")
                given.append(f"{key}={f['choice']['proposed'] or f['choice']['options'][0]['answer']}")


def test_the_command_plans_it_moves_it_and_brings_it_back(place: InPlace, tmp_path: Path) -> None:
    live = place.live
    wait_until("Docker writes", lambda: (place.data / "log").exists() and place.count() > 5)
    checks = {"edge": os.environ["LIVE_INGRESS"], "seconds": 2, "soak": {"seconds": 3}}
    live._write(f"manifests/applications/values/homelab/{live.name}.checks.yaml", checks)
    live._push("what is looked at")
    shell = Shell(place, tmp_path)
    given, plan = shell.answered(
        "web.volumes./data=keep", "web.environment.GREETING=plain", f"ingress.host={live.host}"
    )
    (volume,) = [v for v in plan["volumes"] if v["target"] == "/data"]
    assert (volume["becomes"], volume["kept"], volume["writer"]) == ("hostPath", True, True)
    assert plan["verdict"] == "ready" and f"about {plan['window_seconds']} seconds" in plan["interruption"]
    assert any(f["key"] == "volumes./data.owner" and "as user" in f["detail"] for f in plan["findings"])
    shell("plan", shell.target, "--save", "--yes", *(word for answer in given for word in ("--set", answer)))

    report = shell("migrate", shell.target, "--yes")["report"]
    assert report["state"] == State.KUBERNETES.value and set(live.running().values()) == {"exited"}
    (window,) = report["windows"]
    print(f"said before: {plan['window_seconds']} s; it was {window['seconds']:.1f} s")
    assert window["to"] == "Kubernetes" and 0 < window["seconds"] < 60
    assert "docker" not in report["sides"] or not report["sides"]["docker"]["failed"]
    container, pod = place.writers()
    assert pod in place.pods()

    back = shell("migration", "undo", report["id"], "--yes")["report"]
    assert back["state"] == State.DOCKER.value and set(live.running().values()) == {"running"}
    assert [w["to"] for w in back["windows"]] == ["Kubernetes", "Docker"] and place.pods() == []
    wait_until("Docker writes again", lambda: len(place.writers()) == 3)
    assert place.writers() == [container, pod, container]
