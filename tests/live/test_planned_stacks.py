"""Stacks of the reference estate, run by their Compose files on Docker and by their plans in the cluster: the same programs, the
same environment, users, mounts and names."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.live.planned_stacks_fixture import SITE, STRANGE, PlannedStack
from tests.live.stand_ins import STAND_INS
from tests.live.test_screen import header
from tests.support.terminal import Terminal

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.environ.get("LABTUI_LIVE") != "1", reason="needs LABTUI_LIVE=1 (tests/live/README.md)"),
]

# the mounts of the host itself, and the photos that stay on the disk where they are
ANSWERS = {
    "authelia": (),
    "immich": ("server.volumes./mnt/photos=keep",),
    "monitoring": (),
}
# what is answered on the screen: a folder that could as well stay where it is
FOLDERS = {
    "authelia": ("authelia", "/config"),
    "immich": ("server", "/usr/src/app/upload"),
    "monitoring": ("victoriametrics", "/storage"),
}
# what is not copied but there at once: kept in place, and in ConfigMaps
FILES = {
    "immich": (("server", "/mnt/photos/cat.jpg"),),
    "monitoring": (
        ("alloy", "/etc/alloy/config.alloy"),
        ("grafana", "/etc/grafana/provisioning/datasources/estate.yaml"),
    ),
}
# of the container, not of the file: what the engine and the kubelet say of themselves
NOT_OURS = {"HOSTNAME", "HOME", "PWD", "SHLVL", "OLDPWD"}
STACKS = [pytest.param("authelia"), *(pytest.param(s, marks=pytest.mark.sampled(s)) for s in ("immich", "monitoring"))]


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlannedStack]:
    """It runs on Docker, was planned, and its objects are in the cluster, all of them Ready."""
    missing = [p for p in ("helm", "kubectl", "docker") if shutil.which(p) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    folder: Path = tmp_path_factory.mktemp(request.param)
    folder.chmod(0o755)
    with PlannedStack(request.param, folder) as found:
        found.answers = ANSWERS[request.param]
        found.up()
        found.plan(found.answers)
        found.put_secrets()
        found.apply()
        found.ready()
        found.healthy()
        yield found


def mounts_of(stack: PlannedStack) -> dict[str, Any]:
    """Service → mounts of its container, by their place in it."""
    return {s: {m["Destination"]: m for m in stack.container(s)["Mounts"]} for s in stack.services}


def test_every_pod_finds_its_peers_by_their_compose_names(stack: PlannedStack) -> None:
    wanted: dict[str, str] = {}
    for service, stand_in in STAND_INS[stack.reference].items():
        names = {service, stack.container(service)["Name"].lstrip("/")}
        generated = f"{stack.name}-{service}-1"  # no container_name: no file can rely on it
        wanted |= {f"{name}:{port}": service for name in names - {generated} for port in stand_in.ports}
    assert len(wanted) > len(stack.services) or stack.reference != "immich"
    script = "for peer; do nc -w 2 ${peer%:*} ${peer#*:} -e true && echo $peer; done"
    asked = f"set -- {' '.join(wanted)}; {script}"
    for service in stack.services:
        assert set(stack.in_container(service, asked).split()) == set(wanted), f"{service} on Docker"
        assert set(stack.in_pod(service, asked).split()) == set(wanted), f"{service} in the cluster"


def test_the_programs_are_started_with_the_same_words_by_the_same_user(stack: PlannedStack) -> None:
    script = "tr '\\0' '\\n' < /proc/1/cmdline; grep -E '^(Uid|Gid):' /proc/1/status"
    script = script.replace("tr ", "busybox tr ", 1)
    for service in stack.services:
        assert stack.in_pod(service, script) == stack.in_container(service, script), service


def test_the_environment_is_the_same_secrets_included(stack: PlannedStack) -> None:
    if stack.reference == "immich":
        # in two steps, so that a failure does not show it
        unharmed = stack.container_environment("database")["POSTGRES_PASSWORD"] == STRANGE
        assert unharmed
    kept = set()
    for service in stack.services:
        here, there = (_variables(run(service, "cat /tmp/environ")) for run in (stack.in_container, stack.in_pod))
        there = {n: v for n, v in there.items() if not n.startswith("KUBERNETES_") or n in here}
        # names alone: what pytest shows of a failure must hold no secret
        assert sorted(here) == sorted(there), service
        assert [name for name in here if here[name] != there[name]] == [], service
        kept |= {s["variable"] for s in stack.document["secrets"] if s["service"] == service and s["variable"] in there}
    assert kept == {s["variable"] for s in stack.document["secrets"]}


def _variables(text: str) -> dict[str, str]:
    pairs = (entry.split("=", 1) for entry in text.split("\0") if entry)
    return {name: value for name, value in pairs if name not in NOT_OURS}


def test_mounts_are_there_with_their_files_and_as_writable_as_before(stack: PlannedStack) -> None:
    script = 'for place; do touch "$place/probe" 2>/dev/null || touch "$place" 2>/dev/null && echo "$place"; done; true'
    for service, mounts in mounts_of(stack).items():
        named = [place for place in mounts if place in _volumes(stack, service)]
        asked = f"set -- {' '.join(named)}; {script}"
        writable = stack.in_container(service, asked).split()
        assert stack.in_pod(service, asked).split() == writable, service
        assert set(writable) == {place for place in named if mounts[place]["RW"]}, service
        pod = stack.pods()[service]
        in_pod = {m["mountPath"]: m for m in pod["spec"]["containers"][0].get("volumeMounts", ())}
        assert set(in_pod) >= set(named), service
        written = [w for w in STAND_INS[stack.reference][service].writes if w in named]
        for place in written:
            seen = f"cat {place}/written-by"
            assert stack.in_pod(service, seen) == stack.in_container(service, seen) != ""
    for service, file in FILES.get(stack.reference, ()):
        assert stack.in_pod(service, f"sha256sum {file}") == stack.in_container(service, f"sha256sum {file}") != ""


def _volumes(stack: PlannedStack, service: str) -> set[str]:
    return {v["target"] for v in stack.document["volumes"] if v["service"] == service and v["becomes"] != "timezone"}


def test_health_checks_are_probes_and_waits_are_in_order(stack: PlannedStack) -> None:
    for service, pod in stack.pods().items():
        container = pod["spec"]["containers"][0]
        check = stack.container(service)["Config"].get("Healthcheck", {}).get("Test")
        probes = [container.get(f"{kind}Probe") for kind in ("startup", "readiness", "liveness")]
        if check:
            command = check[1:] if check[0] == "CMD" else ["/bin/sh", "-c", check[1]]
            assert [p["exec"]["command"] for p in probes] == [command] * 3, service
        else:
            proposed = (service, "healthcheck") in {(f["service"], f["key"]) for f in stack.document["findings"]}
            assert ["tcpSocket" in (p or ()) for p in probes] == [proposed] * 3, service
        assert all(s["restartCount"] == 0 for s in pod["status"]["containerStatuses"]), service
        depends = stack.container(service)["Config"]["Labels"].get("com.docker.compose.depends_on", "")
        waits = {c["name"].removeprefix("wait-for-").rpartition("-")[0] for c in pod["spec"].get("initContainers", ())}
        assert waits == {entry.split(":")[0] for entry in depends.split(",") if entry}, service


def test_planning_leaves_no_mounts_behind(stack: PlannedStack) -> None:
    # a container with the host's tree mounted sees what the engine mounts to answer for an archive, and keeps it: twice as many
    # each time. It also sees what others on this host mount meanwhile.
    before = {service: _mounts(stack, service) for service in stack.services}
    stack.plan(stack.answers)
    assert [s for s in stack.services if _mounts(stack, s) >= 2 * before[s]] == []


def _mounts(stack: PlannedStack, service: str) -> int:
    return int(stack.in_container(service, "wc -l < /proc/1/mountinfo"))


def test_vault_the_cluster_and_the_files_agree(stack: PlannedStack) -> None:
    status, found = stack.labtui("secrets", "diff", f"{SITE}/{stack.name}")
    assert {s["status"] for s in found["secrets"]} <= {"same"}, [(s["key"], s["status"]) for s in found["secrets"]]
    assert (status, bool(found["secrets"])) == (0, bool(stack.document["secrets"]))
    events = json.dumps(stack.get("events")) + json.dumps(stack.get("pods")) + json.dumps(stack.get("configmaps"))
    stack.holds_no_secret(events, "the cluster")


def test_the_key_m_shows_the_plan_and_saves_an_answer_in_git(stack: PlannedStack) -> None:
    service, place = FOLDERS[stack.reference]
    key = f"volumes.{place}"
    branch = stack.gitops.git("ls-remote", "origin", "refs/heads/main").split()[0]
    with Terminal(stack.command(), 140, 50, stack.environ) as terminal:
        terminal.wait_for(lambda text: header(text).count("●") + header(text).count("◐") >= 4, 30)
        terminal.press("3", "/")
        terminal.type(service)
        terminal.press("enter")
        terminal.wait_for("m Plan a move")
        terminal.press("m")
        terminal.wait_for("Interruption", 60)
        chosen = re.compile(rf"│ ▲ {re.escape(f'{service}.{key}')} +│")
        for _ in stack.document["findings"]:
            terminal.settle(0.4, 5)  # the list may be painted before what stands below it
            if chosen.search(terminal.text()):
                break
            terminal.press("n")
        terminal.press("enter")
        terminal.wait_for(f"╭─ {service}.{key} ─")
        terminal.press("down", "enter")
        terminal.wait_for("Your answer: keep")
        terminal.wait_for("1 answer not saved")
        terminal.press("S")
        terminal.wait_for("Commit and push", 30)
        terminal.press("tab", "enter")
        terminal.wait_for("Done: saved in", 60)
        terminal.press("escape")
        terminal.wait_for(lambda text: "Interruption" in text and "not saved" not in text)
        assert stack.name in terminal.text()
        stack.holds_no_secret(terminal.raw.decode(errors="replace"), "the terminal")
    file = f"{stack.gitops.folder}/manifests/applications/values/homelab/{stack.name}.answers.yaml"
    stack.gitops.git("fetch", "--quiet", "origin", "main")
    assert stack.gitops.git("diff", "--name-only", branch, "FETCH_HEAD", "--", stack.gitops.folder).split() == [file]
    assert yaml.safe_load(stack.gitops.git("show", f"FETCH_HEAD:{file}")) == {service: {key: "keep"}}
    status, planned = stack.labtui("plan", f"{SITE}/{stack.name}")
    volume = next(v for v in planned["volumes"] if (v["service"], v["target"]) == (service, place))
    assert (status, volume["becomes"]) == (0, "hostPath")
