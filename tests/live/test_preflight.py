"""The preflight's questions on real servers: Kubernetes, Argo CD, Vault; as an administrator and as who may do little."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from labtui.adapters.kubernetes.questions import KubernetesQuestions
from labtui.core.lab import Lab
from labtui.core.migration.preflight import RunPreflight
from labtui.core.migration.safety import preflight
from labtui.domain.checks import Check, Verdict
from labtui.domain.connections import KubernetesConnection
from labtui.domain.errors import Refused
from labtui.domain.migration.preflight import Right, rights
from labtui.estate.bootstrap import Options, open_lab

pytestmark = pytest.mark.live

COMPOSE = """\
services:
  web:
    image: {registry}/web:1
    environment: {{API_TOKEN: "${{API_TOKEN}}"}}
    ports: ["18093:8080"]
    deploy: {{resources: {{reservations: {{memory: {memory}}}}}}}
"""


class Estate:
    """One stack on one site, and every server."""

    def __init__(self, folder: Path, memory: str = "16M", vault_token: str = "") -> None:
        self.stack = f"lt-{secrets.token_hex(4)}"
        site = folder / "compose" / "wroclaw"
        site.mkdir(parents=True)
        (site / f"{self.stack}.yaml").write_text(COMPOSE.format(registry=os.environ["LIVE_REGISTRY"], memory=memory))
        (site / ".env.user").write_text("API_TOKEN=planted-token-value-1234\n")
        document: dict[str, Any] = {
            "estate": "flight",
            "domain": "example.org",
            "sites": {
                "wroclaw": {
                    "docker": {"host": os.environ["LIVE_DOCKER_WROCLAW"]},
                    "address": "10.99.0.1",
                    "compose": "compose/wroclaw",
                }
            },
            "cluster": {},
            "argocd": {"server": os.environ["ARGOCD_SERVER"], "plaintext": True},
            "vault": {"address": os.environ["VAULT_ADDR"], "mount": "kv"},
        }
        (folder / "labtui.yaml").write_text(yaml.safe_dump(document))
        environ = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
        if vault_token:
            environ["VAULT_TOKEN"] = vault_token
        self.lab: Lab = open_lab(Options(folder / "labtui.yaml", cwd=folder, home=folder), environ)

    def checks(self, **more: Any) -> dict[tuple[str, str], Check]:
        planned = self.lab.planning().plan("wroclaw", self.stack)
        found = list(preflight(self.lab, planned, **more).checks())
        assert all(c.remedy for c in found if c.verdict is Verdict.FAIL), "a failing check says what to do"
        assert "planted-token" not in str(found)
        return {(c.subject, c.name): c for c in found}


@pytest.fixture(autouse=True)
def live() -> Iterator[None]:
    if os.environ.get("LABTUI_LIVE") != "1":
        pytest.skip("needs LABTUI_LIVE=1 (tests/live/README.md)")
    yield


def test_an_administrator_may_begin(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    found = estate.checks(obstacles=lambda: (), holder=lambda: "")
    for subject, name in (
        ("wroclaw", "connection"),
        ("cluster", "connection"),
        ("argocd", "connection"),
        ("vault", "connection"),
        ("cluster", "permissions"),
        ("argocd", "permissions"),
        ("argocd", "EndpointSlices"),
        ("vault", "permissions"),
        ("git", "clean and pushed"),
        ("lease", "no other run"),
    ):
        assert found[subject, name].verdict is Verdict.OK, found[subject, name]
    assert found["cluster", "capacity"].verdict is not Verdict.FAIL, found["cluster", "capacity"]
    assert " of memory" in found["cluster", "capacity"].detail


def test_what_would_not_fit_is_refused_with_the_numbers(tmp_path: Path) -> None:
    estate = Estate(tmp_path, memory="900G")
    planned = estate.lab.planning().plan("wroclaw", estate.stack)
    capacity = estate.checks()["cluster", "capacity"]
    assert capacity.verdict is Verdict.FAIL and "the pods ask for 900G" in capacity.detail
    with pytest.raises(Refused) as caught:
        RunPreflight(preflight(estate.lab, planned).checks).do({}, lambda line: None)
    assert "900G" in caught.value.detail


def test_who_may_read_vault_alone_is_told(tmp_path: Path) -> None:
    token = os.environ.get("LIVE_VAULT_READER_TOKEN")
    if not token:
        pytest.skip("LIVE_VAULT_READER_TOKEN is not set")
    found = Estate(tmp_path, vault_token=token).checks()["vault", "permissions"]
    assert found.verdict is Verdict.FAIL and "may not create" in found.detail


def test_the_answers_are_those_of_kubectl(tmp_path: Path) -> None:
    token = os.environ.get("LIVE_KUBE_VIEWER_TOKEN")
    if not token:
        pytest.skip("LIVE_KUBE_VIEWER_TOKEN is not set")
    raw = subprocess.run(["kubectl", "config", "view", "--raw", "--minify"], capture_output=True, text=True, check=True)
    config = yaml.safe_load(raw.stdout)
    config["users"] = [{"name": u["name"], "user": {"token": token}} for u in config["users"]]
    file = tmp_path / "viewer"
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o600)
    wanted = rights("default", "labtui", [{"kind": "Deployment"}])
    lacking = set(KubernetesQuestions(KubernetesConnection("", (file,))).lacking(wanted))

    def kubectl_says_no(right: Right) -> bool:
        resource = right.resource.partition("/")[0] + (f".{right.group}" if right.group else "")
        part = [f"--subresource={right.resource.partition('/')[2]}"] if "/" in right.resource else []
        words = [
            "kubectl",
            "--kubeconfig",
            str(file),
            "auth",
            "can-i",
            right.verb,
            resource,
            *part,
            "-n",
            right.namespace,
        ]
        return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip() != "yes"

    assert lacking == {right for right in wanted if kubectl_says_no(right)}
    assert Right("create", "leases", "coordination.k8s.io", "labtui") in lacking
    assert Right("list", "pods", "", "default") not in lacking


def test_ingresses_have_the_addresses_that_kubectl_shows() -> None:
    found = KubernetesQuestions(KubernetesConnection()).ingresses()
    form = '{range .items[*]}{.metadata.namespace}/{.metadata.name} {.status.loadBalancer.ingress[*].ip}{"\\n"}{end}'
    words = ["kubectl", "get", "ingress", "-A", "-o", f"jsonpath={form}"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert sorted(f"{i.namespace}/{i.name} {' '.join(i.addresses)}" for i in found) == sorted(
        line for line in shown if line
    )
