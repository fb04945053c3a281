"""Lease and mirrored journal on a real API server, with real processes that are killed, frozen and run against each other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labtui.adapters.kubernetes.lease import KubernetesLeases, Times
from labtui.adapters.kubernetes.mirror import KubernetesMirror
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Denied, Refused
from labtui.domain.migration.names import object_name
from labtui.ports.migration import MirrorCopy
from tests.live.chart_fixture import kubectl
from tests.support.migration_fakes import PLACE, World, script
from tests.support.migration_program import TIMES

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
NAME = object_name(*PLACE)
ENTRIES = 2 * len(script(World.__new__(World))) + 2


@pytest.fixture
def own() -> Iterator[str]:
    """A namespace that is not there yet: labtui makes it."""
    name = f"lt-{uuid.uuid4().hex[:8]}"
    yield name
    kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def leases(namespace: str, by: str = "ada@desk", times: Times = TIMES) -> KubernetesLeases:
    return KubernetesLeases(KubernetesConnection(""), by, namespace, times)


def spec(namespace: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(kubectl("get", "lease", NAME, "-n", namespace, "-o", "json"))["spec"]
    return found


def quiet(words: str) -> None:
    """Nobody listens."""


def until(what: str, probe: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < end, f"did not see in {seconds:.0f} s: {what}"
        time.sleep(0.05)


class Labtui:
    """A process of `tests.support.migration_program`."""

    def __init__(self, folder: Path, namespace: str, machine: str, *command: str, **environment: str) -> None:
        self.out = folder / f"{machine}-{uuid.uuid4().hex[:6]}.out"
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.migration_program", str(folder), machine, namespace, *command],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **environment},
            )

    @property
    def said(self) -> str:
        return self.out.read_text()

    def ended(self, seconds: float = 90.0) -> int:
        return self.process.wait(seconds)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)


def identity(namespace: str) -> str:
    (copy,) = KubernetesMirror(KubernetesConnection(""), namespace).all()
    return copy.migration


def whole(folder: Path) -> str:
    """Where the world is; fails when it is in between."""
    state = World(folder / "world.json").state
    assert state["violations"] == []
    assert set(state["effects"]) in (set(), {action.effect for action in script(World(folder / "world.json"))})
    assert set(state["counts"].values()) <= {1}
    return "on Kubernetes" if state["effects"] else "on Docker"


# The lease


def test_a_lease_is_made_renewed_and_given_back(own: str) -> None:
    lease = leases(own).acquire(*PLACE, 0, quiet)
    before = spec(own)
    assert lease.fence == before["leaseTransitions"] == 1
    assert before["leaseDurationSeconds"] == TIMES.duration
    until("a renewal", lambda: spec(own)["renewTime"] != before["renewTime"])
    lease.check()
    holder = leases(own).holder(*PLACE)
    assert holder is not None and holder.holder == f"ada@desk pid {os.getpid()}" and holder.since is not None
    lease.release()
    assert leases(own).holder(*PLACE) is None
    again = leases(own, "bob@laptop").acquire(*PLACE, 0, quiet)
    assert again.fence == 2
    again.release()


def test_a_lease_that_is_held_is_refused_with_who_and_since_when(own: str) -> None:
    lease = leases(own).acquire(*PLACE, 0, quiet)
    try:
        with pytest.raises(Refused) as caught:
            leases(own, "bob@laptop").acquire(*PLACE, 0, quiet)
        assert f"ada@desk pid {os.getpid()} holds it since 20" in caught.value.detail
        lease.check()
    finally:
        lease.release()


def test_a_deleted_lease_is_lost_and_the_next_fence_is_higher(own: str) -> None:
    lease = leases(own).acquire(*PLACE, 6, quiet)
    assert lease.fence == 7
    kubectl("delete", "lease", NAME, "-n", own)
    with pytest.raises(Refused, match="deleted"):
        lease.check()
    with pytest.raises(Refused):
        lease.glance()
    lease.release()
    other = leases(own).acquire(*PLACE, 7, quiet)
    assert other.fence == 8
    other.release()


def test_who_may_not_is_told_what_to_ask_for(own: str, tmp_path: Path) -> None:
    viewer = tmp_path / "config"
    command = ["kubectl", "config", "view", "--raw", "--minify"]
    viewer.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    viewer.chmod(0o600)
    user = json.loads(subprocess.run([*command, "-o", "json"], check=True, capture_output=True).stdout)
    change = ["kubectl", "config", "--kubeconfig", str(viewer), "set-credentials", user["users"][0]["name"]]
    subprocess.run([*change, f"--token={os.environ['LIVE_KUBE_NOBODY_TOKEN']}"], check=True, capture_output=True)
    with pytest.raises(Denied, match="may not get leases") as caught:
        KubernetesLeases(KubernetesConnection("", (viewer,)), "x@y", own).acquire(*PLACE, 0, quiet)
    assert "create and update leases" in caught.value.hint


# The mirror


def test_the_mirror_is_a_compare_and_swap(own: str) -> None:
    mirror = KubernetesMirror(KubernetesConnection(""), own)
    assert mirror.read(*PLACE) is None
    first = mirror.write(MirrorCopy("m", *PLACE, 1, "one\n"))
    second = mirror.write(MirrorCopy("m", *PLACE, 1, "one\ntwo\n", first.version))
    assert mirror.read(*PLACE) == second
    for version in (first.version, ""):
        with pytest.raises(Refused, match="Somebody else"):
            mirror.write(MirrorCopy("m", *PLACE, 1, "three\n", version))
    assert mirror.all() == (second,)
    large = mirror.write(MirrorCopy("m", *PLACE, 1, "x" * 900 * 1024, second.version))
    assert len(large.text) == 900 * 1024
    kubectl("delete", "configmap", NAME, "-n", own)
    with pytest.raises(Refused):
        mirror.write(MirrorCopy("m", *PLACE, 1, "gone\n", large.version))


# Processes


@pytest.mark.sampled
@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, ENTRIES + 1))
def test_kill_9_at_a_boundary_then_another_machine(own: str, tmp_path: Path, at: int, when: str, how: str) -> None:
    first = Labtui(tmp_path, own, "desk", "migrate", LABTUI_KILL_AT=f"{at}:{when}")
    assert first.ended() == -signal.SIGKILL, first.said
    if (at, when) == (1, "before"):
        assert whole(tmp_path) == "on Docker"
        return
    second = Labtui(tmp_path, own, "laptop", how, identity(own))
    assert second.ended() == 0, second.said
    assert "has not renewed the lease" in second.said
    assert whole(tmp_path) == ("on Kubernetes" if how == "resume" else "on Docker")


def test_two_processes_on_one_stack(own: str, tmp_path: Path) -> None:
    first = Labtui(tmp_path, own, "desk", "migrate", LABTUI_HALT_AT="secrets/vault:after")
    until("the first one at work", (tmp_path / "halted").exists)
    second = Labtui(tmp_path, own, "laptop", "migrate")
    assert second.ended() == 1
    assert f"ada@desk pid {first.process.pid} holds it since 20" in second.said
    (tmp_path / "go").touch()
    assert first.ended() == 0, first.said
    assert whole(tmp_path) == "on Kubernetes"


def test_two_that_begin_at_once(own: str, tmp_path: Path) -> None:
    both = [
        Labtui(tmp_path, own, machine, "migrate", LABTUI_HALT_AT="secrets/vault:after")
        for machine in ("desk", "laptop")
    ]
    until("one of them at work", (tmp_path / "halted").exists)
    until("the other one refused", lambda: any(one.process.poll() is not None for one in both))
    (tmp_path / "go").touch()
    assert sorted(one.ended() for one in both) == [0, 1]
    assert "Another labtui works on this stack" in "".join(one.said for one in both)
    assert whole(tmp_path) == "on Kubernetes"


@pytest.mark.parametrize("machine", ["laptop", "desk"])
@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("where", ["start", "before", "after"])
def test_a_frozen_holder_that_wakes_after_a_takeover_does_no_further_step(
    own: str, tmp_path: Path, where: str, how: str, machine: str
) -> None:
    first = Labtui(tmp_path, own, "desk", "migrate", LABTUI_HALT_AT=f"secrets/vault:{where}")
    until("the first one at work", (tmp_path / "halted").exists)
    first.signal(signal.SIGSTOP)
    second = Labtui(tmp_path, own, machine, how, identity(own))
    assert second.ended() == 0, second.said
    order = World(tmp_path / "world.json").state["order"]
    (tmp_path / "go").touch()
    first.signal(signal.SIGCONT)
    assert first.ended() == 1, first.said
    assert "does no further step" in first.said or "no further step is done" in first.said
    assert World(tmp_path / "world.json").state["order"] == order
    assert whole(tmp_path) == ("on Kubernetes" if how == "resume" else "on Docker")
    third = Labtui(tmp_path, own, "third", "undo", identity(own))
    assert third.ended() == 0, third.said
    assert whole(tmp_path) == "on Docker"


def test_a_holder_that_was_frozen_while_nobody_came_goes_on(own: str, tmp_path: Path) -> None:
    first = Labtui(tmp_path, own, "desk", "migrate", LABTUI_HALT_AT="secrets/vault:after")
    until("the first one at work", (tmp_path / "halted").exists)
    first.signal(signal.SIGSTOP)
    time.sleep(TIMES.duration + 1)  # longer than its lease, and nobody came
    (tmp_path / "go").touch()
    first.signal(signal.SIGCONT)
    assert first.ended() == 0, first.said
    assert whole(tmp_path) == "on Kubernetes"
