"""The faults of tests/live/migrations/faults.py, one function each."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.live.chart_fixture import vault
from tests.live.compose_fixture import docker
from tests.live.gitops_fixture import wait_until
from tests.live.migrations.crowd import Crowd
from tests.live.migrations.cuts import SERVERS, Cuts
from tests.live.migrations.driven import Cutting, Run, drive
from tests.live.migrations.stack import MigratedStack
from tests.live.migrations.standing import DOCKER, KUBERNETES, World

ATTEMPTS = 12  # how often the operator types what they are told to


@dataclass(frozen=True)
class Case:
    """What a fault is tried with."""

    name: str
    image: str
    folder: Path
    seconds: float
    whole: bool


@dataclass
class Found:
    """What came of it. `said` are the messages of the runs that failed."""

    name: str
    faults: int = 0
    failed: int = 0
    ended: str = ""
    requests: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Trial:
    """One stack under a light load, and what is found."""

    def __init__(self, case: Case, stack: MigratedStack, crowd: Crowd) -> None:
        self.case, self.stack, self.crowd = case, stack, crowd
        self.world = World(stack)
        self.found = Found(case.name)

    def run(self, *words: str, on_step: Callable[[str], None] = lambda step: None) -> Run:
        """Run it once; a failure is noted, and what it leaves unsaid is a problem."""
        done = drive(self.stack, words, on_step)
        if done.status:
            self.found.failed += 1
            self.found.said.append(f"`labtui {words[0]}` ended with {done.status}: {done.message}")
            if lacking := done.unclear():
                self.found.problems.append(f"a failed run does not say {lacking}: {done.message} {done.errors[-300:]}")
        return done

    def persist(
        self, *words: str, on_step: Callable[[str], None] = lambda step: None, cutting: Cutting | None = None
    ) -> bool:
        """Run it, and then what it says to type, until it gets there."""
        for _ in range(ATTEMPTS):
            done = self.run(*words, on_step=cutting or on_step)
            if cutting is not None:
                assert cutting.idle.wait(120)
            if done.status == 0:
                return True
            if not done.next:
                return False
            words = done.next
        self.found.problems.append(f"it did not get there in {ATTEMPTS} attempts")
        return False

    def demand(self, standing: str) -> None:
        """The stack has to be there."""
        try:
            self.world.demand(standing)
        except AssertionError as error:
            self.found.problems.append(str(error))
        self.found.ended += f"{', then ' if self.found.ended else ''}{standing}"

    def untouched(self) -> None:
        """All traffic goes to Docker, whose containers run, and there are no pods."""
        last: list[str] = []

        def probe() -> bool:
            last[:] = self._touched()
            return not last

        try:
            wait_until("all is on Docker", probe, 10, every=0.5)
        except AssertionError:
            self.found.problems += last

    def _touched(self) -> list[str]:
        found = []
        states = self.world.containers()
        if {state for state, _ in states.values()} != {"running"}:
            found.append(f"the containers: {states}")
        if self.world.behind() != {self.stack.address}:
            found.append(f"behind the service: {self.world.behind()}")
        if pods := [
            p["metadata"]["name"] for p in self.world.objects("pods") if "deletionTimestamp" not in p["metadata"]
        ]:
            found.append(f"pods are left: {pods}")
        return found

    def undo(self) -> None:
        """Bring it back, which has to work at once."""
        if self.run("migration", "undo", self.stack.migration()).status:
            self.found.problems.append("the undo failed")
        self.demand(DOCKER)


@contextmanager
def trial(case: Case, *, site: str = "wroclaw", fault: str = "", image: str = "") -> Iterator[Trial]:
    """A deployed stack with its load; what was lost is a problem in the end."""
    with MigratedStack(case.folder, image or case.image, site=site, fault=fault) as stack:
        stack.checks |= {"drain": 1, "soak": {"seconds": 1}}
        stack.deploy()
        with Crowd(stack.host, case.folder, light=True) as crowd:
            crowd.phase("all")
            tried = Trial(case, stack, crowd)
            tried.world.demand(DOCKER)
            yield tried
        tried.found.requests = crowd.count("all", "fresh")
        tried.found.problems += crowd.lost("all")


def server_away(server: str, mode: str, case: Case) -> Found:
    """A server is away, or silent, for some seconds at each step, there and back."""
    site = "kyiv" if server == "kyiv" else "wroclaw"
    name = "site" if server == "kyiv" else server
    with trial(case, site=site) as tried, Cuts(tried.stack, whole=case.whole) as cuts:
        for standing in (KUBERNETES, DOCKER):
            words = ("migrate", tried.stack.place)
            if standing == DOCKER:
                words = ("migration", "undo", tried.stack.migration())  # type: ignore[assignment]
            cutting = Cutting(partial(cuts.cut, name, mode), case.seconds)
            there = tried.persist(*words, cutting=cutting)
            tried.found.faults += len(cutting.steps)
            tried.demand(standing)
            if not there:
                break
    return tried.found


def full_disk(case: Case) -> Found:
    """The disk with labtui's own files is full from the start, then from the middle on; then there is room again."""
    with trial(case) as tried:
        place = tried.stack.home / "one" / "xdg_state_home"
        place.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=True, timeout=30)
        filler = place / "filler"

        def fill() -> None:
            with filler.open("ab", 0) as file:
                try:
                    while True:
                        file.write(b"\0" * 4096)
                except OSError:
                    tried.found.faults += 1

        try:
            fill()
            if not tried.run("migrate", tried.stack.place).status:
                tried.found.problems.append("it did not notice that the disk is full")
            tried.untouched()
            for step in ("backup", "workload", "cut over", "retire"):
                filler.unlink(missing_ok=True)
                full: list[str] = []

                def on_step(now: str, step: str = step, full: list[str] = full) -> None:
                    if now == step and not full:
                        full.append(now)
                        fill()

                if tried.run("migrate", tried.stack.place, on_step=on_step).status == 0:
                    break
            filler.unlink(missing_ok=True)
            if tried.world.standing() != KUBERNETES:
                tried.persist("migrate", tried.stack.place)
            tried.demand(KUBERNETES)
            tried.undo()
        finally:
            subprocess.run(["umount", "-l", place], check=True, timeout=30)
    return tried.found


