"""Diffs and trees."""

from __future__ import annotations

import json
from typing import Any

import httpx

from labtui.adapters.argocd import differences

from .support import Server, ref


def _secret(**values: str) -> dict[str, Any]:
    meta = {"name": "s", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(values)}}
    return {"kind": "Secret", "metadata": meta, "data": values}


def _item(kind: str, live: Any, wanted: Any, **more: Any) -> dict[str, Any]:
    states = {
        "normalizedLiveState": json.dumps(live),
        "predictedLiveState": json.dumps(wanted),
        "targetState": json.dumps(wanted),
    }
    return {"kind": kind, "namespace": "n", "name": "x"} | states | more


def test_server_set_fields_do_not_count() -> None:
    live = {
        "metadata": {"uid": "1", "managedFields": [], "resourceVersion": "4"},
        "status": {"a": 1},
        "data": {"k": "v"},
    }
    assert differences.managed([_item("ConfigMap", live, {"metadata": {}, "data": {"k": "v"}})]) == ()


def test_a_change_is_a_unified_diff() -> None:
    (item,) = differences.managed([_item("ConfigMap", {"data": {"k": "old"}}, {"data": {"k": "new"}})])
    assert [line for line in item.lines if line[0] in "+-"] == ["-  k: old", "+  k: new"]


def test_hooks_are_left_out_and_pruned_ones_marked() -> None:
    items = [_item("Job", None, {"a": 1}, hook=True), _item("Pod", {"a": 1}, None)]
    (pruned,) = differences.managed(items)
    assert pruned.kind == "Pod" and "prune" in pruned.note and "-a: 1" in pruned.lines


def test_secret_values_never_show() -> None:
    old, new = _secret(same="aaaa", other="bbbb"), _secret(same="aaaa", other="cccc", more="dddd")
    (item,) = differences.managed([_item("Secret", old, new)])
    text = "\n".join(item.lines)
    assert not any(value in text for value in ("aaaa", "bbbb", "cccc", "dddd"))
    assert "-  other: ++++++++" in item.lines and "+  other: +++++++++" in item.lines
    assert "   same: ++++++++" in item.lines


def test_secrets_masked_by_the_server_stay_different() -> None:
    (item,) = differences.managed([_item("Secret", _secret(k="+++++++"), _secret(k="++++++++++"))])
    assert item.lines


def test_what_is_no_manifest_is_no_difference() -> None:
    assert differences.manifests([None, 7, "{", "[]"], ["null"]) == ()
    assert differences.managed([{"kind": "Pod", "name": "x"}]) == ()


def test_manifests_of_two_revisions() -> None:
    def manifest(name: str, value: str) -> str:
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": value}})

    found = differences.manifests(
        [manifest("a", "1"), manifest("gone", "1")], [manifest("a", "2"), manifest("new", "1")]
    )
    assert [(i.name, i.note) for i in found] == [("a", ""), ("gone", "only in the older"), ("new", "only in the newer")]


def test_tree_has_parents_first_and_survives_circles() -> None:
    def node(name: str, parent: str | None = None) -> dict[str, Any]:
        parents = [{"kind": "X", "namespace": "n", "name": parent}] if parent else []
        return {"kind": "X", "namespace": "n", "name": name, "parentRefs": parents}

    nodes = [
        node("grandchild", "child"),
        node("child", "top"),
        node("top"),
        node("orphan", "not-there"),
        node("a", "b"),
        node("b", "a"),
    ]
    server = Server({"GET /api/v1/applications/web/resource-tree": httpx.Response(200, json={"nodes": nodes})})
    source = server.source()
    assert [n.name for n in source.tree(ref(source))] == ["top", "child", "grandchild", "orphan"]
