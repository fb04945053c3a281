"""The wrapper charts: pinned upstream charts, and templates of their own that helm renders in both environments."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.helm import (
    ENVIRONMENTS,
    MANIFESTS,
    WRAPPERS,
    lint,
    refusal,
    template,
    value_file,
    without_dependencies,
)


def objects(chart: str, environment: str, folder: Path) -> dict[str, dict[str, Any]]:
    copy = without_dependencies(MANIFESTS / chart, folder)
    name = chart.rpartition("/")[2]
    found = template(copy, value_file(chart, environment), name=name, namespace=name)
    return {o["kind"]: o for o in found}


@pytest.mark.parametrize("chart", WRAPPERS)
def test_the_upstream_chart_is_pinned_and_its_values_are_for_it(chart: str) -> None:
    metadata = yaml.safe_load((MANIFESTS / chart / "Chart.yaml").read_text(encoding="utf-8"))
    (upstream,) = metadata["dependencies"]
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", upstream["version"])
    assert upstream["repository"].startswith("https://")
    name = upstream.get("alias", upstream["name"])
    own = yaml.safe_load((MANIFESTS / chart / "values.yaml").read_text(encoding="utf-8"))
    assert name in own
    for environment in ENVIRONMENTS:
        values = yaml.safe_load(value_file(chart, environment).read_text(encoding="utf-8"))
        assert values.keys() <= own.keys(), "a key that neither the chart nor its upstream chart knows"


@pytest.mark.parametrize("chart", WRAPPERS)
def test_the_lock_is_the_charts_own(chart: str) -> None:
    """As `helm dependency build` checks it (helm, internal/resolver: HashReq)."""
    metadata = yaml.safe_load((MANIFESTS / chart / "Chart.yaml").read_text(encoding="utf-8"))
    lock = yaml.safe_load((MANIFESTS / chart / "Chart.lock").read_text(encoding="utf-8"))
    wanted = [{k: d[k] for k in ("name", "version", "repository", "alias") if k in d} for d in metadata["dependencies"]]
    locked = [{k: d[k] for k in ("name", "version", "repository")} for d in lock["dependencies"]]
    text = json.dumps([wanted, locked], separators=(",", ":"))
    assert lock["digest"] == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert [d["version"] for d in locked] == [d["version"] for d in wanted]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("chart", WRAPPERS)
def test_its_own_templates(chart: str, environment: str, tmp_path: Path) -> None:
    copy = without_dependencies(MANIFESTS / chart, tmp_path)
    lint(copy, value_file(chart, environment))
    assert template(copy, value_file(chart, environment))


def test_the_issuer_answers_over_cloudflare_with_a_token_from_vault(tmp_path: Path) -> None:
    found = objects("infrastructure/charts/cert-manager", "homelab", tmp_path)
    secret, issuer = found["ExternalSecret"], found["ClusterIssuer"]
    (solver,) = issuer["spec"]["acme"]["solvers"]
    reference = solver["dns01"]["cloudflare"]["apiTokenSecretRef"]
    assert issuer["metadata"]["name"] == "letsencrypt"
    assert reference == {"name": secret["spec"]["target"]["name"], "key": secret["spec"]["data"][0]["secretKey"]}
    assert secret["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "vault"}
    waves = [int(o["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]) for o in (secret, issuer)]
    assert waves[0] < waves[1], "the token is there before the issuer asks for it"


def test_an_issuer_without_an_address_is_refused(tmp_path: Path) -> None:
    copy = without_dependencies(MANIFESTS / "infrastructure/charts/cert-manager", tmp_path)
    assert "letsencrypt.email is missing" in refusal(copy, values={"letsencrypt": {"zones": ["example.org"]}})
    assert "letsencrypt.zones is missing" in refusal(copy, values={"letsencrypt": {"email": "me@example.org"}})


def test_the_store_is_the_one_that_everything_names(tmp_path: Path) -> None:
    store = objects("platform/charts/external-secrets", "homelab", tmp_path)["ClusterSecretStore"]
    vault = store["spec"]["provider"]["vault"]
    assert (store["metadata"]["name"], vault["path"], vault["version"]) == ("vault", "kv", "v2")
    assert vault["auth"]["kubernetes"]["serviceAccountRef"]["namespace"] == "external-secrets"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_argo_cd_manages_the_app_of_apps(environment: str, tmp_path: Path) -> None:
    root = objects("platform/charts/argocd", environment, tmp_path)["Application"]
    source = root["spec"]["source"]
    assert root["metadata"]["namespace"] == "argocd"
    for file in source["helm"]["valueFiles"]:
        listed = yaml.safe_load((MANIFESTS.parent / source["path"] / file).read_text(encoding="utf-8"))
        assert listed["environment"] == environment
    annotations = root["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false"
    assert annotations["argocd.argoproj.io/ignore-healthcheck"] == "true", "each would wait for the other"


def test_argo_cd_sees_endpoint_slices_and_waits_for_applications() -> None:
    values = yaml.safe_load((MANIFESTS / "platform/charts/argocd/values.yaml").read_text(encoding="utf-8"))
    settings = values["argocd"]["configs"]["cm"]
    excluded = yaml.safe_load(settings["resource.exclusions"])
    assert "EndpointSlice" not in {kind for rule in excluded for kind in rule["kinds"]}
    assert "obj.status.health.status" in settings["resource.customizations.health.argoproj.io_Application"]


def test_ingress_nginx_has_the_address_that_the_estate_knows() -> None:
    values = yaml.safe_load(value_file("infrastructure/charts/ingress-nginx", "homelab").read_text(encoding="utf-8"))
    assert values["ingress-nginx"]["controller"]["service"]["loadBalancerIP"] == "198.19.249.2"


def test_a_snapshot_keeps_the_token_out_of_arguments_and_files(tmp_path: Path) -> None:
    job = objects("platform/charts/vault", "homelab", tmp_path)["CronJob"]
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (script,) = container["args"]
    assert "BAO_TOKEN=$(bao write -field=token" in script and "snapshot save" in script
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_external_services() -> None:
    chart = MANIFESTS / "applications/charts/external-services"
    files = MANIFESTS / "applications/values/homelab/external-services.yaml"
    lint(chart, files)
    found = {o["kind"]: o for o in template(chart, files, namespace="external-services")}
    assert found["EndpointSlice"]["endpoints"][0]["addresses"] == ["192.168.88.1"]
    assert found["Ingress"]["spec"]["rules"][0]["host"] == "router.example.org"


def test_an_external_services_annotations_are_on_all_of_its_objects(tmp_path: Path) -> None:
    chart = MANIFESTS / "applications/charts/external-services"
    values = tmp_path / "values.yaml"
    kept = "argocd.argoproj.io/sync-options"
    values.write_text(f"services: {{a: {{host: 192.0.2.1, port: 80, annotations: {{{kept}: Prune=false}}}}}}\n")
    lint(chart, values)
    found = template(chart, values, namespace="x")
    assert {o["kind"] for o in found} == {"Service", "EndpointSlice", "Ingress"}
    assert all(o["metadata"]["annotations"][kept] == "Prune=false" for o in found)
    assert (
        "cert-manager.io/cluster-issuer" in next(o for o in found if o["kind"] == "Ingress")["metadata"]["annotations"]
    )
