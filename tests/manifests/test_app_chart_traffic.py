"""What stands behind the Services of the app chart: Docker, both, or the cluster."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.manifests.charts import Helm, HelmFailed, Object, empty_values, of_kind, one

TRUE_SELECTOR = {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "shop"}

VALUES: dict[str, Any] = {
    "workload": True,
    "traffic": "docker",
    "docker": {"host": "192.168.88.2"},
    "ingress": {"enabled": True, "component": "web", "host": "shop.example.org", "issuer": "letsencrypt"},
    "components": {
        "web": {
            "image": "web:1",
            "ports": [{"name": "http", "port": 8080, "servicePort": 80}, {"name": "admin", "port": 9000}],
            "service": {"aliases": ["shop-web", "web"]},
            "docker": {"port": 18080},
        },
        "cache": {"image": "redis:7", "ports": [{"name": "redis", "port": 6379}]},
    },
}


def rendered(helm: Helm, traffic: str, **more: Any) -> list[Object]:
    return helm.template({**VALUES, "traffic": traffic, **more}, "shop", "shop")


@pytest.mark.parametrize(
    ("traffic", "extra", "slices"),
    [
        ("docker", {"labtui.dev/traffic": "docker"}, {"web-docker", "shop-web-docker"}),
        ("both", {}, {"web-docker", "shop-web-docker"}),
        ("kubernetes", {}, set()),
    ],
)
def test_what_stands_behind_a_service(helm: Helm, traffic: str, extra: dict[str, str], slices: set[str]) -> None:
    objects = rendered(helm, traffic)
    for name in ("web", "shop-web"):
        assert one(objects, "Service", name)["spec"]["selector"] == {**TRUE_SELECTOR, **extra}
    found = of_kind(objects, "EndpointSlice")
    assert set(found) == slices
    for name, piece in found.items():
        assert piece["metadata"]["labels"]["kubernetes.io/service-name"] == name.removesuffix("-docker")
        assert piece["addressType"] == "IPv4"
        assert piece["endpoints"] == [{"addresses": ["192.168.88.2"], "conditions": {"ready": True}}]
        # the port that Docker does not publish has nothing behind it
        assert piece["ports"] == [{"name": "http", "port": 18080, "protocol": "TCP"}]


def test_nothing_but_the_traffic_changes(helm: Helm) -> None:
    def rest(traffic: str) -> list[Object]:
        objects = [found for found in rendered(helm, traffic) if found["kind"] != "EndpointSlice"]
        for service in of_kind(objects, "Service").values():
            service["spec"]["selector"].pop("labtui.dev/traffic", None)
        return objects

    assert rest("docker") == rest("both") == rest("kubernetes")


def test_no_pod_has_the_label_that_keeps_pods_away(helm: Helm) -> None:
    objects = rendered(helm, "docker")
    labels = one(objects, "Deployment", "web")["spec"]["template"]["metadata"]["labels"]
    assert TRUE_SELECTOR.items() <= labels.items()
    assert "labtui.dev/traffic" not in labels
    values = copy.deepcopy(VALUES)
    values["components"]["web"]["podLabels"] = {"labtui.dev/traffic": "docker"}
    with pytest.raises(HelmFailed, match=r"labtui\.dev/traffic|podLabels"):
        helm.template(values)


def test_a_component_that_is_not_on_docker_always_has_its_pods(helm: Helm) -> None:
    for traffic in ("docker", "both", "kubernetes"):
        selector = one(rendered(helm, traffic), "Service", "cache")["spec"]["selector"]
        assert selector == {"app.kubernetes.io/name": "cache", "app.kubernetes.io/instance": "shop"}


def test_an_application_without_pods_is_its_services_and_its_ingress(helm: Helm) -> None:
    objects = rendered(helm, "docker", workload=False)
    assert {found["kind"] for found in objects} == {"Service", "EndpointSlice", "Ingress"}
    with pytest.raises(HelmFailed, match="no pods to send it to"):
        rendered(helm, "both", workload=False)


def test_the_short_form_for_one_component(helm: Helm) -> None:
    values = {
        "docker": {"host": "fd00::2", "port": 8096},
        "components": {"emby": {"ports": [{"name": "http", "port": 8096}]}},
    }
    piece = one(helm.template(values), "EndpointSlice", "emby-docker")
    assert (piece["addressType"], piece["ports"][0]["port"]) == ("IPv6", 8096)


def test_published_ports_by_name_and_another_address(helm: Helm) -> None:
    values = copy.deepcopy(VALUES)
    values["components"]["web"]["docker"] = {"ports": {"http": 1, "admin": 2}, "host": "192.168.1.2"}
    piece = one(helm.template(values), "EndpointSlice", "web-docker")
    assert {port["name"]: port["port"] for port in piece["ports"]} == {"http": 1, "admin": 2}
    assert piece["endpoints"][0]["addresses"] == ["192.168.1.2"]


def test_a_component_without_ports_can_be_found_by_name(helm: Helm) -> None:
    objects = helm.template({"components": {"worker": {"service": {}}, "silent": {}}})
    assert set(of_kind(objects, "Service")) == {"worker"}
    spec = one(objects, "Service", "worker")["spec"]
    assert spec["clusterIP"] == "None" and "ports" not in spec


def test_service_ports(helm: Helm) -> None:
    values = copy.deepcopy(VALUES)
    values["components"]["web"]["ports"] = [
        {"name": "http", "port": 8080, "servicePort": 80, "nodePort": 30080},
        {"name": "dns", "port": 53, "protocol": "UDP", "nodePort": None},
    ]
    objects = helm.template(values)
    spec = one(objects, "Service", "web")["spec"]
    assert spec["type"] == "NodePort"
    assert spec["ports"] == [
        {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 30080},
        {"name": "dns", "port": 53, "targetPort": 53, "protocol": "UDP"},
    ]
    alias = one(objects, "Service", "shop-web")["spec"]
    assert alias["type"] == "ClusterIP" and "nodePort" not in alias["ports"][0]  # a node port is there once
    policies = of_kind(objects, "NetworkPolicy")
    assert policies["web-node-ports"]["spec"]["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}]}]


def test_ingress(helm: Helm) -> None:
    ingress = one(rendered(helm, "docker"), "Ingress", "shop")
    assert ingress["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["shop.example.org"], "secretName": "shop-tls"}]
    (rule,) = ingress["spec"]["rules"]
    assert rule["host"] == "shop.example.org"
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "web", "port": {"name": "http"}}


def test_ingress_with_sign_in_and_without_certificate(helm: Helm) -> None:
    given = {
        "enabled": True,
        "component": "web",
        "port": "admin",
        "host": "shop.example.org",
        "issuer": "",
        "auth": True,
        "annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600"},
    }
    ingress = one(rendered(helm, "docker", ingress=given), "Ingress", "shop")
    assert "tls" not in ingress["spec"]
    annotations = ingress["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"] == "3600"
    assert annotations["nginx.ingress.kubernetes.io/auth-url"].startswith("http://authelia.authelia.svc")
    assert annotations["nginx.ingress.kubernetes.io/auth-signin"].startswith("https://auth.example.org")
    assert "cert-manager.io/cluster-issuer" not in annotations
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["port"] == {"name": "admin"}


def test_nothing_is_rendered_empty(helm: Helm) -> None:
    for traffic in ("docker", "both", "kubernetes"):
        assert list(empty_values(rendered(helm, traffic))) == []
