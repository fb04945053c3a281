"""Small Compose files, one a feature, and what to look for in the objects that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Objects = tuple[dict[str, Any], ...]
Look = Callable[[Objects], str]
SECRET = "kompose-secret-7c1e"
CASES = "/srv/wroclaw"  # the site's folder in these cases


@dataclass(frozen=True)
class Feature:
    """`key` is what labtui's finding is about; `look` says what is there, in words."""

    title: str
    services: Mapping[str, Mapping[str, Any]]
    key: str
    look: Look
    top: Mapping[str, Any] = field(default_factory=dict)


def pods(objects: Objects) -> list[dict[str, Any]]:
    """The pod templates' specs."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Pod", "Job")
    found = [o for o in objects if o.get("kind") in kinds and "generate-secrets" not in o["metadata"]["name"]]
    return [o["spec"]["template"]["spec"] if o["kind"] != "Pod" else o["spec"] for o in found]


def _container(objects: Objects, number: int = 0) -> dict[str, Any]:
    found = pods(objects)
    return dict(found[number]["containers"][0]) if number < len(found) else {}


def _has(field_name: str, words: str = "") -> Look:
    """Is this field anywhere in a pod?"""
    return lambda objects: (words or f"`{field_name}`") if field_name in str(pods(objects)) else ""


def _services(objects: Objects) -> set[str]:
    return {o["metadata"]["name"] for o in objects if o.get("kind") == "Service"}


def _service(name: str) -> Look:
    return lambda objects: f"a Service `{name}`" if name in _services(objects) else f"no Service `{name}`"


def _probes(objects: Objects) -> str:
    kinds = [kind for kind in ("startup", "readiness", "liveness") if f"{kind}Probe" in _container(objects)]
    liveness = _container(objects).get("livenessProbe", {})
    # without a startup probe the liveness probe is what ends a start that takes long
    first = _container(objects).get("startupProbe", liveness)
    after = first.get("initialDelaySeconds", 0) + first.get("failureThreshold", 3) * first.get("periodSeconds", 10)
    return f"{', '.join(kinds)}; a start may take {after} s before it is ended" if kinds else ""


def _waits(objects: Objects) -> str:
    return "an init container waits for the database" if any(p.get("initContainers") for p in pods(objects)) else ""


def _secret(objects: Objects) -> str:
    if SECRET in str(objects):
        return "its value, in the manifest"
    external = any(o.get("kind") == "ExternalSecret" for o in objects)
    return "a reference, filled from Vault" if external else ""


def _claims(objects: Objects) -> str:
    sizes = [o["spec"]["resources"]["requests"]["storage"] for o in objects if o.get("kind") == "PersistentVolumeClaim"]
    return f"a claim of {', '.join(sizes)}" if sizes else ""


def _config(objects: Objects) -> str:
    maps = [o for o in objects if o.get("kind") == "ConfigMap"]
    if any("listen = 80" in str(o) for o in maps):
        return "a ConfigMap with its text"
    return "a ConfigMap without its text" if maps else _claims(objects)


def _host_path(objects: Objects) -> str:
    return "a hostPath, read-only" if "hostPath" in str(pods(objects)) else _claims(objects) or _config(objects)


def _args(objects: Objects) -> str:
    words = [*_container(objects).get("command", []), *_container(objects).get("args", [])]
    return f"`{words[-1]}`" if words else ""


def _ports(objects: Objects) -> str:
    names = [p["name"] for o in objects if o.get("kind") == "Service" for p in o["spec"].get("ports", ())]
    return f"ports named {', '.join(names)}" if names else ""


def _links(objects: Objects) -> str:
    return (
        "off"
        if all(p.get("enableServiceLinks") is False for p in pods(objects))
        else "on: `REDIS_PORT=tcp://…` gets into every pod"
    )


def _one_pod(objects: Objects) -> str:
    return "both containers in one pod" if any(len(p["containers"]) > 1 for p in pods(objects)) else ""


def _requests(objects: Objects) -> str:
    resources = _container(objects).get("resources", {})
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    return f"limits {limits.get('cpu')}/{limits.get('memory')}, requests {requests.get('cpu')}/{requests.get('memory')}"


def _ingress(objects: Objects) -> str:
    found = [o for o in objects if o.get("kind") == "Ingress"]
    return "an Ingress" if found else ""


def _app(**raw: Any) -> dict[str, dict[str, Any]]:
    port = {"mode": "ingress", "target": 8080, "published": "8080", "protocol": "tcp"}
    return {"app": {"image": "example/app:1", "ports": [port], **raw}}


def _bind(source: str, target: str, read_only: bool = False) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": read_only}


_DB = {"image": "postgres:16", "expose": ["5432"]}
_CHECK = {"test": ["CMD", "true"], "start_period": "40s"}
_GPU = {"resources": {"reservations": {"devices": [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]}}}
_AMOUNTS = {
    "resources": {"limits": {"cpus": 2.0, "memory": "1073741824"}, "reservations": {"cpus": 0.5, "memory": "268435456"}}
}
_DNS = [
    {"mode": "ingress", "target": 53, "published": "53", "protocol": "tcp"},
    {"mode": "ingress", "target": 53, "published": "53", "protocol": "udp"},
]
_DATA = {"data": {"name": "case_data"}}
_NET = {"default": {"name": "case_default"}}

FEATURES: tuple[Feature, ...] = (
    Feature("`healthcheck` with `start_period: 40s`", _app(healthcheck=_CHECK), "healthcheck.test", _probes),
    Feature(
        "`depends_on` a database",
        {**_app(depends_on={"db": {"condition": "service_started", "required": True}}), "db": _DB},
        "depends_on.db",
        _waits,
    ),
    Feature("`expose` alone", {**_app(), "db": _DB}, "expose", _service("db")),
    Feature(
        "no port at all, but others depend on it",
        {**_app(depends_on={"db": {"condition": "service_started", "required": True}}), "db": {"image": "postgres:16"}},
        "expose",
        _service("db"),
    ),
    Feature("`container_name: my-app`", _app(container_name="my-app"), "container_name", _service("my-app")),
    Feature(
        "a network alias `api`",
        _app(networks={"default": {"aliases": ["api"]}}),
        "networks.default",
        _service("api"),
        top={"networks": _NET},
    ),
    Feature("the same port for TCP and UDP", _app(ports=_DNS), "ports", _ports),
    Feature("an HTTP port that is published", _app(), "ingress", _ingress),
    Feature(
        "`environment`: a password from an env file",
        _app(environment={"DB_PASSWORD": SECRET}),
        "environment.DB_PASSWORD",
        _secret,
    ),
    Feature("`command` with `$(date)`", _app(command=["sh", "-c", "echo $(date)"]), "command", _args),
    Feature(
        "Kubernetes' service variables", {**_app(), "redis": {"image": "redis:7", "expose": ["6379"]}}, "-", _links
    ),
    Feature(
        "a named volume with 3 GiB in it",
        _app(volumes=[{"type": "volume", "source": "data", "target": "/data", "volume": {}}]),
        "volumes./data",
        _claims,
        top={"volumes": _DATA},
    ),
    Feature(
        "a folder of the host with 3 GiB in it",
        _app(volumes=[_bind(f"{CASES}/data", "/data")]),
        "volumes./data",
        _claims,
    ),
    Feature(
        "a text file of the host",
        _app(volumes=[_bind(f"{CASES}/app.conf", "/etc/app.conf", True)]),
        "volumes./etc/app.conf",
        _config,
    ),
    Feature(
        "`/proc`, read-only",
        _app(volumes=[_bind("/proc", "/host/proc", True)]),
        "volumes./host/proc",
        _host_path,
    ),
    Feature(
        "`/var/run/docker.sock`",
        _app(volumes=[_bind("/var/run/docker.sock", "/var/run/docker.sock")]),
        "volumes./var/run/docker.sock",
        _claims,
    ),
    Feature("`tmpfs: /run`", _app(tmpfs=["/run"]), "tmpfs", _has("emptyDir", "an emptyDir in memory")),
    Feature(
        "`shm_size: 256m`", _app(shm_size="268435456"), "shm_size", _has("/dev/shm", "a volume in memory at /dev/shm")
    ),
    Feature("`deploy.resources`", _app(deploy=_AMOUNTS), "deploy", _requests),
    Feature(
        "a GPU under `reservations`", _app(deploy=_GPU), "deploy.resources.reservations.devices", _has("nvidia.com/gpu")
    ),
    Feature("`user: 1000:1000`", _app(user="1000:1000"), "user", _has("runAsUser", "`runAsUser`")),
    Feature('`group_add: ["44"]`', _app(group_add=["44"]), "group_add", _has("supplementalGroups")),
    Feature("`read_only: true`", _app(read_only=True), "read_only", _has("readOnlyRootFilesystem")),
    Feature("`cap_add: [NET_ADMIN]`", _app(cap_add=["NET_ADMIN"]), "cap_add", _has("NET_ADMIN", "added")),
    Feature("`privileged: true`", _app(privileged=True), "privileged", _has("privileged", "a privileged pod")),
    Feature(
        "`devices: [/dev/net/tun]`",
        _app(devices=[{"source": "/dev/net/tun", "target": "/dev/net/tun", "permissions": "rwm"}]),
        "devices",
        _has("tun"),
    ),
    Feature(
        "`network_mode: host`",
        _app(network_mode="host", expose=["8080"], ports=[]),
        "network_mode",
        _has("hostNetwork"),
    ),
    Feature(
        "`network_mode: service:vpn`",
        {"vpn": _app()["app"], "app": {"image": "example/app:1", "network_mode": "service:vpn"}},
        "network_mode",
        _one_pod,
    ),
    Feature(
        "`sysctls`", _app(sysctls={"net.ipv4.tcp_syncookies": "1"}), "sysctls.net.ipv4.tcp_syncookies", _has("sysctls")
    ),
    Feature("`extra_hosts`", _app(extra_hosts=["nas=192.168.1.2"]), "extra_hosts.nas=192.168.1.2", _has("hostAliases")),
    Feature("`hostname: web`", _app(hostname="web"), "hostname", _has("'hostname': 'web'", "`hostname`")),
    Feature(
        "`stop_grace_period: 90s`",
        _app(stop_grace_period="1m30s"),
        "stop_grace_period",
        _has("terminationGracePeriodSeconds': 90", "90 s"),
    ),
    Feature(
        "`stop_signal: SIGINT`",
        _app(stop_signal="SIGINT"),
        "stop_signal",
        _has("INT", "sent before the pod is stopped"),
    ),
    Feature("`init: true`", _app(init=True), "init", _has("shareProcessNamespace")),
    Feature("`ulimits`", _app(ulimits={"nofile": 65536}), "ulimits.nofile", _has("nofile")),
    Feature("`logging: driver: gelf`", _app(logging={"driver": "gelf"}), "logging.driver", _has("gelf")),
    Feature(
        '`restart: "no"`',
        _app(restart="no"),
        "restart",
        _has("'restartPolicy': 'Never'", "a Pod that is not restarted"),
    ),
)
