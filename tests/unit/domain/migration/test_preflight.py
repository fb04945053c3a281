"""What is judged before a stack is moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from labtui.domain.checks import Check, Verdict
from labtui.domain.conversion.facts import ClusterFacts, Facts, ImageFacts, NodeFacts
from labtui.domain.conversion.findings import Finding, PlannedSecret, StackPlan
from labtui.domain.conversion.findings import Verdict as Said
from labtui.domain.migration import preflight as judge
from labtui.domain.migration.preflight import IngressState, Right
from labtui.domain.resources.argocd import Operation
from tests.unit.core.fakes import application

NODE = NodeFacts("mini", "arm64", 4.0, 8 << 30, 16 << 30)
CLUSTER = ClusterFacts((NODE,), ("local-path",), "local-path")


def plan(*findings: Finding, secrets: tuple[PlannedSecret, ...] = (), **values: Any) -> StackPlan:
    return StackPlan("wroclaw", "web", ("web",), findings, values, secrets)


def only(checks: Any) -> Check:
    (found,) = list(checks)
    assert isinstance(found, Check)
    if found.verdict is Verdict.FAIL:
        assert found.remedy, "a failing check says what to do"
    return found


def test_an_undecided_plan_fails() -> None:
    assert only(judge.judge_plan(plan(Finding("web", "image", Said.CONVERTED, "")), None)).verdict is Verdict.OK
    refused = only(judge.judge_plan(plan(Finding("web", "devices", Said.REFUSED, "no")), None))
    assert refused.verdict is Verdict.FAIL and "labtui plan wroclaw/web" in refused.remedy


def test_a_secret_without_a_value_has_to_be_in_vault() -> None:
    bare = plan(secrets=(PlannedSecret("web", "apps/web", "KEY", "KEY", "name", None),))
    assert [c.verdict for c in judge.judge_plan(bare, {"apps/web": frozenset({"KEY"})})] == [Verdict.OK]
    missing = list(judge.judge_plan(bare, {}))[-1]
    assert missing.verdict is Verdict.FAIL and "apps/web#KEY" in missing.detail


@pytest.mark.parametrize(
    ("there", "verdict"), [(("arm64", "amd64"), Verdict.OK), (("amd64",), Verdict.WARN), ((), Verdict.WARN)]
)
def test_images_have_to_run_on_the_nodes(there: tuple[str, ...], verdict: Verdict) -> None:
    facts = Facts(images={"web:1": ImageFacts(there)}, cluster=CLUSTER)
    assert only(judge.judge_images(plan(components={"web": {"image": "web:1"}}), facts)).verdict is verdict


def claim(**pvc: str) -> StackPlan:
    return plan(components={"web": {"volumes": [{"mountPath": "/d", "pvc": pvc}]}})


@pytest.mark.parametrize(
    ("wanted", "default", "verdict"),
    [
        (claim(), "local-path", Verdict.OK),
        (claim(), "", Verdict.FAIL),
        (claim(storageClass="local-path"), "", Verdict.OK),
        (claim(storageClass="fast"), "local-path", Verdict.FAIL),
    ],
)
def test_claims_need_a_storage_class(wanted: StackPlan, default: str, verdict: Verdict) -> None:
    assert only(judge.judge_storage(wanted, replace(CLUSTER, default_storage_class=default))).verdict is verdict


def test_claims_that_exist_need_none() -> None:
    assert list(judge.judge_storage(claim(existingClaim="x"), replace(CLUSTER, default_storage_class=""))) == []


EDGE = plan(ingress={"host": "web.example.org", "className": "nginx"})
MINE = IngressState("web", "web", "nginx", ("web.example.org",), ("10.0.0.2",))
OLD = IngressState("external", "web", "nginx", ("web.example.org",), ("10.0.0.2",))
PEER = IngressState("other", "x", "nginx", ("x.example.org",), ("10.0.0.2",))


@pytest.mark.parametrize(
    ("ingresses", "verdict", "words"),
    [
        ([MINE], Verdict.OK, "10.0.0.2"),
        ([OLD], Verdict.OK, "external/web"),
        ([MINE, OLD], Verdict.FAIL, "external/web claims web.example.org, too"),
        ([replace(MINE, addresses=())], Verdict.FAIL, "has no address"),
        ([PEER], Verdict.OK, "is free"),
        ([replace(PEER, class_name="caddy")], Verdict.WARN, "not known"),
        ([], Verdict.WARN, "not known"),
    ],
)
def test_the_edge_of_the_host_name(ingresses: list[IngressState], verdict: Verdict, words: str) -> None:
    found = only(judge.judge_edge(EDGE, "web", ingresses))
    assert found.verdict is verdict and words in found.detail


def test_a_stack_without_a_host_name_has_no_edge() -> None:
    assert list(judge.judge_edge(plan(), "web", [])) == []


def test_argocd_and_its_applications() -> None:
    well = application("web", sync="Synced", health="Healthy")
    found = {c.name: c for c in judge.judge_argocd("v3.2.1", [well], {})}
    assert {c.verdict for c in found.values()} == {Verdict.OK}
    for bad, words in (
        (replace(well, sync="OutOfSync"), "OutOfSync"),
        (replace(well, health="Degraded", health_message="crash"), "crash"),
        (replace(well, operation=Operation("Running")), "an operation runs"),
    ):
        check = list(judge.judge_argocd("v3.2.1", [bad], {}))[1]
        assert check.verdict is Verdict.FAIL and words in check.detail and check.remedy
    assert list(judge.judge_argocd("v3.2.1", [well], {"web": "closed"}))[1].detail == "closed"
    assert [next(judge.judge_argocd(v, [], {})).verdict for v in ("v2.14.0", "", "v3.1.0+x")] == [
        Verdict.WARN,
        Verdict.WARN,
        Verdict.OK,
    ]


# What Argo CD 3 has by default (argo-cd, manifests/base/config/argocd-cm.yaml)
DEFAULT = """
- apiGroups: ['', discovery.k8s.io]
  kinds: [Endpoints, EndpointSlice]
