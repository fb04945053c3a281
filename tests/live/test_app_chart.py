"""The app chart on a real API server, deployed by the real Argo CD, with traffic to a real Docker engine and real pods."""

from __future__ import annotations

import copy
import json
import os
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from threading import Event, Thread
from typing import Any, Self

import pytest
import yaml

from tests.live.chart_fixture import ChartApp, kubectl, two_components, vault
from tests.live.compose_fixture import docker
from tests.live.gitops_fixture import wait_until
from tests.manifests.charts import ENVIRONMENTS, Helm, app_values, read
from tests.manifests.conftest import helm
from tests.manifests.test_app_chart_workloads import VOLUMES

__all__ = ["helm"]  # a fixture

pytestmark = pytest.mark.live

CASES = [(environment, name) for environment in ENVIRONMENTS for name in sorted(app_values(environment))]


@pytest.mark.parametrize(("environment", "name"), CASES)
@pytest.mark.parametrize("moved", [False, True], ids=["today", "moved"])
def test_the_api_server_takes_every_entry(helm: Helm, space: str, environment: str, name: str, moved: bool) -> None:
    values = read(app_values(environment)[name])
    if moved:
        values |= {"workload": True, "traffic": "kubernetes"}
        if not all("image" in component for component in values["components"].values()):
            values["components"] = {key: {**c, "image": "x:1"} for key, c in values["components"].items()}
    text = helm.text(values, name, space)
    wanted = [document for document in yaml.safe_load_all(text) if document]
    answer = kubectl(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "-o", "name", "-f", "-", text=text
    )
    assert len(answer.split()) == len(wanted) > 0


def differences(rendered: Any, live: Any, path: str = "") -> list[str]:
    """Where the live object has not what was rendered; what the server adds does not count."""
    if isinstance(rendered, dict) and isinstance(live, dict):
        return [d for key, value in rendered.items() for d in differences(value, live.get(key), f"{path}.{key}")]
    if isinstance(rendered, list) and isinstance(live, list) and len(rendered) == len(live):
        pairs = zip(rendered, live, strict=True)
        return [d for number, (old, new) in enumerate(pairs) for d in differences(old, new, f"{path}[{number}]")]
    return [] if rendered == live else [f"{path}: {rendered!r} became {live!r}"]


def test_the_server_keeps_what_is_rendered(helm: Helm, space: str) -> None:
    """Else Argo CD would see drift: nothing is dropped, rewritten or, in the secrets' custom resource, added."""
    component = {"replicas": 0, "image": "x:1", "ports": [{"name": "http", "port": 8080}], "docker": {"port": 80}}
    values = {
        "workload": True,
        "docker": {"host": "192.168.88.2"},
        "ingress": {"enabled": True, "component": "all", "host": f"{space}.example.org", "issuer": "x", "auth": True},
        "components": {
            "all": {
                **component,
                "kind": "StatefulSet",
                "volumes": VOLUMES,
                "stopSignal": "SIGINT",
                "waitFor": [{"component": "web", "port": 8080}],
                "hostAliases": [{"ip": "192.168.88.2", "hostnames": ["wroclaw"]}],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                "probes": {"readiness": {"httpGet": {"path": "/", "port": "http"}}},
            },
            "web": {**component, "service": {"aliases": ["other"]}},
            "worker": {"replicas": 0, "image": "x:1", "service": {}},
        },
        "secrets": {"web": {"path": "apps/x", "keys": {"TOKEN": "T"}, "template": {"file": "t={{ .TOKEN }}"}}},
    }
    for traffic in ("docker", "kubernetes", "docker"):
        text = helm.text({**values, "traffic": traffic}, "all", space)
        kubectl("apply", "--server-side", "-f", "-", text=text)
        for found in helm.template({**values, "traffic": traffic}, "all", space):
            kind = str(found["kind"]).replace("ExternalSecret", "externalsecrets.external-secrets.io")
            name = found["metadata"]["name"]
            live = json.loads(kubectl("--namespace", space, "get", kind, name, "-o", "json"))
            assert differences(found, live, f"{kind}/{name}") == []
            if found["kind"] == "ExternalSecret":
                assert live["spec"] == found["spec"]
            if found["kind"] == "Service":
                assert live["spec"]["selector"] == found["spec"]["selector"]


# From Docker to the cluster and back


