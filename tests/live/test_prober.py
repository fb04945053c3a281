"""The prober against a real ingress, a real pod and a real container: it counts what an outside client sees."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from labtui.adapters.kubernetes.podproxy import PodProxyClient
from labtui.adapters.probe import NetworkProber
from labtui.core.clock import SystemClock
from labtui.core.migration.sides import Sides, first_that_answers
from labtui.core.migration.verify import Verify, VerifyPlan, verified_of
from labtui.core.migration.watching import Watcher
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Unreachable
from labtui.domain.migration.budget import Budget, BudgetExceeded
from labtui.domain.migration.parity import Identity, Verdict
from labtui.domain.migration.probes import Counts, Kind, Load, PodPort, Side, Target, demand
from labtui.ports.migration import Probing
from tests.live.chart_fixture import kubectl
from tests.live.compose_fixture import docker
from tests.live.gitops_fixture import wait_until

pytestmark = pytest.mark.live


class Web:
    """One image behind an Ingress, and the same on a Docker engine."""

    def __init__(self, space: str, name: str, port: int) -> None:
        self.space, self.container = space, name
        self.docker = Target(Side.DOCKER, os.environ["LIVE_NODE_IP"], port)
        edge = urlsplit(os.environ["LIVE_INGRESS"])
        self.ingress = Target(Side.INGRESS, str(edge.hostname), edge.port or 80, host=f"{space}.example.org")
        self.deploy()

    def deploy(self) -> None:
        labels = {"app": "web"}
        probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
        image = f"{os.environ['LIVE_REGISTRY']}/web:1"
        container = {"name": "web", "image": image, "ports": [{"containerPort": 8080}], "readinessProbe": probe}
        template = {
            "metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
        }
        backend = {"service": {"name": "web", "port": {"number": 80}}}
        rule = {"host": self.ingress.host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        ports = [{"port": 80, "targetPort": 8080}]
        deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        specs: list[tuple[str, str, dict[str, Any]]] = [
            ("apps/v1", "Deployment", deployment),
            ("v1", "Service", {"selector": labels, "ports": ports}),
            ("networking.k8s.io/v1", "Ingress", {"ingressClassName": "nginx", "rules": [rule]}),
        ]
        objects = [{"apiVersion": v, "kind": k, "metadata": {"name": "web"}, "spec": spec} for v, k, spec in specs]
        kubectl("-n", self.space, "apply", "-f", "-", text=yaml.safe_dump_all(objects))
        self.ready()

    def ready(self) -> None:
        kubectl("-n", self.space, "rollout", "status", "deployment/web", "--timeout=60s")
        wait_until("the ingress answers", lambda: self.seen() == 200, 60)

    def scale(self, replicas: int) -> None:
        kubectl("-n", self.space, "scale", "deployment/web", f"--replicas={replicas}")

    @property
    def pod(self) -> tuple[str, str]:
        """Name and address of the pod."""
        found = json.loads(kubectl("-n", self.space, "get", "pods", "--selector", "app=web", "-o", "json"))["items"]
        (pod,) = (p for p in found if "deletionTimestamp" not in p["metadata"])
        return pod["metadata"]["name"], pod["status"]["podIP"]

    def pod_target(self) -> Target:
        return Target(Side.KUBERNETES, self.pod[1], 8080)

    def proxied(self) -> Target:
        return Target(Side.KUBERNETES, "", 0, through=PodPort(self.space, self.pod[0], 8080))

    def seen(self) -> int:
        """What another client than labtui's sees through the Ingress: the status, 0 for no answer."""
        connection = http.client.HTTPConnection(self.ingress.address, self.ingress.port, timeout=5)
        try:
            connection.request("GET", "/", headers={"Host": self.ingress.host, "Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


@pytest.fixture
def web(space: str) -> Iterator[Web]:
    name = f"lt-{uuid.uuid4().hex[:8]}"
    image = f"{os.environ['LIVE_REGISTRY']}/web:1"
    docker("wroclaw", "run", "--detach", "--name", name, "--hostname", name, "--publish", "8080", image)
    try:
        port = docker("wroclaw", "port", name, "8080/tcp").splitlines()[0].rsplit(":", 1)[1]
        found = Web(space, name, int(port))
        if found.seen() != 200:
            found.scale(1)
            found.ready()
        yield found
    finally:
        docker("wroclaw", "rm", "--force", name)


@pytest.fixture
def prober() -> NetworkProber:
    return NetworkProber(PodProxyClient(KubernetesConnection()))


class Outside:
    """Another client: twenty requests a second, none waits for another; the moments of its good and bad answers."""

    def __init__(self, web: Web) -> None:
        self._web, self._over = web, threading.Event()
        self.good: list[float] = []
        self.bad: list[float] = []
        self._began = time.monotonic()
        self._asking: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._tick, daemon=True)
        self._thread.start()

    def _tick(self) -> None:
        while not self._over.wait(0.05):
            thread = threading.Thread(target=self._ask, daemon=True)
            self._asking.append(thread)
            thread.start()

    def _ask(self) -> None:
        (self.good if self._web.seen() == 200 else self.bad).append(time.monotonic())

    def stop(self) -> float:
        """The longest time between two good answers."""
        self._over.set()
        self._thread.join()
        for thread in self._asking:
            thread.join()
        return max(b - a for a, b in itertools.pairwise([self._began, *sorted(self.good)]))


def until(session: Probing, true: Callable[[Counts], bool], seconds: float = 30) -> Counts:
    """The first load's counts as soon as they are so."""

    def probe() -> Counts | None:
        counts = session.counts()[0]
        return counts if true(counts) else None

    return wait_until("the counts", probe, seconds)


def test_all_ways_to_both_sides_are_counted(web: Web, prober: NetworkProber) -> None:
    loads = (
        Load(web.ingress, rate=50),
        Load(web.ingress, rate=20, keep=True),
        Load(web.docker, rate=20),
        Load(web.pod_target(), rate=20),
        Load(replace(web.pod_target(), kind=Kind.TCP), rate=20),
        Load(web.proxied(), rate=5),
    )
    outside = Outside(web)
    session = prober.start(loads)
    try:
        until(session, lambda c: c.seconds >= 6)
    finally:
        counts = session.stop()
        gap = outside.stop()
    for found in counts:
        assert (found.failed, found.failures) == (0, ())
        assert found.sent == found.answered == pytest.approx(found.seconds * found.load.rate, abs=found.load.rate / 2)
    assert not outside.bad
    assert counts[0].longest_gap <= gap + 0.5
    demand(counts, Budget())


def test_a_backend_that_is_gone_is_seen_as_soon_as_others_see_it(web: Web, prober: NetworkProber) -> None:
    outside = Outside(web)
    session = prober.start([Load(web.ingress, rate=50)])
    began = time.monotonic()
    try:
        until(session, lambda c: c.answered >= 50)
        web.scale(0)
        counts = until(session, lambda c: c.failed > 0)
        wait_until("the other client sees it", lambda: bool(outside.bad), 5)
        assert abs(began + counts.failures[0].at - min(outside.bad)) < 1
        with pytest.raises(BudgetExceeded):
            demand(session.counts(), Budget())
        until(session, lambda c: c.open_gap > 2)
        with pytest.raises(BudgetExceeded, match="no good answer"):
            demand(session.counts(), Budget(failed=10**6))
        web.scale(1)
        web.ready()
        until(session, lambda c: c.open_gap < 0.5)
    finally:
        (counts,) = session.stop()
        gap = outside.stop()
    assert counts.sent == counts.answered + counts.failed
    # both saw the same hole
    assert counts.longest_gap == pytest.approx(gap, abs=0.5) and gap > 2
    assert {f.why for f in counts.failures} <= {"status 404", "status 502", "status 503", "status 504"}


def test_both_sides_are_compared(web: Web, prober: NetworkProber) -> None:
    name, address = web.pod
    nowhere = replace(web.pod_target(), port=9)
    with pytest.raises(Unreachable):
        prober.ask(nowhere, timeout=2)
    pod = first_that_answers(prober, (nowhere, web.proxied()))
    assert pod.through is not None
    names = Identity((f"{address}:8080",), (name,), pod.through.prefix)
    on_docker = Identity((f"{web.docker.address}:{web.docker.port}",), (web.container,))
    sides = Sides(web.docker, web.pod_target(), web.ingress, on_docker, names)
    loads = (Load(web.docker, rate=20), Load(web.pod_target(), rate=20))
    clock = SystemClock()
    watcher = Watcher(clock, threading.Event().wait)
    lines: list[str] = []
    plan = VerifyPlan(sides, loads=loads, seconds=2)
    found = verified_of(
        Verify(plan.sides.subject, lambda: plan, prober, clock, lambda: nullcontext(watcher)).do({}, lines.append)
    )
    assert found is not None and found.passed
    assert "/" in [p.path for p in found.paths] and all(p.docker == p.kubernetes for p in found.paths)
    assert {p.verdict for p in found.paths} <= {Verdict.SAME, Verdict.ACCEPTABLE}
    assert [(c.failed, c.sent > 30) for c in found.counts] == [(0, True), (0, True)]
    # the same through the API server
    through = replace(sides, kubernetes=pod)
    later = replace(plan, sides=through, seconds=0)
    again = verified_of(
        Verify(through.subject, lambda: later, prober, clock, lambda: nullcontext(watcher)).do({}, lines.append)
    )
    assert again is not None and again.passed