- apiGroups: [coordination.k8s.io]
  kinds: [Lease]
"""


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("", False),
        (DEFAULT, True),
        ("- {apiGroups: [coordination.k8s.io], kinds: [Lease]}", False),
        ("- {apiGroups: ['*'], kinds: ['*'], clusters: [https://192.168.0.20]}", False),
        ("- {apiGroups: ['*'], kinds: ['*Slice'], clusters: ['*']}", True),
        ("- {kinds: [EndpointSlice]}", True),
        ("- {apiGroups: ['discovery.*']}", True),
        ("just text", False),
        ("- 1", False),
    ],
)
def test_endpoint_slices_that_argocd_leaves_out(text: str, excluded: bool) -> None:
    assert judge.excludes_slices(yaml.safe_load(text)) is excluded


def test_the_rights_that_are_needed() -> None:
    found = judge.rights("web", "labtui", [{"kind": "Ingress"}, {"kind": "Ingress"}, {"kind": "Odd"}])
    assert Right("create", "leases", "coordination.k8s.io", "labtui") in found
    assert Right("patch", "ingresses", "networking.k8s.io", "web") in found
    assert len(set(found)) == len(found)
    assert Right("patch", "ingresses", "networking.k8s.io", "web") not in judge.rights("web", "labtui")
    assert Right("get", "pods/log", "", "web").words == "get pods/log in web"


def test_ports_that_docker_chooses_are_refused() -> None:
    assert list(judge.judge_ports(())) == []
    found = only(judge.judge_ports(("web:8080", "api:9000")))
    assert found.verdict is Verdict.FAIL and "web:8080, api:9000" in found.detail and "8080:80" in found.remedy


def test_the_rights_of_the_journal_and_of_what_is_applied_without_argo_cd() -> None:
    through_git = judge.rights("web", "labtui")
    for verb in ("get", "create", "update"):
        assert Right(verb, "leases", "coordination.k8s.io", "labtui") in through_git
    for verb in ("get", "list", "create", "update"):  # `list` shows the migrations that the cluster knows of
        assert Right(verb, "configmaps", "", "labtui") in through_git
    assert not [right for right in through_git if right.resource == "namespaces"]
    applied = judge.rights("web", "labtui", [{"kind": "Service"}])
    assert {right.verb for right in applied if right.resource == "namespaces"} == {"get", "create", "patch"}