def token_expires(server: str, case: Case) -> Found:
    """A token that is good for seconds: it expires midway; with a good one it goes on."""
    with trial(case) as tried:
        for standing in (KUBERNETES, DOCKER):
            words = ("migrate", tried.stack.place)
            if standing == DOCKER:
                words = ("migration", "undo", tried.stack.migration())  # type: ignore[assignment]
            tried.stack.environ.update(_short_token(server))
            first = tried.run(*words)
            tried.found.faults += 1
            tried.stack.environ.clear()
            if first.status and not tried.persist(*first.next):
                tried.found.problems.append("with a good token it does not go on")
            tried.demand(standing)
    return tried.found


def _short_token(server: str) -> dict[str, str]:
    if server == "vault":
        made = vault("POST", "auth/token/create", {"policies": ["root"], "ttl": "3s", "explicit_max_ttl": "3s"})
        return {"VAULT_TOKEN": str(made["auth"]["client_token"])}
    address = f"http://{os.environ['ARGOCD_SERVER']}/api/v1/account/labtui/token"
    request = urllib.request.Request(address, json.dumps({"expiresIn": 8}).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {os.environ['ARGOCD_AUTH_TOKEN']}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return {"ARGOCD_AUTH_TOKEN": str(json.loads(answer.read())["token"])}


def no_image(case: Case) -> Found:
    """The engine has an image that no registry has: pods cannot pull it."""
    image = case.image.replace("served:1", "nowhere:1")
    docker("wroclaw", "tag", case.image, image)
    try:
        with trial(case, image=image) as tried:
            _undoes_itself(tried, ("nowhere", "Image"))
        return tried.found
    finally:
        docker("wroclaw", "rmi", "--force", image)


def pods_fail(fault: str, words: tuple[str, ...], case: Case) -> Found:
    """Pods that crash, or never get ready."""
    with trial(case, fault=fault) as tried:
        _undoes_itself(tried, words)
    return tried.found


def _undoes_itself(tried: Trial, words: tuple[str, ...]) -> None:
    done = tried.run("migrate", tried.stack.place)
    tried.found.faults += 1
    if not done.status:
        tried.found.problems.append("it went through")
    for word in words:
        if word not in done.message:
            tried.found.problems.append(f"it does not say {word!r}: {done.message}")
    if "taken back" not in done.message:
        tried.found.problems.append(f"it does not say that it was taken back: {done.message}")
    tried.untouched()
    tried.undo()


def users_fail(case: Case) -> Found:
    """The pods answer whoever asks them, and fail for users: the cut-over is taken back within the budget."""
    with trial(case, fault="users") as tried:
        done = tried.run("migrate", tried.stack.place)
        tried.found.faults += 1
        if not done.status or "taken back" not in done.message:
            tried.found.problems.append(f"it was not taken back: {done.message}")
        if tried.world.behind() != {tried.stack.address}:
            tried.found.problems.append(f"behind the service: {tried.world.behind()}")
        tried.undo()
    # users do notice this one; how long it lasts is what counts
    sent, failed = tried.found.requests
    tried.found.problems = [p for p in tried.found.problems if "fresh failed" not in p]
    if failed > sent / 10 or failed > 50:
        tried.found.problems.append(f"{failed} of {sent} requests of users failed before it was taken back")
    return tried.found


def slow_cluster(case: Case) -> Found:
    """Every answer of the cluster and of Argo CD takes a third of a second more."""
    with trial(case) as tried, Cuts(tried.stack) as cuts:
        cuts.slow(0.33)
        tried.found.faults += 1
        for standing in (KUBERNETES, DOCKER):
            words = ("migrate", tried.stack.place)
            if standing == DOCKER:
                words = ("migration", "undo", tried.stack.migration())  # type: ignore[assignment]
            tried.persist(*words)
            tried.demand(standing)
    return tried.found


def somebody_commits(case: Case) -> Found:
    """Somebody else changes the stack's values while both sides are compared: it notices, and asks; what was done can be undone."""
    with trial(case) as tried:
        path = f"{tried.stack.manifests}/applications/values/homelab/{tried.stack.name}.yaml"
        before = tried.world.text(path)

        def on_step(step: str) -> None:
            if step == "verify" and not tried.found.faults:
                tried.found.faults += 1
                _commit(tried.stack, path, f"{tried.world.text(path)}waitImage: {case.image}\n", "another image")

        done = tried.run("migrate", tried.stack.place, on_step=on_step)
        if not done.status or "by Somebody Else" not in done.message:
            tried.found.problems.append(
                f"it does not ask about the commit of somebody else: {done.status} {done.message}"
            )
        if tried.world.values().get("traffic") != "docker":
            tried.found.problems.append("it built upon a commit of somebody else")
        back = tried.run("migration", "undo", tried.stack.migration())
        if back.status and "git revert" in " ".join(back.document.get("remaining", ())):
            # their commit is in the way, and the operator settles it by hand as they are told to
            _commit(tried.stack, path, before, "the values as they were")
            back = tried.run(*back.next)
        if back.status:
            tried.found.problems.append(f"the undo failed: {back.message}")
        tried.demand(DOCKER)
    return tried.found


def _commit(stack: MigratedStack, path: str, text: str, subject: str) -> None:
    """A commit of somebody else, from a clone of their own."""
    folder = stack.home / f"else-{time.monotonic_ns()}"
    stack.git("clone", "--quiet", str(stack.bare), str(folder), folder=stack.home)
    (folder / path).write_text(text)
    who = ("-c", "user.name=Somebody Else", "-c", "user.email=else@example.org")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    for words in (
        ("commit", "--quiet", "-am", subject),
        ("push", "--quiet", "origin", "HEAD:main"),
    ):
        subprocess.run(["git", *who, *words], cwd=folder, env=environ, check=True, capture_output=True, timeout=60)


MISHAPS: dict[str, Callable[[Case], Found]] = {
    **{f"{server} away": partial(server_away, server, "refused") for server in (*SERVERS, "kyiv")},
    **{
        f"{server} silent": partial(server_away, server, "silent")
        for server in ("api", "argocd", "vault", "site", "kyiv")
    },
    "full disk": full_disk,
    "vault token expires": partial(token_expires, "vault"),
    "argocd token expires": partial(token_expires, "argocd"),
    "no such image": no_image,
    "crash loop": partial(pods_fail, "crash", ("there is no database here",)),
    "never ready": partial(pods_fail, "unready", ("web",)),
    "users fail": users_fail,
    "somebody commits": somebody_commits,
    "slow cluster": slow_cluster,
}
