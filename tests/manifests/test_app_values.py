"""The values of the reference estate: every Compose stack has its entry, on Docker today, in both environments."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
import yaml

from tests.manifests.charts import (
    APP_CHART,
    ENVIRONMENTS,
    MANIFESTS,
    Helm,
    Object,
    app_values,
    empty_values,
    namespace,
    of_kind,
    one,
    pod_templates,
    read,
)

COMPOSE = MANIFESTS.parent / "compose"
ADDRESSES = {"homelab": {"wroclaw": "192.168.88.2", "kyiv": "192.168.1.2"}}
# which applications a stack of a site is, and what is in none of them
STACKS = {
    "wroclaw/authelia": ("authelia",),
    "wroclaw/caddy": ("caddy",),
    "wroclaw/emby": ("emby",),
    "wroclaw/immich": ("immich",),
    "wroclaw/monitoring": ("victoriametrics", "victorialogs", "grafana", "alloy"),
    "kyiv/monitoring": ("monitoring-kyiv",),
    "kyiv/transmission": ("transmission",),
}
STAYS = ("caddy", "transmission", "monitoring-kyiv")
CASES = [(environment, name) for environment in ENVIRONMENTS for name in sorted(app_values(environment))]


def values_of(environment: str, name: str) -> Object:
    return read(app_values(environment)[name])


def published(site: str, stack: str) -> set[int]:
    """The TCP ports that a stack publishes, as its files say."""
    found = set()
    for file in (COMPOSE / "_base" / f"{stack}.yaml", COMPOSE / site / f"{stack}.yaml"):
        for service in (read(file) if file.exists() else {}).get("services", {}).values():
            for entry in service.get("ports", ()):
                text = str(entry["published"] if isinstance(entry, dict) else entry)
                protocol = entry.get("protocol", "tcp") if isinstance(entry, dict) else text.partition("/")[2] or "tcp"
                if protocol == "tcp":
                    found.add(int(text.partition("/")[0].split(":")[-2 if ":" in text else 0]))
    return found


def on_docker(values: Object) -> set[int]:
    found = set()
    for component in values["components"].values():
        docker = component.get("docker", {})
        found |= {docker[key] for key in ("port",) if key in docker} | set(docker.get("ports", {}).values())
    return found


def test_every_stack_has_its_entry() -> None:
    stacks = {f"{site}/{file.stem}" for site in ADDRESSES["homelab"] for file in (COMPOSE / site).glob("*.yaml")}
    assert stacks == set(STACKS)
    for environment in ENVIRONMENTS:
        assert set(app_values(environment)) == set(itertools.chain.from_iterable(STACKS.values()))


@pytest.mark.parametrize("stack", STACKS)
def test_an_entry_reaches_the_ports_that_its_stack_publishes(helm: Helm, stack: str) -> None:
    site, name = stack.split("/")
    reached: set[int] = set()
    for application in STACKS[stack]:
        values = values_of("homelab", application)
        assert values["docker"]["host"] == ADDRESSES["homelab"][site]
        reached |= on_docker(values)
        slices = of_kind(helm.template(values, application, namespace(application)), "EndpointSlice")
        behind = {port["port"] for piece in slices.values() for port in piece["ports"]}
        assert behind == on_docker(values)
    assert reached == published(site, name)


@pytest.mark.parametrize(("environment", "name"), CASES)
def test_it_is_on_docker_today(helm: Helm, environment: str, name: str) -> None:
    values = values_of(environment, name)
    assert (values["workload"], values["traffic"]) == (False, "docker")
    objects = helm.template(app_values(environment)[name], name, namespace(name))
    assert {found["kind"] for found in objects} <= {"Service", "EndpointSlice", "Ingress"}
    for component, given in values["components"].items():
        selector = one(objects, "Service", component)["spec"]["selector"]
        assert selector.get("labtui.dev/traffic") == ("docker" if "docker" in given else None)


@pytest.mark.parametrize(("environment", "name"), CASES)
def test_helm_has_nothing_to_say(helm: Helm, environment: str, name: str) -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in helm.lint(APP_CHART, app_values(environment)[name])


@pytest.mark.parametrize(("environment", "name"), [case for case in CASES if case[1] not in STAYS])
def test_it_can_move(helm: Helm, environment: str, name: str) -> None:
    values = {**values_of(environment, name), "workload": True, "traffic": "kubernetes"}
    objects = helm.template(values, name, namespace(name))
    assert list(empty_values(objects)) == []
    assert not of_kind(objects, "EndpointSlice")
    for where, template in pod_templates(objects):
        for container in template["spec"]["containers"]:
            assert re.search(r":[\w.-]+$", container["image"]) and not container["image"].endswith(":latest"), where
            assert container["resources"]["limits"]["memory"], where
            assert where.startswith("Job/") or "readinessProbe" in container, where


@pytest.mark.parametrize("name", STAYS)
def test_what_stays_on_docker_has_nothing_to_run(name: str) -> None:
    assert not any("image" in component for component in values_of("homelab", name)["components"].values())


@pytest.mark.parametrize("name", sorted(app_values("homelab")))
def test_staging_differs_by_addresses_names_sizes_and_versions_alone(name: str) -> None:
    differences = {
        key: (old, new)
        for key, (old, new) in _both(_flat(values_of("homelab", name)), _flat(values_of("staging", name))).items()
        if old != new
    }
    for key, (old, new) in differences.items():
        plain = str(new).replace("staging.example.org", "example.org")
        newer = key.endswith(".image") and str(new).rpartition(":")[0] == str(old).rpartition(":")[0]
        allowed = key.endswith((".host", ".server", ".issuer", ".size")) or plain == old or newer
        assert allowed, f"{key}: {old!r} and {new!r}"


def test_no_host_name_is_claimed_twice(helm: Helm) -> None:
    hosts = [
        rule["host"]
        for environment, name in CASES
        for ingress in of_kind(helm.template(app_values(environment)[name], name), "Ingress").values()
        for rule in ingress["spec"]["rules"]
    ]
    assert len(hosts) == len(set(hosts)) > len(ENVIRONMENTS)


def test_no_values_file_holds_a_secret() -> None:
    for environment, name in CASES:
        values = values_of(environment, name)
        for component, given in values["components"].items():
            for variable in given.get("env", {}):
                where = f"{environment}/{name} {component}"
                assert not re.search("PASS|SECRET|TOKEN|KEY|CREDENTIAL", variable), f"{where}: {variable}"
        for key, value in _flat(values).items():
            if isinstance(value, str) and "template" not in key:
                assert not re.search(r"\$argon2|://[^/\s:@]+:[^/\s@]+@", value), f"{environment}/{name} {key}"


def test_grafana_is_provisioned_with_what_it_can_read() -> None:
    for environment in ENVIRONMENTS:
        (grafana,) = values_of(environment, "grafana")["components"].values()
        files = {
            name: yaml.safe_load(text)
            for volume in grafana["volumes"]
            for name, text in volume.get("configMap", {}).get("files", {}).items()
        }
        sources = {source["uid"]: source["url"] for source in files["datasources.yaml"]["datasources"]}
        assert sources == {
            uid: f"http://{component}:{given['ports'][0]['port']}"
            for uid in ("victoriametrics", "victorialogs")
            for component, given in values_of(environment, uid)["components"].items()
        }
        for panel in files["hosts.json"]["panels"]:
            assert panel["datasource"]["uid"] in sources and panel["targets"][0]["expr"]
        (group,) = files["rules.yaml"]["groups"]
        assert {rule["uid"] for rule in group["rules"]} == {"target-down", "disk-full", "memory-full"}
        for rule in group["rules"]:
            queries = {query["refId"]: query["datasourceUid"] for query in rule["data"]}
            assert queries.pop(rule["condition"]) == "__expr__"
            assert set(queries.values()) <= set(sources)
        (provider,) = files["dashboards.yaml"]["providers"]
        mounts = {volume["name"]: volume["mountPath"] for volume in grafana["volumes"]}
        assert provider["options"]["path"] == mounts["dashboards"]


def _flat(found: Any, path: str = "") -> dict[str, Any]:
    if isinstance(found, dict):
        parts = [_flat(value, f"{path}.{key}") for key, value in found.items()]
    elif isinstance(found, list):
        parts = [_flat(value, f"{path}[{index}]") for index, value in enumerate(found)]
    else:
        return {path: found}
    return {key: value for part in parts for key, value in part.items()}


def _both(old: dict[str, Any], new: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {key: (old.get(key), new.get(key)) for key in {*old, *new}}


def test_the_values_are_where_the_applications_look() -> None:
    for environment in ENVIRONMENTS:
        for name, file in app_values(environment).items():
            layer = "platform" if name in ("authelia", *STACKS["wroclaw/monitoring"]) else "applications"
            assert file == MANIFESTS / layer / "values" / environment / f"{name}.yaml"
