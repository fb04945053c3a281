"""The route of today: found in the cluster, rendered anew under the same names, and its edits in git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from labtui.core.migration.gitops.oldroute import (
    KEPT,
    SYNC_OPTIONS,
    OldRoute,
    application_of,
    described,
    find_route,
    kept,
    protected,
    protected_template,
    taken_out,
    taken_over,
)
from labtui.core.migration.gitops.values import route_alone
from labtui.domain.errors import Refused
from tests.unit.core.migration.world import PLANNED

TRACK = "argocd.argoproj.io/tracking-id"
HOST = "shop.example.org"
VALUES = """\
domain: example.org
services:
  router: # the router's page
    host: 192.168.88.1
    port: 80
  # the shop, on Docker
  shop:
    host: 192.168.88.2
    port: 8080
"""


def _meta(name: str, owner: str, **more: Any) -> dict[str, Any]:
    notes = {TRACK: f"{owner}:apps/X:old/{name}", **more.pop("notes", {})} if owner else {}
    return {"name": name, "namespace": "old", "annotations": notes, **more}


class World:
    def __init__(self, owner: str = "external-services") -> None:
        backend = {"service": {"name": "shop", "port": {"name": "http"}}}
        rule = {"host": HOST, "http": {"paths": [{"path": "/", "backend": backend}]}}
        notes = {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600", "cert-manager.io/cluster-issuer": "le"}
        self.ingress: dict[str, Any] = {
            "metadata": _meta("shop", owner, notes=notes),
            "spec": {
                "ingressClassName": "nginx",
                "rules": [rule],
                "tls": [{"hosts": [HOST], "secretName": "shop-tls"}],
            },
        }
        self.service: dict[str, Any] = {
            "metadata": _meta("shop", owner),
            "spec": {"ports": [{"name": "web", "port": 80}]},
        }
        label = {"kubernetes.io/service-name": "shop"}
        self.slice = {"metadata": _meta("shop-docker", owner, labels=label)}

    def all(self, kind: str, namespace: str = "") -> tuple[Mapping[str, Any], ...]:
        return {"Ingress": (self.ingress,), "EndpointSlice": (self.slice,)}[kind]

    def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        return self.service if (kind, namespace, name) == ("Service", "old", "shop") else None

    def apply(self, obj: Mapping[str, Any], *, dry_run: bool = False) -> Mapping[str, Any]:
        raise AssertionError("nothing is applied")

    def delete(self, kind: str, namespace: str, name: str) -> None:
        raise AssertionError("nothing is deleted")


def found(world: World) -> OldRoute:
    route = find_route(world, HOST, "shop")
    assert route is not None
    return route


def test_the_route_of_a_host_name_is_found_with_all_its_objects() -> None:
    route = found(World())
    assert route.application == "external-services" and route.port == 80 and route.port_name == "web"
    assert set(route.objects) == {("Service", "shop"), ("Ingress", "shop"), ("EndpointSlice", "shop-docker")}
    assert OldRoute.from_data(route.to_data()) == route
    assert find_route(World(), "other.example.org", "shop") is None
    assert find_route(World("shop"), HOST, "shop") is None  # it is the stack's own already


def test_a_route_that_nobody_keeps_in_git_is_refused() -> None:
    with pytest.raises(Refused, match="is taken"):
        found(World(""))


def test_an_ingress_for_several_services_is_refused() -> None:
    world = World()
    world.ingress["spec"]["rules"].append({"host": "b.example.org"})
    with pytest.raises(Refused, match="cannot be taken over"):
        found(world)


def test_the_stack_renders_the_same_service_and_ingress() -> None:
    planned = {**PLANNED, "components": {**PLANNED["components"]}}
    planned["components"]["cache"] = {**PLANNED["components"]["cache"], "waitFor": [{"component": "web", "port": 8080}]}
    values = taken_over(planned, found(World()))
    shop = values["components"]["shop"]
    assert list(values["components"]) == ["shop", "cache"] and "web" in PLANNED["components"]
    assert shop["ports"] == [{"name": "web", "port": 8080, "servicePort": 80}]
    assert shop["service"]["aliases"] == ["web", "shop-web"]
    assert values["components"]["cache"]["waitFor"] == [{"component": "shop", "port": 8080}]
    assert values["ingress"] == {
        "enabled": True,
        "component": "shop",
        "host": HOST,
        "port": "web",
        "name": "shop",
        "className": "nginx",
        "tlsSecret": "shop-tls",
        "issuer": "le",
        "annotations": {"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600"},
    }


def test_slices_of_other_names_would_leave_a_gap() -> None:
    world = World()
    world.slice["metadata"]["name"] = "shop-abc"
    with pytest.raises(Refused, match="without a gap"):
        taken_over(PLANNED, found(world))


def test_who_owns_an_object() -> None:
    assert application_of({"metadata": {"annotations": {TRACK: "a:b/C:d/e"}}}) == "a"
    assert application_of({"metadata": {"annotations": {TRACK: "space_a:b/C:d/e"}}}) == "a"
    assert application_of({"metadata": {"labels": {"app.kubernetes.io/instance": "b"}}}) == "b"
    assert application_of({}) == "" and not kept({})


def test_a_service_is_kept_and_taken_out_line_by_line() -> None:
    new = protected(VALUES, "x.yaml", "shop")
    entry = yaml.safe_load(new)["services"]["shop"]
    assert entry["annotations"] == {SYNC_OPTIONS: KEPT} and new.startswith(VALUES)
    assert protected(new, "x.yaml", "shop") == new
    out = taken_out(new, "x.yaml", "shop")
    assert out == VALUES.split("  # the shop")[0] and taken_out(out, "x.yaml", "shop") == out
    assert described(out, "x.yaml", "shop") is None


def test_the_last_service_may_be_taken_out() -> None:
    text = "domain: a\nservices:\n  shop:\n    host: b\n"
    assert yaml.safe_load(taken_out(text, "x.yaml", "shop")) == {"domain": "a", "services": {}}


def test_a_list_of_services_is_understood_and_an_unclear_file_is_refused() -> None:
    text = "services:\n- name: shop\n  host: a\n- name: other\n  host: b\n"
    assert yaml.safe_load(taken_out(text, "x.yaml", "shop")) == {"services": [{"name": "other", "host": "b"}]}
    with pytest.raises(Refused, match="several places"):
        described("a: {shop: {x: 1}}\nb: {shop: {x: 1}}\n", "x.yaml", "shop")


def test_a_chart_without_annotations_gets_them_in_its_templates() -> None:
    template = """\
{{- range $name, $s := .Values.services }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
spec:
  ports: []
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $name }}
  annotations:
    a: b
    {{- if $s.authelia }}
    c: d
    {{- end }}
spec:
  rules: []
{{- end }}
"""
    new = protected_template(template)
    assert new.count(f"{SYNC_OPTIONS}: {KEPT}") == 2 and protected_template(new) == new
    plain = "\n".join(line for line in new.splitlines() if "{{-" not in line).replace("{{ $name }}", "shop")
    documents = [d for d in yaml.safe_load_all(plain) if d]
    assert [kept(d) for d in documents] == [True, True]
    assert documents[1]["metadata"]["annotations"]["a"] == "b"


def test_the_route_alone_has_nothing_that_waits_for_what_is_gone() -> None:
    web = {**PLANNED["components"]["web"], "waitFor": [{"component": "cache", "port": 8080}]}
    planned = {
        **PLANNED,
        "workload": True,
        "traffic": "kubernetes",
        "components": {**PLANNED["components"], "web": web},
    }
    left = yaml.safe_load(route_alone(yaml.safe_dump(planned), "shop.yaml"))
    assert (left["workload"], left["traffic"]) == (False, "docker")
    assert list(left["components"]) == [left["ingress"]["component"]] == ["web"]
    assert "waitFor" not in left["components"]["web"]
    assert left["components"]["web"]["docker"] == web["docker"]
