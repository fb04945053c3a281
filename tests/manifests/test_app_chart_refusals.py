"""The app chart refuses what it does not know, and what would lose data or traffic, and says where."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.manifests.charts import Helm, HelmFailed

PVC: dict[str, Any] = {"name": "data", "mountPath": "/data", "pvc": {"size": "1Gi"}}
GOOD: dict[str, Any] = {
    "workload": True,
    "traffic": "docker",
    "docker": {"host": "192.168.88.2"},
    "components": {
        "web": {
            "image": "web:1",
            "ports": [{"name": "http", "port": 8080}],
            "docker": {"port": 8080},
            "probes": {"readiness": {"httpGet": {"port": "http"}}},
            "volumes": [PVC],
        },
        "cache": {"image": "redis:7", "ports": [{"name": "redis", "port": 6379}]},
    },
    "secrets": {"web": {"path": "apps/web", "keys": {"TOKEN": "TOKEN"}}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    values = copy.deepcopy(GOOD)
    *way, last = path.split("/")
    at: Any = values
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    at[last] = value
    return values


def test_the_good_values_are_taken(helm: Helm) -> None:
    assert helm.template(GOOD)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("trafic", "docker"),
        ("docker/hots", "192.168.88.2"),
        ("ingress/hosts", "a.example.org"),
        ("components/web/imagee", "web:1"),
        ("components/web/ports/0/containerPort", 1),
        ("components/web/docker/prot", 1),
        ("components/web/service/alias", "x"),
        ("components/web/probes/rediness", {}),
        ("components/web/probes/readiness/periodSecond", 1),
        ("components/web/resources/limit", {}),
        ("components/web/securityContext/privileged", True),
        ("components/web/podSecurityContext/hostNetwork", True),
        ("components/web/hostNetwork", True),
        ("components/web/volumes/0/pvc/storageClas", "x"),
        ("components/web/volumes/0/readonly", True),
        ("secrets/web/kes", {}),
        ("generateSecrets/key", {}),
        ("networkPolicy/form", []),
        ("vault/addres", ""),
    ],
)
def test_a_key_that_it_does_not_know_is_named(helm: Helm, path: str, value: object) -> None:
    with pytest.raises(HelmFailed) as refused:
        helm.template(changed(path, value))
    assert f"'{path.split('/')[-1]}'" in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("traffic", "kubernets", "/traffic"),
        ("docker/host", "wroclaw.local", "/docker/host"),
        ("components/Web", {}, "Web"),
        ("components/web/env", {"PORT": 8080}, "/components/web/env/PORT"),
        ("components/web/kind", "Job", "/components/web/kind"),
        ("components/web/ports/0/port", 70000, "/components/web/ports/0/port"),
        ("components/web/volumes/0/nfs", {"server": "a", "path": "/b"}, "/components/web/volumes/0"),
        ("components/web/resources", {"limits": {"memory": "2 GB"}}, "/limits/memory"),
        ("components/" + "a" * 64, {}, "a" * 64),
        ("ingress", {"enabled": True, "component": "web"}, "host"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_the_schema(helm: Helm, path: str, value: object, words: str) -> None:
    with pytest.raises(HelmFailed) as refused:
        helm.template(changed(path, value))
    assert "don't meet the specifications of the schema" in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("traffic", "both", "would both have its data"),
        ("components/web/strategy", "RollingUpdate", "two of its pods would have it"),
        ("components/web/replicas", 2, "one pod may have"),
        ("components/web/image", "", "stays on Docker"),
        ("components/web/secretEnv", {"T": {"secret": "wbe", "key": "TOKEN"}}, "no wbe with the key TOKEN"),
        ("components/web/secretEnv", {"T": {"secret": "web", "key": "TOKN"}}, "no web with the key TOKN"),
        ("components/web/waitFor", [{"component": "cahce", "port": 1}], "no component called cahce"),
        ("components/web/waitFor", [{"component": "web", "port": 1}], "wait for itself"),
        ("components/web/service", {"aliases": ["cache"]}, "also the name of the component cache"),
        ("components/web/docker", {"ports": {"https": 1}}, "no port called https"),
        ("components/web/ports", [], "the component has no ports"),
        ("docker/host", "", "docker.host is missing"),
        ("docker/port", 8080, "several components"),
        ("ingress", {"enabled": True, "host": "a.example.org"}, "name the component"),
        ("ingress", {"enabled": True, "component": "wbe", "host": "a.example.org"}, "no component called wbe"),
        (
            "ingress",
            {"enabled": True, "component": "web", "port": "htpp", "host": "a.example.org"},
            "no port called htpp",
        ),
        ("components/web/volumes", [PVC, {**PVC, "pvc": {"size": "2Gi"}}], "two different volumes are called data"),
        (
            "components/web/volumes",
            [{"name": "key", "mountPath": "/key", "secret": {"name": "wbe"}}],
            "secrets has no wbe",
        ),
        ("generateSecrets", {"enabled": True}, "nothing to generate"),
    ],
)
def test_what_a_schema_cannot_say_is_refused_in_words(helm: Helm, path: str, value: object, words: str) -> None:
    with pytest.raises(HelmFailed) as refused:
        helm.template(changed(path, value))
    assert words in str(refused.value)
