"""The app of apps on a real Argo CD: waves in order, projects that suffice, a secret from Vault; and what the API server takes."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.live.app_of_apps_fixture import SLOW, LiveAppOfApps, dry_run
from tests.live.gitops_fixture import wait_until
from tests.manifests.helm import ENVIRONMENTS, MANIFESTS, WRAPPERS, template, value_file, without_dependencies

pytestmark = pytest.mark.live

SERVED = {"v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "discovery.k8s.io/v1"}
SERVED |= {"argoproj.io/v1alpha1", "external-secrets.io/v1"}


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveAppOfApps]:
    with LiveAppOfApps(tmp_path_factory.mktemp("app-of-apps"), secrets.token_hex(8)) as found:
        found.deploy()
        yield found


def test_all_become_healthy_wave_after_wave(estate: LiveAppOfApps) -> None:
    parent = estate.healthy(estate.parent, seconds=240)
    made = [estate.healthy(name) for name in estate.applications.values()]
    assert parent["status"]["operationState"]["phase"] == "Succeeded"

    begun = [app["metadata"]["creationTimestamp"] for app in made]
    assert begun == sorted(begun) and len(set(begun)) == len(begun)
    for number, application in enumerate(list(estate.applications)[:-1]):
        assert estate.ready_since(application) <= begun[number + 1], f"the wave after {application} did not wait for it"
    first = estate.object("deployment", "first")
    assert estate.ready_since("first") > first["metadata"]["creationTimestamp"], f"it takes {SLOW} s to be ready"

    managed = {r["name"]: r for r in parent["status"]["resources"]}
    waves = [managed[name].get("syncWave", 0) for name in estate.applications.values()]
    assert waves == [-20, -10, 0]
    projects = [managed[estate.layer_project(layer)] for layer in ("infrastructure", "platform", "applications")]
    assert [p["syncWave"] for p in projects] == [-100, -100, -100]
    assert [app["spec"]["project"] for app in made] == [p["name"] for p in projects]


def test_the_secret_is_filled_from_vault(estate: LiveAppOfApps) -> None:
    estate.healthy(estate.applications["secret"], seconds=240)
    secret = estate.object("secret", "secret")
    assert base64.b64decode(secret["data"]["PASSWORD"]).decode() == estate.value
    external = estate.object("externalsecret", "secret")
    ready = next(c for c in external["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "SecretSynced")
    assert estate.value not in yaml.safe_dump(external)


def test_an_entry_that_goes_takes_its_application_away_and_leaves_its_objects(estate: LiveAppOfApps) -> None:
    name = estate.applications["last"]
    estate.healthy(name, seconds=240)
    estate.take_away("last")
    wait_until(f"{name} is gone", lambda: not estate.exists(name), 90, every=0.5)
    assert estate.object("deployment", "last")["status"]["availableReplicas"] == 1
    assert estate.exists(estate.applications["first"])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_server_takes_the_app_of_apps(environment: str) -> None:
    found = template(MANIFESTS / "app-of-apps", MANIFESTS / f"app-of-apps/values/{environment}.yaml")
    dry_run(yaml.safe_dump_all(found), "argocd")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("chart", WRAPPERS)
def test_the_api_server_takes_a_wrappers_own_objects(chart: str, environment: str, tmp_path: Path) -> None:
    copy = without_dependencies(MANIFESTS / chart, tmp_path)
    found = template(copy, value_file(chart, environment), namespace="default")
    served = [o for o in found if o["apiVersion"] in SERVED]
    assert served, "there is something to ask about"
    dry_run(yaml.safe_dump_all(served), "default")


def test_the_api_server_takes_the_external_services() -> None:
    files = MANIFESTS / "applications/values/homelab/external-services.yaml"
    dry_run(
        yaml.safe_dump_all(template(MANIFESTS / "applications/charts/external-services", files, namespace="default")),
        "default",
    )
