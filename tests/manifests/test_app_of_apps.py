"""The app of apps: every override at its level, waves, projects, and a list that names nothing that is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.demo.files import data_folder, load_applications
from tests.manifests.helm import ENVIRONMENTS, MANIFESTS, lint, refusal, template

CHART = MANIFESTS / "app-of-apps"
WAVE = "argocd.argoproj.io/sync-wave"
STACKS = {  # Compose stack: the applications that stand for it
    "authelia": {"authelia"},
    "caddy": {"ingress-nginx", "cert-manager"},
    "emby": {"emby"},
    "immich": {"immich"},
    "monitoring": {"alloy", "victoriametrics", "victorialogs", "grafana"},
    "transmission": {"transmission"},
}


def environment_file(environment: str) -> Path:
    return CHART / "values" / f"{environment}.yaml"


def entries(environment: str) -> list[dict[str, Any]]:
    values = yaml.safe_load(environment_file(environment).read_text(encoding="utf-8"))
    return [entry for layer in values["layers"].values() for entry in layer["applications"]]


def rendered(*files: Path, values: dict[str, Any] | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    found = template(CHART, *files, values=values)
    return {(o["kind"], o["metadata"]["name"]): o for o in found}


def wave(application: dict[str, Any]) -> int:
    return int(application["metadata"]["annotations"][WAVE])


def small(**application: Any) -> dict[str, Any]:
    """One application `web` with these keys."""
    entry = {"name": "web", "enabled": True, "path": "charts/web", "namespace": "web", **application}
    return {"layers": {"applications": {"applications": [entry]}}}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_lint_and_one_application_an_enabled_entry(environment: str) -> None:
    lint(CHART, environment_file(environment))
    found = rendered(environment_file(environment))
    assert {name for kind, name in found if kind == "Application"} == {
        e["name"] for e in entries(environment) if e["enabled"]
    }
    for (kind, _), each in found.items():
        assert each["metadata"]["namespace"] == "argocd"
        if kind == "Application":
            policy = each["spec"]["syncPolicy"]
            assert {"CreateNamespace=true", "ServerSideApply=true"} <= set(policy["syncOptions"])
            assert policy["retry"]["limit"] and policy["retry"]["backoff"]["maxDuration"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_others_need_comes_first(environment: str) -> None:
    found = rendered(environment_file(environment))
    waves = {name: wave(each) for (kind, name), each in found.items() if kind == "Application"}
    order = ["ingress-nginx", "vault", "external-secrets", "cert-manager", "authelia", "emby"]
    assert [waves[name] for name in order] == sorted({waves[name] for name in order})
    projects = [wave(each) for (kind, _), each in found.items() if kind == "AppProject"]
    assert projects and max(projects) < min(waves.values())


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_application_may_do_what_its_project_allows(environment: str) -> None:
    found = rendered(environment_file(environment))
    for (kind, name), each in found.items():
        if kind != "Application":
            continue
        spec = each["spec"]
        project = found["AppProject", spec["project"]]["spec"]
        assert spec["project"] == each["metadata"]["labels"]["labtui.dev/layer"]
        assert spec["source"]["repoURL"] in project["sourceRepos"], name
        assert spec["destination"] in [dict(d) for d in project["destinations"]], name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_that_an_enabled_entry_names_is_in_the_repository(environment: str) -> None:
    for entry in entries(environment):
        if not entry["enabled"]:
            continue
        assert (MANIFESTS.parent / entry["path"] / "Chart.yaml").is_file(), entry["name"]
        files = entry["helm"]["valueFiles"]
        assert files, entry["name"]
        for file in files:
            assert f"/values/{environment}/" in file, file
            assert (MANIFESTS.parent / file.lstrip("/")).is_file(), file


def test_every_compose_stack_has_its_entry() -> None:
    compose = data_folder("compose")
    stacks = {f.stem for site in ("wroclaw", "kyiv") for f in (compose / site).glob("*.yaml")}
    assert stacks == set(STACKS)
    names = {entry["name"] for entry in entries("homelab")}
    for stack, applications in STACKS.items():
        assert applications <= names, stack


def test_the_demo_reads_the_same_policies_as_helm_renders() -> None:
    found = rendered(environment_file("homelab"))
    _, known = load_applications(MANIFESTS)
    for entry in known:
        policy = found["Application", entry.name]["spec"]["syncPolicy"]
        assert policy.get("automated") == (dict(entry.automated) if entry.automated else None), entry.name
        assert tuple(policy["syncOptions"]) == entry.sync_options


def test_overrides_at_every_level() -> None:
    values: dict[str, Any] = {
        "revision": "global",
        "labels": {"level": "global", "gone": "yes", "kept": "global"},
        "syncPolicy": {"retry": {"limit": 1}, "syncOptions": ["CreateNamespace=false"]},
        "layers": {
            "platform": {
                "labels": {"level": "layer", "gone": None},
                "revision": "layer",
                "syncPolicy": {"automated": {"prune": False}},
                "annotations": {WAVE: "-1"},
                "applications": [
                    {"name": "a", "enabled": True, "path": "p", "namespace": "ns"},
                    {
                        "name": "b",
                        "enabled": True,
                        "path": "p",
                        "namespace": "ns",
                        "revision": "application",
                        "project": "other",
                        "destination": "https://other.example.org:6443",
                        "labels": {"level": "application"},
                        "annotations": {WAVE: "7"},
                        "finalizers": ["resources-finalizer.argocd.argoproj.io"],
                        "syncPolicy": {"automated": {"prune": True, "enabled": False}, "retry": None},
                    },
                    {"name": "off", "enabled": False, "path": "p", "namespace": "ns"},
                ],
            }
        },
    }
    found = rendered(values=values)
    assert {name for kind, name in found if kind == "Application"} == {"a", "b"}
    a, b = found["Application", "a"], found["Application", "b"]
    own = {"labtui.dev/environment": "homelab", "labtui.dev/layer": "platform"}
    assert a["metadata"]["labels"] == {"level": "layer", "kept": "global", **own}
    assert b["metadata"]["labels"] == {"level": "application", "kept": "global", **own}
    assert (wave(a), wave(b)) == (-1, 7)
    assert [x["spec"]["source"]["targetRevision"] for x in (a, b)] == ["layer", "application"]
    assert [x["spec"]["project"] for x in (a, b)] == ["platform", "other"]
    assert [x["spec"]["destination"]["server"] for x in (a, b)] == [
        "https://kubernetes.default.svc",
        "https://other.example.org:6443",
    ]
    assert "finalizers" not in a["metadata"]
    assert b["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]
    policy = a["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": False} and policy["syncOptions"] == ["CreateNamespace=false"]
    assert policy["retry"]["limit"] == 1
    assert b["spec"]["syncPolicy"]["automated"] == {"prune": True, "enabled": False}


@pytest.mark.parametrize("level", ["global", "layer", "application"])
def test_null_leaves_a_key_out(level: str) -> None:
    values = small()
    place = values
    if level != "global":
        place = values["layers"]["applications"]
    if level == "application":
        place = place["applications"][0]
    place["syncPolicy"] = {"automated": None}
    place["revisionHistoryLimit"] = None
    application = rendered(values=values)["Application", "web"]
    assert "automated" not in application["spec"]["syncPolicy"]
    assert "retry" in application["spec"]["syncPolicy"]
    assert "revisionHistoryLimit" not in application["spec"]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"enviroment": "x"}, "enviroment"),
        ({"layers": {"plattform": {"applications": []}}}, "plattform"),
        ({"layers": {"platform": {"apps": []}}}, "apps"),
        ({"syncPolicy": {"automated": {"selfheal": True}}}, "selfheal"),
        ({"syncPolicy": {"syncOptions": ["ServerSideApply"]}}, "ServerSideApply"),
        (small(namespce="x"), "namespce"),
        (small(enabled="yes"), "enabled"),
        (small(namespace="Web_1"), "namespace"),
        (small(path="/charts/web"), "path"),
        (small(annotations={WAVE: 3}), "sync-wave"),
        (small(helm={"valuesFiles": []}), "valuesFiles"),
        (small(helm={"valueFiles": ["values.yml.tmpl"]}), "valueFiles"),
    ],
)
def test_the_schema_refuses_a_typo(values: dict[str, Any], word: str) -> None:
    assert word in refusal(CHART, values=values)


def test_two_entries_of_one_name_are_refused() -> None:
    values = small()
    values["layers"]["platform"] = values["layers"]["applications"]
    assert "two entries are called web" in refusal(CHART, values=values)