class Edge:
    """What answers behind the application's Ingress."""

    def __init__(self, host: str) -> None:
        self.host = host

    def ask(self) -> str:
        """The name of the container or pod that answered; empty when nothing did."""
        request = urllib.request.Request(os.environ["LIVE_INGRESS"], headers={"Host": self.host, "Connection": "close"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return str(answer.read().decode().strip())
        except (urllib.error.URLError, OSError):
            return ""

    def settles_on(self, *who: str) -> None:
        """Wait until these and no others answer, twenty times in a row."""

        def probe() -> bool:
            return {self.ask() for _ in range(20)} == set(who)

        wait_until(f"{' and '.join(who)} behind {self.host}", probe, 60)


class Callers:
    """Ask an edge again and again, fifty times a second, as long as the block lasts."""

    def __init__(self, edge: Edge) -> None:
        self.answers: Counter[str] = Counter()
        self._edge = edge
        self._over = Event()
        self._thread = Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.02):
            self.answers[self._edge.ask()] += 1


@pytest.fixture
def container() -> Iterator[tuple[str, int]]:
    """The name and published port of a container on the Docker engine of Wrocław."""
    name = f"lt-{uuid.uuid4().hex[:8]}"
    image = f"{os.environ['LIVE_REGISTRY']}/web:1"
    docker("wroclaw", "run", "--detach", "--name", name, "--hostname", name, "--publish", "8080", image)
    port = docker("wroclaw", "port", name, "8080/tcp").splitlines()[0].rsplit(":", 1)[1]
    yield name, int(port)
    docker("wroclaw", "rm", "--force", name)


def slices(app: ChartApp, service: str) -> dict[str, set[str]]:
    """The addresses in each EndpointSlice of a Service, by who made the slice."""
    found: dict[str, set[str]] = {}
    for piece in app.get("endpointslices", "--selector", f"kubernetes.io/service-name={service}")["items"]:
        maker = piece["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"]
        found.setdefault(maker, set()).update(a for e in piece.get("endpoints") or () for a in e["addresses"])
    return found


def test_from_docker_to_the_cluster_and_back(application: ChartApp, container: tuple[str, int]) -> None:
    app, (on_docker, port) = application, container
    node, controller = os.environ["LIVE_NODE_IP"], "endpointslice-controller.k8s.io"
    edge = Edge(f"{app.name}.example.org")
    secret = uuid.uuid4().hex
    vault("POST", f"kv/data/apps/{app.name}", {"data": {"DB_PASSWORD": secret}})
    values = two_components(app, port)

    def behind() -> tuple[set[str], set[str] | None]:
        found = slices(app, "web")
        assert slices(app, "shop-web") == found
        return found.get(controller, set()), found.get("labtui.dev")

    app.settled(app.install(values))
    edge.settles_on(on_docker)
    assert behind() == (set(), {node})
    address = app.get("service", "web")["spec"]["clusterIP"]

    without_pods = copy.deepcopy(values) | {"workload": True}
    for component in without_pods["components"].values():
        component["replicas"] = 0
    app.settled(app.change(without_pods, "what pods will need"))
    assert app.get("persistentvolumeclaim", "store-data")["status"]["phase"] == "Pending"
    assert not app.get("pods")["items"]

    app.settled(app.change({**values, "workload": True}, "pods"))
    (pod,) = app.get("pods", "--selector", "app.kubernetes.io/name=web")["items"]
    name, pod_address = pod["metadata"]["name"], pod["status"]["podIP"]
    assert [s["state"]["terminated"]["exitCode"] for s in pod["status"]["initContainerStatuses"]] == [0]
    edge.settles_on(on_docker)
    assert behind() == (set(), {node})
    script = "cat /etc/conf/greeting /users/users; echo; echo $PASSWORD; echo kept > /data/file"
    told = app.kubectl("-n", app.namespace, "exec", "store-0", "--", "sh", "-c", script)
    assert told.split() == ["hello", f"admin={secret}", secret]

    with Callers(edge) as callers:
        for traffic, who, there in (
            ("both", {on_docker, name}, ({pod_address}, {node})),
            ("kubernetes", {name}, ({pod_address}, None)),
            ("both", {on_docker, name}, ({pod_address}, {node})),
            ("docker", {on_docker}, (set(), {node})),
        ):
            app.settled(app.change({**values, "workload": True, "traffic": traffic}, traffic))
            edge.settles_on(*who)
            assert behind() == there
    assert set(callers.answers) == {on_docker, name}, callers.answers  # every request was answered
    assert callers.answers.total() > 100

    claim = app.get("persistentvolumeclaim", "store-data")["metadata"]["uid"]
    app.settled(app.change(values, "no pods"))
    wait_until("no pods", lambda: not app.get("pods")["items"])
    kept = app.get("persistentvolumeclaim", "store-data")
    assert kept["metadata"]["uid"] == claim and kept["status"]["phase"] == "Bound"
    assert app.get("service", "web")["spec"]["clusterIP"] == address
    edge.settles_on(on_docker)

    again = copy.deepcopy(values) | {"workload": True}
    app.settled(app.change(again, "pods again"))
    assert app.kubectl("-n", app.namespace, "exec", "store-0", "--", "cat", "/data/file").strip() == "kept"
